"""What a name can mean, as a value, and the small readings of what the index keeps: places, locals, dotted names, paths."""

from __future__ import annotations

import marshal
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sidecar.core.defined import Defined, Local
from sidecar.index.modules import ECMA

MEMBER: Final = 8
IMPORT: Final = 2
"""As `extract` marks a use that follows a dot, and one in an import."""

CLASSES: Final = frozenset({"class", "interface", "struct", "enum", "union", "trait", "type", "table"})
STRICT: Final = frozenset({"python", *ECMA})
"""Languages where each name comes from somewhere that the file says, and where what bears one name in one place is one thing."""
_WORD: Final = re.compile(r"\w[\w$]*|\$[\w$]+|#\w+")
MORE: Final = {
    "ruby": re.compile(r"\w+[?!]"),
    "bash": re.compile(r"\w[\w:.+-]*"),
    "sql": re.compile(r'"([^"]+)"|`([^`]+)`|\[([^]]+)\]'),
    **dict.fromkeys(("kotlin", "swift", "scala"), re.compile(r"`([^`]+)`")),
}
"""Names of some languages that are more than a word: `empty?`, `my-function`, `[Order ID]`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means: symbols (the best first), or a local name (of the file `elsewhere`, if that is another), or a whole module's files. `exact`: by rule, not by rank."""

    symbols: tuple[Defined, ...] = ()
    local: Local | None = None
    modules: tuple[str, ...] = ()
    elsewhere: str = ""
    exact: bool = False

    def __bool__(self) -> bool:
        return bool(self.symbols or self.local or self.modules)


NOTHING: Final = Found()
FOREIGN: Final = Found(exact=True)
"""Nothing of the project, for certain: of a library, or of a type that comes with the language."""


def word_at(line: str, column: int, language: str = "") -> tuple[str, int] | None:
    """The identifier at a column (from 1) of a line, and the column where it begins; also right behind its end.

    With a language of `MORE` it is what may be such a name, without its quotes.
    """
    for match in MORE.get(language, _WORD).finditer(line):
        if match.start() <= column - 1 <= match.end():
            return match[match.lastindex or 0], match.start(match.lastindex or 0) + 1
    return None


@lru_cache(maxsize=256)
def locals_of(packed: bytes) -> list[tuple[str, int, int, int, int]]:
    """(name, line, column, first and last line of its scope) of a file's local names, of what is kept of them."""
    known: list[tuple[str, int, int, int, int]] = marshal.loads(packed)  # noqa: S302 - the index is the user's own
    return known


def places(packed: bytes) -> Iterator[tuple[int, int, int]]:
    """(line, column, mark) of packed uses."""
    flat = array("I", packed)
    return zip(flat[::3], flat[1::3], flat[2::3], strict=True)


def dotted(symbol: Defined) -> str:
    """A symbol's dotted name path."""
    return f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name


def is_member(symbol: Defined) -> bool:
    """Whether a symbol can stand behind a dot: what is defined in a class, not in a function."""
    return bool(symbol.container) and (symbol.language != "python" or symbol.kind not in {"function", "variable"})


def shared_folders(one: str, other: str) -> int:
    """How many folders two paths share from the top."""
    count = 0
    for a, b in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if a != b:
            break
        count += 1
    return count


def shared_tail(place: Sequence[str], parts: Sequence[str]) -> int:
    """How many words two paths share from their ends, whatever their case."""
    count = 0
    for a, b in zip(reversed(place), reversed(parts), strict=False):
        if a.lower() != b.lower():
            break
        count += 1
    return count
