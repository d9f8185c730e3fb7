"""Signing in by OAuth with the library's own server: once by a person, then by what was kept, and never without asking."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar.core.errors import Refused, UpstreamUnreachable
from sidecar.mcp.servers import McpServers, Options
from sidecar.mcp.signin import FILE, SignIn
from tests.mcp.conftest import SDK, Yard, call
from tests.mcp.test_session import free_port

OAUTH = SDK.with_name("mcp_oauth_server.py")


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts the server that wants a sign-in; its address."""
    running: list[subprocess.Popen[bytes]] = []

    def start(seconds: int = 3600) -> str:
        port = free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running.append(subprocess.Popen([sys.executable, OAUTH, str(port), str(seconds)], **quiet))
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)  # between two looks at a state
        return f"http://127.0.0.1:{port}/mcp"

    yield start
    for process in running:
        process.kill()
        process.wait()


def person(seen: list[str]) -> Callable[[str], None]:
    """Opens the address in a browser of sorts, which follows it back to us."""

    def show(address: str) -> None:
        seen.append(address)
        asyncio.get_running_loop().run_in_executor(None, lambda: urllib.request.urlopen(address, timeout=20).read())

    return show


async def servers_of(yard: Yard, show: Callable[[str], None] | None = None) -> McpServers:
    servers = McpServers(Options(yard.workspace, start=20.0), yard.state, dict(os.environ), "1", show)
    yard.stack.push_async_callback(servers.aclose)
    await servers.refresh()
    return servers


async def test_a_person_signs_in_once(yard: Yard, serve: Callable[..., str]) -> None:
    yard.write({"signed": {"url": serve()}})
    seen: list[str] = []
    servers = await servers_of(yard, person(seen))
    await servers.approve_start("signed")
    await servers.approve_tools("signed", await servers.test("signed"))
    assert len(seen) == 1
    assert "code_challenge_method=S256" in seen[0]
    await servers.aclose()
    later = await servers_of(yard)
    assert (await call(later, "signed__whoami")).text == "somebody who signed in"
    kept = yard.state / FILE
    assert "access_token" in kept.read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_tokens_that_ended_are_renewed_without_a_person(yard: Yard, serve: Callable[..., str]) -> None:
    yard.write({"signed": {"url": serve(3)}})
    servers = await servers_of(yard, person([]))
    await servers.approve_start("signed")
    await servers.approve_tools("signed", await servers.test("signed"))
    await servers.aclose()
    path = yard.state / FILE
    rows = json.loads(path.read_text(encoding="utf-8"))
    before = next(iter(rows.values()))
    before["ends"] = 1.0  # long ago
    path.write_text(json.dumps(rows), encoding="utf-8")
    later = await servers_of(yard)
    assert (await call(later, "signed__whoami")).text == "somebody who signed in"
    after = next(iter(json.loads(path.read_text(encoding="utf-8")).values()))
    assert after["tokens"]["access_token"] != before["tokens"]["access_token"]


async def test_where_nobody_is_there_the_mend_is_told(yard: Yard, serve: Callable[..., str]) -> None:
    yard.write({"signed": {"url": serve()}})
    servers = await servers_of(yard)
    await servers.approve_start("signed")
    with pytest.raises((UpstreamUnreachable, Refused), match="run `sidecar mcp approve signed`"):
        await servers.test("signed")


async def test_a_header_of_ones_own_goes_before(yard: Yard, serve: Callable[..., str]) -> None:
    yard.write({"signed": {"url": serve(), "headers": {"authorization": "Bearer wrong"}}})
    seen: list[str] = []
    servers = await servers_of(yard, person(seen))
    await servers.approve_start("signed")
    with pytest.raises(UpstreamUnreachable):
        await servers.test("signed")
    assert seen == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://evil.example/authorize", "javascript:alert(1)"])
async def test_an_address_that_is_not_safe_is_not_shown(tmp_path: Path, address: str) -> None:
    seen: list[str] = []
    signing = SignIn("one", "https://x/mcp", tmp_path, seen.append)
    provider = await signing.provider()
    with pytest.raises(Refused, match="not safe"):
        await provider.context.redirect_handler(address)
    await signing.aclose()
    assert seen == []


async def test_noise_on_the_way_back_is_borne(tmp_path: Path) -> None:
    signing = SignIn("one", "https://x/mcp", tmp_path, lambda _: None)
    provider = await signing.provider()
    address = str(provider.context.client_metadata.redirect_uris[0])
    port = int(address.split(":")[2].split("/", maxsplit=1)[0])
    for noise in (b"", b"\r\n", b"GET /other HTTP/1.1\r\n\r\n", b"GET /callback HTTP/1.1\r\n\r\n", b"\xff\xfe\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(noise)
        writer.write_eof()
        await reader.read()
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /callback?code=c&state=s HTTP/1.1\r\n\r\n")
    assert b"You can close this page" in await reader.read()
    writer.close()
    result = await provider.context.callback_handler()
    assert (result.code, result.state) == ("c", "s")
    await signing.aclose()
