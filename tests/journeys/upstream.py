"""A provider on loopback that plays a script: the next request gets the next line of it, in the form that its path asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.journeys.plays import Json, chunks, completion, events


@dataclass
class Say:
    """Answer with a message. Before frame `hold_before` the stream waits for `go`; before `cut_before` it breaks off."""

    message: Json
    hold_before: int | None = None
    cut_before: int | None = None
    written: Callable[[list[bytes]], list[bytes]] = lambda frames: frames
    """How the frames of a stream are written: with other line ends, with more between them."""
    pause: float = 0.0
    """Seconds before each frame, and before a cut: what was sent has reached the client by then."""
    go: asyncio.Event = field(default_factory=asyncio.Event)
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the end."""


@dataclass
class Refuse:
    """Answer with an error."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Stall:
    """Answer nothing, not even a head, until the client leaves."""

    left: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Json
    at: float
    """Seconds on a clock that only goes forward."""


Line = Say | Refuse | Stall | Callable[[Asked], Say | Refuse]
"""A line of the script; one that depends on what was asked is a function of it."""


class Upstream:
    """The script and what was asked. Once the script is over, every further request is refused loudly.

    `beside` is asked first and answers what does not belong to the script (titles, safety checks) at any time.
    Counts of tokens stand in `counted` and are answered with `tokens`, or with a 404 where that is None.
    """

    def __init__(self) -> None:
        self.script: list[Line] = []
        self.beside: Callable[[Asked], Say | Refuse | None] = lambda _: None
        self.asked: list[Asked] = []
        self.counted: list[Asked] = []
        self.tokens: int | None = None
        self.base_url = ""

    @property
    def request_id(self) -> str:
        """What the newest request's answer is called here."""
        return f"req_upstream_{len(self.asked)}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The one handler for every path."""
        body = await request.json()
        asked = Asked(request.path, {k.lower(): v for k, v in request.headers.items()}, body, time.monotonic())
        if asked.path.endswith("/count_tokens"):
            return self._count(asked)
        self.asked.append(asked)
        line = self.beside(asked) or self._next(asked)
        if isinstance(line, Refuse):
            return web.json_response(line.body, status=line.status, headers=dict(line.headers))
        if isinstance(line, Stall):
            return await _never(line)
        chat = request.path.endswith(("/invocations", "/chat/completions"))
        if not body.get("stream"):
            whole = completion(line.message) if chat else line.message
            return web.json_response(whole, headers={"request-id": self.request_id})
        return await self._stream(request, line, chunks(line.message) if chat else events(line.message))

    def _count(self, asked: Asked) -> web.Response:
        self.counted.append(asked)
        if self.tokens is None:
            return web.json_response({"error_code": "ENDPOINT_NOT_FOUND", "message": "no such path"}, status=404)
        return web.json_response({"input_tokens": self.tokens})

    def _next(self, asked: Asked) -> Say | Refuse | Stall:
        if not self.script:
            return Refuse(400, {"error_code": "NOT_FOUND", "message": "the script is over"})
        line = self.script.pop(0)
        return line(asked) if callable(line) else line

    async def _stream(self, request: web.Request, line: Say, frames: list[bytes]) -> web.StreamResponse:
        kind = {"content-type": "text/event-stream", "cache-control": "no-cache", "request-id": self.request_id}
        response = web.StreamResponse(headers=kind)
        await response.prepare(request)
        try:
            for number, frame in enumerate(line.written(frames)):
                await asyncio.sleep(line.pause)
                if number == line.hold_before:
                    line.holding.set()
                    await line.go.wait()
                if number == line.cut_before:
                    assert request.transport
                    request.transport.abort()
                    return response
                await response.write(frame)
        except (asyncio.CancelledError, ConnectionError):
            line.left.set()
            raise
        return response


async def _never(line: Stall) -> web.StreamResponse:
    try:
        await asyncio.Event().wait()
    finally:
        line.left.set()
    raise AssertionError("nobody sets that event")


@asynccontextmanager
async def playing() -> AsyncIterator[Upstream]:
    """A scripted provider, listening."""
    upstream = Upstream()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("POST", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    upstream.base_url = f"http://127.0.0.1:{port}"
    try:
        yield upstream
    finally:
        await runner.cleanup()
