"""What comments say: of a file, and of what stands below them. Marks are what a comment line of the language begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_LEGAL: Final = re.compile(rb"copyright|licen[cs]e|spdx", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(rb"[\w-]+: \S+$|[\w.-]*coding[:=]|<\w|https?:|@\w|[et]slint|prettier|vim?:|\W+$")
"""Comments that are for tools, or say nothing."""

_HEAD: Final = 3000


def first_words(source: bytes, marks: tuple[bytes, ...]) -> bytes:
    """The first line that says something of the comments that a file begins with; a licence is none."""
    legal = False
    for raw in source[:_HEAD].split(b"\n"):
        if not raw.strip().startswith(marks) and raw.strip():
            break
        line = _said(raw.strip())
        legal = bool(raw.strip()) and (legal or _LEGAL.search(line) is not None)  # to the comment's end
        if line and not legal and not raw.startswith((b"#!", b"#[")) and not _DIRECTIVE.match(line):
            return line
    return b""


def words_above(lines: Sequence[bytes], row: int, marks: tuple[bytes, ...]) -> bytes:
    """The first line of the comment right above a row (from 0); annotations may stand between."""
    line = b""
    while row > 0:
        row -= 1
        above = lines[row].strip()
        if above.startswith(b"#[") or (above.startswith(b"@") and not line):
            continue
        if not above.startswith(marks) or above.startswith(b"#!"):
            break
        line = _said(above) or line
    return line


def _said(line: bytes) -> bytes:
    return line.lstrip(b"/*#-! ").removesuffix(b"*/").rstrip()
