"""Names that a file defines, as they are found in its text and as the index keeps them: one form for both."""

from __future__ import annotations

from typing import Final, NamedTuple

OF_TEXT: Final = 12
"""So many of the fields of `Defined` a file's text alone tells; the others say where the index keeps it."""


class Defined(NamedTuple):
    """A symbol: its name's place, the extent of all of it; lines and columns from 1, columns in characters, ends exclusive.

    `path` is relative to the workspace with `/`; `file` and `place` name it within the index's present state. They
    are empty for what was just found in a text.
    """

    name: str
    kind: str
    container: str
    line: int
    column: int
    end_column: int
    from_line: int
    from_column: int
    to_line: int
    to_column: int
    signature: str
    doc: str
    path: str = ""
    language: str = ""
    file: int = 0
    place: int = 0


class Local(NamedTuple):
    """A name that a function binds, seen from line `start` to line `end`."""

    name: str
    line: int
    column: int
    start: int
    end: int
