"""Providers that speak chat completions: asked through the dialect, answered as the Messages API answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import orjson

from sidecar.core.errors import BadInput, UpstreamCut, UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import MessagesRequest, encode
from sidecar.core.ports import Capabilities, Model, Secret
from sidecar.core.reply import Reply
from sidecar.core.sse import Decoder
from sidecar.core.turn import Handling, Turn
from sidecar.providers import faults
from sidecar.providers.dialects.openai import Flavour, chat_request, unsaid
from sidecar.providers.dialects.openai_answers import ChatStream, whole_message
from sidecar.providers.fitting import fit, strip
from sidecar.providers.learning import Learned
from sidecar.providers.models import ModelMap
from sidecar.providers.native import DEFAULT_MAX_TOKENS, credential
from sidecar.providers.transport import Transport, TransportAnswer
from sidecar.trace import get_logger

log = get_logger("providers")

SPOKEN: Final = Capabilities(native=False, cache_control=False, server_tools=False, safeguards=False)
"""What chat completions can say of the Messages API."""


@dataclass(frozen=True, slots=True)
class ChatRoute:
    """Where the chat completions are, and what this server takes."""

    url: str
    flavour: Flavour

    def url_for(self, model: str) -> str:
        """The URL for a model: where it holds `{model}`, the name stands there. Raises BadInput for one that leads elsewhere."""
        # Dots stay dots however they are quoted.
        if "{model}" in self.url and {"", ".", ".."}.intersection(re.split(r"[/\\]", model)):
            raise BadInput("model: this name cannot stand in the path of an endpoint.")
        return self.url.replace("{model}", quote(model, safe=""))


class ChatProvider:
    """A chat-completions server behind a URL, asked without a key where it wants none. Implements `core.ports.Provider`."""

    def __init__(
        self, name: str, route: ChatRoute, secret: Secret | None, models: ModelMap, transport: Transport
    ) -> None:
        self._name = name
        self._route = route
        self._secret = secret
        self._models = models
        self._transport = transport
        self.learned = Learned()

    @property
    def name(self) -> str:
        """The provider's name as settings spell it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the dialect can say. See `core.ports.Provider.capabilities`."""
        return SPOKEN

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. See `core.ports.Provider.send`; raises NotSupported for what the dialect cannot say."""
        body = dict(fit(request, SPOKEN)[0].body)
        if self.learned.wanted and body.get("max_tokens") is None:
            body["max_tokens"] = DEFAULT_MAX_TOKENS
        model = self._models.upstream(request.model)
        url = self._route.url_for(model)
        asked = chat_request(body, model, self._route.flavour)
        if not self.learned.wanted and (lost := self._changes(request, asked, named=False)):
            raise BadInput(
                f"{', '.join(lost)}: cannot be said in chat completions. Leave that out, or let it be left out (SIDECAR_FIT=true)."
            )
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if request.stream else "application/json",
        }
        if self._secret is not None:
            headers["authorization"] = f"Bearer {await credential(self._secret)}"
        try:
            answer, handling = await self._posted(url, headers, asked, request)
        except faults.Declined as error:
            sent = strip(asked, self.learned.of(url, model))[0]
            learned = self.learned.learn(url, model, error.words, sent, {})
            if not learned:
                raise
            log.info("upstream.refuses", provider=self._name, turn=turn.id, model=model, names=list(learned))
            answer, handling = await self._posted(url, headers, asked, request)
            answer.retries += 1
        log.debug("upstream.answers", provider=self._name, turn=turn.id, type=answer.content_type)
        return await _reply(answer, request.model, handling)

    async def _posted(
        self, url: str, headers: dict[str, str], asked: dict[str, Any], request: MessagesRequest
    ) -> tuple[TransportAnswer, Handling]:
        """The answer to what of `asked` this endpoint takes, and what was done to `request`."""
        model = self._models.upstream(request.model)
        fitted, applied = strip(asked, self.learned.of(url, model))
        names = tuple(refusal.partition(">")[0] for refusal in applied)
        handling = Handling(model, self._changes(request, dict(fitted))).also(names)
        try:
            answer = await self._transport.post(url, headers, encode(fitted), stream=request.stream)
        except UpstreamError as error:
            error.handling = replace(handling, retries=error.handling.retries)
            raise
        return answer, handling

    def _changes(self, request: MessagesRequest, asked: dict[str, Any], *, named: bool = True) -> tuple[str, ...]:
        """Fields that the dialect could not say, beside (`named`) the name of the model and the limit that it needs."""
        renamed = ("model",) if named and self._models.upstream(request.model) != request.model else ()
        limited = ("max_tokens",) if self.learned.wanted and request.body.get("max_tokens") is None else ()
        headers = tuple(name for name in request.headers if name.startswith("anthropic-beta"))
        return (*renamed, *limited, *unsaid(request.body, asked), *headers)

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """None: chat completions count only what they answered."""
        return None

    async def models(self) -> Sequence[Model]:
        """Models on offer by the map of names; the provider itself is not asked."""
        return self._models.offered()

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()


async def _reply(answer: TransportAnswer, model: str, handling: Handling) -> Reply:
    told = replace(handling, retries=answer.retries)
    shown = faults.visible(answer.headers)
    ident = f"msg_{uuid4().hex[:24]}"
    try:
        if answer.content_type == "text/event-stream":
            stream = ChatStream(ident=ident, model=model)
            return Reply(events=_events(answer, stream), headers=shown, close=answer.aclose, handling=told)
        message = whole_message(_decoded(await answer.read(), answer), ident=ident, model=model)
    except BaseException:
        await answer.aclose()
        raise
    await answer.aclose()
    return Reply(message=message, headers=shown, handling=told)


async def _events(answer: TransportAnswer, stream: ChatStream) -> AsyncIterator[Event]:
    """Events of a chunk stream until `[DONE]`, its error, or the end after a finish reason; else UpstreamCut."""
    decoder = Decoder()
    try:
        async for data in answer.chunks():
            for frame in decoder.feed(data):
                events, last = _told(frame, stream)
                for event in events:
                    yield event
                if last:
                    await answer.settle()
                    return
        # Some servers leave out the `[DONE]`; the finish reason has told that nothing is missing.
        if not stream.finished or decoder.pending.strip():
            raise UpstreamCut("The provider's answer ended before it was complete; please try again.")
        for event in stream.end():
            yield event
    finally:
        await answer.aclose()


def _told(frame: Event, stream: ChatStream) -> tuple[Iterable[Event], bool]:
    """The events that a frame brings, and whether it is the last."""
    if frame.raw.rstrip().endswith(b"[DONE]"):
        return stream.end(), True
    error = _error(frame)
    return ([error], True) if error is not None else (stream.feed(frame.data), False)


def _error(frame: Event) -> Event | None:
    """The error event for a frame that tells of a fault, or that cannot be read."""
    data = frame.data
    if not data:
        log.warning("upstream.unreadable_chunk", detail=faults.detail(frame.raw))
        raise UpstreamCut("The provider sent a part of its answer that cannot be read; please try again.")
    if "choices" in data or not ("error" in data or "error_code" in data):
        return None
    log.warning("upstream.error_event", detail=faults.detail(frame.raw))
    return faults.general(Event.make({"type": "error", "error": _kind(data)}))


def _kind(data: dict[str, Any]) -> dict[str, Any]:
    """The Messages API's type for an error inside a stream of chunks."""
    inner = data.get("error")
    error = inner if isinstance(inner, dict) else data
    status = error.get("code") or error.get("status_code") or 500
    named = {
        "REQUEST_LIMIT_EXCEEDED": 429,
        "RESOURCE_EXHAUSTED": 429,
        "rate_limit_exceeded": 429,
        "TEMPORARILY_UNAVAILABLE": 529,
        "BAD_REQUEST": 400,
        "INVALID_PARAMETER_VALUE": 400,
        "context_length_exceeded": 400,
    }.get(str(error.get("error_code") or status))
    number = named or (status if isinstance(status, int) else 500)
    failure = faults.fault(number if number >= 400 else 500, {}, orjson.dumps(error))
    return {"type": failure.kind, "message": failure.sentence}


def _decoded(raw: bytes, answer: TransportAnswer) -> dict[str, Any]:
    if not raw.lstrip().startswith(b"{"):
        raise faults.garbage(answer.content_type or "no content type", answer.headers)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UpstreamCut("The provider's answer is not complete JSON; please try again.") from error
    if not isinstance(value, dict) or "error" in value or "error_code" in value:
        raise UpstreamError("The provider answered with an error inside a successful answer; please try again.")
    return value
