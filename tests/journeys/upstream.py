"""A provider on loopback that plays a script: the next request gets the next line of it, in the form that its path asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
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


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Json
    at: float
    """Seconds on a clock that only goes forward."""


class Upstream:
    """The script and what was asked. Once the script is over, every further request is refused loudly."""

    def __init__(self) -> None:
        self.script: list[Say | Refuse] = []
        self.asked: list[Asked] = []
        self.base_url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The one handler for every path."""
        body = await request.json()
        self.asked.append(
            Asked(request.path, {k.lower(): v for k, v in request.headers.items()}, body, time.monotonic())
        )
        if not self.script:
            return web.json_response({"error_code": "NOT_FOUND", "message": "the script is over"}, status=400)
        line = self.script.pop(0)
        if isinstance(line, Refuse):
            return web.json_response(line.body, status=line.status, headers=dict(line.headers))
        chat = request.path.endswith("/invocations")
        if not body.get("stream"):
            return web.json_response(completion(line.message) if chat else line.message)
        return await self._stream(request, line, chunks(line.message) if chat else events(line.message))

    async def _stream(self, request: web.Request, line: Say, frames: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
        await response.prepare(request)
        try:
            for number, frame in enumerate(frames):
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
