"""Conditions that are given one more term."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.core.diff import Hunk
from sidecar.risk.hazards.measured import counts, why
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_CONDITION = re.compile(r"^\s*(?:\}?\s*else\s+)?(?:el)?(?:if|while)\b")
_JOINT = re.compile(r"\band\b|\bor\b|&&|\|\|")
_WORDS = (" and ", " or ", "&&", "||")


def find(file: Seen) -> Iterator[Hit]:
    """New conditions of two terms and more that have more of them than the one that they replace."""
    if counts(file):
        fresh = {line.number for line in file.lines}
        for hunk in file.hunks:
            for number in _longer(hunk):
                if number in fresh:
                    yield Hit(number, number, "This condition has a term more than the one that it replaces.")


def _longer(hunk: Hunk) -> Iterator[int]:
    old = [len(_JOINT.findall(text)) for text in hunk.removed if _CONDITION.match(text)]
    new = [
        (number, len(_JOINT.findall(text)))
        for number, text in enumerate(hunk.added, hunk.new_start)
        if _CONDITION.match(text)
    ]
    for before, (number, after) in zip(old, new, strict=False):
        if after > before:
            yield number


RULE = Rule(
    id="condition",
    title="a condition has one more term",
    severity="notice",
    why=why(1.4),
    remedy="Write down which cases are let in now and which are left out, and have a test for one of each.",
    find=find,
    words=_WORDS,
    hazard=False,
)
