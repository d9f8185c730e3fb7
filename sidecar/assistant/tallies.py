"""Sums of noted requests: how many, what they took and cost, what caches saved. One rule for the command line and the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sidecar.assistant.prices import Price, PriceTable, Spent
from sidecar.core.turn import Handling
from sidecar.store.turns import TurnRecord

_QUARTER: Final = 900
"""Seconds."""


@dataclass(slots=True)
class Tally:
    """Sums of some requests. Tokens are those that the provider counted; what our own cache answered stands apart.

    `cost`: dollars, as far as prices are known; `unpriced` requests are not in it. `provider_cache_saved` is what the
    provider's prompt caching saved against plain input (less than nothing where writing cost more than reading
    saved), `own_cache_saved` what the answers from our own cache cost the first time, `own_cache_tokens` their tokens.
    """

    key: str
    requests: int = 0
    failed: int = 0
    left: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    own_cache_hits: int = 0
    own_cache_tokens: int = 0
    cost: float = 0.0
    provider_cache_saved: float = 0.0
    own_cache_saved: float = 0.0
    unpriced: int = 0
    models: set[str] = field(default_factory=set)

    def add(self, turn: TurnRecord, price: Price | None) -> None:
        """Count one request. Its cost is the one that was noted; where none was, the price that is known now."""
        self.requests += 1
        self.failed += turn.outcome == "error"
        self.left += turn.outcome == "left"
        spent = _spent(turn)
        if Handling(cache=turn.cache).spared:
            self.own_cache_hits += 1
            self.own_cache_tokens += spent.prompt + spent.output
            self.own_cache_saved += turn.saved if turn.saved is not None else price.of(spent) if price else 0.0
            return
        self.input += spent.input
        self.output += spent.output
        self.cache_read += spent.cache_read
        self.cache_write += spent.cache_write
        if not (spent.prompt or spent.output):
            return
        if price is not None:
            self.provider_cache_saved += price.uncached(spent) - price.of(spent)
        if turn.cost is None and price is None:
            self.unpriced += 1
            self.models.add(turn.served or turn.asked)
            return
        self.cost += turn.cost if turn.cost is not None else price.of(spent) if price else 0.0

    def join(self, other: Tally) -> None:
        """Count what another sum counted."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.models |= other.models

    def told(self) -> dict[str, Any]:
        """As JSON shows it; the names are promises."""
        rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {**rounded, "models": sorted(self.models)}


def day_of(turn: TurnRecord) -> str:
    """The day on which a request began, as this machine's clock has it (`2026-11-28`)."""
    return _day(int(turn.started // _QUARTER))


@lru_cache(maxsize=16_384)
def _day(quarter: int) -> str:
    """The day of a quarter of an hour: in no zone does one begin within it."""
    return datetime.fromtimestamp(quarter * _QUARTER).astimezone().date().isoformat()


def model_of(turn: TurnRecord) -> str:
    """The model that answered, else the one that was asked for."""
    return turn.served or turn.asked or "(none)"


_SUMS: Final = tuple(each.name for each in fields(Tally) if each.name not in {"key", "models"})


def joined(parts: Iterable[Tally], key: Callable[[Tally], str]) -> list[Tally]:
    """Sums of sums by key, in the order in which the keys first came; the parts stay as they are."""
    found: dict[str, Tally] = {}
    for part in parts:
        name = key(part)
        found.setdefault(name, Tally(name)).join(part)
    return list(found.values())


def cost_of(turn: TurnRecord, prices: PriceTable) -> float | None:
    """What one request cost, in dollars: as it was noted, else by the price that is known now; None where neither is."""
    if turn.cost is not None:
        return turn.cost
    if Handling(cache=turn.cache).spared:
        return 0.0
    price, spent = prices.find(turn.served or turn.asked), _spent(turn)
    return price.of(spent) if price is not None and (spent.prompt or spent.output) else None


def tallies(turns: Iterable[TurnRecord], key: Callable[[TurnRecord], str], prices: PriceTable) -> list[Tally]:
    """Sums by key, in the order in which the keys first came."""
    found: dict[str, Tally] = {}
    known: dict[str, Price | None] = {}
    for turn in turns:
        model = turn.served or turn.asked
        if model not in known:
            known[model] = prices.find(model)
        name = key(turn)
        found.setdefault(name, Tally(name)).add(turn, known[model])
    return list(found.values())


def _spent(turn: TurnRecord) -> Spent:
    return Spent(
        turn.input or 0, turn.output or 0, turn.cache_read or 0, turn.cache_write or 0, turn.cache_write_1h or 0
    )
