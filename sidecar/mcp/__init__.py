"""MCP both ways: what we offer as a server, and the servers that are found, approved, started and spoken to as a client."""
