"""One place off a count."""

import pytest

from sidecar.risk.hazards.offset import RULE
from tests.risk.hazards.cases import lines


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("a.py", "x = y[n + 1]", True),
        ("a.go", "x := y[i-1:]", True),
        ("A.java", "y.get(size - 1)", True),
        ("a.js", "y.slice(n + 1)", True),
        ("a.py", "x = y[-1]", False),
        ("a.py", "x = n + 1", False),
        ("a.py", 'x = y["a - 1"]', False),
        ("a.py", "x = y[n + 10]", False),
    ],
)
def test_cases(path, line, found):
    assert lines(RULE, path, line) == [1] * found
