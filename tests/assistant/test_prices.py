"""Prices: the user's before the built-in ones, and none rather than a guess."""

from __future__ import annotations

import pytest

from sidecar.assistant.prices import Price, PriceTable, Spent


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("claude-opus-5-5", 4.0),
        ("claude-sonnet-4-6", 3.0),
        ("claude-sonnet-4-5-20250929", 3.0),
        ("claude-opus-4-8[1m]", 5.0),
        ("claude-haiku-4-5-latest", 1.0),
        ("claude-offline-sidecar", 0.0),
        ("claude-opus-4", None),
        ("claude-opus-6", None),
        ("databricks-claude-sonnet-4-5", None),
        ("gpt-5", None),
        ("", None),
    ],
)
def test_built_in(model: str, dollars: float | None):
    price = PriceTable().find(model)
    assert (price.input if price else None) == dollars


def test_the_users_go_first_and_the_longest_pattern_wins():
    own = {
        "claude-opus-5-5": {"input": 1, "output": 2},
        "databricks-*": {"input": 3, "output": 4},
        "databricks-claude-haiku-*": {"input": 5, "output": 6},
    }
    table = PriceTable(own)
    found = {m: table.find(m) for m in ("claude-opus-5-5", "databricks-gpt", "databricks-claude-haiku-4-5")}
    assert [price.input for price in found.values() if price] == [1, 3, 5]
    assert table.find("claude-haiku-4-5").input == 1.0  # type: ignore[union-attr]


def test_each_kind_of_token_has_its_price():
    price = Price(input=1.0, output=10.0, cache_read=0.1, cache_write=2.0, cache_write_1h=3.0)
    spent = Spent(input=1_000_000, output=100_000, cache_read=10_000_000, cache_write=1_000_000, cache_write_1h=500_000)
    assert price.of(spent) == pytest.approx(1 + 1 + 1 + 1 + 1.5)
    assert price.uncached(spent) == pytest.approx(12 + 1)
    assert Price(input=1.0, output=1.0).of(Spent(cache_read=1_000_000, cache_write=1_000_000)) == pytest.approx(2)


def test_a_long_prompt_has_a_price_of_its_own():
    haiku = PriceTable().find("claude-haiku-5-5")
    assert haiku is not None
    assert haiku.of(Spent(input=60_000, cache_read=40_000, output=1000)) == pytest.approx(0.006 + 0.0004 + 0.0005)
    assert haiku.of(Spent(input=60_001, cache_read=40_000, output=1000)) == pytest.approx(0.0300005 + 0.002 + 0.0025)


def test_every_built_in_price_makes_sense():
    table = PriceTable()._built_in
    assert len(table) >= 10
    for name, price in table.items():
        assert 0 <= (price.cache_read or 0) <= price.input <= (price.cache_write or price.input) <= price.output, name
