"""Conditions with a term more."""

import pytest

from sidecar.risk.hazards.condition import RULE
from tests.risk.hazards.cases import lines


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        ("a.py", "if a:", "if a and b:", True),
        ("a.go", "if a || b {", "if a || b || c {", True),
        ("a.js", "} else if (a) {", "} else if (a && b) {", True),
        ("a.rs", "while a {", "while a && b {", True),
        ("a.py", "if a and b:", "if a and c:", False),
        ("a.py", "if a and b:", "if a:", False),
        ("a.py", "x = a", "x = a and b", False),
        ("tests/test_a.py", "if a:", "if a and b:", False),
    ],
)
def test_cases(path, old, new, found):
    assert lines(RULE, path, new, removed=(old,)) == [1] * found


def test_a_new_condition_has_none_that_it_replaces():
    assert lines(RULE, "a.py", "if a and b:") == []
