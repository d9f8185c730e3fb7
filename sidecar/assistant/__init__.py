"""Answer one turn of the assistant: which provider, which context, which tools."""
