"""The place of a finding: what stands around it, and what the change did there."""

from __future__ import annotations

import pytest

from sidecar.core.diff import Hunk
from sidecar.risk.hazards.mending import spot, unmended

LINES = ["def f():  # f", "    # why", "", "    breakpoint()", "", "    // so", "    return 1  # one", "#[test]"]


def test_blank_lines_and_comments_say_nothing():
    at = spot("src/A.PY", LINES, 4, ())
    assert (at.text, at.extension) == ("    breakpoint()", ".py")
    assert (at.above, at.below) == ("def f():", "    return 1")
    assert spot("a.rs", LINES, 7, ()).below == "#[test]"
    assert spot("a.py", LINES, 1, ()).above == ""
    assert spot("a.py", LINES, 8, ()).below == ""


@pytest.mark.parametrize(("line", "gone"), [(1, {"old"}), (2, {"old"}), (3, set()), (4, set())])
def test_only_what_was_taken_away_there_is_gone(line, gone):
    hunks = (Hunk(1, 1, ("old",), ("a", "b")), Hunk(2, 3, (), ("d",)), Hunk(5, 5, ("gone",), ()))
    at = spot("a.py", ["a", "b", "d", "e", "f"], line, hunks)
    assert at.gone == gone
    assert at.fresh == {0, 1, 2}
    assert unmended(at) is None
