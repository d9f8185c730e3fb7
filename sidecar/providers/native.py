"""Providers that speak the Messages API themselves: bytes in, bytes out, and only what must differ is changed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidecar.core.errors import BadInput, SetupError, UpstreamCut, UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import DROP, Message, MessagesRequest, decode_object, encode
from sidecar.core.ports import Capabilities, Model, Secret
from sidecar.core.reply import Reply
from sidecar.core.sse import Decoder
from sidecar.core.turn import Handling, Turn
from sidecar.providers import faults
from sidecar.providers.fitting import fit
from sidecar.providers.learning import Learned
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport, TransportAnswer
from sidecar.trace import get_logger

log = get_logger("providers")

DEFAULT_MAX_TOKENS: Final = 4096
"""What a request without `max_tokens` gets: every model takes it. The Messages API itself would refuse the request."""

_FORWARDED: Final = ("anthropic-beta", "anthropic-version")
_NOT_COUNTED: Final = ("max_tokens", "stream", "metadata", "stop_sequences", "temperature", "top_p", "top_k")
_MODEL: Final = re.compile(rb'"model"\s*:\s*("[^"\\]*")')
_NO_COUNT: Final = frozenset({404, 405, 501})

ByModel = Callable[[str], Collection[str]]
"""What a model refuses (see `fitting`), by the provider's name for it."""


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
        capabilities: Capabilities | None = None,
        by_model: ByModel | None = None,
    ) -> None:
        self._name = name
        self._route = route
        self._secret = secret
        self._models = models
        self._transport = transport
        self._capabilities = replace(capabilities or Capabilities(), count_tokens=route.counts)
        self._by_model = by_model
        self.learned = Learned()
        self._counts = route.counts

    @property
    def name(self) -> str:
        """The provider's name as settings spell it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it is known to take. See `core.ports.Provider.capabilities`."""
        return self._capabilities

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. See `core.ports.Provider.send`. What a 400 names and can be left out is, once; then never sent again."""
        ready = self._ready(request)
        answer, handling = await self._posted(self._route.url, request, ready, turn)
        log.debug("upstream.answers", provider=self._name, turn=turn.id, type=answer.content_type)
        return await reply(answer, handling, called=request.model if ready.model != request.model else "")

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """Input tokens by the provider's count; None where it has none. Raises UpstreamError."""
        if not self._counts:
            return None
        model = self._models.upstream(request.model)
        asked = request.renamed(model)
        if any(name in asked.outline for name in _NOT_COUNTED):
            asked = asked.replaced(**dict.fromkeys(_NOT_COUNTED, DROP))
        try:
            answer, _ = await self._posted(self._route.count_url, request, asked, turn)
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

    async def _posted(
        self, url: str, request: MessagesRequest, ready: MessagesRequest, turn: Turn
    ) -> tuple[TransportAnswer, Handling]:
        """The answer to what of `ready` this endpoint takes, and what was done to `request`."""
        fitted = self._fitted(url, ready)
        try:
            return await self._once(url, request, fitted, turn, 0)
        except faults.Declined as error:
            learned = self.learned.learn(url, ready.model, error.words, fitted.body, fitted.headers)
            if not learned:
                raise
            log.info("upstream.refuses", provider=self._name, turn=turn.id, model=ready.model, names=list(learned))
        return await self._once(url, request, self._fitted(url, ready), turn, 1)

    async def _once(
        self, url: str, request: MessagesRequest, fitted: MessagesRequest, turn: Turn, before: int
    ) -> tuple[TransportAnswer, Handling]:
        stream = fitted.stream
        headers = await self._headers(fitted, turn, stream=stream)
        handling = Handling(fitted.model, changes(request, fitted, headers))
        for decoded in (request, fitted):
            decoded.forget()
        try:
            # Without a stream a long answer may be awaited, but a count comes at once.
            answer = await self._transport.post(url, headers, fitted.raw, stream=stream or url != self._route.url)
        except UpstreamError as error:
            error.handling = replace(handling, retries=before + error.handling.retries)
            raise
        answer.retries += before
        return answer, handling

    def _fitted(self, url: str, ready: MessagesRequest) -> MessagesRequest:
        if not self.learned.wanted:
            return ready
        known = self.learned.of(url, ready.model)
        if self._by_model is not None:
            known = known.union(self._by_model(ready.model))
        return fit(ready, self._capabilities, known)[0]

    async def models(self) -> Sequence[Model]:
        """Models on offer by the map of names; the provider itself is not asked."""
        return self._models.offered()

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    def _ready(self, request: MessagesRequest) -> MessagesRequest:
        """The request as this provider must get it; the same object when nothing has to differ."""
        ready = request.renamed(self._models.upstream(request.model))
        if self.learned.wanted and ready.outline.get("max_tokens") is None:
            ready = ready.replaced(max_tokens=DEFAULT_MAX_TOKENS)
        return ready

    async def _headers(self, request: MessagesRequest, turn: Turn, *, stream: bool) -> dict[str, str]:
        route = self._route
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if stream else "application/json",
            "anthropic-version": route.version,
            route.credential: route.scheme + await credential(self._secret),
        }
        headers.update(forwarded(request.headers))
        headers.update(introduced(turn))
        return headers


async def reply(answer: TransportAnswer, handling: Handling, called: str = "") -> Reply:
    """The reply that an answer of the Messages API brings, as a stream or whole, whichever the provider chose.

    `called` is the name that the client asked for, where the provider was asked for another: the answer bears it.
    """
    shown = faults.visible(answer.headers)
    told = replace(handling, retries=answer.retries) if answer.retries != handling.retries else handling
    try:
        if answer.content_type == "text/event-stream":
            return Reply(events=events(answer, called), headers=shown, close=answer.aclose, handling=told)
        message = whole(await answer.read(), answer)
    except BaseException:
        await answer.aclose()
        raise
    await answer.aclose()
    return Reply(message=Message(named(message.raw, called)) if called else message, headers=shown, handling=told)


async def events(answer: TransportAnswer, called: str = "") -> AsyncIterator[Event]:
    """The events of a stream, each with its bytes, until `message_stop` or `error`; `called` as for `reply`.

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
                yield _bearing(event, called) if called and event.type == "message_start" else event
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


def introduced(turn: Turn) -> dict[str, str]:
    """What the client and its SDK call themselves: a provider sees the same as without us."""
    named = (("user-agent", turn.client), *turn.library)
    return {name: value for name, value in named if value and value.isascii() and value.isprintable()}


def changes(sent: MessagesRequest, ready: MessagesRequest, headers: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the fields and headers of the API in which a request to the provider differs from the client's."""
    differing = (name for name in _FORWARDED if headers.get(name) != sent.headers.get(name))
    return tuple(dict.fromkeys((*ready.changes_from(sent), *differing)))


def _bearing(event: Event, called: str) -> Event:
    """The first event of an answer under the name that was asked for."""
    first = Event(event.type, named(event.raw, called))
    first.more = event.more
    return first


def named(raw: bytes, called: str) -> bytes:
    """An answer's bytes with the name of its model exchanged; every other byte stays.

    The name stands before the content, in which the same key may occur. Where it does not, nothing is exchanged.
    """
    found = _MODEL.search(raw)
    if found is None or 0 <= raw.find(b'"content"') < found.start():
        return raw
    return raw[: found.start(1)] + encode(called) + raw[found.end(1) :]


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
