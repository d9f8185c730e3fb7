"""Which function a line lies in, and which one it was before a change."""

import pytest

from sidecar.core.compare import compare
from sidecar.core.diff import FileDiff
from sidecar.core.functions import Function, function_at, function_before

PYTHON = [
    "class A:",
    "    def one(self):",
    "        if x:",
    "            y()",
    "",
    "        return 1",
    "",
    "    def two(self):",
    "        pass",
]
GO = ["func (s *S) One(a int) int {", "\tif a {", "\t\tb()", "\t}", "\treturn 1", "}", "", "var x = 1"]
TS = ["export const one = async (a) => {", "  return a;", "};", "function two() {", "  b();", "}"]


@pytest.mark.parametrize(
    ("lines", "at", "found"),
    [
        (PYTHON, 4, Function("one", 2, 6)),
        (PYTHON, 6, Function("one", 2, 6)),
        (PYTHON, 2, Function("one", 2, 6)),
        (PYTHON, 9, Function("two", 8, 9)),
        (PYTHON, 1, None),
        (GO, 3, Function("One", 1, 6)),
        (GO, 8, None),
        (TS, 2, Function("one", 1, 3)),
        (TS, 5, Function("two", 4, 6)),
        (["class A {", "  public int one(int a) {", "    return a;", "  }", "}"], 3, Function("one", 2, 4)),
        (["pub fn one(a: i32) -> i32 {", "    a", "}"], 2, Function("one", 1, 3)),
        ([], 1, None),
        (PYTHON, 0, None),
    ],
)  # fmt: skip
def test_the_function_that_a_line_lies_in(lines, at, found):
    assert function_at(lines, at) == found


BEFORE = """\
class Cart:
    def __init__(self, rate):
        self.rate = rate
        self.items = []

    def total(self):
        return sum(self.items) * self.rate
"""
PUT_IN = "    def clear(self):\n        self.items = []\n        self.rate = 0\n\n"
MOVED_ON = BEFORE.replace("self.items = []\n", "self.items = []\n        self.more = 1\n")
BEHIND = BEFORE.replace("    def total", PUT_IN + "    def total")
BETWEEN = BEFORE.replace("        self.items = []\n", "        self.items = []\n\n" + PUT_IN.rstrip("\n") + "\n")
RENAMED = BEFORE.replace("def total(self)", "def sum(self)")
ASKED_MORE = BEFORE.replace("def total(self):", "def total(self, more):\n        more()")
BOTH = BEFORE.replace(
    "        self.items = []\n\n    def total(self):\n", "        self.items = 1\n\n    def total(self):\n        x()\n"
)
GONE_ELSEWHERE = BEFORE.replace("    def total(self):\n        return sum(self.items) * self.rate\n", "").replace(
    "    def __init__", "    def total(self):\n        return 1\n\n    def __init__"
)


@pytest.mark.parametrize(
    ("now", "first", "last", "found"),
    [
        (MOVED_ON, 5, 5, Function("__init__", 2, 4)),
        (BEHIND, 6, 8, None),
        (BEHIND, 7, 7, None),
        (BEHIND, 11, 11, Function("total", 6, 7)),
        (BETWEEN, 6, 8, None),
        (RENAMED, 6, 6, None),
        (ASKED_MORE, 6, 7, Function("total", 6, 7)),
        (BOTH, 4, 7, None),
        (BOTH, 4, 4, Function("__init__", 2, 4)),
        (GONE_ELSEWHERE, 2, 3, Function("total", 6, 7)),
        ("x = 1\n" + BEFORE, 1, 1, None),
        (BEFORE, 99, 99, None),
    ],
    ids=["inside", "a new one behind", "in a new one", "below a new one", "a new one between", "another name",
         "another head", "two of them", "one of two", "moved within the file", "outside", "no such line"],
)  # fmt: skip
def test_the_function_that_new_lines_lie_in_as_it_was(now, first, last, found):
    old, new = BEFORE.splitlines(), now.splitlines()
    assert function_before(old, FileDiff("cart.py", "modified", compare(old, new)), first, last) == found
