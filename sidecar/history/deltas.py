"""What one commit did to the lines of its source files, without their text: small enough to keep of every commit.

A delta is a function of its commit alone. From the deltas of a commit's ancestors `origins` tells who wrote each line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.risk.code import carried, same_text
from sidecar.risk.paths import is_production, language
from sidecar.risk.tokens import is_code, is_import, toggles_docstring
from sidecar.vcs.merges import MergedFile, MergedHunk, MergedLine

CODE, TOGGLE, IMPORT = 1, 2, 4
"""What is known of a written line: it is code; a text in triple quotes begins or ends on it; it imports."""

OWN = -1
"""The source of lines that the commit wrote itself; others are parents, from 0."""
END = 1 << 30
"""The stop of a piece that runs to the end of its source."""
_SHORTEST_MOVE = 8
"""Characters that a line must have for its text elsewhere in the commit to mean that it was moved."""
_MOST_FIXED_FILES, _MOST_FIXED_LINES = 10, 300
"""A fix that touches more production files, or takes away more lines of code, tells too little of each."""

Piece = tuple[int, int, int]
"""Lines `start` to `stop` (from 0, without `stop`) of a source."""


@dataclass(frozen=True, slots=True)
class FileDelta:
    """How a file's new lines come out of its old ones: the pieces, in order, and a flag byte for each own line.

    `old` is the path before. `fixed` are the old lines (from 0) that a fix takes away: candidates for what it repairs.
    """

    path: str
    old: str
    status: str
    pieces: tuple[Piece, ...] = ()
    flags: bytes = b""
    fixed: tuple[int, ...] = ()

    @property
    def code(self) -> int:
        """How many new lines of code the commit wrote here."""
        return sum(flag & CODE for flag in self.flags)


Delta = tuple[FileDelta, ...]


def delta_of(change: Change, *, fix: bool) -> Delta:
    """The delta of a commit that is no merge, from what it changed against its parent."""
    sources = [file for file in change.files if language(file.path) is not None and not file.binary]
    told = fix and sum(is_production(file.path) for file in sources) <= _MOST_FIXED_FILES
    moved = _long_lines(sources) if told else frozenset[str]()
    files = [_file_delta(file, moved if told and is_production(file.path) else None) for file in sources]
    if sum(len(file.fixed) for file in files) > _MOST_FIXED_LINES:
        files = [FileDelta(f.path, f.old, f.status, f.pieces, f.flags) for f in files]
    return tuple(files)


def merged_delta(files: Sequence[MergedFile]) -> Delta:
    """The delta of a merge: of the files that no parent has as they are."""
    return tuple(_merged_file(file) for file in files if language(file.path) is not None)


def _long_lines(files: Sequence[FileDiff]) -> frozenset[str]:
    texts = (same_text(text) for file in files for hunk in file.hunks for text in hunk.added)
    return frozenset(text for text in texts if len(text) >= _SHORTEST_MOVE)


def _file_delta(file: FileDiff, moved: frozenset[str] | None) -> FileDelta:
    """`moved` are the texts that the commit adds anywhere, None when it is no fix of this file."""
    lang = language(file.path) or ""
    pieces: list[Piece] = []
    flags = bytearray()
    fixed: list[int] = []
    at = 0
    for hunk in file.hunks:
        start = hunk.old_start - 1 if hunk.removed else hunk.old_start
        _append(pieces, 0, at, start)
        kept = _kept(hunk, start)
        for offset, text in enumerate(hunk.added):
            if offset in kept:
                _append(pieces, 0, kept[offset], kept[offset] + 1)
            else:
                _append(pieces, OWN, len(flags), len(flags) + 1)
                flags.append(_flag(text, lang))
        if moved is not None:
            fixed.extend(start + gone for gone in _gone(hunk, moved, lang))
        at = start + len(hunk.removed)
    if file.status != "added":
        _append(pieces, 0, at, END)
    return FileDelta(file.path, file.old_path or file.path, file.status, tuple(pieces), bytes(flags), tuple(fixed))


def _append(pieces: list[Piece], source: int, start: int, stop: int) -> None:
    if start >= stop:
        return
    if pieces and pieces[-1][0] == source and pieces[-1][2] == start:
        start = pieces.pop()[1]
    pieces.append((source, start, stop))


def _flag(text: str, lang: str) -> int:
    toggles = lang == "python" and toggles_docstring(text)
    return CODE * is_code(text, lang) | TOGGLE * toggles | IMPORT * is_import(text)


def _kept(hunk: Hunk, start: int) -> dict[int, int]:
    """Added lines (from 0 in the hunk) that are old ones, re-indented or re-wrapped, with the old lines they are."""
    same = carried(hunk)
    places: dict[str, list[int]] = {}
    for gone in range(len(hunk.removed) - 1, -1, -1) if same else ():
        places.setdefault(same_text(hunk.removed[gone]), []).append(gone)
    kept: dict[int, int] = {}
    for offset in sorted(same):
        stock = places.get(same_text(hunk.added[offset]))
        # a re-wrapped line has no equal among the old ones: it is taken for the one that stands as far down
        kept[offset] = start + (stock.pop() if stock else offset * len(hunk.removed) // len(hunk.added))
    return kept


def _gone(hunk: Hunk, moved: frozenset[str], lang: str) -> Iterator[int]:
    """Removed lines of code (from 0 in the hunk) that stand nowhere in the commit any more."""
    same = carried(hunk)
    if len(same) == len(hunk.added) >= len(hunk.removed):
        return
    stock = Counter(same_text(hunk.added[offset]) for offset in same)
    for gone, text in enumerate(hunk.removed):
        bare = same_text(text)
        if stock[bare]:
            stock[bare] -= 1
        elif bare not in moved and is_code(text, lang):
            yield gone


def _merged_file(file: MergedFile) -> FileDelta:
    if file.deleted:
        return FileDelta(file.path, file.path, "deleted")
    lang = language(file.path) or ""
    pieces: list[Piece] = []
    flags = bytearray()
    at = 0
    for hunk in file.hunks:
        _append(pieces, 0, at, hunk.starts[0])
        at = _merge_hunk(hunk, pieces, flags, lang)
    _append(pieces, 0, at, END)
    return FileDelta(file.path, file.path, "merged", tuple(pieces), bytes(flags))


def _merge_hunk(hunk: MergedHunk, pieces: list[Piece], flags: bytearray, lang: str) -> int:
    places = list(hunk.starts)
    for step in hunk.steps:
        if isinstance(step, MergedLine):
            if step.parents:
                source = step.parents[0]
                _append(pieces, source, places[source], places[source] + 1)
            else:
                _append(pieces, OWN, len(flags), len(flags) + 1)
                flags.append(_flag(step.text, lang))
        for parent in step.parents if isinstance(step, MergedLine) else step:
            places[parent] += 1
    return places[0]


def encode(delta: Delta) -> bytes:
    """A delta as bytes that `decode` reads."""
    rows = [
        (
            plain_name(f.path),
            plain_name(f.old),
            f.status,
            [n for p in f.pieces for n in p],
            f.flags.decode("latin-1"),
            f.fixed,
        )
        for f in delta
    ]
    return orjson.dumps(rows)


def decode(data: bytes) -> Delta:
    """The delta that was encoded. Raises ValueError for what is none."""
    try:
        return tuple(_row(*row) for row in orjson.loads(data))
    except (TypeError, AttributeError, UnicodeError) as error:
        raise ValueError("no delta") from error


def _row(path: str, old: str, status: str, pieces: list[int], flags: str, fixed: list[int]) -> FileDelta:
    numbers = iter(pieces)
    found: Any = tuple(zip(numbers, numbers, numbers, strict=True))
    return FileDelta(real_name(path), real_name(old), status, found, flags.encode("latin-1"), tuple(fixed))


def plain_name(path: str) -> str:
    """A path as text that JSON takes, whatever bytes it is made of."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def real_name(plain: str) -> str:
    """The path that became this plain name. Raises UnicodeError for what is none."""
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")
