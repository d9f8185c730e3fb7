"""A provider's answer, as a stream of events or as one message; either can be had from the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Self

from sidecar.core.errors import UpstreamCut, UpstreamError
from sidecar.core.events import Accumulator, Event, unfold
from sidecar.core.messages import Message
from sidecar.core.turn import Handling

_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "not_supported": 501,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def reported(error: Mapping[str, Any]) -> UpstreamError:
    """The error that a stream's `error` event tells of, with the status that it would have had as a whole answer."""
    kind = str(error.get("type") or "api_error")
    sentence = str(error.get("message") or "The provider reported an error.")
    return UpstreamError(sentence, status=_STATUS.get(kind, 502), kind=kind)


class Reply:
    """One answer. Made with `events` or with `message`, whichever the provider brought.

    `headers` are those of the provider that the client may see (`request-id`, `anthropic-ratelimit-*`);
    `handling` is what was done to the request on its way: whoever changes more adds to it.
    Closing it closes the connection behind it; it is an async context manager and must be used as one.
    """

    def __init__(
        self,
        *,
        events: AsyncIterator[Event] | None = None,
        message: Message | None = None,
        headers: Mapping[str, str] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
        handling: Handling | None = None,
    ) -> None:
        if (events is None) == (message is None):
            raise ValueError("a reply is either events or a message")
        self._events = events
        self._message = message
        self._close = close
        self.headers: Mapping[str, str] = headers or {}
        self.handling = handling or Handling()

    @property
    def whole(self) -> Message | None:
        """The message, where the provider brought one in place of events (or `message` has folded them)."""
        return self._message

    async def events(self) -> AsyncIterator[Event]:
        """The answer as events; a provider's `error` event is one of them. Can be taken once."""
        if self._events is not None:
            async for event in self._events:
                yield event
        elif self._message is not None:
            for event in unfold(self._message):
                event.more = event.type != "message_stop"
                yield event

    async def message(self) -> Message:
        """The whole answer. Raises UpstreamCut if the stream ends early, UpstreamError if it brings an error."""
        if self._message is not None:
            return self._message
        folded = Accumulator()
        async for event in self.events():
            folded.feed(event)
        if folded.error is not None:
            raise reported(folded.error)
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
