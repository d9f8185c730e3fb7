"""The endpoint's life: where it listens, what it refuses to do, how it stops."""

from __future__ import annotations

import asyncio
import socket
import sys

import aiohttp
import orjson
import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import Conflict, SetupError
from sidecar.endpoint.server import Access, Endpoint, Identity, Limits
from tests.endpoint.conftest import BODY, TOKEN
from tests.fakes.provider import Answer, FakeProvider, delta, opening, streams

ASK = {**BODY, "stream": True}


def endpoint(**options: object) -> Endpoint:
    given = {"identity": Identity("sidecar", "1"), "access": Access("token", TOKEN), "port": 0, **options}
    return Endpoint(AnswerTurn(FakeProvider()), **given)


async def test_it_is_there_while_its_context_is_open(unused_port):
    served = endpoint(port=unused_port)
    assert served.port == 0
    for _ in range(2):  # and can be opened again
        async with served, aiohttp.ClientSession() as http, http.get(served.base_url + "/health") as response:
            assert (served.port, served.base_url) == (unused_port, f"http://127.0.0.1:{unused_port}")
            assert response.status == 200
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", unused_port)


@pytest.fixture
def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


async def test_a_taken_port_is_named_with_the_mend():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=rf"Port {port} .*--port") as raised:
            await endpoint(port=port).__aenter__()
        assert "PORT" in raised.value.sentence


async def test_the_next_free_port_is_taken_when_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with endpoint(port=port, port_policy="next-free") as served:
            assert port < served.port < port + 100


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of this machine")
async def test_only_the_address_asked_for_listens():
    async with endpoint() as served:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", served.port)


async def test_localhost_listens_on_both_of_its_addresses(serve):
    async with endpoint(host="localhost") as served, aiohttp.ClientSession() as http:
        hosts = ["127.0.0.1", "[::1]"] if socket.has_ipv6 and _has_ipv6_loopback() else ["127.0.0.1"]
        for host in hosts:
            async with http.get(f"http://{host}:{served.port}/") as response:
                assert response.status == 200
        assert served.base_url == f"http://127.0.0.1:{served.port}"


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6_loopback(), reason="this machine has no IPv6")
async def test_ipv6_loopback():
    async with endpoint(host="::1") as served, aiohttp.ClientSession() as http:
        assert served.base_url == f"http://[::1]:{served.port}"
        async with http.get(served.base_url + "/health") as response:
            assert response.status == 200


@pytest.mark.parametrize("mode", ["auto", "none"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", ""])
def test_beyond_loopback_a_token_is_demanded(host, mode):
    with pytest.raises(SetupError, match="token") as raised:
        endpoint(host=host, access=Access(mode, TOKEN))
    assert raised.value.variable == "SIDECAR_AUTH"


@pytest.mark.parametrize("host", ["example.org", "", "127.0.0.1:80", "*"])
async def test_a_host_is_an_address(host):
    with pytest.raises(SetupError, match="address"):
        await endpoint(host=host).__aenter__()


async def test_all_interfaces_on_purpose():
    async with endpoint(host="0.0.0.0") as served, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{served.port}/v1/models"
        async with http.get(url) as response:
            assert response.status == 401
        async with http.get(url, headers={"x-api-key": TOKEN, "x-forwarded-for": "10.0.0.1"}) as response:
            assert response.status == 200


async def test_it_is_quiet_when_nobody_asks_and_nothing_is_answered():
    gate = asyncio.Event()
    served = Endpoint(
        AnswerTurn(FakeProvider(streams("one", gate, "two"))),
        identity=Identity("s", "1"),
        access=Access("none"),
        port=0,
    )
    await asyncio.wait_for(served.quiet(60, 120), 30)  # one that is not open is
    async with served, aiohttp.ClientSession() as http:
        await asyncio.wait_for(served.quiet(0.01, 120), 30)
        async with http.post(served.base_url + "/v1/messages", json=ASK) as response:
            await response.content.readany()
            waiting = asyncio.create_task(served.quiet(0.01, 120))
            assert not (await asyncio.wait({waiting}, timeout=0.3))[0], "an answer is on its way"
            await asyncio.wait_for(served.quiet(0.01, 0.1), 30)  # but not longer than one wants to
            gate.set()
            await response.read()
        await asyncio.wait_for(waiting, 30)


async def test_stopping_lets_a_running_answer_end_and_accepts_no_more():
    gate = asyncio.Event()
    provider = FakeProvider(streams("one", gate, "two"))
    served = Endpoint(AnswerTurn(provider), identity=Identity("s", "1"), access=Access("none"), port=0)
    await served.__aenter__()
    url, port = served.base_url, served.port
    async with aiohttp.ClientSession() as http, http.post(url + "/v1/messages", json=ASK) as response:
        await response.content.readany()
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(served.__aexit__())
            await _refuses(port)
            assert not (await asyncio.wait({stopping}, timeout=0.7))[0]
            gate.set()
            assert b"message_stop" in await response.read()


async def test_stopping_does_not_wait_for_ever_and_what_is_cut_looks_cut():
    provider = FakeProvider(Answer(acts=[*opening(), delta("one"), asyncio.Event()]))
    limits = Limits(stop=0.1)
    served = Endpoint(AnswerTurn(provider), identity=Identity("s", "1"), access=Access("none"), port=0, limits=limits)
    await served.__aenter__()
    async with aiohttp.ClientSession() as http, http.post(served.base_url + "/v1/messages", json=ASK) as response:
        await response.content.readany()
        await asyncio.wait_for(served.__aexit__(), 3)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert provider.exchanges[0].closed.is_set()


async def test_stopping_ends_idle_connections_at_once():
    served = endpoint()
    await served.__aenter__()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % served.port)
    assert orjson.loads((await reader.readuntil(b"}")).partition(b"\r\n\r\n")[2])["ready"]
    await asyncio.wait_for(served.__aexit__(), 4)  # sooner than running answers would have to end
    assert await reader.read() == b""
    writer.close()


async def _refuses(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            return
        writer.close()
        await asyncio.sleep(0)
