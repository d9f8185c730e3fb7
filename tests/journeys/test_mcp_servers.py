"""Servers made by others, installed from npm: found, approved, offered over `/mcp` under our names, and ended with us."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.conftest import Rig
from tests.journeys.conftest import Serve, Start
from tests.journeys.processes import Sidecar, still_running

Approve = Callable[..., Awaitable[None]]


@pytest.fixture
def approve(start: Start, rig: Rig, tally: Path) -> Approve:
    """Writes the manifest and approves all of its servers on the command line."""

    async def run(**settings: str) -> None:
        folder = Path(rig.environment["RIG_MCP"])
        entries = {
            name: {"command": rig.node, "args": [str(folder / ".bin" / f"mcp-server-{name}"), *more]}
            for name, more in (("everything", ()), ("filesystem", (str(tally),)), ("memory", ()))
        }
        entries["memory"]["env"] = {"MEMORY_FILE_PATH": str(tally.parent / "memory.jsonl")}
        (tally / ".mcp.json").write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")
        for name in entries:
            command = (sys.executable, "-m", "sidecar", "mcp", "approve", name, "--yes")
            done = await (await start(*command, **settings)).outcome()
            assert done.code == 0, done.err

    return run


@asynccontextmanager
async def connected(sidecar: Sidecar) -> AsyncIterator[Client]:
    async with Client(streamable_http_client(f"{sidecar.base_url}/mcp")) as client:
        yield client


async def test_three_servers_are_used_through_us(approve: Approve, serve: Serve, tally: Path) -> None:
    await approve()
    sidecar = await serve()
    async with asyncio.timeout(60), connected(sidecar) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"everything__get-sum", "filesystem__read_text_file", "memory__create_entities"} <= names
        assert "5" in (await client.call_tool("everything__get-sum", {"a": 2, "b": 3})).content[0].text
        picture = await client.call_tool("everything__get-tiny-image", {})
        assert [block.mime_type for block in picture.content if block.type == "image"] == ["image/png"]
        structured = await client.call_tool("everything__get-structured-content", {"location": "New York"})
        assert structured.structured_content
        heard: list[float] = []

        async def hear(done: float, _: float | None, __: str | None) -> None:
            heard.append(done)

        long = {"duration": 1, "steps": 4}
        await client.call_tool("everything__trigger-long-running-operation", long, progress_callback=hear)
        assert heard[-1] == 4
        read = await client.call_tool("filesystem__read_text_file", {"path": str(tally / "README.md")})
        assert not read.is_error, read
        outside = await client.call_tool("filesystem__read_text_file", {"path": "/etc/hostname"})
        assert outside.is_error
        assert "outside allowed directories" in outside.content[0].text
        entity = {"name": "tally", "entityType": "project", "observations": ["counts fees"]}
        await client.call_tool("memory__create_entities", {"entities": [entity]})
        found = await client.call_tool("memory__search_nodes", {"query": "fees"})
        assert "tally" in found.content[0].text
    assert "counts fees" in (tally.parent / "memory.jsonl").read_text(encoding="utf-8")


def command(process: psutil.Process) -> str:
    """Its command line; empty once it has ended, as what started a server may have."""
    with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


async def test_our_violent_end_is_theirs(approve: Approve, serve: Serve) -> None:
    await approve()
    sidecar = await serve()
    async with asyncio.timeout(60), connected(sidecar) as client:
        await client.call_tool("everything__echo", {"message": "hello"})
    children = await asyncio.to_thread(psutil.Process(sidecar.process.pid).children, recursive=True)
    assert any("server-everything" in command(child) for child in children)
    sidecar.signal(signal.SIGKILL)
    await sidecar.process.wait()
    assert await asyncio.to_thread(still_running, children, 10) == []


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
async def test_a_server_in_bubblewrap_is_used_through_us(approve: Approve, serve: Serve, tally: Path) -> None:
    sandbox = {"MCP_SANDBOX_ENABLED": "true", "MCP_SANDBOX_RUNTIME": "bubblewrap"}
    await approve(**sandbox)
    sidecar = await serve(**sandbox)
    async with asyncio.timeout(60), connected(sidecar) as client:
        read = await client.call_tool("filesystem__read_text_file", {"path": str(tally / "README.md")})
        assert not read.is_error, read
        written = await client.call_tool("filesystem__write_file", {"path": str(tally / "new"), "content": "x"})
        assert written.is_error
    assert not (tally / "new").exists()
