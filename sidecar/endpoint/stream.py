"""The last metre of a streamed answer: events to the client as they come, pings in between, and an honest end.

Until the first byte an error is an HTTP error with its own status. After it, an error is an `error` event and the
stream has no `message_stop`; so what was cut never looks complete.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import cast

from aiohttp import web

from sidecar.assistant.turn import Ask
from sidecar.core.errors import SidecarError, UpstreamCut, UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import MessagesRequest, encode
from sidecar.core.reply import Reply, reported
from sidecar.core.turn import Handling
from sidecar.endpoint.call import Call, ClientLeft
from sidecar.endpoint.errors import MESSAGES, PLAIN, UNEXPECTED, Form, noted, shown
from sidecar.endpoint.limits import Limits
from sidecar.trace import get_logger

log = get_logger("endpoint")

_CUT = "The provider's answer broke off before its end; please try again."


class EventStream(web.StreamResponse):
    """A response whose head travels with its first event instead of in a packet of its own."""

    _send_headers_immediately = False


class Outlet:
    """Writes events to one client. Opens the response with the first byte; `opened` tells whether that happened."""

    def __init__(self, call: Call, limits: Limits, form: Form = MESSAGES) -> None:
        self._call = call
        self._form = form
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._response: web.StreamResponse | None = None
        self._last = self._loop.time()
        self._held: list[bytes] = []
        self.headers: Mapping[str, str] = {}
        self.handling = Handling()

    @property
    def opened(self) -> bool:
        """Whether the client has a status line: from then on errors can only be events."""
        return self._response is not None

    def hold(self, raw: bytes) -> None:
        """Keep an event for the next `send`, which comes without waiting for anything in between."""
        self._held.append(raw)

    async def send(self, raw: bytes) -> None:
        """Write one whole event, behind those that are held; wait while the client does not read. Raises ClientLeft."""
        try:
            response = self._response or await self._open()
            self._last = self._loop.time()
            await response.write(self._with_held(raw))
        except ConnectionError:
            raise ClientLeft from None

    async def close(self, raw: bytes) -> None:
        """Write the last event and end the body as HTTP ends it, so that the client need not wait. Raises ClientLeft."""
        try:
            response = self._response or await self._open()
            self._last = self._loop.time()
            await response.write_eof(self._with_held(raw))
        except ConnectionError:
            raise ClientLeft from None

    async def _open(self) -> web.StreamResponse:
        self._response = response = self._make()
        await response.prepare(self._call.request)
        return response

    def _with_held(self, raw: bytes) -> bytes:
        if not self._held:
            return raw
        self._held.append(raw)
        whole = b"".join(self._held)
        self._held.clear()
        return whole

    def finished(self) -> web.StreamResponse:
        """The response as it was written."""
        return self._response or self._make()

    @contextlib.asynccontextmanager
    async def pinging(self) -> AsyncIterator[None]:
        """While inside, silence is broken by pings. A stream that is never silent costs one timer."""
        async with asyncio.TaskGroup() as group:
            pinger: list[asyncio.Task[None]] = []
            timer = self._loop.call_later(
                self._limits.first_ping, lambda: pinger.append(group.create_task(self._ping()))
            )
            try:
                yield
            finally:
                timer.cancel()
                for task in pinger:
                    task.cancel()

    async def _ping(self) -> None:
        with contextlib.suppress(ClientLeft):
            while True:
                silence = self._loop.time() - self._last
                if silence >= self._limits.ping:
                    await self.send(self._form.ping)
                    silence = 0.0
                await asyncio.sleep(max(self._limits.ping - silence, self._limits.ping / 10))

    def _make(self) -> web.StreamResponse:
        headers = {
            **PLAIN,
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            **self._form.identified(self._call.turn.id),
            **shown(self.headers, self.handling),
        }
        return EventStream(headers=headers)


async def stream(
    call: Call, ask: Ask, request: MessagesRequest, limits: Limits, form: Form = MESSAGES
) -> web.StreamResponse:
    """Answer with server-sent events. Raises what failed before the first byte, and ClientLeft."""
    outlet = Outlet(call, limits, form)
    failure: Exception | None = None
    asking = ask(request, call.turn)
    del request  # it may be large, and nobody needs it when the answer has begun
    async with outlet.pinging():
        # Caught in here, since a task group would wrap what leaves it.
        try:
            async with await asking as reply:
                await _hand_on(call, reply, outlet, limits)
        except Exception as error:  # noqa: BLE001 - a door: raised again or told to the client below
            failure = error
    if failure is not None:
        if isinstance(failure, ClientLeft) or not outlet.opened:
            raise failure
        await _end_badly(call, outlet, failure, form)
    return outlet.finished()


async def _hand_on(call: Call, reply: Reply, outlet: Outlet, limits: Limits) -> None:
    outlet.headers, outlet.handling = reply.headers, reply.handling
    call.note.update(noted(reply.headers, reply.handling))
    async with contextlib.aclosing(cast("AsyncGenerator[Event]", reply.events())) as events:
        async for event in events:
            if event.type == "error" and not outlet.opened:
                raise _first_error(event)
            if event.type == "message_stop":
                await outlet.close(event.raw)
                call.status = 200
                await _let_end(events, limits.tail)
                return
            if event.type == "error":
                await outlet.send(event.raw)
                return
            if event.more:
                outlet.hold(event.raw)
            else:
                await outlet.send(event.raw)
    raise UpstreamCut(_CUT)


async def _let_end(events: AsyncIterator[Event], seconds: float) -> None:
    """Read a provider's stream to its end, so that its connection can be used again."""
    with contextlib.suppress(TimeoutError, SidecarError):
        async with asyncio.timeout(seconds):
            async for _ in events:
                pass


def _first_error(event: Event) -> UpstreamError:
    """The error that a stream begins with, as an HTTP error: the client sees the same body with a true status."""
    told = event.data.get("error")
    error = reported(told if isinstance(told, dict) else {})
    if isinstance(told, dict):
        error.relay = encode(event.data)
    return error


async def _end_badly(call: Call, outlet: Outlet, failure: Exception, form: Form) -> None:
    if isinstance(failure, SidecarError):
        kind, sentence = failure.kind, failure.sentence
        call.note["error"] = kind
    else:
        kind, sentence = "api_error", UNEXPECTED
        log.error("stream_failed", error=failure)
        call.note["error"] = "unexpected"
    with contextlib.suppress(ClientLeft):  # whoever left needs no error
        await outlet.close(form.event(kind, sentence, call.turn.id))
