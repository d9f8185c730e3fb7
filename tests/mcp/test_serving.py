"""The transports of our own server: over HTTP's sessions and security settings, and over standard input and output."""

from __future__ import annotations

import asyncio
import json

import pytest

from sidecar.mcp.serving import over_http
from tests.fakes.toolbox import FakeShelf, FakeToolBox


async def asked(application, host: str, body: bytes = b"{}") -> tuple[int, bytes]:
    """One POST as ASGI brings it; status and body."""
    told: list[dict] = []
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict:
        return given.pop() if given else {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        told.append(message)

    headers = [(b"host", host.encode()), (b"content-type", b"application/json"), (b"accept", b"application/json, text/event-stream")]  # fmt: skip
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "headers": headers,
        "query_string": b"",
        "scheme": "http",
    }
    await application(scope, receive, send)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told)


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (["127.0.0.1:8080"], "127.0.0.1:8080", 400),
        (["127.0.0.1:8080"], "127.0.0.1:8081", 421),
        (["127.0.0.1:8080"], "evil.example", 421),
        ([], "10.0.0.5:8080", 400),
    ],
)
async def test_the_library_checks_the_host_too(hosts: list[str], host: str, status: int) -> None:
    async with over_http(FakeToolBox(), FakeShelf(), version="1", hosts=hosts, most_bytes=1000) as application:
        assert (await asked(application, host))[0] == status


async def test_it_takes_no_more_than_it_is_told_to() -> None:
    async with over_http(FakeToolBox(), FakeShelf(), version="1", hosts=[], most_bytes=1000) as application:
        assert (await asked(application, "h", b"x" * 1001))[0] == 413


async def test_leaving_it_forgets_the_toolbox() -> None:
    box = FakeToolBox()
    async with over_http(box, FakeShelf(), version="1", hosts=[], most_bytes=1000) as application:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}).encode()
        async with asyncio.timeout(10):
            status, answer = await asked(application, "h", body)
        assert len(box._listeners) == 1
    assert status in {200, 202}
    assert answer == b"" or b"sidecar" in answer
    assert box._listeners == []
