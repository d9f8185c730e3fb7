"""One connection, with servers made by others: the SDK's over both transports, and what is no MCP server at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from sidecar.core.errors import UpstreamError, UpstreamUnreachable
from sidecar.core.tool import Caller
from sidecar.mcp.manifest import Entry
from sidecar.mcp.session import MOST_TOOLS, Session
from tests.mcp.conftest import SDK, Yard, approve, call, fake


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["stdio", "http"])
def entry(request: pytest.FixtureRequest) -> Iterator[dict]:
    """The SDK's own server, as a manifest names it."""
    if request.param == "stdio":
        yield {"command": sys.executable, "args": [str(SDK)]}
        return
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, SDK, str(port)], **quiet) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)  # between two looks at a state
        yield {"url": f"http://127.0.0.1:{port}/mcp"}
        process.kill()


async def test_a_server_of_the_sdk_is_used(yard: Yard, entry: dict) -> None:
    yard.write({"python": entry})
    servers = await yard.approved("python")
    assert [tool.spec.name for tool in servers.tools()] == ["python__add", "python__slow", "python__forever"]
    result = await call(servers, "python__add", a=2, b=3)
    assert (result.text, result.value) == ("5", {"result": 5})
    wrong = await call(servers, "python__add", a="x", b=3)
    assert wrong.error
    heard: list[tuple[float, float | None, str]] = []
    told = await call(servers, "python__slow", Caller(progress=lambda *said: heard.append(said)), steps=3)
    assert told.text == "3 steps"
    assert heard[-1] == (3, 3, "step 3")


async def test_progress_is_a_sign_of_life(yard: Yard, entry: dict) -> None:
    yard.write({"python": entry})
    servers = await yard.approved("python", silence=2.0)
    async with asyncio.timeout(30):
        # 60 steps of 50 ms are longer than the silence that is borne
        assert (await call(servers, "python__slow", steps=60)).text == "60 steps"


async def test_silence_and_cancelling_end_a_call(yard: Yard, entry: dict) -> None:
    yard.write({"python": entry})
    servers = await yard.approved("python", silence=1.5)
    running = asyncio.ensure_future(call(servers, "python__forever"))
    await asyncio.wait({running}, timeout=0.5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(UpstreamUnreachable, match=r"no sign of life for 1\.5 s"):
        await call(servers, "python__forever")


@asynccontextmanager
async def answering(status: int, body: str = "") -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
async def test_an_address_that_is_no_mcp_server_is_told(yard: Yard, status: int) -> None:
    async with answering(status, "<html>") as url:
        yard.write({"one": {"url": url}})
        servers = await yard.open(start=10.0)
        await servers.approve_start("one")
        with pytest.raises(UpstreamError, match="The MCP server one"):
            await servers.test("one")


async def test_an_address_where_nobody_listens_is_told(yard: Yard) -> None:
    yard.write({"one": {"url": f"http://127.0.0.1:{free_port()}/mcp"}})
    servers = await yard.open()
    await servers.approve_start("one")
    with pytest.raises(UpstreamUnreachable, match="could not be reached"):
        await servers.test("one")


async def test_headers_are_sent(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("authorization"))
        return web.Response(status=500)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("THEIR_KEY", "key-1")
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    yard.write({"one": {"url": url, "headers": {"Authorization": "Bearer ${THEIR_KEY}"}}})
    servers = await yard.open(start=10.0)
    await servers.approve_start("one")
    with pytest.raises(UpstreamError):
        await servers.test("one")
    await runner.cleanup()
    assert seen[0] == "Bearer key-1"
    assert "key-1" not in (yard.state / "mcp-approvals.json").read_text(encoding="utf-8")


async def test_tools_are_taken_within_bounds(yard: Yard, tmp_path) -> None:
    listed = tmp_path / "tools.json"
    many = [
        {
            "name": f"t{number}",
            "description": "x" * 10_000,
            "inputSchema": {"type": "object", "description": "y" * 100_000},
        }
        for number in range(40)
    ]
    listed.write_text(
        json.dumps(many + [{"name": "odd", "inputSchema": {"type": "object", "properties": {}}}] * MOST_TOOLS)
    )
    yard.write({"one": fake(f"tools={listed}")})
    servers = await yard.open()
    await servers.approve_start("one")
    tools = await servers.test("one")
    assert len(tools) == MOST_TOOLS
    assert len(tools[0].description) == 4_000
    assert tools[0].schema == {"type": "object"}


async def test_a_session_that_was_not_opened_says_so() -> None:
    session = Session(Entry("one", "/m", url="http://127.0.0.1:9/"), None, "1")
    assert session.alive is False
    with pytest.raises(UpstreamUnreachable, match="is not running"):
        await session.tools(1.0)
    await session.close()


async def test_approving_twice_changes_nothing(yard: Yard, entry: dict) -> None:
    yard.write({"python": entry})
    servers = await yard.approved("python")
    before = [tool.spec for tool in servers.tools()]
    await approve(servers, "python")
    assert [tool.spec for tool in servers.tools()] == before
