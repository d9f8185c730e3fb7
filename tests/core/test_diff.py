"""The arithmetic of hunks, by tables and against a reference that edits a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.diff import FileDiff, Hunk, line_before, lines_after, map_line

TABLE = [
    # hunks, old line → new line
    ([], 5, 5),
    ([Hunk(2, 3, (), ("x",))], 2, 2),
    ([Hunk(2, 3, (), ("x",))], 3, 4),
    ([Hunk(0, 1, (), ("x", "y"))], 1, 3),
    ([Hunk(2, 1, ("b",), ())], 1, 1),
    ([Hunk(2, 1, ("b",), ())], 2, None),
    ([Hunk(2, 1, ("b",), ())], 3, 2),
    ([Hunk(2, 2, ("b", "c"), ("x",))], 3, None),
    ([Hunk(2, 2, ("b", "c"), ("x",))], 4, 3),
    ([Hunk(1, 1, ("a",), ("x", "y")), Hunk(5, 5, ("e", "f"), ())], 4, 5),
    ([Hunk(1, 1, ("a",), ("x", "y")), Hunk(5, 5, ("e", "f"), ())], 5, None),
    ([Hunk(1, 1, ("a",), ("x", "y")), Hunk(5, 5, ("e", "f"), ())], 7, 6),
]


@pytest.mark.parametrize(("hunks", "line", "wanted"), TABLE)
def test_where_an_old_line_stands(hunks, line, wanted):
    assert map_line(hunks, line) == wanted


@pytest.mark.parametrize(
    ("hunk", "wanted"),
    [
        (Hunk(4, 7, ("a",), ("b", "c")), (7, 8)),
        (Hunk(4, 7, (), ("b",)), (7, 7)),
        (Hunk(4, 3, ("a",), ()), (3, 3)),
        (Hunk(1, 0, ("a",), ()), (1, 1)),
    ],
)
def test_the_lines_that_a_hunk_takes_on_the_new_side(hunk, wanted):
    assert hunk.new_range == wanted


def test_a_file_counts_its_lines():
    file = FileDiff("a", "modified", (Hunk(1, 1, ("a",), ("b", "c")), Hunk(9, 10, ("d",), ())))
    assert (file.added_lines, file.removed_lines) == (2, 2)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 3)), max_size=6))
def test_mapping_agrees_with_editing(steps):
    old = list(range(1, 41))
    new, hunks, line, shift = list(old), [], 1, 0
    for gap, removed, added in steps:
        line += gap
        if line + removed > len(old) or not (removed or added):
            continue
        hunks.append(
            Hunk(line if removed else line - 1, line + shift - (not added), tuple("r" * removed), tuple("a" * added))
        )
        new[line - 1 + shift : line - 1 + shift + removed] = [-1] * added
        shift += added - removed
        line += removed + 1
    for number in old:
        assert map_line(hunks, number) == (new.index(number) + 1 if number in new else None)
    for at, number in enumerate(new, 1):
        assert line_before(hunks, at) == (number if number > 0 else None)
    after = lines_after(list(map(str, old)), hunks)
    assert after == ["a" if number < 0 else str(number) for number in new]
