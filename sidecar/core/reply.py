"""A provider's answer, as a stream of events or as one message; either can be had from the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Self

from sidecar.core.errors import UpstreamCut, UpstreamError
from sidecar.core.events import Accumulator, Event, unfold
from sidecar.core.messages import Message


class Reply:
    """One answer. Made with `events` or with `message`, whichever the provider brought.

    `headers` are those of the provider that the client may see (`request-id`, `anthropic-ratelimit-*`).
    Closing it closes the connection behind it; it is an async context manager and must be used as one.
    """

    def __init__(
        self,
        *,
        events: AsyncIterator[Event] | None = None,
        message: Message | None = None,
        headers: Mapping[str, str] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        if (events is None) == (message is None):
            raise ValueError("a reply is either events or a message")
        self._events = events
        self._message = message
        self._close = close
        self.headers: Mapping[str, str] = headers or {}

    async def events(self) -> AsyncIterator[Event]:
        """The answer as events; a provider's `error` event is one of them. Can be taken once."""
        if self._events is not None:
            async for event in self._events:
                yield event
        elif self._message is not None:
            for event in unfold(self._message):
                yield event

    async def message(self) -> Message:
        """The whole answer. Raises UpstreamCut if the stream ends early, UpstreamError if it brings an error."""
        if self._message is not None:
            return self._message
        folded = Accumulator()
        async for event in self.events():
            folded.feed(event)
        if folded.error is not None:
            kind = str(folded.error.get("type") or "api_error")
            raise UpstreamError(str(folded.error.get("message") or "The provider reported an error."), kind=kind)
        if not folded.complete:
            raise UpstreamCut("The provider's answer broke off before its end; please try again.")
        self._message = folded.message()
        return self._message

    async def aclose(self) -> None:
        """Let go of the connection behind this answer."""
        if self._close is not None:
            close, self._close = self._close, None
            await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
