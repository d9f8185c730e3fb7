"""Records as figures: every day, models by weight, percentiles of what was answered, and sums that are those of `sidecar usage`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from sidecar.assistant.prices import PriceTable
from sidecar.dashboard.usage import MOST_MODELS, OTHER, figures_of_turn, figures_of_usage, percentile
from sidecar.store.turns import TurnRecord

TODAY = date(2026, 11, 10)
PRICES = PriceTable({"m*": {"input": 10, "output": 20, "cache_read": 1}})


def at(day: int, hour: int = 12) -> float:
    """A moment of this November, by this machine's clock."""
    return datetime(2026, 11, day, hour).astimezone().timestamp()


TURN = TurnRecord(id="a", started=at(10), served="m1", input=1000, output=100, cache_read=500, ms=100.0, first_ms=10.0)


def test_every_day_has_a_row_and_sums_add_up():
    turns = [
        replace(TURN, started=at(8)),
        replace(TURN, started=at(10), ms=300.0),
        replace(TURN, started=at(10, 0), outcome="error", status=529, error="overloaded_error", input=None, output=None, cache_read=None, ms=9_000.0),
        replace(TURN, started=at(10, 23), cache="hit", saved=0.5, ms=1.0),
    ]  # fmt: skip
    told = figures_of_usage(turns, PRICES, TODAY, 3)
    assert [row.key for row in told.by_day] == ["2026-11-08", "2026-11-09", "2026-11-10"]
    assert [row.requests for row in told.by_day] == [1, 0, 3]
    assert (told.by_day[1].p50, told.by_day[1].cost) == (None, 0.0)
    today = told.by_day[2]
    assert (today.failed, today.own_cache_hits, today.own_cache_saved) == (1, 1, 0.5)
    assert (today.p50, today.p95, today.first_p50) == (300.0, 300.0, 10.0), (
        "neither failures nor our own cache's answers"
    )
    assert told.total.requests == sum(row.requests for row in told.by_day)
    assert told.total.cost == pytest.approx(2 * (1000 * 10 + 100 * 20 + 500) / 1e6)
    assert told.total.provider_cache_saved == pytest.approx(2 * 500 * 9 / 1e6)
    assert told.errors == {"overloaded_error": 1}
    assert sum(share.cost for share in told.shares) == pytest.approx(told.total.cost)
    assert [(share.day, share.requests, share.tokens) for share in told.shares] == [("2026-11-08", 1, 1600), ("2026-11-10", 3, 1600)]  # fmt: skip


def test_the_models_that_took_most_come_first_and_the_rest_is_one():
    turns = [replace(TURN, served=f"m{n}", input=1000 * n) for n in range(1, MOST_MODELS + 4)]
    told = figures_of_usage(turns, PRICES, TODAY, 1)
    names = [row.key for row in told.by_model]
    assert names == [f"m{n}" for n in range(MOST_MODELS + 3, 3, -1)] + [OTHER]
    assert told.by_model[-1].requests == 3
    assert {share.model for share in told.shares} == set(names)


def test_nothing_noted_is_rows_of_nothing():
    told = figures_of_usage([], PRICES, TODAY, 7)
    assert (len(told.by_day), told.by_model, told.shares, told.errors) == (7, [], [], {})
    assert (told.total.requests, told.total.p95) == (0, None)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([], 0.5, None), ([7], 0.5, 7), ([7], 0.95, 7), ([1, 2], 0.5, 1), ([1, 2, 3], 0.5, 2),
        (list(range(1, 101)), 0.95, 95), (list(range(1, 21)), 0.95, 19), (list(range(1, 11)), 0.95, 10), ([1, 2], 1.0, 2),
    ],
)  # fmt: skip
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, found: float | None):
    assert percentile(values, share) == found


def test_a_request_in_the_list():
    told = figures_of_turn(replace(TURN, ms=12.34, served="", asked="x\udcff"), PRICES)
    assert (told.model, told.ms, told.cost) == ("x�", 12.3, None)
    assert figures_of_turn(TURN, PRICES).cost == pytest.approx(0.0125)
