"""The WebSocket itself, by a real client: who may connect, what is said on it, what is left at the end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar.core.ports import Selection
from sidecar.endpoint.ide.server import AUTHORIZATION, IdeServer
from tests.fakes.services import FakeDesk


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[IdeServer]:
    async with IdeServer(version="1", config=tmp_path / "claude", folders=[tmp_path], desk=FakeDesk(tmp_path)) as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def lock(tmp_path: Path) -> dict[str, Any]:
    (path,) = (tmp_path / "claude" / "ide").glob("*.lock")
    return json.loads(path.read_text())


def url(server: IdeServer) -> str:
    return f"http://127.0.0.1:{server.port}/"


class Cli:
    """A connected client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.number = 0

    async def ask(self, method: str, **params: Any) -> Any:
        self.number += 1
        await self.socket.send_json({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        answer = await self.socket.receive_json(timeout=10)
        assert answer["id"] == self.number
        return answer.get("result", answer.get("error"))


@pytest.fixture
async def cli(server, http, tmp_path) -> AsyncIterator[Cli]:
    headers = {AUTHORIZATION: lock(tmp_path)["authToken"]}
    async with http.ws_connect(url(server), protocols=["mcp"], headers=headers) as socket:
        assert socket.protocol == "mcp"
        yield Cli(socket)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({AUTHORIZATION: "guess"}, 401),
        ({AUTHORIZATION: "ä"}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_who_has_no_business_here_is_refused(server, http, tmp_path, headers, status):
    good = {AUTHORIZATION: lock(tmp_path)["authToken"]}
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(url(server), headers=headers if status == 401 else good | headers)
    assert caught.value.status == status


async def test_only_a_websocket_is_served(server, http, tmp_path):
    async with http.get(url(server), headers={AUTHORIZATION: lock(tmp_path)["authToken"]}) as answer:
        assert answer.status == 400


async def test_only_loopback_listens(server):
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.1", server.port)) == 0
    others = [address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for address in {other for other in others if not other.startswith("127.")}:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, server.port)) != 0


async def test_the_handshake_of_mcp(cli):
    hello = await cli.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c"})
    assert (hello["protocolVersion"], hello["serverInfo"]["name"]) == ("2025-11-25", "sidecar")
    assert {tool["name"] for tool in (await cli.ask("tools/list"))["tools"]} >= {
        "getDiagnostics",
        "openDiff",
        "close_tab",
    }
    assert await cli.ask("prompts/list") == {"prompts": []}
    assert await cli.ask("ping") == {}
    assert (await cli.ask("nothing"))["code"] == -32601


async def test_a_selection_is_told_to_who_listens_and_to_who_comes_later(server, cli):
    place = Selection("/w/a.py", "x", (0, 0), (0, 1))
    assert server.selected(place) is False
    await cli.ask("tools/list")
    told = await cli.socket.receive_json(timeout=10)
    assert (told["method"], told["params"]["filePath"]) == ("selection_changed", "/w/a.py")
    assert server.selected(Selection("/w/b.py", "", (3, 4), (3, 4))) is True
    told = await cli.socket.receive_json(timeout=10)
    assert told["params"] == {
        "text": "",
        "filePath": "/w/b.py",
        "fileUrl": "file:///w/b.py",
        "selection": {"start": {"line": 3, "character": 4}, "end": {"line": 3, "character": 4}, "isEmpty": True},
    }


async def test_lines_are_mentioned(server, cli):
    assert server.mention("/w/a.py", 1, 2) is False
    await cli.ask("tools/list")
    assert server.mention("/w/a.py", 1, 2) is True
    told = await cli.socket.receive_json(timeout=10)
    assert (told["method"], told["params"]) == ("at_mentioned", {"filePath": "/w/a.py", "lineStart": 1, "lineEnd": 2})


async def test_who_reads_nothing_costs_nothing(server, cli):
    await cli.ask("tools/list")
    for number in range(10_000):
        server.selected(Selection("/w/a.py", "x" * 1000, (number, 0), (number, 1)))
    assert (await cli_answer(cli)) is not None


async def cli_answer(cli: Cli) -> Any:
    """The answer to a ping behind whatever else was told."""
    await cli.socket.send_json({"jsonrpc": "2.0", "id": "p", "method": "ping"})
    count = 0
    while True:
        message = await cli.socket.receive_json(timeout=10)
        if message.get("id") == "p":
            return message["result"]
        count += 1
        assert count < 100, "a queue grew"


async def test_a_taken_port_gives_the_next_and_the_lock_tells_which(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with IdeServer(version="1", config=tmp_path, folders=[], desk=None, port=port) as server:
            assert server.port > port
            assert (tmp_path / "ide" / f"{server.port}.lock").is_file()


async def test_stopping_sends_the_client_away_and_takes_the_lock(http, tmp_path):
    async with IdeServer(version="1", config=tmp_path / "claude", folders=[], desk=None) as server:
        headers = {AUTHORIZATION: lock(tmp_path)["authToken"]}
        socket_ = await http.ws_connect(url(server), headers=headers)
    message = await asyncio.wait_for(socket_.receive(), 10)
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}
    assert list((tmp_path / "claude" / "ide").iterdir()) == []
