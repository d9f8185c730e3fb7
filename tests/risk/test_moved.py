"""Lines that only moved: in a row, once each, between production files, and no others."""

from __future__ import annotations

import time

import pytest

from sidecar.core.compare import compare
from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.risk.code import read
from sidecar.risk.facts import Facts
from sidecar.risk.moved import files_moved, moved

BLOCK = ("def total(items):", "    if not items:", "        return fallback(0)", "    return sum(items)")
OTHER = ("def charge(card):", "    if card.blocked:", "        raise Refused(card.number)", "    return card.pay()")


def gone(path: str, *lines: str) -> FileDiff:
    return FileDiff(path, "modified", (Hunk(1, 0, lines, ()),))


def come(path: str, *lines: str) -> FileDiff:
    return FileDiff(path, "modified", (Hunk(10, 11, (), lines),))


def found(*files: FileDiff) -> set[tuple[str, int]]:
    change = Change(files)
    return set(moved(change, read(change, Facts())))


ALL = {("b.py", line) for line in range(11, 15)}


@pytest.mark.parametrize(
    ("files", "places"),
    [
        ((gone("a.py", *BLOCK), come("b.py", *BLOCK)), ALL),
        ((gone("a.py", *BLOCK), come("b.py", *("    " + line for line in BLOCK))), ALL),
        ((gone("a.py", *BLOCK), come("b.py", *(line + "\r" for line in BLOCK))), ALL),
        ((gone("a.py", *BLOCK), come("b.py", BLOCK[0], "", *BLOCK[1:])), {("b.py", line) for line in (11, 13, 14, 15)}),
        ((gone("a.py", *BLOCK), come("b.py", *OTHER[:2], *BLOCK, *OTHER[2:])), {("b.py", line) for line in range(13, 17)}),
        ((gone("a.py", *BLOCK), come("b.py", *BLOCK, *BLOCK)), ALL),
        ((gone("a.py", *BLOCK), come("b.py", *reversed(BLOCK))), set()),
        ((gone("a.py", *BLOCK[:2]), come("b.py", *BLOCK[:2])), set()),
        ((gone("a.py", "}", "}", "}", "}"), come("b.py", "}", "}", "}", "}")), set()),
        ((gone("tests/test_a.py", *BLOCK), come("b.py", *BLOCK)), set()),
        ((gone("docs/a.py", *BLOCK), come("b.py", *BLOCK)), set()),
        ((gone("a.py", *BLOCK), come("tests/test_b.py", *BLOCK)), set()),
        ((come("b.py", *BLOCK),), set()),
        ((), set()),
    ],
    ids=["to another file", "indented anew", "other line ends", "with a blank line in it", "among new ones", "copied once more",
         "in another order", "two lines", "brackets", "out of a test", "out of an example", "into a test", "new", "nothing"],
)  # fmt: skip
def test_moved_lines(files, places):
    assert found(*files) == places


def test_blocks_that_change_places_in_a_file():
    old, new = [*BLOCK, "", "", *OTHER], [*OTHER, "", "", *BLOCK]
    hunks = compare(old, new)
    added = {("a.py", line) for hunk in hunks for line, text in enumerate(hunk.added, hunk.new_start) if text}
    assert found(FileDiff("a.py", "modified", hunks)) == added


def test_files_that_only_took_something_in():
    change = Change(
        (gone("a.py", *BLOCK, *OTHER), come("b.py", *BLOCK), come("c.py", *OTHER, "x = compute(1)"), gone("d.py", "x"))
    )
    reading = read(change, Facts())
    assert files_moved(reading, moved(change, reading)) == ("b.py",)


@pytest.mark.parametrize("kinds", [1, 7, 20_000])
def test_like_lines_cost_no_more_than_others(kinds):
    same = tuple(f"    call(value, {n % kinds})" for n in range(20_000))
    change = Change((gone("a.py", *same), come("b.py", *same)))
    reading = read(change, Facts())
    began = time.process_time()
    assert len(moved(change, reading)) == 20_000
    assert time.process_time() - began < 5
