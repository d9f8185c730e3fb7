"""What the tests touched of a file is a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from sidecar.core.touched import Touched


def test_what_a_report_said_stays_as_it_was_said():
    told = Touched(frozenset({1}), frozenset({2}), "coverage.py", 1.0)
    assert told == Touched(frozenset({1}), frozenset({2}), "coverage.py", 1.0)
    with pytest.raises(FrozenInstanceError):
        told.at = 2.0  # type: ignore[misc]
