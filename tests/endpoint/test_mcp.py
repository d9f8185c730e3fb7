"""`/mcp` over real HTTP: the same guards as everywhere, the SDK's own client, and requests that no client sends."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp_types as types
import pydantic_core
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from sidecar.endpoint.mcp import MOST_BYTES, MOST_VALUES, Offering
from sidecar.endpoint.server import Limits
from tests.endpoint.conftest import TOKEN, Answered, Serve, Served
from tests.fakes.toolbox import FakeToolBox, opening, spec

BEARER = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"
ACCEPT = "Accept: application/json, text/event-stream"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def box() -> FakeToolBox:
    return FakeToolBox()


@pytest.fixture
async def served(serve: Serve, box: FakeToolBox) -> Served:
    return await serve(offering=Offering(opening(box), "1.2.3"), limits=Limits(stop=2.0))


@asynccontextmanager
async def connected(served: Served, mode: str = "legacy", **options) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with create_mcp_http_client(headers) as http:
        transport = streamable_http_client(f"{served.endpoint.base_url}/mcp", http_client=http)
        async with Client(transport, mode=mode, **options) as client:
            yield client


async def post(served: Served, *lines: str, body: bytes | None = None, head: list[str] | None = None) -> Answered:
    sent = json.dumps(HELLO).encode() if body is None else body
    answered = await served.raw(
        *(head or served.head("POST", "/mcp")), *lines, f"Content-Length: {len(sent)}", body=sent
    )
    assert answered is not None
    return answered


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_tools_run_over_http(served: Served, box: FakeToolBox, mode: str) -> None:
    async with connected(served, mode) as client:
        assert "echo" in [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("echo", {"word": "hello"})
    assert result.structured_content == {"said": "hello"}
    _, _, caller = box.calls[0]
    assert bool(caller.session) is (mode == "legacy")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_progress_comes_while_the_tool_runs(served: Served, mode: str) -> None:
    heard: list[float] = []

    async def hear(done: float, _: float | None, __: str | None) -> None:
        heard.append(done)

    async with connected(served, mode) as client:
        await client.call_tool("count", {}, progress_callback=hear)
    assert heard[-1] == 3


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancelled_call_ends(served: Served, box: FakeToolBox, mode: str) -> None:
    async with connected(served, mode) as client, asyncio.timeout(20):
        call = asyncio.ensure_future(client.call_tool("wait", {}))
        await box.begun.wait()
        call.cancel()
        await box.left.wait()


async def test_an_open_stream_hears_of_new_tools(served: Served, box: FakeToolBox) -> None:
    heard = asyncio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            heard.set()

    async def run(*_: object):
        raise AssertionError

    async with connected(served, message_handler=hear) as client, asyncio.timeout(20):
        await client.list_tools()
        number = 0
        while not heard.is_set():  # its stream may not be open yet: what comes before is not kept for it
            number += 1
            box.add(spec(f"late{number}"), run)
            await asyncio.wait({asyncio.ensure_future(heard.wait())}, timeout=0.1)


GUARDED = [
    pytest.param(("Host: evil.example",), 403, id="host"),
    pytest.param(("Origin: http://evil.example", BEARER), 403, id="origin"),
    pytest.param(("Origin: null", BEARER), 403, id="null-origin"),
    pytest.param(("Sec-Fetch-Site: cross-site", BEARER), 403, id="cross-site"),
    pytest.param(("X-Forwarded-For: 10.0.0.1", BEARER), 403, id="forwarded"),
    pytest.param((), 401, id="no-token"),
    pytest.param(("Authorization: Bearer wrong",), 401, id="wrong-token"),
    pytest.param((f"Authorization: Basic {TOKEN}",), 401, id="basic"),
    pytest.param(("x-api-key: ",), 401, id="empty"),
]


@pytest.mark.parametrize(("lines", "status"), GUARDED)
async def test_the_guards_stand_before_it(
    served: Served, box: FakeToolBox, lines: tuple[str, ...], status: int
) -> None:
    head = served.head("POST", "/mcp")
    if lines and lines[0].startswith("Host"):
        head = ["POST /mcp HTTP/1.1", "Connection: close"]
    answered = await post(served, JSON, ACCEPT, *lines, head=head)
    assert answered.status == status
    assert answered.error in {"permission_error", "authentication_error"}
    assert TOKEN not in answered.body.decode()
    assert not [name for name in answered.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_cannot_reach_it(served: Served, media: str) -> None:
    answered = await post(served, f"Content-Type: {media}", ACCEPT, BEARER)
    assert answered.status == 415


async def test_a_token_in_the_query_does_not_count(served: Served) -> None:
    answered = await post(served, JSON, ACCEPT, head=served.head("POST", f"/mcp?token={TOKEN}"))
    assert answered.status == 401


BAD = [
    pytest.param(b"{", 400, -32700, id="malformed"),
    pytest.param(b"", 400, -32700, id="empty"),
    pytest.param(b"[]", 400, None, id="array"),
    pytest.param(b"null", 400, None, id="null"),
    pytest.param(b"[" * 9_999 + b"]" * 9_999, 400, -32700, id="depth"),
    pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', 400, -32700, id="bad-utf8"),
    pytest.param(b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, None, id="version"),
    pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', 400, None, id="no-session"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD)
async def test_what_is_no_message_is_refused_in_json_rpc(
    served: Served, box: FakeToolBox, body: bytes, status: int, code: int | None
) -> None:
    answered = await post(served, JSON, ACCEPT, BEARER, body=body)
    assert answered.status == status
    error = answered.json["error"]
    assert -32800 < error["code"] <= -32000 or error["code"] == code
    assert code is None or error["code"] == code
    assert "Traceback" not in answered.body.decode()
    assert box.calls == []


async def test_every_answer_carries_an_id_of_its_own(served: Served) -> None:
    opened = await post(served, JSON, ACCEPT, BEARER)
    session = f"Mcp-Session-Id: {opened.headers['mcp-session-id']}"
    noted = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    answers = [opened, await post(served, JSON, ACCEPT, BEARER, session, body=noted)]
    answers.append(await post(served, JSON, ACCEPT, BEARER, session, body=b"{"))
    answers.append(await post(served, JSON, ACCEPT, BEARER, "Mcp-Session-Id: forged"))
    answers.append(await post(served, JSON, ACCEPT, BEARER, "MCP-Protocol-Version: 1999-01-01"))
    listening = {"accept": "text/event-stream", "authorization": BEARER.partition(": ")[2]}
    listening |= {"mcp-session-id": opened.headers["mcp-session-id"]}
    async with served.http.get(f"{served.endpoint.base_url}/mcp", headers=listening) as stream:
        assert (stream.status, stream.content_type) == (200, "text/event-stream")
        ids = [stream.headers["request-id"]]
    answers.append(await served.raw(*served.head("DELETE", "/mcp"), BEARER, session))
    assert [answered.status for answered in answers] == [200, 202, 400, 404, 400, 200]
    ids += [answered.headers["request-id"] for answered in answers]
    assert all(re.fullmatch("req_[0-9a-f]{24}", one) for one in ids)
    assert len(set(ids)) == len(ids)


SMALL_ONES = b",".join([b'{"a":{}}'] * 340_000)
LONG_TEXT = b'a,b{[\\n\\"' * 40_000
CROWDED = [
    pytest.param(b'{"z":[' + SMALL_ONES + b"]}", id="in-arguments"),
    pytest.param(b'{"word":[' + SMALL_ONES + b"]}", id="where-a-text-belongs"),
    pytest.param(b'{"word":"a",' + b",".join(b'"k%d":0' % n for n in range(250_000)) + b"}", id="names"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, id="depth"),
]


def calling(arguments: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":' + arguments + b"}}"


@pytest.mark.parametrize("arguments", CROWDED)
async def test_too_many_values_are_refused_with_what_to_do(served: Served, box: FakeToolBox, arguments: bytes) -> None:
    answered = await post(served, JSON, ACCEPT, BEARER, body=calling(arguments))
    assert (answered.status, answered.error) == (413, "request_too_large")
    assert f"more than {MOST_VALUES:,} values; send fewer" in answered.json["error"]["message"]
    assert box.calls == []


async def test_a_batch_of_too_many_values_is_refused_as_well(served: Served) -> None:
    answered = await post(served, JSON, ACCEPT, BEARER, body=b"[" + SMALL_ONES + b"]")
    assert (answered.status, answered.error) == (413, "request_too_large")


async def test_a_long_text_is_one_value_whatever_stands_in_it(served: Served, box: FakeToolBox) -> None:
    async with connected(served) as client:
        result = await client.call_tool("echo", {"word": json.loads(b'"' + LONG_TEXT + b'"')})
    assert not result.is_error
    assert len(box.calls) == 1


async def test_small_values_do_not_stop_the_loop_for_as_long_as_decoding_them_would(served: Served) -> None:
    body = calling(CROWDED[0].values[0])
    await post(served, JSON, ACCEPT, BEARER)  # what the first request loads is not measured
    began = time.perf_counter()
    pydantic_core.from_json(body)
    decoding = time.perf_counter() - began
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    watching = asyncio.ensure_future(watch())
    answered = await post(served, JSON, ACCEPT, BEARER, body=body)
    watching.cancel()
    assert answered.status == 413
    assert longest < decoding / 2


async def test_a_forged_session_is_not_found(served: Served) -> None:
    answered = await post(served, JSON, ACCEPT, BEARER, "Mcp-Session-Id: 0123456789abcdef")
    assert answered.status == 404


async def test_a_protocol_version_that_nobody_speaks_is_refused(served: Served) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()
    answered = await post(served, JSON, ACCEPT, BEARER, "MCP-Protocol-Version: 1999-01-01", body=body)
    assert answered.status == 400
    assert -32800 < answered.json["error"]["code"] <= -32000


async def test_a_body_that_is_too_large_is_refused_at_once(served: Served) -> None:
    answered = await served.raw(
        *served.head("POST", "/mcp"), JSON, ACCEPT, BEARER, f"Content-Length: {60 * 1024 * 1024}"
    )
    assert answered is not None
    assert answered.status == 413
    assert str(MOST_BYTES // 1024 // 1024) in answered.json["error"]["message"]


async def test_another_method_is_told_which_ones_there_are(served: Served) -> None:
    answered = await served.raw(*served.head("PUT", "/mcp"), BEARER, "Content-Length: 0")
    assert answered is not None
    assert (answered.status, answered.headers["allow"]) == (405, "DELETE, GET, POST")


async def test_without_tools_there_is_no_mcp(serve: Serve) -> None:
    served = await serve()
    answered = await post(served, JSON, ACCEPT, BEARER)
    assert answered.status == 404


async def test_stopping_does_not_wait_for_whoever_only_listens(serve: Serve, box: FakeToolBox) -> None:
    served = await serve(offering=Offering(opening(box), "1.2.3"), limits=Limits(stop=30.0))
    loop = asyncio.get_running_loop()
    async with connected(served) as client, connected(served, "auto") as newer:
        await client.list_tools()
        async with newer.listen(tools_list_changed=True):
            began = loop.time()
            await served.endpoint.__aexit__(None, None, None)
            assert loop.time() - began < 10


async def test_who_only_listens_is_no_answer_under_way_and_no_noise(served: Served) -> None:
    async with connected(served) as client, connected(served, "auto") as newer:
        await client.list_tools()
        async with newer.listen(tools_list_changed=True):
            async with asyncio.timeout(10):
                while (door := served.endpoint._door) is None or door.lasting.number < 2:
                    await asyncio.sleep(0.01)
            assert served.endpoint.running == 0
            async with asyncio.timeout(10):
                await served.endpoint.quiet(0.01, 120)


async def test_a_streams_head_goes_out_before_its_first_event(served: Served, box: FakeToolBox) -> None:
    accept = {"accept": "application/json, text/event-stream"}
    async with asyncio.timeout(10), served.post(HELLO, "/mcp", headers=accept) as hello:
        session = {**accept, "mcp-session-id": hello.headers["mcp-session-id"]}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "wait", "arguments": {}}}
    async with asyncio.timeout(10), served.post(call, "/mcp", headers=session) as answer:
        assert answer.status == 200
        assert not box.gate.is_set()
        box.gate.set()
        assert '"text":"done"' in await answer.text()


async def test_a_running_call_is_answered_before_the_end(serve: Serve, box: FakeToolBox) -> None:
    served = await serve(offering=Offering(opening(box), "1.2.3"), limits=Limits(stop=20.0))
    accept = {"accept": "application/json, text/event-stream"}
    async with asyncio.timeout(30), served.post(HELLO, "/mcp", headers=accept) as hello:
        session = {**accept, "mcp-session-id": hello.headers["mcp-session-id"]}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "wait", "arguments": {}}}
    async with asyncio.timeout(30), served.post(call, "/mcp", headers=session) as answer:
        await box.begun.wait()
        ending = asyncio.ensure_future(served.endpoint.__aexit__(None, None, None))
        await asyncio.sleep(0)
        box.gate.set()
        assert '"text":"done"' in await answer.text()
        await ending


def test_the_library_is_loaded_by_the_first_request_only() -> None:
    code = "import sys, sidecar.cli, sidecar.app\nprint('mcp' in sys.modules, 'starlette' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
