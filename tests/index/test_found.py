"""The small readings of what the index keeps: the word at a column, a symbol's dotted name, what may stand behind a dot."""

from __future__ import annotations

import marshal
from array import array

import pytest

from sidecar.index.found import (
    FOREIGN,
    NOTHING,
    dotted,
    is_member,
    locals_of,
    places,
    shared_folders,
    shared_tail,
    word_at,
)
from tests.index.trees import resolving, write_tree


@pytest.mark.parametrize(
    ("line", "column", "word"),
    [("a.foo(b)", 3, ("foo", 3)), ("a.foo(b)", 6, ("foo", 3)), ("a.foo(b)", 1, ("a", 1)), ("  ", 1, None), ("", 5, None), ("ü.é", 3, ("é", 3)),
     ("@wraps", 2, ("wraps", 2)), ("$x = 1", 1, ("$x", 1)), ("this.#p", 7, ("#p", 6))],
)  # fmt: skip
def test_word_at(line, column, word):
    assert word_at(line, column) == word


def test_nothing_and_foreign_are_both_empty_but_one_is_certain():
    assert (bool(NOTHING), bool(FOREIGN), NOTHING.exact, FOREIGN.exact) == (False, False, False, True)


def test_what_stands_in_a_function_is_no_member(tmp_path):
    source = "class A:\n    def m(self):\n        def inner(): pass\n        return inner\n    x = 1\n"
    with resolving(write_tree(tmp_path / "work", {"a.py": source}), tmp_path / "state") as resolver:
        told = {dotted(s): is_member(s) for s in resolver.symbols_in(resolver.file("a.py").id)}
    assert told == {"A": False, "A.m": True, "A.m.inner": False, "A.x": True}


def test_packed_places_and_locals_are_read():
    assert list(places(array("I", [1, 2, 3, 4, 5, 6]).tobytes())) == [(1, 2, 3), (4, 5, 6)]
    assert locals_of(marshal.dumps([("a", 1, 2, 1, 3)])) == [("a", 1, 2, 1, 3)]


def test_shared_parts_of_paths():
    assert shared_folders("a/b/c.py", "a/b/d.py") == 2
    assert shared_folders("a/b/c.py", "x/b/c.py") == 0
    assert shared_tail(["org", "Shop", "cart"], ["shop", "Cart"]) == 2
