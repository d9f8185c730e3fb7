"""Anchors find their lines again, or say that they cannot; they never point at other lines."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.compare import compare
from sidecar.core.diff import Hunk, line_before, map_line
from sidecar.core.review import Anchor
from sidecar.review.anchor import edited, find, make
from tests.core.test_compare import apply
from tests.explore import share

TEXT = """\
def load(path):
    with open(path) as file:
        data = file.read()
    return data


def save(path, data):
    with open(path, "w") as file:
        file.write(data)
    return data
""".splitlines()


def test_an_anchor_remembers_its_text_and_three_neighbours_each_way():
    assert make("a.py", TEXT, 7, 8) == Anchor(
        "a.py", 7, 8, text=tuple(TEXT[6:8]), before=tuple(TEXT[3:6]), after=tuple(TEXT[8:10])
    )


@pytest.mark.parametrize(
    ("lines", "start", "end", "place"),
    [
        ([], 1, 3, (1, 1, True)),
        (["x"], 5, 9, (1, 1, False)),
        (TEXT, 0, 0, (1, 1, False)),
        (TEXT, 9, 99, (9, 10, False)),
    ],
)
def test_a_range_outside_the_text_is_cut_to_it(lines, start, end, place):
    anchor = make("a.py", lines, start, end)
    assert (anchor.start, anchor.end, anchor.outdated) == place


CASES = {
    "unchanged": (TEXT, 3),
    "lines above": (["import os", "", *TEXT], 5),
    "lines above taken away": (TEXT[1:], 2),
    "a neighbour edited": ([*TEXT[:3], "    return data or None", *TEXT[4:]], 3),
    "the line itself gone": (TEXT[:2] + TEXT[3:], None),
    "the line itself edited": ([*TEXT[:2], "        data = file.read(10)", *TEXT[3:]], None),
    "everything gone": ([], None),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("known", [False, True])
def test_where_a_line_stands_after_an_edit(name, known):
    lines, wanted = CASES[name]
    found = find(make("a.py", TEXT, 3, 3), lines, compare(TEXT, lines) if known else None)
    if wanted is None:
        assert found.outdated
        assert found.start == 3, "the last known place is kept"
    else:
        assert (found.start, found.end, found.outdated) == (wanted, wanted, False)
        assert lines[found.start - 1] == TEXT[2]


def test_of_two_copies_the_one_with_the_neighbours_is_meant():
    anchor = make("a.py", TEXT, 10, 10)  # `return data` of save, which load has too
    moved = ["# head", *TEXT[5:], *TEXT[:4]]
    assert find(anchor, moved).start == 6


def test_a_copy_elsewhere_is_not_taken_for_a_deleted_line():
    anchor = make("a.py", TEXT, 10, 10)
    assert find(anchor, TEXT[:9]).outdated


def test_a_copy_that_stood_there_before_is_not_taken_for_edited_lines():
    part = ["def part(item):", "    if item > 1:", "        item = compute(item)[0]", "    return item", ""]
    old = part * 4
    new = [*old[:6], "    if item > 1 or late:", *old[7:]]
    anchor = make("a.py", old, 7, 8)
    assert find(anchor, new).start == 12, "without the edits one cannot know"
    assert find(anchor, new, compare(old, new)).outdated
    assert edited(anchor, new, compare(old, new)) == make("a.py", new, 7, 8)


def test_blank_lines_and_brackets_are_no_neighbours():
    anchor = make("a.js", ["{", "", "call();", "", "}"], 3, 3)
    assert find(anchor, ["other();", "", "call();", "", "more();"]).outdated


def test_an_outdated_anchor_becomes_good_when_its_text_comes_back():
    lost = find(make("a.py", TEXT, 3, 3), TEXT[:2] + TEXT[3:])
    assert lost.outdated
    assert find(lost, TEXT) == make("a.py", TEXT, 3, 3)


@pytest.mark.parametrize("known", [False, True])
def test_lines_edited_in_place_are_found_by_what_stands_around_them(known):
    new = [*TEXT[:2], "        data = file.read(10)", "        check(data)", *TEXT[3:]]
    place = edited(make("a.py", TEXT, 3, 3), new, compare(TEXT, new) if known else None)
    assert place == make("a.py", new, 3, 4)


@pytest.mark.parametrize("known", [False, True])
def test_lines_taken_away_were_not_edited(known):
    new = TEXT[:2] + TEXT[3:]
    assert edited(make("a.py", TEXT, 3, 3), new, compare(TEXT, new) if known else None) is None


def test_a_place_that_grew_into_something_else_was_not_edited():
    new = [*TEXT[:2], *(f"line {n}" for n in range(60)), *TEXT[3:]]
    assert edited(make("a.py", TEXT, 3, 3), new, compare(TEXT, new)) is None


@st.composite
def edits(draw):
    """A text, an edit of it as hunks, the new text, and a range of lines."""
    size = draw(st.integers(1, 30))
    unique = draw(st.booleans())
    old = [
        f"line number {n}" if unique else draw(st.sampled_from(["}", "", "return value", "x += 1"]))
        for n in range(size)
    ]
    hunks, line, shift = [], 1, 0
    while line <= size:
        line += draw(st.integers(1, 8))
        if line > size:
            break
        count = draw(st.integers(0, min(3, size - line + 1)))
        added = tuple(draw(st.lists(st.sampled_from(["}", "new thing", "x += 1"]), max_size=3)))
        if count or added:
            removed = tuple(old[line - 1 : line - 1 + count])
            hunks.append(Hunk(line - (not count), line + shift - (not added), removed, added))
            shift += len(added) - count
        line += count + 1
    start = draw(st.integers(1, size))
    end = draw(st.integers(start, min(size, start + 3)))
    return old, tuple(hunks), apply(old, tuple(hunks)), start, end, unique


@given(edits())
def test_an_anchor_never_points_at_other_lines(case):
    old, hunks, new, start, end, unique = case
    anchor = make("a.py", old, start, end)
    mapped = [map_line(hunks, line) for line in range(start, end + 1)]
    for found in (find(anchor, new), find(anchor, new, compare(old, new)), find(anchor, new, hunks)):
        if found.outdated:
            continue
        assert tuple(new[found.start - 1 : found.end]) == anchor.text
    known = find(anchor, new, hunks)
    stood = [line_before(hunks, line) for line in range(known.start, known.end + 1)]
    assert known.outdated or None in stood or stood == list(range(start, end + 1)), "no copy that stood there before"
    for found in (find(anchor, new), known):
        if unique and not found.outdated:
            assert list(range(found.start, found.end + 1)) == mapped
    if unique and None not in mapped and mapped[-1] == mapped[0] + end - start:
        assert find(anchor, new, hunks).start == mapped[0], "known edits lose no line that they keep"


@given(edits())
def test_an_edit_found_in_place_lies_between_what_was_around_it(case):
    old, hunks, new, start, end, _ = case
    place = edited(make("a.py", old, start, end), new, hunks)
    if place is not None:
        assert place.start - 1 == (map_line(hunks, start - 1) if start > 1 else 0)
        assert 1 <= place.start <= place.end <= len(new)


def test_finding_changes_nothing_but_the_place():
    anchor = make("a.py", TEXT, 3, 3)
    assert replace(find(anchor, ["", *TEXT]), start=3, end=3, before=anchor.before) == anchor


COMMON = ["", "}", "    return None", "        pass", "    else:"]


@st.composite
def histories(draw):
    """A text, a stretch of it, and edits, each followed line by line: what becomes of every line is known.

    A line is a pair of its number and its text; lines with the same text are told apart by the number alone. A copy
    whose original is gone when the edits are done was moved: no text tells one from the other.
    """
    size = draw(st.integers(6, 40))
    text = [(n, draw(st.one_of(st.just(f"line {n} of it"), st.sampled_from(COMMON)))) for n in range(size)]
    first = draw(st.integers(0, size - 1))
    last = min(size - 1, first + draw(st.integers(0, 4)))
    versions, fresh = [text], size
    for _ in range(draw(st.integers(1, 4))):
        now = list(versions[-1])
        copies: dict[int, int] = {}
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(now)))
            match draw(st.sampled_from(["insert", "delete", "edit", "move", "copy"])):
                case "insert":
                    new = draw(st.lists(st.sampled_from([*COMMON, "another line"]), min_size=1, max_size=4))
                    now[at:at] = [(fresh + n, line) for n, line in enumerate(new)]
                    fresh += len(new)
                case "delete":
                    del now[at : at + draw(st.integers(1, 5))]
                case "edit" if at < len(now):
                    now[at] = (fresh, now[at][1] + " edited")
                    fresh += 1
                case "move":
                    cut = now[at : at + draw(st.integers(1, 12))]
                    del now[at : at + len(cut)]
                    to = draw(st.integers(0, len(now)))
                    now[to:to] = cut
                case "copy":
                    cut = now[at : at + draw(st.integers(1, 3))]
                    to = draw(st.integers(0, len(now)))
                    now[to:to] = [(fresh + n, line) for n, (_, line) in enumerate(cut)]
                    copies |= {fresh + n: copies.get(number, number) for n, (number, _) in enumerate(cut)}
                    fresh += len(cut)
        versions.append(_with_moves(now, copies))
    return versions, first, last


def _with_moves(lines: list[tuple[int, str]], copies: dict[int, int]) -> list[tuple[int, str]]:
    """The lines, where the first copy of a line that is gone has its number."""
    present = {number for number, _ in lines}
    told = []
    for number, line in lines:
        origin = copies.get(number, number)
        moved = origin not in present
        present |= {origin}
        told.append((origin if moved else number, line))
    return told


def indistinct(anchor: Anchor, lines: list[str], place: int) -> bool:
    """Whether the place looks just like the anchor's own, with most of what stands around it."""
    around = [*anchor.before, *anchor.after]
    size = len(anchor.text)
    above = list(reversed(lines[max(0, place - 1 - len(anchor.before)) : place - 1]))
    below = lines[place - 1 + size : place - 1 + size + len(anchor.after)]
    same = sum(a == b for a, b in zip(reversed(anchor.before), above, strict=False))
    same += sum(a == b for a, b in zip(anchor.after, below, strict=False))
    return tuple(lines[place - 1 : place - 1 + size]) == anchor.text and 2 * same >= len(around)


@pytest.mark.parametrize("known", [False, True])
@given(histories())
@share(400)
def test_over_any_edits_the_lines_are_found_where_they_are_or_not_at_all(known, history):
    """The reference follows each line by its number; the anchor sees texts alone, one version after the other."""
    versions, first, last = history
    texts = [[line for _, line in version] for version in versions]
    wanted = [number for number, _ in versions[0][first : last + 1]]
    anchor = make("a.py", texts[0], first + 1, last + 1)
    for before, (version, lines) in zip(texts, list(zip(versions, texts, strict=True))[1:], strict=False):
        stood = not anchor.outdated and anchor == make("a.py", before, anchor.start, anchor.end)
        found = find(anchor, lines, compare(before, lines) if known and stood else None)
        if found.outdated:
            assert found == replace(anchor, outdated=True), "the last known place and all of the text are kept"
            anchor = found
            continue
        assert tuple(lines[found.start - 1 : found.end]) == anchor.text
        numbers = [number for number, _ in version[found.start - 1 : found.end]]
        if numbers != wanted:
            # other lines with the same text: taken only where nothing in the texts tells them apart
            named = [(n, line) for n, line in enumerate(anchor.text) if line.startswith("line ")]
            alone = [n for n, line in named if lines.count(line) == 1 and before.count(line) <= 1]
            assert [numbers[n] for n in alone] == [wanted[n] for n in alone]
            assert alone or known or indistinct(anchor, lines, found.start)
            wanted = numbers
        anchor = found


@given(histories())
@share(200)
def test_lines_that_are_unlike_all_others_are_never_mistaken(history):
    """With no line copied or repeated, there is one right answer, and it is given or none is."""
    versions, first, last = history
    texts = [[f"{line} #{number}" for number, line in version] for version in versions]
    wanted = texts[0][first : last + 1]
    anchor = make("a.py", texts[0], first + 1, last + 1)
    for before, lines in itertools.pairwise(texts):
        stood = not anchor.outdated and anchor == make("a.py", before, anchor.start, anchor.end)
        anchor = find(anchor, lines, compare(before, lines) if stood else None)
        if not anchor.outdated:
            assert lines[anchor.start - 1 : anchor.end] == wanted
