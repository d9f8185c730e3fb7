"""The third door: the Claude Code CLI finds us as its IDE (lock file, WebSocket, MCP) and asks for diagnostics and consent."""
