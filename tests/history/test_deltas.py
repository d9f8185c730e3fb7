"""What a commit did to lines, without their text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.history.deltas import CODE, END, IMPORT, OWN, TOGGLE, FileDelta, decode, delta_of, encode, merged_delta
from sidecar.vcs.merges import MergedFile, MergedHunk, MergedLine


def delta(*hunks, path="a.py", fix=False, **more):
    (file,) = delta_of(Change((FileDiff(path, more.pop("status", "modified"), hunks, **more),)), fix=fix)
    return file


def test_new_lines_are_own_and_the_rest_is_the_parents():
    file = delta(Hunk(3, 3, ("old",), ("new", "more")), Hunk(9, 11, (), ("last",)))
    assert file.pieces == ((0, 0, 2), (OWN, 0, 2), (0, 3, 9), (OWN, 2, 3), (0, 9, END))
    assert file.code == 3
    assert delta(Hunk(0, 1, (), ("x = 1",)), status="added").pieces == ((OWN, 0, 1),)


def test_a_re_indented_or_re_wrapped_line_is_the_old_one():
    indented = delta(Hunk(5, 5, ("x = f(1)",), ("if y:", "    x = f(1)")))
    assert indented.pieces == ((0, 0, 4), (OWN, 0, 1), (0, 4, END))
    wrapped = delta(Hunk(5, 5, ("x = f(a, b)",), ("x = f(", "    a,", "    b,", ")")))
    assert wrapped.pieces == ((0, 0, 5), (0, 4, 5), (0, 4, 5), (0, 4, END))
    assert wrapped.flags == b""


def test_flags():
    file = delta(Hunk(0, 1, (), ("import os", "x = 1", "# note", '"""Text', "", 'end"""')), status="added")
    assert list(file.flags) == [CODE | IMPORT, CODE, 0, CODE | TOGGLE, 0, CODE | TOGGLE]


def test_a_fix_names_the_lines_of_code_that_it_takes_away():
    hunk = Hunk(3, 3, ("x = bad(1)", "# note", "keep(1)"), ("    keep(1)", "x = good(1)"))
    assert delta(hunk, fix=True).fixed == (2,)
    assert delta(hunk).fixed == ()
    assert delta(hunk, fix=True, path="tests/t.py").fixed == ()


def test_a_line_that_a_fix_moves_is_not_repaired():
    files = (
        FileDiff("a.py", "modified", (Hunk(3, 2, ("moved = elsewhere(1)", "x = bad"), ()),)),
        FileDiff("b.py", "modified", (Hunk(0, 1, (), ("  moved = elsewhere(1)",)),)),
    )
    assert delta_of(Change(files), fix=True)[0].fixed == (3,)


@pytest.mark.parametrize("files", [11, 1])
def test_a_fix_of_very_much_tells_nothing(files):
    lines = tuple(f"x{n} = bad({n})" for n in range(301 if files == 1 else 1))
    change = Change(tuple(FileDiff(f"a{n}.py", "modified", (Hunk(1, 0, lines, ()),)) for n in range(files)))
    assert not any(file.fixed for file in delta_of(change, fix=True))


def test_what_is_no_source_is_left_out():
    files = (FileDiff("a.md", "added"), FileDiff("b.py", "modified", binary=True), FileDiff("c.rs", "deleted"))
    assert [(f.path, f.status) for f in delta_of(Change(files), fix=True)] == [("c.rs", "deleted")]


def test_a_merge_takes_lines_from_each_parent():
    steps = (MergedLine((0,), "a"), (1,), MergedLine((1,), "b"), MergedLine((), "x = 1"), MergedLine((0, 1), "both"))
    made = merged_delta([MergedFile("a.go", False, (MergedHunk((4, 7), steps),)), MergedFile("b.go", True, ())])
    assert made[0].pieces == ((0, 0, 5), (1, 8, 9), (OWN, 0, 1), (0, 5, END))
    assert made[1].status == "deleted"


NAMES = st.text(st.characters(codec="utf-8") | st.sampled_from("\udcff\udc80"), min_size=1)
DELTAS = st.lists(
    st.builds(
        FileDelta,
        NAMES,
        NAMES,
        st.sampled_from(["added", "renamed", "merged"]),
        st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 99), st.integers(0, END))).map(tuple),
        st.binary(),
        st.lists(st.integers(0, 9999)).map(tuple),
    )
).map(tuple)


@given(DELTAS)
def test_a_delta_can_be_kept(made):
    assert decode(encode(made)) == made


@pytest.mark.parametrize(
    "data", [b"", b"1", b'[["a"]]', b'[["a","b","c",[1],"",[]]]', b'[["\xe2\x82\xac","b","c",[],"",[]]]']
)
def test_what_is_no_delta_is_refused(data):
    with pytest.raises(ValueError, match=r".*"):
        decode(data)
