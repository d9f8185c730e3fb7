"""Providers that speak the Messages API themselves: bytes in, bytes out, and only what must differ is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidecar.core.errors import BadInput, SetupError, UpstreamCut, UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import DROP, Message, MessagesRequest, decode_object
from sidecar.core.ports import Model, Secret
from sidecar.core.reply import Reply
from sidecar.core.sse import Decoder
from sidecar.core.turn import Turn
from sidecar.providers import faults
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport, TransportAnswer
from sidecar.trace import get_logger

log = get_logger("providers")

DEFAULT_MAX_TOKENS: Final = 4096
"""What a request without `max_tokens` gets: every model takes it. The Messages API itself would refuse the request."""

_FORWARDED: Final = ("anthropic-beta", "anthropic-version")
_NOT_COUNTED: Final = ("max_tokens", "stream", "metadata", "stop_sequences", "temperature", "top_p", "top_k")
_NO_COUNT: Final = frozenset({404, 405, 501})

Fit = Callable[[MessagesRequest], MessagesRequest]
"""What one provider must have changed in a request; it sees the provider's own model name."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a provider's Messages API is, and how it is told who asks.

    `credential` names the header; `scheme` stands before the secret in it (`Bearer `). `version` is the
    `anthropic-version` for clients that send none. `counts` tells whether there is a `/count_tokens` below the URL.
    """

    url: str
    credential: str = "x-api-key"
    scheme: str = ""
    version: str = "2023-06-01"
    counts: bool = False

    @property
    def count_url(self) -> str:
        """The URL that counts tokens; a query of the URL (`?api-version=…`) stays behind it."""
        head, mark, query = self.url.partition("?")
        return f"{head}/count_tokens{mark}{query}"


class NativeProvider:
    """A Messages API behind a URL. Implements `core.ports.Provider`."""

    def __init__(
        self,
        name: str,
        route: Route,
        secret: Secret,
        models: ModelMap,
        transport: Transport,
        fit: Fit | None = None,
    ) -> None:
        self._name = name
        self._route = route
        self._secret = secret
        self._models = models
        self._transport = transport
        self._fit = fit
        self._counts = route.counts

    @property
    def name(self) -> str:
        """The provider's name as settings spell it."""
        return self._name

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. See `core.ports.Provider.send`."""
        ready = self._ready(request)
        headers = await self._headers(ready, stream=ready.stream)
        answer = await self._transport.post(self._route.url, headers, ready.raw, stream=ready.stream)
        log.debug("upstream.answers", provider=self._name, turn=turn.id, type=answer.content_type)
        return await reply(answer)

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """Input tokens by the provider's count; None where it has none. Raises UpstreamError."""
        if not self._counts:
            return None
        model = self._models.upstream(request.model)
        asked = request.renamed(model)
        if any(name in asked.body for name in _NOT_COUNTED):
            asked = asked.replaced(**dict.fromkeys(_NOT_COUNTED, DROP))
        try:
            answer = await self._transport.post(
                self._route.count_url, await self._headers(asked, stream=False), asked.raw, stream=True
            )
        except UpstreamError as error:
            if error.status not in _NO_COUNT:
                raise
            log.info("count_tokens.absent", provider=self._name, turn=turn.id)
            self._counts = False
            return None
        try:
            count = _object(await answer.read()).get("input_tokens")
        finally:
            await answer.aclose()
        return count if isinstance(count, int) else None

    async def models(self) -> Sequence[Model]:
        """Models on offer by the map of names; the provider itself is not asked."""
        return self._models.offered()

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    def _ready(self, request: MessagesRequest) -> MessagesRequest:
        """The request as this provider must get it; the same object when nothing has to differ."""
        ready = request.renamed(self._models.upstream(request.model))
        if ready.body.get("max_tokens") is None:
            ready = ready.replaced(max_tokens=DEFAULT_MAX_TOKENS)
        return self._fit(ready) if self._fit else ready

    async def _headers(self, request: MessagesRequest, *, stream: bool) -> dict[str, str]:
        route = self._route
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if stream else "application/json",
            "anthropic-version": route.version,
            route.credential: route.scheme + await credential(self._secret),
        }
        headers.update(forwarded(request.headers))
        return headers


async def reply(answer: TransportAnswer) -> Reply:
    """The reply that an answer of the Messages API brings, as a stream or whole, whichever the provider chose."""
    shown = faults.visible(answer.headers)
    try:
        if answer.content_type == "text/event-stream":
            return Reply(events=events(answer), headers=shown, close=answer.aclose)
        message = whole(await answer.read(), answer)
    except BaseException:
        await answer.aclose()
        raise
    await answer.aclose()
    return Reply(message=message, headers=shown)


async def events(answer: TransportAnswer) -> AsyncIterator[Event]:
    """The events of a stream, each with its bytes, until `message_stop` or `error`.

    Raises UpstreamCut where the stream ends, breaks or falls silent before. An `error` keeps its type; the
    provider's words in it are replaced by ours.
    """
    decoder = Decoder()
    try:
        async for chunk in answer.chunks():
            for event in decoder.feed(chunk):
                if event.type == "error":
                    log.warning("upstream.error_event", detail=faults.detail(event.raw))
                    yield faults.general(event)
                    return
                yield event
                if event.type == "message_stop":
                    await answer.settle()
                    return
        for event in decoder.end():
            yield event
            if event.type == "message_stop":
                return
        raise UpstreamCut("The provider's answer ended before it was complete; please try again.")
    finally:
        await answer.aclose()


def whole(raw: bytes, answer: TransportAnswer) -> Message:
    """The message of a whole answer, checked to be one. Raises UpstreamCut or UpstreamError where it is none."""
    if not raw.lstrip().startswith(b"{"):
        raise faults.garbage(answer.content_type or "no content type", answer.headers)
    body = _object(raw)
    if body.get("type") == "error" or not isinstance(body.get("content"), list):
        raise faults.garbage("no message in it", answer.headers)
    return Message(raw)


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers that go on to the provider, unchanged; none that could break out of its line."""
    return {k: headers[k] for k in _FORWARDED if k in headers and headers[k].isascii() and headers[k].isprintable()}


async def credential(secret: Secret) -> str:
    """The secret, fit for a header. Raises SetupError where it is empty or holds what no header can."""
    value = (await secret()).strip()
    if not value or not value.isascii() or not value.isprintable():
        raise SetupError("The provider's key is empty or holds characters that no header can carry; set it again.")
    return value


def _object(raw: bytes) -> dict[str, object]:
    try:
        return decode_object(raw)
    except BadInput as error:
        raise UpstreamCut("The provider's answer is not complete JSON; please try again.") from error
