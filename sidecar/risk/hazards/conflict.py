"""Marks that a merge leaves where both sides changed the same lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.seen import Hit, New, Rule, Seen

_OURS = re.compile(r"^<{7}(?: \S.*)?$")
_MIDDLE = re.compile(r"^(?:={7}|\|{7}(?: .*)?)$")
_THEIRS = re.compile(r"^>{7}(?: \S.*)?$")


def find(file: Seen) -> Iterator[Hit]:
    """Each conflict from its first mark to its last. Tests and documents show them on purpose: there all marks must stand."""
    begun: New | None = None
    middle = False
    for line in file.whole:
        if _OURS.match(line.text):
            if begun is not None:
                yield from _half(file, begun)
            begun, middle = line, False
        elif _MIDDLE.match(line.text):
            middle = middle or begun is not None
        elif _THEIRS.match(line.text):
            if begun is not None and middle:
                yield Hit(begun.number, line.number, "These lines are a merge conflict that nobody settled.")
            else:
                yield from _half(file, line)
            begun = None
    if begun is not None:
        yield from _half(file, begun)


def _half(file: Seen, mark: New) -> Iterator[Hit]:
    """A mark without its counterpart: where somebody settled half of a conflict."""
    if file.product and " " in mark.text:
        yield Hit(mark.number, mark.number, "This line is the mark of a merge conflict.")


RULE = Rule(
    id="conflict",
    title="a conflict marker",
    severity="danger",
    why="The file cannot be read by what reads it, and one side's change may be lost.",
    remedy="Choose what both sides meant, take the marks out, and run the tests of this file.",
    find=find,
    words=("<<<<<<<", ">>>>>>>"),
)
