"""Anchors: a place in a file kept by its content, and found again in another text of that file. Pure.

A wrong place is worse than none: whatever cannot be told apart is outdated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sidecar.core.diff import Hunk, map_line
from sidecar.core.review import Anchor

NEIGHBOURS = 3
"""Lines before and after that an anchor remembers."""

_GROWTH = 20
"""Lines by which an anchored stretch may grow and still be taken for an edit of it."""


def make(path: str, lines: Sequence[str], start: int, end: int) -> Anchor:
    """An anchor of the lines `start`..`end` (from 1, both included), cut to what the text has.

    In an empty text it stands on line 1 with no text, and so is outdated.
    """
    first = min(max(1, start), max(1, len(lines)))
    last = min(max(first, end), max(1, len(lines)))
    text = tuple(lines[first - 1 : last])
    return Anchor(
        path=path,
        start=first,
        end=last,
        text=text,
        before=tuple(lines[max(0, first - 1 - NEIGHBOURS) : first - 1]),
        after=tuple(lines[last : last + NEIGHBOURS]),
        outdated=not text,
    )


def find(anchor: Anchor, lines: Sequence[str], hunks: Sequence[Hunk] | None = None) -> Anchor:
    """The anchor where its text stands now, or outdated at its last place.

    `hunks`, where the caller knows them, lead from the text that the anchor was last found in to this one; then the
    place is arithmetic. Else the text is looked for: at least half of the old neighbours must stand around it, the
    place with most of them wins, among equals the nearest one. A copy elsewhere is not taken for the lines meant, least of
    all one that stood there before.
    """
    if not anchor.text:
        return replace(anchor, outdated=True)
    first = None if hunks is None else map_line(hunks, anchor.start)
    last = None if hunks is None else map_line(hunks, anchor.end)
    size = len(anchor.text)
    if first is not None and last == first + size - 1 and tuple(lines[first - 1 : last]) == anchor.text:
        return make(anchor.path, lines, first, first + size - 1)
    place = _best(anchor, lines, None if hunks is None else _brought(hunks))
    if place is None:
        return replace(anchor, outdated=True)
    return make(anchor.path, lines, place, place + size - 1)


def edited(anchor: Anchor, lines: Sequence[str], hunks: Sequence[Hunk] | None = None) -> Anchor | None:
    """Where the anchored lines stand after they were themselves edited, or None when that cannot be told.

    The neighbours must still be there, once each way, about as far apart as they were.
    """
    before = _mapped(hunks, anchor.start - 1) if hunks is not None else _after_block(anchor, lines)
    after = _mapped(hunks, anchor.end + 1) if hunks is not None else _before_block(anchor, lines)
    if before is None or after is None:
        return None
    start, end = before + 1, min(after - 1, len(lines))
    if start > end or end - start + 1 > len(anchor.text) + _GROWTH:
        return None
    return make(anchor.path, lines, start, end)


def _brought(hunks: Sequence[Hunk]) -> frozenset[int]:
    """The new lines that hunks bring."""
    return frozenset(line for hunk in hunks for line in range(hunk.new_start, hunk.new_start + len(hunk.added)))


def _best(anchor: Anchor, lines: Sequence[str], brought: frozenset[int] | None) -> int | None:
    """Where the text stands; where it is known which lines were `brought`, only a place with one of these."""
    size = len(anchor.text)
    around = len(anchor.before) + len(anchor.after)
    places = (
        place
        for place in _places(anchor.text, lines)
        if brought is None or not brought.isdisjoint(range(place, place + size))
    )
    scores = {place: _neighbours(anchor, lines, place, size) for place in places}
    if around == 0:
        return 1 if 1 in scores and len(lines) == size else None
    fitting = {place: count for place, count in scores.items() if 2 * count >= around}
    most = max(fitting.values(), default=0)
    nearest = sorted((abs(place - anchor.start), place) for place, count in fitting.items() if count == most)
    if not nearest or (len(nearest) > 1 and nearest[0][0] == nearest[1][0]):
        return None
    return nearest[0][1]


def _places(text: Sequence[str], lines: Sequence[str]) -> Iterator[int]:
    size, wanted = len(text), tuple(text)
    for at, line in enumerate(lines):
        if line == wanted[0] and tuple(lines[at : at + size]) == wanted:
            yield at + 1


def _neighbours(anchor: Anchor, lines: Sequence[str], place: int, size: int) -> int:
    """How many of the old neighbours stand where they stood around a place.

    None when all of those are blank lines or brackets, which stand everywhere.
    """
    above = zip(reversed(anchor.before), reversed(lines[max(0, place - 1 - NEIGHBOURS) : place - 1]), strict=False)
    below = zip(anchor.after, lines[place - 1 + size :], strict=False)
    same = [one for one, other in (*above, *below) if one == other]
    return len(same) if any(c.isalnum() for line in same for c in line) else 0


def _mapped(hunks: Sequence[Hunk], line: int) -> int | None:
    return 0 if line == 0 else map_line(hunks, line)


def _after_block(anchor: Anchor, lines: Sequence[str]) -> int | None:
    """The line that the lines before the anchor end on, when they stand there once; 0 when there were none."""
    if not anchor.before:
        return 0
    places = list(_places(anchor.before, lines))
    return places[0] + len(anchor.before) - 1 if len(places) == 1 else None


def _before_block(anchor: Anchor, lines: Sequence[str]) -> int | None:
    """The line that the lines after the anchor begin on, when they stand there once."""
    if not anchor.after:
        return len(lines) + 1
    places = list(_places(anchor.after, lines))
    return places[0] if len(places) == 1 else None
