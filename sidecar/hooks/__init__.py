"""What Claude Code may do with its own tools, when its hooks ask: git by the rules, edits by their risk."""
