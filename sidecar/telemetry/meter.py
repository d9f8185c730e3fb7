"""Counts what becomes of requests: the numbers behind `/metrics` and behind what a collector is sent. No content."""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sidecar.core.turn import Handling
from sidecar.store.turns import Draft, TurnRecord

Labels = tuple[tuple[str, str], ...]
"""Names with their values, in a fixed order."""

SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper bounds of the ranges in which durations are counted."""

_MOST_MODELS: Final = 64
_TOO_MANY: Final = "other"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that is counted. `name` is OpenTelemetry's form (`sidecar.request.duration`), `unit` as UCUM writes it."""

    name: str
    about: str
    unit: str
    kind: Literal["counter", "histogram"] = "counter"


REQUESTS: Final = Instrument("sidecar.requests", "Requests to the model, by what became of them.", "{request}")
DURATION: Final = Instrument("sidecar.request.duration", "From a request to the end of its answer.", "s", "histogram")
FIRST_BYTE: Final = Instrument("sidecar.request.first_byte", "From a request to its first event.", "s", "histogram")
TOKENS: Final = Instrument(
    "sidecar.tokens", "Tokens by the provider's count; own_cache are those that our own cache spared.", "{token}"
)
COST: Final = Instrument("sidecar.cost", "What requests cost, where the model's price is known.", "USD")
SAVED: Final = Instrument("sidecar.own_cache.saved", "What our own cache's answers cost the first time.", "USD")
CACHE: Final = Instrument("sidecar.prompt_cache", "What our own cache made of requests.", "{request}")
RETRIES: Final = Instrument("sidecar.upstream.retries", "Further tries at the provider.", "{try}")
INSTRUMENTS: Final = (REQUESTS, DURATION, FIRST_BYTE, TOKENS, COST, SAVED, CACHE, RETRIES)


@dataclass(slots=True)
class Spread:
    """How values are spread: `counts` holds one number for each range, the last one for all beyond the bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0

    def add(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(SECONDS, value)] += 1
        self.total += value

    def copy(self) -> Spread:
        """The same, which changes no more."""
        return Spread(list(self.counts), self.total)


@dataclass(frozen=True, slots=True)
class Reading:
    """One instrument at one moment, a value for each set of labels."""

    instrument: Instrument
    values: Sequence[tuple[Labels, float | Spread]]


class Meter:
    """Adds requests up, from any thread. `started` is when counting began, in UTC seconds."""

    def __init__(self) -> None:
        self.started = time.time()
        self._lock = threading.Lock()
        self._sums: dict[tuple[Instrument, Labels], float] = {}
        self._spreads: dict[tuple[Instrument, Labels], Spread] = {}
        self._models: set[str] = set()
        self._listeners: list[Callable[[TurnRecord], None]] = []

    def subscribe(self, listener: Callable[[TurnRecord], None]) -> None:
        """Hear of each record that is counted, on the thread that counts it."""
        self._listeners.append(listener)

    def before(self, add: Callable[[Draft], None]) -> Callable[[Draft], None]:
        """Count each record where `add` has it made, in its own time and on its own thread."""
        return lambda draft: add(lambda: self.count(draft()))

    def soon(self, draft: Draft) -> None:
        """Make and count a record that nobody else wants, when the answer has gone out."""
        asyncio.get_running_loop().call_soon(lambda: self.count(draft()))

    def count(self, record: TurnRecord) -> TurnRecord:
        """Count one request; the record itself, for whoever else wants it."""
        with self._lock:
            model = self._known(record.served or record.asked or "unknown")
            for instrument, labels, value in _sums(record, model):
                key = instrument, labels
                self._sums[key] = self._sums.get(key, 0.0) + value
            for instrument, labels, value in _durations(record, model):
                key = instrument, labels
                if key not in self._spreads:
                    self._spreads[key] = Spread()
                self._spreads[key].add(value)
        for listener in self._listeners:
            listener(record)
        return record

    def read(self) -> list[Reading]:
        """Everything that was counted, in the order of `INSTRUMENTS`; those without a value are left out."""
        with self._lock:
            found: dict[Instrument, list[tuple[Labels, float | Spread]]] = {one: [] for one in INSTRUMENTS}
            for (instrument, labels), value in self._sums.items():
                found[instrument].append((labels, value))
            for (instrument, labels), spread in self._spreads.items():
                found[instrument].append((labels, spread.copy()))
        return [Reading(one, sorted(values, key=lambda row: row[0])) for one, values in found.items() if values]

    def _known(self, model: str) -> str:
        """The model's name, while there are few: names come from clients, and each makes rows of its own."""
        if model not in self._models and len(self._models) >= _MOST_MODELS:
            return _TOO_MANY
        self._models.add(model)
        return model


def _sums(record: TurnRecord, model: str) -> Iterator[tuple[Instrument, Labels, float]]:
    of = ("model", model)
    yield REQUESTS, (of, ("outcome", record.outcome), ("error", record.error)), 1
    spared = Handling(cache=record.cache).spared
    for kind, tokens in _tokens(record, spared=spared).items():
        if tokens:
            yield TOKENS, (of, ("kind", kind)), tokens
    if record.cost:
        yield COST, (of,), record.cost
    if record.saved:
        yield SAVED, (of,), record.saved
    if record.cache:
        result, _, reason = record.cache.partition(":")
        yield CACHE, (("result", result), ("reason", reason.strip())), 1
    if record.retries:
        yield RETRIES, (of,), record.retries


def _tokens(record: TurnRecord, *, spared: bool) -> Mapping[str, int]:
    kinds = {
        "input": record.input or 0,
        "output": record.output or 0,
        "cache_read": record.cache_read or 0,
        "cache_write": record.cache_write or 0,
    }
    return {"own_cache": sum(kinds.values())} if spared else kinds


def _durations(record: TurnRecord, model: str) -> Iterator[tuple[Instrument, Labels, float]]:
    yield DURATION, (("model", model), ("outcome", record.outcome)), record.ms / 1000
    if record.first_ms is not None:
        yield FIRST_BYTE, (("model", model),), record.first_ms / 1000
