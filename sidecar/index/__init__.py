"""Turn a folder into symbols and facts about the project."""
