"""Find, start, speak to and stop MCP servers."""
