"""Records of requests as figures: day by day, by model, with percentiles. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from sidecar.assistant.prices import PriceTable
from sidecar.assistant.tallies import Tally, cost_of, day_of, model_of, tallies
from sidecar.core.turn import Handling
from sidecar.dashboard.values import Share, TurnFigures, UsageFigures, UsageRow, plain
from sidecar.store.turns import TurnRecord

MOST_MODELS: Final = 8
"""Models with a row of their own; all further ones are one."""
OTHER: Final = "other"
_MOST_ERRORS: Final = 20


def figures_of_usage(turns: Sequence[TurnRecord], prices: PriceTable, today: date, days: int) -> UsageFigures:
    """The figures of these requests, which began on the `days` days up to `today`."""
    names = _named(turns)

    def model(turn: TurnRecord) -> str:
        name = model_of(turn)
        return name if name in names else OTHER

    span = [(today - timedelta(days=back)).isoformat() for back in reversed(range(days))]
    by_day = {row.key: row for row in _rows(turns, day_of, prices)}
    by_model = {row.key: row for row in _rows(turns, model, prices)}
    total = _rows(turns, lambda _: "total", prices)
    errors = Counter(plain(turn.error) or str(turn.status or "unknown") for turn in turns if turn.outcome == "error")
    return UsageFigures(
        days=days,
        total=total[0] if total else _row(Tally("total"), []),
        by_day=[by_day.get(day) or _row(Tally(day), []) for day in span],
        by_model=[by_model[name] for name in [*names, OTHER] if name in by_model],
        shares=_shares(turns, model, prices),
        errors=dict(errors.most_common(_MOST_ERRORS)),
    )


def figures_of_turn(turn: TurnRecord, prices: PriceTable) -> TurnFigures:
    """One request as the list shows it."""
    cost = cost_of(turn, prices)
    return TurnFigures(
        id=plain(turn.id),
        started=turn.started,
        model=plain(model_of(turn)),
        outcome=turn.outcome,
        status=turn.status,
        error=plain(turn.error),
        input=turn.input,
        output=turn.output,
        cache_read=turn.cache_read,
        cache_write=turn.cache_write,
        cost=None if cost is None else round(cost, 6),
        ms=round(turn.ms, 1),
        first_ms=None if turn.first_ms is None else round(turn.first_ms, 1),
        cache=plain(turn.cache),
        retries=turn.retries,
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of them (0..1) do not exceed; None of none. `ordered` rises."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _named(turns: Iterable[TurnRecord]) -> list[str]:
    """The models that took most, by all kinds of tokens and then by requests."""
    took: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for turn in turns:
        sums = took[model_of(turn)]
        sums[0] += _tokens(turn)
        sums[1] += 1
    return sorted(took, key=lambda name: (-took[name][0], -took[name][1], name))[:MOST_MODELS]


def _tokens(turn: TurnRecord) -> int:
    if Handling(cache=turn.cache).spared:
        return 0
    return sum(count or 0 for count in (turn.input, turn.output, turn.cache_read, turn.cache_write))


def _rows(turns: Sequence[TurnRecord], key: Callable[[TurnRecord], str], prices: PriceTable) -> list[UsageRow]:
    asked: dict[str, list[TurnRecord]] = defaultdict(list)
    for turn in turns:
        if turn.outcome == "done" and not Handling(cache=turn.cache).spared:
            asked[key(turn)].append(turn)
    return [_row(tally, asked[tally.key]) for tally in tallies(turns, key, prices)]


def _row(tally: Tally, asked: Sequence[TurnRecord]) -> UsageRow:
    whole = sorted(turn.ms for turn in asked)
    first = sorted(turn.first_ms for turn in asked if turn.first_ms is not None)
    return UsageRow(
        key=plain(tally.key),
        requests=tally.requests,
        failed=tally.failed,
        left=tally.left,
        input=tally.input,
        output=tally.output,
        cache_read=tally.cache_read,
        cache_write=tally.cache_write,
        own_cache_hits=tally.own_cache_hits,
        own_cache_tokens=tally.own_cache_tokens,
        cost=round(tally.cost, 6),
        unpriced=tally.unpriced,
        provider_cache_saved=round(tally.provider_cache_saved, 6),
        own_cache_saved=round(tally.own_cache_saved, 6),
        p50=_rounded(percentile(whole, 0.5)),
        p95=_rounded(percentile(whole, 0.95)),
        first_p50=_rounded(percentile(first, 0.5)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _shares(turns: Sequence[TurnRecord], model: Callable[[TurnRecord], str], prices: PriceTable) -> list[Share]:
    """What each model had of each day, in the order of the days."""
    days: dict[str, list[TurnRecord]] = defaultdict(list)
    for turn in turns:
        days[day_of(turn)].append(turn)
    return [
        Share(
            day,
            plain(tally.key),
            tally.requests,
            tally.input + tally.output + tally.cache_read + tally.cache_write,
            round(tally.cost, 6),
        )
        for day in sorted(days)
        for tally in tallies(days[day], model, prices)
    ]
