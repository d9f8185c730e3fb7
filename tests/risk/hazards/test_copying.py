"""Copies of objects."""

import pytest

from sidecar.risk.hazards.copying import RULE
from tests.risk.hazards.cases import lines


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("a.py", "x = copy.deepcopy(y)", True),
        ("a.py", "x = y.copy()", True),
        ("a.js", "x = { ...y, a: 1 }", True),
        ("a.ts", "Object.assign({}, y)", True),
        ("a.rs", "let x = y.clone();", True),
        ("a.js", "f(...args)", False),
        ("a.py", "shutil.copy(a, b)", False),
        ("a.py", "...", False),
    ],
)
def test_cases(path, line, found):
    assert lines(RULE, path, line) == [1] * found
