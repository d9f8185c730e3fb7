"""A server's tool under a name of ours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from sidecar.core.tool import Caller, Effect, ToolResult, ToolSpec
from sidecar.mcp.approvals import RemoteTool
from sidecar.mcp.manifest import Entry

LONGEST_NAME: Final = 50
"""Clients put `mcp__sidecar__` before it, and 64 characters are what every model takes."""

CallServer = Callable[[str, RemoteTool, Mapping[str, Any], Caller], Awaitable[ToolResult]]


class McpTool:
    """A server's tool under our name. Implements `core.tool.Tool`."""

    def __init__(self, call: CallServer, entry: Entry, tool: RemoteTool, name: str) -> None:
        self._call = call
        self._server = entry.name
        self._tool = tool
        effect: Effect = "send" if entry.url else "run"
        about = tool.description or tool.title or tool.name
        self.spec = ToolSpec(name, f"{about}\n(From the MCP server {entry.name}.)", tool.schema, effect, tool.title)

    async def call(self, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """Hand it to its server. Raises SidecarError."""
        return await self._call(self._server, self._tool, arguments, caller)

    def stands_for(self, server: str, tool: str) -> bool:
        """Whether it is this tool of this server, by the server's own names."""
        return (self._server, self._tool.name) == (server, tool)


def tool_name(server: str, tool: str, taken: AbstractSet[str]) -> str:
    """`server__tool` in letters that every model takes; where it is too long or taken, a fingerprint makes it one."""
    name = f"{_plain(server)}__{_plain(tool)}"
    if len(name) <= LONGEST_NAME and name not in taken:
        return name
    mark = hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest()
    made = (f"{name[: LONGEST_NAME - length - 1]}_{mark[:length]}" for length in range(6, 33))
    return next((one for one in made if one not in taken), mark[:LONGEST_NAME])


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "x"
