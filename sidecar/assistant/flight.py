"""One question on its way to the provider, and everybody who waits for the same answer.

The question is asked by a task of its own, so whoever asked first may leave without taking the answer away from the
others. When the last one leaves, the task is cancelled and the provider's connection closes with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, cast

from sidecar.core.errors import UpstreamCut
from sidecar.core.events import Event
from sidecar.core.messages import Message
from sidecar.core.reply import Reply
from sidecar.core.turn import Handling
from sidecar.trace import get_logger

log = get_logger("assistant")

AHEAD: Final = 256 * 1024
"""Bytes that are read from the provider before the quickest of those who wait has taken them."""

MOST: Final = 8 * 1024 * 1024
"""Bytes of a stream that are held for whoever may still come; past that, what all have taken is let go."""

_TAIL: Final = 1.0  # seconds for the provider to end its answer after the last event, so that its connection lives on
_KEEPING: Final = 3.0  # seconds for an answer to be kept while the sidecar stops


class Flight:
    """The answer to one question, as it comes. `streamed` tells whether as events or whole.

    `answered` is set once it is complete. `overgrown` says that its beginning is not held any more.
    """

    def __init__(self, *, streamed: bool) -> None:
        self.streamed = streamed
        self.headers: Mapping[str, str] = {}
        self.handling = Handling()
        self.message: Message | None = None
        self.events: list[Event] = []
        self.answered = False
        self.overgrown = False
        self._opened = False
        self._first = 0  # the number of the first event that is still held
        self._bytes = 0
        self._seats: set[Seat] = set()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # ── for those who wait ──────────────────────────────────────────────────────────────────────────────
    def enter(self) -> Seat:
        """A place for one who waits for the answer."""
        seat = Seat(self)
        self._seats.add(seat)
        return seat

    @property
    def joinable(self) -> bool:
        """Whether one who comes now can have the whole answer."""
        return bool(self._seats) and not self.overgrown and not self.over

    @property
    def opened(self) -> bool:
        """Whether the provider has begun to answer (where it answers whole: has answered), or will not any more."""
        return self.over or (self._opened and self.streamed)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.answered or (self._task is not None and self._task.done())

    @property
    def held(self) -> int:
        """How many events there were so far."""
        return self._first + len(self.events)

    def event(self, number: int) -> Event:
        """One of them that is still held."""
        return self.events[number - self._first]

    async def news(self) -> None:
        """Wait for the next thing to happen. Nothing is missed by who looks first and then waits."""
        self._news.clear()
        if not self.over:
            await self._news.wait()

    def taken(self) -> None:
        """Somebody took an event, so there may be room for more."""
        self._room.set()

    def check(self) -> None:
        """Raise what the question ended in, if it has ended without an answer."""
        if self.answered or self._task is None or not self._task.done():
            return
        if self._task.cancelled():
            raise UpstreamCut("The answer was given up because the sidecar is stopping; please try again.")
        if (error := self._task.exception()) is not None:
            raise error

    async def leave(self, seat: Seat) -> None:
        """Take one who waits away; with the last one the question ends, unless it was answered."""
        self._seats.discard(seat)
        self._room.set()
        if not self._seats and not self.answered:
            await self.stop()

    # ── for whoever lets it fly ─────────────────────────────────────────────────────────────────────────
    def start(
        self, ask: Callable[[], Awaitable[Reply]], then: Callable[[], Awaitable[None]], ended: Callable[[], None]
    ) -> None:
        """Ask. `then` is awaited when the answer is complete, `ended` called whatever happens."""

        def done(task: asyncio.Task[None]) -> None:
            ended()
            self._news.set()
            if not task.cancelled() and (error := task.exception()) is not None and self.answered:
                log.error("answer_not_kept", error=error)

        self._task = asyncio.get_running_loop().create_task(self._fly(ask, then))
        self._task.add_done_callback(done)

    async def finish(self) -> None:
        """Let an answer that is complete be kept; end a question that is not answered yet."""
        if self.answered and self._task is not None:
            await asyncio.wait({self._task}, timeout=_KEEPING)
        await self.stop()

    async def stop(self) -> None:
        """End the question, and wait until the provider's connection is closed."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _fly(self, ask: Callable[[], Awaitable[Reply]], then: Callable[[], Awaitable[None]]) -> None:
        async with await ask() as reply:
            self.headers, self.handling = reply.headers, reply.handling
            self._opened = True
            self._news.set()
            if self.streamed:
                async with contextlib.aclosing(cast("AsyncGenerator[Event]", reply.events())) as events:
                    await self._gather(events)
            else:
                self.message = await reply.message()
                self.answered = True
        self._news.set()
        if self.answered:
            await then()

    async def _gather(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            self.events.append(event)
            self._bytes += len(event.raw)
            self.answered = event.type == "message_stop"
            self._news.set()
            if self.answered:
                break
            if self._bytes > MOST:
                self._let_go()
            while self._ahead() > AHEAD:
                self._room.clear()
                await self._room.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TAIL):
                async for _ in events:
                    pass

    def _let_go(self) -> None:
        self.overgrown = True
        slowest = min((seat.next for seat in self._seats), default=self.held)
        del self.events[: slowest - self._first]
        self._first = slowest

    def _ahead(self) -> int:
        """Bytes that the quickest (once the beginning is not held any more: the slowest) has not taken yet."""
        taken = [seat.bytes for seat in self._seats]
        if not taken:
            return 0
        return self._bytes - (min(taken) if self.overgrown else max(taken))


class Seat:
    """One who waits for a flight's answer, and how far it has come (events, bytes)."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self.next = 0
        self.bytes = 0

    async def opened(self) -> None:
        """Wait until there is a head, or a whole answer. Raises what the question ended in instead."""
        while not self._flight.opened:
            await self._flight.news()
        if not self._flight.held:
            self._flight.check()

    async def promising(self) -> bool:
        """Wait for the first word of an answer; False where there is an error in its place."""
        flight = self._flight
        looked = 0
        while True:
            while looked < flight.held:
                event = flight.event(looked)
                looked += 1
                if event.type != "ping":
                    return event.type != "error"
            if flight.over:
                return flight.message is not None
            await flight.news()

    async def events(self) -> AsyncIterator[Event]:
        """The events from the first one on, as they come. Raises what broke them off."""
        flight = self._flight
        while True:
            while self.next < flight.held:
                event = flight.event(self.next)
                self.next += 1
                self.bytes += len(event.raw)
                flight.taken()
                yield event
            if flight.over:
                break
            await flight.news()
        flight.check()

    async def leave(self) -> None:
        """Wait no more."""
        await self._flight.leave(self)
