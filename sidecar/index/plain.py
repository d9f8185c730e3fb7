"""A text as its grammar can read it: what a grammar does not know is hidden from it, and everything else keeps its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_MACROS: Final = re.compile(
    rb"\b(?:class|struct)\s+([A-Z][A-Z0-9_]+(?:\([^()\n]*\))?)(?=\s+\w+\s*(?:final\s*)?[:{])"
    rb"|\)\s*(?:const\s*)?([A-Z]+_[A-Z0-9_]+\([^()\n]*\))(?=\s*\{)|\b((?:PT_)?GUARDED_BY\([^()\n]*\))(?=\s*[;={])"
)
"""Macros of C++ that stand where the grammar knows none: `class API Name {`, `void f() LOCKS(mu) {`."""

_BRACKETS: Final = re.compile(rb"(?<![\w\])])\[([A-Za-z_][\w $#-]*)\]|^([Gg][Oo])(?=[ \t]*;?\r?$)", re.MULTILINE)
"""Names of SQL Server in brackets, and the line that ends a batch there."""

_ENDING: Final = re.compile(rb"(?<=[^\s{;]) (?=\})")
_NAME: Final = re.compile(rb"[A-Za-z_]\w*")


def parsable(source: bytes, language: str) -> bytes:
    """The text to parse."""
    if language == "cpp":
        return _MACROS.sub(lambda m: m[0].replace(m[m.lastindex or 0], b" " * len(m[m.lastindex or 0])), source)
    return _BRACKETS.sub(lambda m: b'"%b"' % m[1] if m[1] else b"; ", source) if language == "sql" else source


def ended(source: bytes) -> bytes:
    """Kotlin whose blocks on one line (`{ fun f() = 1 }`) have the end of the statement in them that its grammar wants."""
    return _ENDING.sub(b";", source)


def hidden(source: bytes) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """The names in what is hidden from C++'s grammar: where each begins and ends, and its row and column from 0."""
    for match in _MACROS.finditer(source):
        for word in _NAME.finditer(source, *match.span(match.lastindex or 0)):
            begin = source.rfind(b"\n", 0, word.start()) + 1
            yield *word.span(), (source.count(b"\n", 0, begin), word.start() - begin)
