"""What a model is shown of a change: numbered lines, the riskiest first, in parts of a bounded size. Pure.

Nothing is left out silently: whatever is in no part is named with the reason. Files of keys are not shown, and values
that look like credentials are masked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal

from sidecar.core.critique import Limits, Unread
from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.policy import LEFT_OUT, is_key_row, secret
from sidecar.core.redaction import redact, redact_code
from sidecar.core.review import RiskReport
from sidecar.risk.hazards.secret import veiled

CONTEXT: Final = 6
"""Unchanged lines shown around each change."""

A_TOKEN: Final = 3
"""Characters taken for one token; code has rather more, so that the estimate errs on the safe side."""

LONGEST: Final = 600
"""Characters shown of one line."""

_CONFIG: Final = frozenset({".yml", ".yaml", ".ini", ".cfg", ".conf", ".toml", ".properties", ".tfvars", ".env"})
Sign = Literal["+", "-", " "]
Texts = Mapping[str, Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One line as it is shown. `line` counts on the new side; for a removed one it is the line that it stood before."""

    sign: Sign
    line: int
    text: str

    def __str__(self) -> str:
        number = "" if self.sign == "-" else str(self.line)
        return f"{number:>6} {self.sign} {self.text}"


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring rows of one file, and the highest score among their hunks (negative where nothing was scored)."""

    file: FileDiff
    score: float
    rows: tuple[Row, ...]

    @property
    def place(self) -> str:
        """`file:first-last`, as a person would look for it."""
        changed = [row.line for row in self.rows if row.sign != " "] or [1]
        first, last = min(changed), max(changed)
        return f"{self.file.path}:{first}" if first == last else f"{self.file.path}:{first}-{last}"

    @property
    def size(self) -> int:
        """Characters that it takes."""
        return sum(len(row.text) + 10 for row in self.rows)


@dataclass(frozen=True, slots=True)
class Material:
    """A change cut into parts, each to be shown at once; `rows` are all that are shown, by file."""

    parts: tuple[tuple[Piece, ...], ...]
    unread: tuple[Unread, ...]
    notes: tuple[str, ...] = ()
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)


def prepare(
    change: Change, report: RiskReport, texts: Texts, limits: Limits, secrets: Collection[str] = ()
) -> Material:
    """The parts, the riskiest pieces first. `texts` are the files' new sides, for what stands around a hunk."""
    unread = [Unread(file.path, why) for file in change.files if (why := _hidden(file))]
    shown = [file for file in change.files if file.hunks and not secret(file.path)]
    masks = _Masks(secrets)
    size = max(1, limits.part_tokens * A_TOKEN)
    pieces = [
        part for file in shown for piece in _pieces(file, report, texts.get(file.path)) for part in _cut(masks.over(piece), size)
    ]  # fmt: skip
    pieces.sort(key=lambda piece: (-piece.score, piece.file.path, piece.rows[0].line))
    parts, rest = _filled(pieces, size, limits.tokens * A_TOKEN)
    over = f"over the limit of {limits.tokens:,} tokens for one review"
    unread += [Unread(piece.place, over) for piece in rest]
    rows: dict[str, list[Row]] = {}
    for piece in (each for part in parts for each in part):
        rows.setdefault(piece.file.path, []).extend(piece.rows)
    return Material(tuple(parts), tuple(unread), tuple(masks.notes()), rows)


def shown_part(part: Sequence[Piece]) -> str:
    """A part as text: file by file in the order of their risk, lines in their own order."""
    files: dict[str, list[Piece]] = {}
    for piece in part:
        files.setdefault(piece.file.path, []).append(piece)
    told = []
    for path, pieces in files.items():
        file = pieces[0].file
        old = f", was {file.old_path}" if file.old_path else ""
        told.append(f"### {path} ({file.status}{old})")
        for piece in sorted(pieces, key=lambda each: each.rows[0].line):
            told.append(f"@@ {piece.place.rpartition(':')[2]}{f', risk {piece.score:.2f}' if piece.score >= 0 else ''}")
            told.extend(str(row) for row in piece.rows)
    return "\n".join(told).encode("utf-8", "replace").decode()


def _hidden(file: FileDiff) -> str:
    if secret(file.path):
        return "looks like a place of keys or passwords"
    return "" if file.hunks else file.reason or ("binary" if file.binary else "no changed lines")


def _pieces(file: FileDiff, report: RiskReport, text: Sequence[str] | None) -> Iterator[Piece]:
    """The file's hunks with what stands around them; neighbours that share lines are one piece."""
    known = [hunk for hunk in report.hunks if hunk.file == file.path]
    group: list[Hunk] = []
    for hunk in (*file.hunks, None):
        if group and (hunk is None or text is None or _gap(group[-1], hunk) > 2 * CONTEXT):
            places = [each.new_range for each in group]
            scores = [risk.score for risk in known if any(a <= risk.end and risk.start <= b for a, b in places)]
            yield Piece(file, max(scores, default=-1.0), tuple(_rows(group, text)))
            group = []
        if hunk is not None:
            group.append(hunk)


def _gap(one: Hunk, other: Hunk) -> int:
    return other.new_range[0] - one.new_range[1]


def _rows(hunks: Sequence[Hunk], text: Sequence[str] | None) -> Iterator[Row]:
    lines = text or ()
    at = max(1, hunks[0].new_range[0] - CONTEXT)
    for hunk in hunks:
        first = hunk.new_start if hunk.added else hunk.new_start + 1
        if text is not None:
            yield from (Row(" ", number, lines[number - 1]) for number in range(at, min(first, len(lines) + 1)))
        yield from (Row("-", first, line) for line in hunk.removed)
        yield from (Row("+", first + number, line) for number, line in enumerate(hunk.added))
        at = first + len(hunk.added)
    yield from (Row(" ", number, lines[number - 1]) for number in range(at, min(at + CONTEXT, len(lines) + 1)))


def _cut(piece: Piece, size: int) -> Iterator[Piece]:
    """The piece in stretches that fit into a part; context alone makes none."""
    rows: list[Row] = []
    room = size
    for row in (*piece.rows, None):
        if row is None or (rows and len(row.text) + 10 > room):
            if any(each.sign != " " for each in rows):
                yield Piece(piece.file, piece.score, tuple(rows))
            rows, room = [], size
        if row is not None:
            rows.append(row)
            room -= len(row.text) + 10


def _filled(pieces: Sequence[Piece], size: int, most: int) -> tuple[list[tuple[Piece, ...]], list[Piece]]:
    """Parts in the order of risk, and what found no room in the whole."""
    parts: list[list[Piece]] = []
    rest: list[Piece] = []
    used = room = 0
    for piece in pieces:
        if used + piece.size > most and parts:
            rest.append(piece)
            continue
        if not parts or piece.size > room:
            parts.append([])
            room = size
        parts[-1].append(piece)
        room -= piece.size
        used += piece.size
    return [tuple(part) for part in parts], rest


class _Masks:
    """Masks what looks like a credential, shortens lines without end, and counts both."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = secrets
        self._masked = 0
        self._long: list[str] = []

    def over(self, piece: Piece) -> Piece:
        """The piece as it may be shown."""
        name = PurePosixPath(piece.file.path)
        mask = redact if name.suffix.lower() in _CONFIG else redact_code
        rows, inside = [], False
        for row, seen in zip(piece.rows, veiled([row.text for row in piece.rows]), strict=True):
            inside = inside or ("-----BEGIN" in row.text and "PRIVATE KEY" in row.text)
            text = LEFT_OUT if inside or is_key_row(row.text) else mask(seen, self._secrets)
            inside = inside and "-----END" not in row.text
            self._masked += text != row.text
            if len(text) > LONGEST:
                self._long.append(f"{piece.file.path}:{row.line}")
                text = f"{text[:LONGEST]} … [{len(text) - LONGEST:,} more characters are not shown]"
            rows.append(Row(row.sign, row.line, text))
        return Piece(piece.file, piece.score, tuple(rows))

    def notes(self) -> Iterator[str]:
        """What was done, as sentences."""
        if self._masked:
            lines = "1 line holds what looks" if self._masked == 1 else f"{self._masked} lines hold what looks"
            yield f"{lines} like a key or password; the value was masked before the model saw it."
        if self._long:
            more = f" and {len(self._long) - 5} more" if len(self._long) > 5 else ""
            yield f"Only the first {LONGEST} characters were shown of very long lines: {', '.join(self._long[:5])}{more}."
