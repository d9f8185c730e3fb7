"""Text for a terminal: names and messages are anybody's, and must neither move its cursor nor turn its writing."""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    r"(\x1b\[(?:0|1|2|31|32|33)m)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""What could move a cursor, set a title or turn the writing; the colours that our own commands use stay."""


def visible(text: str) -> str:
    """The text with all that would do something to a terminal written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda match: match[1] or ascii(match[0])[1:-1], text)


def visible_json(text: str) -> str:
    """A JSON text with the same as JSON's own escapes, so that it means what it meant."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
