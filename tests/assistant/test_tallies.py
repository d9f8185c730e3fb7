"""Sums of noted requests; most rules are shown where they are used, by `sidecar usage`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.assistant.prices import PriceTable
from sidecar.assistant.tallies import cost_of, day_of, joined, model_of, tallies
from sidecar.store.turns import TurnRecord

PRICES = PriceTable({"mine": {"input": 10, "output": 20}})
TURN = TurnRecord(id="a", started=1_700_000_000.0, asked="asked", served="mine", input=1000, output=100)


def test_sums_come_in_the_order_of_their_keys():
    turns = [TURN, replace(TURN, id="b", served="other"), replace(TURN, id="c", outcome="left")]
    rows = tallies(turns, model_of, PRICES)
    assert [(row.key, row.requests, row.left, row.input, row.unpriced) for row in rows] == [
        ("mine", 2, 1, 2000, 0), ("other", 1, 0, 1000, 1),
    ]  # fmt: skip
    assert rows[0].cost == pytest.approx(2 * 0.012)
    assert rows[1].told()["models"] == ["other"]


def test_sums_of_sums_are_the_sums_of_all():
    turns = [TURN, replace(TURN, id="b", served="other"), replace(TURN, id="c", cache="hit", saved=0.5)]
    parts = tallies(turns, model_of, PRICES)
    before = [part.told() for part in parts]
    assert [one.told() for one in joined(parts, lambda _: "all")] == [
        one.told() for one in tallies(turns, lambda _: "all", PRICES)
    ]
    assert [part.told() for part in parts] == before


@pytest.mark.parametrize(
    ("change", "cost"),
    [
        ({}, 0.012),
        ({"cost": 0.5}, 0.5),
        ({"served": "unknown"}, None),
        ({"input": None, "output": None}, None),
        ({"cache": "hit"}, 0.0),
    ],
)
def test_the_cost_of_one(change: dict, cost: float | None):
    assert cost_of(replace(TURN, **change), PRICES) == cost


def test_a_request_has_a_day_and_a_model():
    assert day_of(TURN) in {"2023-11-14", "2023-11-15"}, "in any zone"
    assert model_of(replace(TURN, served="")) == "asked"
    assert model_of(replace(TURN, served="", asked="")) == "(none)"
