"""Regular expressions that are new or not what they were."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.measured import counts, why
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_PATTERN = re.compile(
    r"\bre\.(?:compile|match|search|sub|findall|finditer|split|fullmatch)\(|\bnew RegExp\(|\bregexp\.(?:Must)?Compile|\bPattern\.compile\("
    r"|\bRegex::new|=\s*/[^/ *].*/[gimsuy]*\s*[;,.)]"
)
_WORDS = ("re.", "regexp", "pattern.compile", "regex::new", "= /", "=/")


def find(file: Seen) -> Iterator[Hit]:
    """New lines that build one."""
    if counts(file):
        for line in file.holding(_WORDS):
            if _PATTERN.search(line.text):
                yield Hit(line.number, line.number, "This line has a regular expression that is new or changed.")


RULE = Rule(
    id="pattern",
    title="a regular expression",
    severity="notice",
    why=why(1.4),
    remedy="Try it on a text that must not match, on an empty one, on one with line ends, and on a long one.",
    find=find,
    words=_WORDS,
    hazard=False,
)
