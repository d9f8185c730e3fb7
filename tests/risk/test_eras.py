"""Levels of the past: held still while the history grows by half, and told by what was known when it had."""

import math
import random

import pytest

from sidecar.risk.eras import SAMPLE, Eras, Level, begins_with, bits


def test_a_level_is_drawn_to_what_was_foretold():
    assert Level().ratio == 0.0
    assert Level(100, 30, 30.0).ratio == 0.0
    assert Level(100, 30, 10.0).ratio == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("changes", "size"), [(0, 0), (19, 0), (20, 20), (29, 20), (30, 30), (44, 30), (45, 45), (67, 45), (68, 68)]
)
def test_an_era_begins_when_the_history_has_grown_by_half(changes, size):
    assert begins_with(changes) == size


def test_what_comes_later_in_an_era_is_not_looked_at():
    eras = Eras({number: f"{number:040x}" for number in range(0, 400, 2)})  # every other commit is a change
    whole = (1 << 400) - 1
    begun = eras.begun(whole)
    assert begun.bit_count() == begins_with(200) * 2 - 1
    assert eras.begun(whole >> 20) == begun == eras.begun(whole << 500 | whole)
    assert eras.begun(whole >> 360) == (1 << 39) - 1
    assert eras.begun(whole >> 363) == 0
    assert eras.sample(0) == []


def test_the_sample_is_of_the_changes_that_are_known_with_the_smallest_ids():
    ids = [f"{n:040x}" for n in range(600)]
    random.Random(1).shuffle(ids)
    changes = dict(enumerate(ids))
    known = bits(range(0, 600, 2))
    found = Eras(changes).sample(known)
    assert sorted(changes[n] for n in found) == sorted(changes[n] for n in range(0, 600, 2))[:SAMPLE]
    fewer = Eras({n: own for n, own in changes.items() if n < 500})
    assert Eras(changes).sample(known & (1 << 500) - 1) == fewer.sample(known)


def test_a_short_history_is_taken_whole():
    assert sorted(Eras({3: "b", 1: "c", 9: "a"}).sample(0b1010)) == [1, 3]


def test_sets_of_numbers():
    assert [bits(numbers) for numbers in ((), (0,), (1, 9))] == [0, 1, 0b1000000010]
