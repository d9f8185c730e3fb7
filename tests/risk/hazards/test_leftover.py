"""Stops for a debugger."""

import pytest

from sidecar.risk.hazards.leftover import RULE
from tests.risk.hazards.cases import check_words, lines


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("a.py", "    breakpoint()", True),
        ("a.py", "import pdb; pdb.set_trace()", True),
        ("a.py", "x = 1; ipdb.set_trace()", True),
        ("tests/test_a.py", "    pdb.set_trace()", True),
        ("a.js", "  debugger;", True),
        ("a.tsx", "debugger", True),
        ("a.rb", "  binding.pry", True),
        ("src/a.rs", "    dbg!(&x);", True),
        ("a.py", "def breakpoint(): pass", False),
        ("a.py", "# breakpoint()", False),
        ("a.py", "on_breakpoint()", False),
        ("a.py", 'CASES = ["import pdb; pdb.set_trace()"]', False),
        ("a.js", "const debugger_url = 1", False),
        ("a.js", "// debugger;", False),
        ("docs/a.py", "breakpoint()", False),
        ("a.css", "debugger;", False),
    ],
)
def test_cases(path, line, found):
    assert lines(RULE, path, line) == [1] * found


def test_words():
    check_words(RULE)
