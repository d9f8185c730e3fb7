"""Lines of code by themselves: tokens, what is code, the facts of a line's shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.diff import Hunk
from sidecar.risk.code import quoted_lines
from sidecar.risk.tokens import BITS, docstring_edges, is_code, shape, tokenize

TOKENS = {
    "x = foo(1, 'a b')": ["x", "=", "foo", "(", "1", ",", "<str>", ")"],
    "n += 0x1f": ["n", "+=", "0", "x1f"],
    "if (a >= 3.25 && !b) {": ["if", "(", "a", ">=", "<num>", "&&", "!", "b", ")", "{"],
    "s := `raw`": ["s", ":=", "<str>"],
    "a?.b ?? c::d": ["a", "?.", "b", "??", "c", "::", "d"],
    "it's": ["it", "'", "s"],
    "": [],
}


@pytest.mark.parametrize(("text", "expected"), TOKENS.items())
def test_tokenize(text, expected):
    assert tokenize(text) == expected


CODE = [
    ("x = 1", "python", True),
    ("", "python", False),
    ("   })", "javascript", False),
    ("# note", "python", False),
    ('"""A docstring."""', "python", False),
    ('"""Opens', "python", True),
    ("// note", "go", False),
    ("/* note */", "java", False),
    (" * note", "java", False),
    ("*pointer = 1", "go", True),
    ("# define", "rust", True),
    ("}", "rust", False),
]


@pytest.mark.parametrize(("text", "language", "expected"), CODE)
def test_is_code(text, language, expected):
    assert is_code(text, language) is expected


def test_docstrings_are_found_over_several_lines():
    lines = ["def f():", '    """One', "    two", '    three"""', "    return 1", "x = '''a", "b'''", '# it\'s """']
    assert docstring_edges(lines) == (1, 3, 5, 6)
    assert quoted_lines([Hunk(0, 1, (), tuple(lines))], ()) == {2, 3, 4, 6, 7}
    assert quoted_lines([Hunk(0, 1, (), (*lines, 'y = """never', "closed"))], ()) == {2, 3, 4, 6, 7, 9, 10}


BIT_CASES = {
    "branch": "if ready:",
    "compare": "ok = a == b",
    "exit": "return x",
    "concurrent": "await task",
    "null": "x = None",
    "arithmetic": "total - part",
    "number": "x = 42",
    "string": "x = 'a'",
    "call": "run(x)",
    "index": "xs[i]",
    "assign": "x = y",
    "function": "def f",
    "import": "from a import b",
    "class": "class A",
}


@pytest.mark.parametrize(("bit", "text"), BIT_CASES.items())
def test_each_fact_of_a_line(bit, text):
    assert bit in shape(text).bits
    assert bit not in shape("word").bits


def test_the_table_of_facts_is_complete():
    assert set(BIT_CASES) == set(BITS)


def test_shape_counts():
    found = shape("\tif a and b or c:")
    assert (found.tokens, found.branches, found.indent) == (7, 3, 4)


@given(st.text(max_size=300))
def test_any_text_has_a_shape(text):
    assert shape(text).tokens >= 0
    assert is_code(text, "python") in {True, False}


def test_an_endless_line_is_cut():
    assert shape("x " * 1_000_000).tokens == 1000
