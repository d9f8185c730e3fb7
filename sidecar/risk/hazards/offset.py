"""Places in a list or a text that are one before or behind a counted one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.measured import counts, why
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_OFFSET = re.compile(
    r"\[[^\]\"']*[\w)\]]\s*[+-]\s*1\b[^\]]*\]|\.(?:slice|substr|substring|charAt|get|subList)\([^)]*[\w)]\s*[+-]\s*1\b"
)
_WORDS = ("+ 1", "+1", "- 1", "-1")


def find(file: Seen) -> Iterator[Hit]:
    """New lines that take something at such a place."""
    if counts(file):
        for line in file.holding(_WORDS):
            if _OFFSET.search(line.text):
                yield Hit(
                    line.number, line.number, "This line takes something one place before or behind a counted one."
                )


RULE = Rule(
    id="offset",
    title="one place off a count",
    severity="notice",
    why=why(1.2),
    remedy="Try it on the first and the last one, on a single one, and on none.",
    find=find,
    words=_WORDS,
    hazard=False,
)
