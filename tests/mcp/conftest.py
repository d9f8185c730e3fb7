"""A workspace with a manifest, and its servers opened as the application opens them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.tool import Caller, ToolResult
from sidecar.mcp.servers import McpServers, Options

FAKE = Path(__file__).parents[1] / "fakes" / "mcp_server.py"
SDK = FAKE.with_name("mcp_sdk_server.py")


def fake(*words: str, **more: Any) -> dict[str, Any]:
    """A manifest's entry for the server by hand."""
    return {"command": sys.executable, "args": [str(FAKE), *words], **more}


@dataclass
class Yard:
    """A workspace and its state folder; `open` gives the servers of the manifests as they are now."""

    workspace: Path
    state: Path
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def write(self, servers: dict[str, Any], name: str = ".mcp.json", key: str = "mcpServers") -> Path:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({key: servers}), encoding="utf-8")
        return path

    async def open(self, **options: Any) -> McpServers:
        given = replace(Options(self.workspace, start=20.0, silence=20.0), **options)
        servers = McpServers(given, self.state, dict(os.environ), "1.2.3")
        self.stack.push_async_callback(servers.aclose)
        await servers.refresh()
        return servers

    async def approved(self, *names: str, **options: Any) -> McpServers:
        """The servers, these of them approved with the tools that they have."""
        servers = await self.open(**options)
        for name in names:
            await approve(servers, name)
        return servers


async def approve(servers: McpServers, name: str) -> None:
    """Approve a server as a person does: its start, then its tools."""
    await servers.approve_start(name)
    await servers.approve_tools(name, await servers.test(name))


async def call(servers: McpServers, name: str, _caller: Caller | None = None, **arguments: Any) -> ToolResult:
    """Call a tool by our name for it."""
    tool = next(tool for tool in servers.tools() if tool.spec.name == name)
    return await tool.call(arguments, _caller or Caller())


Clock = Callable[[], float]


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    workspace, state = tmp_path / "work", tmp_path / "state"
    workspace.mkdir()
    made = Yard(workspace, state)
    async with made.stack:
        yield made
