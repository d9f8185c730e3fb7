"""Which new lines of a change were only moved: they stood elsewhere among its old lines, in a row as they do now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidecar.core.diff import Change
from sidecar.risk.code import Reading, same_text
from sidecar.risk.paths import is_production

ROW = 3
"""Lines in a row, blank ones not counted, from which code counts as moved: fewer are alike by chance."""

_LEAST = 30
"""Letters, digits and signs that such a row has at least: closing brackets are everywhere."""

_MOST_ALIKE = 16
"""Places that begin alike and are compared, so that a long table of like lines costs no more than others."""

WHY_MOVED = "moved code: its lines stood elsewhere before this change"

Place = tuple[str, int]
"""A path and a line on the new side."""

_Row = list[tuple[int, str]]
"""Numbered lines without white space, the blank ones left out."""


def moved(change: Change, reading: Reading) -> frozenset[Place]:
    """The places of moved lines in production files. A line that was taken away once can have gone to one place only.

    What comes out of tests or examples is new to the product, so only production files are looked at.
    """
    sources = sorted(
        (file for file in change.files if is_production(file.old_path or file.path)), key=lambda one: one.path
    )
    gone = [_row(hunk.removed, hunk.old_start) for file in sources for hunk in file.hunks]
    starts: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for at, row in enumerate(gone):
        for first in range(len(row) - ROW + 1):
            known = starts.setdefault(_head(row, first), [])
            if len(known) < _MOST_ALIKE:
                known.append((at, first))
    if not starts:
        return frozenset()
    used: set[tuple[int, int]] = set()
    found: set[Place] = set()
    for file in reading.files:
        for hunk in file.hunks:
            row = _row(hunk.hunk.added, hunk.hunk.new_start)
            found.update((file.path, line) for line in _moved(row, gone, starts, used))
    return frozenset(found)


def files_moved(reading: Reading, places: frozenset[Place]) -> tuple[str, ...]:
    """The files that have new lines of code, all of which were moved."""
    return tuple(
        file.path
        for file in reading.files
        if next(file.lines, None) is not None and all((file.path, line.line) in places for line in file.lines)
    )


def _moved(
    row: _Row, gone: Sequence[_Row], starts: dict[tuple[str, ...], list[tuple[int, int]]], used: set[tuple[int, int]]
) -> Iterator[int]:
    at = 0
    while at + ROW <= len(row):
        spans = [(_same(row[at:], gone[n], n, first, used), n, first) for n, first in starts.get(_head(row, at), ())]
        length, n, first = max(spans, default=(0, 0, 0))
        if length < ROW or sum(len(text) for _, text in row[at : at + length]) < _LEAST:
            at += 1
            continue
        used.update((n, first + step) for step in range(length))
        yield from (line for line, _ in row[at : at + length])
        at += length


def _same(row: _Row, old: _Row, n: int, first: int, used: set[tuple[int, int]]) -> int:
    """How many lines from here are the same as those from there that went nowhere else yet."""
    length = 0
    for (_, text), (_, before) in zip(row, old[first:], strict=False):
        if text != before or (n, first + length) in used:
            break
        length += 1
    return length


def _row(lines: Sequence[str], start: int) -> _Row:
    return [(number, same) for number, text in enumerate(lines, start) if (same := same_text(text))]


def _head(row: _Row, at: int) -> tuple[str, ...]:
    return tuple(text for _, text in row[at : at + ROW])
