"""A real endpoint around a scripted provider, and two clients: aiohttp's, and bare bytes on a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import orjson
import pytest

from sidecar.assistant.turn import AnswerTurn, Step
from sidecar.endpoint.server import Access, Endpoint, Identity, Limits, Offering
from tests.fakes.provider import Answer, FakeProvider

TOKEN = "token-of-the-tests-0123456789"
BODY = {"model": "claude-test", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


@dataclass
class Answered:
    """A response as it came over the wire, header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return orjson.loads(self.body)

    @property
    def error(self) -> str:
        """The error's type; fails unless the body is an error as the API writes it."""
        assert self.json["type"] == "error"
        assert self.json["error"]["message"]
        assert self.headers["request-id"] == self.json["request_id"]
        return self.json["error"]["type"]


@dataclass
class Served:
    """A running endpoint with what is behind and before it."""

    endpoint: Endpoint
    provider: FakeProvider
    http: aiohttp.ClientSession

    def post(self, body: object = None, path: str = "/v1/messages", **options: object):
        given = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        headers = {**given, **options.pop("headers", {})}
        data = orjson.dumps(body or BODY) if body is None or isinstance(body, dict) else body
        return self.http.post(self.endpoint.base_url + path, data=data, headers=headers, **options)

    async def raw(self, *lines: str | bytes, body: bytes = b"") -> Answered | None:
        """Send a head of these lines and a body, read to the end; None when the server just hangs up."""
        sent = b"\r\n".join([x if isinstance(x, bytes) else x.encode() for x in lines]) + b"\r\n\r\n" + body
        return await self.exchange(sent)

    async def exchange(self, sent: bytes) -> Answered | None:
        reader, writer = await self.connect()
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
        received = b""
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                received += chunk
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return parse(received) if received else None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.endpoint.port)

    def head(self, method: str = "POST", path: str = "/v1/messages", *lines: str, host: str | None = None) -> list[str]:
        """The lines of a good head that closes the connection, with more lines after them."""
        given = host if host is not None else f"127.0.0.1:{self.endpoint.port}"
        return [f"{method} {path} HTTP/1.1", f"Host: {given}", "Connection: close", *lines]


def parse(received: bytes) -> Answered:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answered(int(status.split()[1]), headers, body)


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts endpoints on free ports: `await serve(says("hi"), access=…, limits=…)`."""
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def start(
            *answers: Answer,
            access: Access | None = None,
            limits: Limits | None = None,
            provider: FakeProvider | None = None,
            steps: tuple[Step, ...] = (),
            offering: Offering | None = None,
        ) -> Served:
            played = provider or FakeProvider(*answers)
            endpoint = Endpoint(
                AnswerTurn(played, steps),
                identity=Identity("sidecar", "1.2.3", "/a/workspace"),
                access=access or Access("token", TOKEN),
                port=0,
                limits=limits,
            )
            if offering is not None:
                endpoint.offer(offering)
            await stack.enter_async_context(endpoint)
            return Served(endpoint, played, http)

        yield start
