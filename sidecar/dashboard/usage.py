"""Records of requests as figures: day by day, by model, with percentiles. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from sidecar.assistant.prices import PriceTable
from sidecar.assistant.tallies import Tally, cost_of, day_of, joined, model_of, tallies
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

    # Each request is counted once, by day and model; all other sums are sums of these.
    parts = tallies(turns, lambda turn: f"{day_of(turn)} {model(turn)}", prices)
    span = [(today - timedelta(days=back)).isoformat() for back in reversed(range(days))]
    by_day = _rows(joined(parts, _day), _answered(turns, day_of))
    by_model = _rows(joined(parts, _model), _answered(turns, model))
    total = _rows(joined(parts, lambda _: "total"), _answered(turns, lambda _: "total"))
    errors = Counter(plain(turn.error) or str(turn.status or "unknown") for turn in turns if turn.outcome == "error")
    return UsageFigures(
        days=days,
        total=total.get("total") or _row(Tally("total"), []),
        by_day=[by_day.get(day) or _row(Tally(day), []) for day in span],
        by_model=[by_model[name] for name in [*names, OTHER] if name in by_model],
        shares=[_share(part) for part in sorted(parts, key=_day)],
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


def _day(part: Tally) -> str:
    return part.key.partition(" ")[0]


def _model(part: Tally) -> str:
    return part.key.partition(" ")[2]


def _answered(turns: Iterable[TurnRecord], key: Callable[[TurnRecord], str]) -> Mapping[str, list[TurnRecord]]:
    """By key, what was answered to the end by the provider."""
    found: dict[str, list[TurnRecord]] = defaultdict(list)
    for turn in turns:
        if turn.outcome == "done" and not Handling(cache=turn.cache).spared:
            found[key(turn)].append(turn)
    return found


def _rows(sums: Iterable[Tally], answered: Mapping[str, list[TurnRecord]]) -> dict[str, UsageRow]:
    return {tally.key: _row(tally, answered.get(tally.key, [])) for tally in sums}


def _row(tally: Tally, answered: Sequence[TurnRecord]) -> UsageRow:
    whole = sorted(turn.ms for turn in answered)
    first = sorted(turn.first_ms for turn in answered if turn.first_ms is not None)
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


def _share(part: Tally) -> Share:
    tokens = part.input + part.output + part.cache_read + part.cache_write
    return Share(_day(part), plain(_model(part)), part.requests, tokens, round(part.cost, 6))
