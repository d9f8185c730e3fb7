"""Conflict markers."""

import pytest

from sidecar.risk.hazards.conflict import RULE
from tests.risk.hazards.cases import check_words, findings, lines

WHOLE = ["a", "<<<<<<< HEAD", "b", "=======", "c", ">>>>>>> topic", "d"]
BASE = ["<<<<<<< ours", "b", "||||||| base", "x", "=======", "c", ">>>>>>> theirs"]


@pytest.mark.parametrize(
    "path", ["a.py", "a.js", "a.go", "A.java", "a.rs", "package.json", "README.md", "tests/test_a.py"]
)
def test_a_whole_conflict(path):
    (found,) = findings(RULE, path, *WHOLE)
    assert (found.start, found.end) == (2, 6)
    assert found.what == "These lines are a merge conflict that nobody settled."


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.py", BASE, [1]),
        ("a.py", [*WHOLE, *WHOLE], [2, 9]),
        ("a.py", ["<<<<<<< HEAD", "b"], [1]),
        ("a.py", ["b", ">>>>>>> topic"], [2]),
        ("a.py", ["<<<<<<< HEAD", "<<<<<<< HEAD", "=======", ">>>>>>> x"], [1, 2]),
        ("docs/a.rst", ["Title", "======="], []),
        ("docs/git.md", ["<<<<<<< HEAD", "b"], []),
        ("tests/test_merge.py", ["<<<<<<< HEAD", "b"], []),
        ("a.py", ['    "<<<<<<< HEAD"', "x <<<<<<< y", "<<<<<<<<< HEAD", ">>>>>>>>> x"], []),
        ("a.sh", ["cat <<<<<<<"], []),
    ],
)
def test_cases(path, text, found):
    assert lines(RULE, path, *text) == found


def test_words():
    check_words(RULE)
