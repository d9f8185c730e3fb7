"""Places where an object is copied, which may go less deep or deeper than was thought."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.measured import counts, why
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_COPY = re.compile(r"\bdeepcopy\(|\.copy\(\)|Object\.assign\(|\.clone\(\)|\{\s*\.\.\.\w")
_WORDS = ("copy(", "object.assign(", ".clone()", "...")


def find(file: Seen) -> Iterator[Hit]:
    """New lines that copy one."""
    if counts(file):
        for line in file.holding(_WORDS):
            if _COPY.search(line.text):
                yield Hit(line.number, line.number, "This line copies an object.")


RULE = Rule(
    id="copy",
    title="a copy of an object",
    severity="notice",
    why=why(2.2),
    remedy="Check which inner lists and objects the copy shares with the original, and which of them it must.",
    find=find,
    words=_WORDS,
    hazard=False,
)
