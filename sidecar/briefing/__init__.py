"""What an assistant should know of the project before it begins: the block of CLAUDE.md."""
