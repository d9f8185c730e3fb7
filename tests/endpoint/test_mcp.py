"""`/mcp` over real HTTP: the same guards as everywhere, the SDK's own client, and requests that no client sends."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp_types as types
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from sidecar.endpoint.mcp import MOST_BYTES, Offering
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
    pytest.param(b"[" * 100_000 + b"]" * 100_000, 400, -32700, id="depth"),
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
