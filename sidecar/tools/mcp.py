"""The family `mcp`: which MCP servers there are, a call by server and tool, and every approved tool under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidecar.core.errors import NotFound
from sidecar.core.tool import Caller, Tool, ToolBox, ToolResult
from sidecar.mcp.servers import McpServers, View
from sidecar.mcp.tools import McpTool
from sidecar.tools.define import Input, Nothing, also, define


class CallServer(Input):
    """A tool of a server, by the server's own names."""

    server: str = also("server", about="The server's name, as mcp_servers gives it.", max_length=200)
    tool: str = also("tool", "name", "method", about="The tool's name at that server.", max_length=200)
    arguments: dict[str, Any] = also("arguments", "params", default={}, about="The tool's arguments.")


class McpTools:
    """What the model can do with MCP servers: approving one is the user's alone."""

    def __init__(self, servers: McpServers, box: ToolBox) -> None:
        self._servers = servers
        self._box = box

    def tools(self) -> Sequence[Tool]:
        """All of them, as they stand now."""
        own = [define("mcp_servers", "read", self.list_servers), define("mcp_call", "send", self.call)]
        return [*own, *self._servers.tools()]

    async def list_servers(self, _: Nothing, caller: Caller) -> ToolResult:
        """The MCP servers of this workspace, whether the user approved them, and their tools."""
        rows = [_row(view) for view in self._servers.views()]
        lines = [f"- {row['name']}: {row['state']}; tools: {', '.join(row['tools']) or 'none'}" for row in rows]
        lines += [f"- {problem}" for problem in self._servers.problems]
        return ToolResult(value={"servers": rows}, text="\n".join(lines) or "There are no MCP servers here.")

    async def call(self, given: CallServer, caller: Caller) -> ToolResult:
        """Call a tool of an approved MCP server by the server's own names."""
        self._servers.view(given.server)
        for tool in self._servers.tools():
            if isinstance(tool, McpTool) and tool.stands_for(given.server, given.tool):
                # By way of the toolbox: what binds the tool under its own name binds it here.
                return await self._box.call(tool.spec.name, given.arguments, caller)
        raise NotFound(
            f"The MCP server {given.server} offers no approved tool {given.tool[:80]!r}; mcp_servers lists them."
        )


def _row(view: View) -> dict[str, Any]:
    row: dict[str, Any] = {"name": view.name, "state": view.state, "running": view.running}
    row["tools"] = [tool.name for tool in view.tools] if view.state == "approved" else []
    if view.problem:
        row["problem"] = view.problem
    return row
