"""Places where text becomes bytes, or bytes text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.measured import counts, why
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_ENCODING = re.compile(
    r"\.encode\(|\.decode\(|utf-?8|latin-?1|from_utf8|getbytes\(|buffer\.from\(|textdecoder", re.IGNORECASE
)
_WORDS = ("encode(", "decode(", "utf", "latin", "getbytes", "buffer.from", "textdecoder")


def find(file: Seen) -> Iterator[Hit]:
    """New lines that convert the one to the other, or name an encoding."""
    if counts(file):
        for line in file.holding(_WORDS):
            if _ENCODING.search(line.text):
                yield Hit(line.number, line.number, "This line turns text into bytes or bytes into text.")


RULE = Rule(
    id="encoding",
    title="text and bytes",
    severity="notice",
    why=why(1.2),
    remedy="Say which encoding it is and what happens to bytes that are none, and try it on more than ASCII.",
    find=find,
    words=_WORDS,
    hazard=False,
)
