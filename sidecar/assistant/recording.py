"""The step that notes each request: how long, how many tokens, which tools, what it cost, what became of it.

It watches events go by without decoding them: those that bear a number or a name are kept as they are, and read on the
journal's thread when the answer has long been sent. Nothing of the content is noted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, cast

from sidecar.assistant.prices import PriceTable, Spent
from sidecar.assistant.turn import Ask
from sidecar.core.errors import BadInput, SidecarError, UpstreamCut, UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import Message, MessagesRequest
from sidecar.core.reply import Reply, reported
from sidecar.core.turn import Handling, Turn
from sidecar.store.turns import Draft, Outcome, TurnRecord

_TOOL: Final = b"tool_use"
_LONGEST_NAME: Final = 200
_MOST_TOOLS: Final = 200


class Recorder:
    """A step for the outermost place, so that it sees what the client sees. `add` takes a draft of each record."""

    def __init__(self, provider: str, add: Callable[[Draft], None], prices: PriceTable) -> None:
        self._provider = provider
        self._add = add
        self._prices = prices

    async def __call__(self, request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
        """Ask, and note what comes of it."""
        watch = _Watch(self, request.model, turn, stream=request.stream)
        try:
            reply = await ask(request, turn)
        except BaseException as error:
            watch.end(error)
            raise
        return watch.over(reply)

    def note(self, watch: _Watch) -> None:
        """Hand over what was seen of one request."""
        self._add(lambda: _record(watch, self._provider, self._prices))


@dataclass(slots=True)
class _Watch:
    """What was seen of one request, nothing of it decoded."""

    recorder: Recorder
    asked: str
    turn: Turn
    stream: bool
    started: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)
    first: float | None = None
    ended: float | None = None
    kept: list[Event] = field(default_factory=list)
    message: Message | None = None
    complete: bool = False
    error: BaseException | None = None
    handling: Handling = field(default_factory=Handling)
    upstream: str = ""

    def over(self, reply: Reply) -> Reply:
        """The same reply, watched; closing it ends the watch."""
        self.handling = reply.handling
        self.upstream = reply.headers.get("request-id", "")

        async def close() -> None:
            self.end()
            await reply.aclose()

        if reply.whole is not None:
            self.first = time.perf_counter()
            self.message, self.complete = reply.whole, True
            return Reply(message=reply.whole, headers=reply.headers, close=close, handling=reply.handling)
        events = self._events(cast("AsyncGenerator[Event]", reply.events()))
        return Reply(events=events, headers=reply.headers, close=close, handling=reply.handling)

    async def _events(self, events: AsyncGenerator[Event]) -> AsyncIterator[Event]:
        async with aclosing(events):
            try:
                async for event in events:
                    if event.type != "content_block_delta":
                        self._look(event)
                    yield event
                if not (self.complete or any(event.type == "error" for event in self.kept)):
                    self.error = UpstreamCut("The answer ended before it was complete.")
            except SidecarError as error:
                self.error = error
                raise

    def _look(self, event: Event) -> None:
        match event.type:
            case "message_start":
                self.first = time.perf_counter()
                self.kept.append(event)
            case "content_block_start":
                if _TOOL in event.raw:
                    self.kept.append(event)
            case "message_delta" | "error":
                self.kept.append(event)
            case "message_stop":
                self.ended = time.perf_counter()
                self.complete = True

    def end(self, error: BaseException | None = None) -> None:
        """Note what was seen, once."""
        if error is not None:
            self.error = error
            if isinstance(error, UpstreamError):
                self.handling = error.handling
                self.upstream = error.request_id or error.headers.get("request-id", "")
        self.ended = self.ended or time.perf_counter()
        self.recorder.note(self)


# ── afterwards, on the journal's thread ─────────────────────────────────────────────────────────────
def _record(watch: _Watch, provider: str, prices: PriceTable) -> TurnRecord:
    body = _told(watch)
    failure = _failure(watch, body)
    outcome: Outcome = "error" if failure is not None else "done" if watch.complete else "left"
    handling = watch.handling
    # A kept answer says that it was read from a cache; what it would have cost is what it took the first time.
    usage = _usage(handling.usage if handling.spared and handling.usage else body.get("usage"))
    served = handling.model or str(body.get("model") or "")
    cost, saved = _money(usage, served, prices, spared=handling.spared)
    return TurnRecord(
        id=watch.turn.id,
        started=watch.started,
        session=watch.turn.session,
        agent=watch.turn.agent,
        provider=provider,
        asked=watch.asked[:_LONGEST_NAME],
        served=served[:_LONGEST_NAME],
        stream=watch.stream,
        outcome=outcome,
        status=200 if outcome == "done" else failure.status if isinstance(failure, UpstreamError) else None,
        error=_kind(failure),
        stop_reason=str(body.get("stop_reason") or "")[:_LONGEST_NAME],
        **usage,
        cost=cost,
        saved=saved,
        ms=_ms(watch.began, watch.ended) or 0.0,
        first_ms=_ms(watch.began, watch.first),
        tools=(*handling.ran, *_tools(body.get("content")))[:_MOST_TOOLS],
        cache=handling.cache,
        retries=handling.retries,
        changes=handling.also(watch.turn.unsaid).changes,
        upstream=watch.upstream[:_LONGEST_NAME],
    )


def _told(watch: _Watch) -> dict[str, Any]:
    """What the kept events (or the whole message) say, in the form of a message without its texts."""
    if watch.message is not None:
        try:
            return watch.message.body
        except BadInput:
            return {}
    body: dict[str, Any] = {"content": []}
    for event in watch.kept:
        data = event.data
        match event.type:
            case "message_start":
                body = {**_object(data.get("message")), "content": []}
            case "content_block_start":
                body["content"].append(_object(data.get("content_block")))
            case "message_delta":
                told = {k: v for k, v in _object(data.get("usage")).items() if v is not None}
                body = {**body, **_object(data.get("delta")), "usage": {**_object(body.get("usage")), **told}}
            case "error":
                body["error"] = _object(data.get("error"))
    return body


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _failure(watch: _Watch, body: Mapping[str, Any]) -> BaseException | None:
    """Why there was no answer; None where there was one, or where the client left before."""
    if watch.error is not None:
        return None if isinstance(watch.error, asyncio.CancelledError | GeneratorExit) else watch.error
    return reported(body["error"]) if "error" in body and not watch.complete else None


def _kind(failure: BaseException | None) -> str:
    if failure is None:
        return ""
    return failure.kind if isinstance(failure, SidecarError) else "unexpected"


def _usage(told: Any) -> dict[str, int | None]:
    usage = _object(told)
    created = _object(usage.get("cache_creation"))
    return {
        "input": _count(usage.get("input_tokens")),
        "output": _count(usage.get("output_tokens")),
        "cache_read": _count(usage.get("cache_read_input_tokens")),
        "cache_write": _count(usage.get("cache_creation_input_tokens")),
        "cache_write_1h": _count(created.get("ephemeral_1h_input_tokens")),
    }


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _money(
    usage: Mapping[str, int | None], served: str, prices: PriceTable, *, spared: bool
) -> tuple[float | None, float | None]:
    """What it cost and what our own cache saved by sparing it; None where the price or the usage is not known."""
    price = prices.find(served)
    known = price is not None and (usage["input"] is not None or usage["output"] is not None)
    worth = price.of(Spent(**{k: v or 0 for k, v in usage.items()})) if price is not None and known else None
    return (0.0, worth) if spared else (worth, None)


def _tools(content: Any) -> tuple[str, ...]:
    """Names of the tools that were called, in order, as often as they were."""
    blocks = content if isinstance(content, list) else []
    called = [b for b in blocks if isinstance(b, dict) and str(b.get("type")).endswith("tool_use")]
    names = (str(block.get("name") or "?").replace(",", " ")[:_LONGEST_NAME] for block in called[:_MOST_TOOLS])
    return tuple(names)


def _ms(began: float, at: float | None) -> float | None:
    return None if at is None else round((at - began) * 1000, 3)
