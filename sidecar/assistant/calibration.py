"""The step that learns from the provider's usage how finely its models cut text, for the estimate of token counts.

Now and then a request's own estimate is set beside the usage that came back with the answer. The middle one of the
last such ratios of a model scales the next estimates for it. All of it is done on a thread of its own when the answer
has left, and seldom: a request that is not looked at costs one look into a table.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from sidecar.assistant.turn import Ask
from sidecar.core.errors import BadInput
from sidecar.core.events import Event
from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Notebook
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn
from sidecar.trace import get_logger

if TYPE_CHECKING:
    from sidecar.assistant.tokens import Estimate

log = get_logger("assistant")

LAST: Final = 15
"""Ratios of a model that are kept; with them stands one of 1, for what was fitted beforehand."""

_SMALLEST: Final = 300  # tokens of text from which on a pair says something about text
_LARGEST: Final = 1024 * 1024  # bytes of a request past which it is not looked at
_EVERY: Final = 30.0  # seconds between two looks at requests for a model
_ENOUGH: Final = 3  # looks at the first requests, one after the other
_BOUNDS: Final = (0.5, 2.5)
_MOST: Final = 64  # models; their names come from clients
_PROVIDERS: Final = 8
_KEPT_SECONDS: Final = 30 * 86_400.0
_FORM: Final = 1
_INPUT: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass(slots=True)
class _Model:
    """What was learned of one model; how often a request was looked at, and when last (`looked`, steady seconds)."""

    ratios: list[float] = field(default_factory=list)
    since: float = 0.0
    looks: int = 0
    looked: float = 0.0

    @property
    def ratio(self) -> float:
        """Tokens for one of the estimate's text; the middle one, so that odd requests do not count."""
        ordered = sorted([1.0, *self.ratios])
        last = len(ordered) - 1
        return (ordered[last // 2] + ordered[(last + 1) // 2]) / 2


class Calibration:
    """A step for a place within the prompt cache, so that it sees what the provider answered.

    `provider` names who answers; what is learned goes into the notebook, where there is one. `clock` gives UTC seconds.
    """

    def __init__(self, provider: str, notebook: Notebook | None = None, clock: Callable[[], float] = time.time) -> None:
        self._provider = provider
        self._notebook = notebook
        self._clock = clock
        self._models: dict[str, _Model] = {}
        self._lock = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        noted = _noted(notebook.read() if notebook else None, clock())
        self._others = {name: models for name, models in noted.items() if name != provider}
        self._models.update(noted.get(provider, {}))

    async def __call__(self, request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
        """Ask; where this request shall be looked at, keep its usage beside it."""
        reply = await ask(request, turn)
        return self._watched(reply, request) if self._due(request) else reply

    def ratio(self, model: str) -> tuple[float, int]:
        """What was learned of a model: tokens for one of the estimate's text, and from how many requests."""
        known = self._models.get(model)
        return (known.ratio, len(known.ratios)) if known is not None else (1.0, 0)

    async def aclose(self) -> None:
        """Learn from what waits."""
        if self._worker is not None:
            await asyncio.to_thread(self._worker.shutdown)

    def learn(self, body: Mapping[str, Any], tokens: int) -> None:
        """Set a request's estimate beside its true count; for a thread, since looking through takes a while."""
        from sidecar.assistant.tokens import estimate  # noqa: PLC0415 - on the thread that learns, not at the start

        self.compare(str(body.get("model")), estimate(body), tokens)

    def compare(self, name: str, told: Estimate, tokens: int) -> None:
        """Set an estimate for a model beside the true count. What holds little text, or cannot be, is passed over."""
        if told.text < max(_SMALLEST, tokens / 4):
            return
        ratio = (tokens - told.fixed) / told.text
        low, high = _BOUNDS
        if not low <= ratio <= high:
            return  # more was counted than stands in the request, or less
        with self._lock:
            model = self._known(name)
            model.ratios = [*model.ratios[-LAST + 1 :], round(ratio, 4)]
            model.since = self._clock()
            if self._notebook is not None:
                known = {**self._others, self._provider: self._models}
                self._notebook.write({"form": _FORM, "providers": {name: _told(one) for name, one in known.items()}})
        log.debug("tokens_compared", model=name, told=tokens, ratio=round(ratio, 3))

    def _due(self, request: MessagesRequest) -> bool:
        if len(request.raw) > _LARGEST or len(request.raw) < _SMALLEST:
            return False
        now = time.monotonic()
        model = self._known(request.model)
        # Looks are counted, not what came of them: a provider whose usage teaches nothing must not be asked each time.
        if max(model.looks, len(model.ratios)) >= _ENOUGH and now - model.looked < _EVERY:
            return False
        model.looks, model.looked = model.looks + 1, now
        return True

    def _known(self, name: str) -> _Model:
        model = self._models.get(name)
        if model is None:
            if len(self._models) >= _MOST:
                self._models.pop(next(iter(self._models)))
            model = self._models[name] = _Model()
        return model

    # ── the answer as it goes by ────────────────────────────────────────────────────────────────────────
    def _watched(self, reply: Reply, request: MessagesRequest) -> Reply:
        message = reply.whole
        if message is not None:
            self._later(request, lambda: message.body.get("usage"))
            return reply
        events = self._events(cast("AsyncGenerator[Event]", reply.events()), request)
        return Reply(events=events, headers=reply.headers, close=reply.aclose, handling=reply.handling)

    async def _events(self, events: AsyncGenerator[Event], request: MessagesRequest) -> AsyncIterator[Event]:
        usage: dict[str, Any] = {}
        async with aclosing(events):
            async for event in events:
                if event.type == "message_start":
                    usage |= _object(_object(event.data.get("message")).get("usage"))
                elif event.type == "message_delta":
                    usage |= {k: v for k, v in _object(event.data.get("usage")).items() if v is not None}
                elif event.type == "message_stop":
                    self._later(request, usage.copy)
                yield event

    def _later(self, request: MessagesRequest, usage: Callable[[], Any]) -> None:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokens")
        self._worker.submit(self._compare, request, usage)

    def _compare(self, request: MessagesRequest, usage: Callable[[], Any]) -> None:
        try:
            body = request.body
            if not _all_told(body):
                return
            told = _object(usage())
            tokens = sum(value for name in _INPUT if isinstance(value := told.get(name), int))
            if tokens > 0:
                self.learn(body, tokens)
        except (BadInput, TypeError, ValueError, AttributeError) as error:
            log.debug("usage_not_compared", error=error)


def _all_told(body: Mapping[str, Any]) -> bool:
    """Whether the model was shown what stands in the request: nothing that ran at the provider added to it."""
    if body.get("mcp_servers") or body.get("container"):
        return False
    edits = _object(body.get("context_management")).get("edits") or []
    if any(_object(edit).get("keep") != "all" for edit in edits):
        return False
    return all(_object(tool).get("type") in {None, "custom"} for tool in body.get("tools") or [])


def _told(models: Mapping[str, _Model]) -> dict[str, dict[str, object]]:
    """What is noted of some models."""
    return {name: {"ratios": model.ratios, "since": model.since} for name, model in models.items() if model.ratios}


def _noted(value: object, now: float) -> dict[str, dict[str, _Model]]:
    """What of a notebook can be believed: models by provider."""
    match value:
        case {"form": 1, "providers": dict(providers)}:
            return {str(name): dict(_models(told, now)) for name, told in list(providers.items())[:_PROVIDERS]}
    return {}


def _models(told: object, now: float) -> Iterator[tuple[str, _Model]]:
    low, high = _BOUNDS
    for name, model in list(_object(told).items())[:_MOST]:
        match model:
            case {"ratios": [*ratios], "since": float(since)} if 0 <= now - since < _KEPT_SECONDS:
                good = [one for one in ratios[-LAST:] if isinstance(one, float) and low <= one <= high]
                yield str(name), _Model(good, since)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
