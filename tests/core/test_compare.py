"""The hunks between two texts lead from one to the other."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.compare import compare
from sidecar.core.diff import Hunk

LINES = st.lists(st.sampled_from(["", "}", "    return x", "a = 1", "b = 2", "call()", "if a:"]), max_size=40)


def apply(old: list[str], hunks: tuple[Hunk, ...]) -> list[str]:
    new = list(old)
    for hunk in reversed(hunks):
        first = hunk.old_start - 1 if hunk.removed else hunk.old_start
        assert tuple(new[first : first + len(hunk.removed)]) == hunk.removed
        new[first : first + len(hunk.removed)] = hunk.added
    return new


@given(LINES, LINES)
def test_the_hunks_between_two_texts_lead_from_one_to_the_other(old, new):
    hunks = compare(old, new)
    assert apply(old, hunks) == new
    back = tuple(Hunk(hunk.new_start, hunk.old_start, hunk.added, hunk.removed) for hunk in hunks)
    assert apply(new, back) == old, "the numbers of the new side are right too"


def test_a_long_stretch_is_one_hunk():
    old, new = [str(n) for n in range(5_000)], [str(n + 1_000_000) for n in range(5_000)]
    assert len(compare(["head", *old, "tail"], ["head", *new, "tail"])) == 1
