"""Repairs against repairs to be expected."""

import math

import pytest

from sidecar.risk.repairs import COMMIT_SIZE, DAY, DELAY, FILE_SIZE, Repaired, Standing, ever, faded


def expected(lines, days, size):
    return Standing(added=((ever(lines, size), 0),)).at(days * DAY).expected


def test_half_of_the_repairs_are_known_after_the_delay():
    ever = expected(50, 1e12, FILE_SIZE)
    assert expected(50, DELAY, FILE_SIZE) == pytest.approx(ever / 2, rel=1e-3)
    assert expected(50, 0, FILE_SIZE) < 0.01


def test_more_lines_and_more_time_make_repairs_likelier():
    for size in (FILE_SIZE, COMMIT_SIZE):
        by_lines = [expected(lines, 100, size) for lines in (1, 10, 100, 1000)]
        by_days = [expected(10, days, size) for days in (1, 10, 100, 1000)]
        assert by_lines == sorted(by_lines)
        assert by_days == sorted(by_days)
        assert by_days[0] > 0
        assert by_lines[-1] < 1


def test_little_evidence_is_drawn_towards_the_usual():
    assert Repaired().ratio() == 0
    assert Repaired(3, 1.0).ratio() < Repaired(30, 10.0).ratio()
    assert Repaired(1, 3.0).ratio() < 0


def test_heat_fades():
    assert (faded(0), faded(-3)) == (1, 1)
    assert faded(365) == pytest.approx(1 / math.e)
    assert Repaired(2, 1.0, 1.9).heat > Repaired(2, 1.0, 0.2).heat
