"""`/mcp`: the guarded door in front of our own MCP server; aiohttp's requests are handed to it as ASGI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from sidecar.core.tool import ToolBox
from sidecar.endpoint.body import read_json
from sidecar.endpoint.call import Call, ClientLeft, Route
from sidecar.endpoint.errors import MESSAGES, PLAIN, Rejected
from sidecar.endpoint.limits import Limits

if TYPE_CHECKING:
    from sidecar.core.shelf import Shelf

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH: Final = "/mcp"
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_VALUES: Final = 10_000
"""The library makes an object of each value, and a complaint of each wrong one, on the event loop: 4 MB of small ones
would stop it for seconds. No tool of ours takes more than a thousand."""
_OWN_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection", "server", "date", *MESSAGES.ids})


@dataclass(frozen=True, slots=True)
class Offering:
    """What `/mcp` offers, opened with its first request, and under which version."""

    open: Callable[[], Awaitable[tuple[ToolBox, Shelf]]]
    version: str


class Application(Protocol):
    """The MCP server as ASGI; `hush` ends the streams that only wait for news."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

    def hush(self) -> None:
        """Let listeners end."""


class McpDoor:
    """The routes of `/mcp`. The MCP library is loaded by the first request; until then all this costs nothing."""

    def __init__(self, offering: Offering, limits: Limits, hosts: Sequence[str]) -> None:
        self._offering = offering
        self._limits = replace(limits, body_bytes=min(limits.body_bytes, MOST_BYTES), values=MOST_VALUES)
        self._hosts = hosts
        self._opening = asyncio.Lock()
        self._runner: asyncio.Task[None] | None = None
        self._application: Application | None = None
        self._ending = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._streams: set[_Exchange] = set()

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        for method in ("POST", "GET", "DELETE"):
            yield Route(method, PATH, self.serve, lasting=True)  # a POST, too, may be a subscription

    async def serve(self, call: Call) -> web.StreamResponse:
        """Hand one request on. A GET is a stream that stays open; it ends with the endpoint."""
        application = await self._opened()
        body = await read_json(call.request, self._limits)
        exchange = _Exchange(call.request, call.turn.id, body)
        # ASGI tells an application that the client left; cut off in the middle, the library would drop the session.
        task = asyncio.get_running_loop().create_task(
            application(_scope(call.request), exchange.receive, exchange.send), name="mcp request"
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if call.request.method == "GET":
            self._streams.add(exchange)
        try:
            await asyncio.shield(task)
        except ConnectionError:
            raise ClientLeft from None
        finally:
            self._streams.discard(exchange)
            exchange.leave()
        return exchange.finished()

    def hush(self) -> None:
        """End the streams that only wait for news; requests that are being answered go on."""
        for exchange in self._streams:
            exchange.leave()
        if self._application is not None:
            self._application.hush()

    async def aclose(self) -> None:
        """End the sessions and whatever they still do."""
        for task in self._running:
            task.cancel()
        self._ending.set()
        if self._runner is not None:
            await asyncio.wait({self._runner}, timeout=self._limits.stop)
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner

    async def _opened(self) -> Application:
        async with self._opening:
            if self._application is None:
                serving = await asyncio.to_thread(_load)
                box, shelf = await self._offering.open()
                context = serving(box, shelf, version=self._offering.version, hosts=self._hosts, most_bytes=MOST_BYTES)
                ready: asyncio.Future[Application] = asyncio.get_running_loop().create_future()
                # Its context must be left by the task that entered it: a request's own does not live long enough.
                self._runner = asyncio.get_running_loop().create_task(self._run(context, ready), name="mcp sessions")
                self._application = await ready
            return self._application

    async def _run(self, context: AbstractAsyncContextManager[Application], ready: asyncio.Future[Application]) -> None:
        async with context as application:
            ready.set_result(application)
            await self._ending.wait()


def _load() -> Callable[..., AbstractAsyncContextManager[Application]]:
    from sidecar.mcp.serving import over_http  # noqa: PLC0415 - over a second; who never asks /mcp never pays

    return over_http


class _Exchange:
    """One request and its answer, as ASGI sees them."""

    def __init__(self, request: web.BaseRequest, request_id: str, body: bytes) -> None:
        self._request = request
        self._own = {**PLAIN, **MESSAGES.identified(request_id)}
        self._body: bytes | None = body
        self._response: web.StreamResponse | None = None
        self._status = 500
        self._headers: list[tuple[str, str]] = []
        self._whole = bytearray()
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        """The whole body, once; then word that the client has left, when it has."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        """The client has left, or shall be taken to have."""
        self._left.set()

    async def send(self, message: Message) -> None:
        """The answer's head or a piece of its body; waits while the client does not read, drops what it left behind."""
        if self._left.is_set():
            return
        if message["type"] == "http.response.start":
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            self._headers = [*self._own.items(), *(pair for pair in pairs if pair[0].lower() not in _OWN_HEADERS)]
            self._status = int(message["status"])
            if any(name.lower() == "content-type" and "event-stream" in value for name, value in pairs):
                # A stream's head goes out at once: its first event may be long in coming.
                self._response = web.StreamResponse(status=self._status, headers=self._headers)
                await self._response.prepare(self._request)
            return
        body, more = message.get("body", b""), bool(message.get("more_body"))
        if self._response is None:
            self._whole += body
            if not more:
                self._response = web.Response(status=self._status, headers=self._headers, body=bytes(self._whole))
        elif body:
            await self._response.write(body)
        elif not more:
            await self._response.write_eof()

    def finished(self) -> web.StreamResponse:
        """The answer; raises Rejected where the application gave none."""
        if self._response is None:
            raise Rejected(500, "The MCP server gave no answer; please report it.")
        return self._response


def _scope(request: web.BaseRequest) -> Scope:
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": f"{request.version.major}.{request.version.minor}",
        "method": request.method,
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": peer[:2] if isinstance(peer, tuple) else None,
        "server": None,
        "state": {},
    }
