"""Find where a name is defined by parsing just the files that hold it: for where there is no index, or none yet.

It blocks, so it is called in a thread. Which files hold the name is told by the caller (`git grep -l`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.core.defined import Defined
from sidecar.index import walk
from sidecar.index.extract import extract
from sidecar.index.grammars import BY_NAME, language_of, spoken_in

MAX_FOUND: Final = 100
_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Definition:
    """One place where a name is defined.

    `path` is relative to the root, with `/`; `line` counts from 1; `container` is what it stands in (`Cart`,
    `Cart.add`), empty at the top; `signature` is its head on one line, without the body.
    """

    path: str
    line: int
    kind: str
    container: str
    signature: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought. `complete` is False when its time or its number of results ran out first."""

    definitions: tuple[Definition, ...]
    files: int
    complete: bool = True


def find_definitions(root: Path, name: str, files: Iterable[str], *, seconds: float = _SECONDS) -> Found:
    """Where `name` (`total`, `Cart.total`, `Cart::total`) is defined in the given files (relative to the root).

    Files that cannot be read, are no regular files, binary, huge or in a language without a grammar are passed over.
    Definitions come ordered by path and line.
    """
    *outer, last = [part for part in re.split(r"\.|::|#", name.strip()) if part] or [""]
    end = time.monotonic() + seconds
    found: list[Definition] = []
    looked_at = 0
    for path in sorted(set(files)) if last else ():
        if time.monotonic() > end or len(found) >= MAX_FOUND:
            return Found(tuple(found[:MAX_FOUND]), looked_at, complete=False)
        symbols = defined_in(root, path, last)
        looked_at += symbols is not None
        fit = [
            s for s in symbols or () if s.name == last and (not outer or s.container.split(".")[-len(outer) :] == outer)
        ]
        found += [Definition(path, s.line, s.kind, s.container, s.signature) for s in fit]
    return Found(tuple(sorted(found, key=lambda d: (d.path, d.line))), looked_at)


def defined_in(root: Path, path: str, holding: str, most: int = walk.MAX_BYTES) -> list[Defined] | None:
    """All symbols of one file; None where it is not parsed, is larger, or does not hold a text (in any case)."""
    language = language_of(path)
    source = _read(root / path) if language in BY_NAME else None
    if source is None or len(source) > most or holding.lower().encode() not in source.lower():
        return None
    language = spoken_in(path, source)
    return [symbol._replace(path=path, language=language) for symbol in extract(source, language).symbols]


def _read(path: Path) -> bytes | None:
    """A regular file's text; None for anything else. A link is not followed: it may lead out of the workspace."""
    try:
        source, _ = walk.read(path)
    except (OSError, walk.Skipped):
        return None
    return None if b"\0" in source[:8192] else source
