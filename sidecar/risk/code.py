"""Reads a change as code: which added lines are code of the product, and which files are left out and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import Skipped
from sidecar.risk.facts import Facts
from sidecar.risk.paths import WHY, classify, language, named_generated, says_generated
from sidecar.risk.tokens import LineShape, docstring_lines, is_code, shape

_FILLING = re.compile(r"[\s,;()\\\"']+")
_HEAD = 6
"""Lines at the top of a file where it may say that it is generated."""


@dataclass(frozen=True, slots=True)
class CodeLine:
    """An added line of code: its number on the new side and its shape."""

    line: int
    shape: LineShape


@dataclass(frozen=True, slots=True)
class CodeHunk:
    """A hunk: its added lines that are new code, and the numbers of those that were only re-indented or re-wrapped."""

    hunk: Hunk
    lines: tuple[CodeLine, ...]
    kept: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A production file of a change."""

    path: str
    new: bool
    hunks: tuple[CodeHunk, ...]

    @property
    def lines(self) -> Iterator[CodeLine]:
        """All lines of new code, top down."""
        return (line for hunk in self.hunks for line in hunk.lines)


@dataclass(frozen=True, slots=True)
class Reading:
    """A change as code: production files, lines added to tests, and what is not scored."""

    files: tuple[CodeFile, ...]
    test_added: int
    skipped: tuple[Skipped, ...]


def read(change: Change, facts: Facts) -> Reading:
    """Sort the files of a change by path, whatever order they came in, and find its code lines."""
    files: list[CodeFile] = []
    skipped: list[Skipped] = []
    test_added = 0
    for file in sorted(change.files, key=lambda item: item.path):
        before = facts.of(file.path).before
        why = why_not(file, before)
        if why is None:
            code = _read_file(file, before)
            files.append(code)
            if next(code.lines, None) is None:
                why = file.reason or "adds no new line of code"
        elif language(file.path) is not None and classify(file.path) == "test":
            test_added += file.added_lines
        if why is not None:
            skipped.append(Skipped(file.path, why))
    return Reading(tuple(files), test_added, tuple(skipped))


def why_not(file: FileDiff, before: Sequence[str] | None = None) -> str | None:
    """Why a file is not scored, None when it is production code. `before` are the lines of its old side."""
    if file.binary:
        return "a binary file"
    kind = classify(file.path)
    if kind == "other" and file.reason and not file.hunks:
        return file.reason  # a submodule, a link: what it is says more than the language that it is not in
    if kind != "production":
        return WHY[kind]
    if named_generated(file.path) or says_generated("\n".join(_head(file, before))):
        return WHY["generated"]
    return None


def _head(file: FileDiff, before: Sequence[str] | None) -> Iterator[str]:
    yield from (before or ())[:_HEAD]
    for hunk in file.hunks:
        if hunk.new_start <= _HEAD:
            yield from hunk.added[: _HEAD + 1 - hunk.new_start]


def _read_file(file: FileDiff, before: Sequence[str] | None) -> CodeFile:
    lang = language(file.path) or ""
    quoted = docstring_lines(_after(file.hunks, before)) if lang == "python" else frozenset()
    known = before is not None or file.status == "added"
    hunks: list[CodeHunk] = []
    at = 0
    for hunk in file.hunks:
        lines: list[CodeLine] = []
        kept: list[int] = []
        same = carried(hunk)
        for offset, text in enumerate(hunk.added):
            number = hunk.new_start + offset
            # Without the old side only the hunks' own lines were looked at, one after the other.
            index = number - 1 if known else at + offset
            if index in quoted or not is_code(text, lang):
                continue
            if offset in same:
                kept.append(number)
            else:
                lines.append(CodeLine(number, shape(text)))
        at += len(hunk.added)
        hunks.append(CodeHunk(hunk, tuple(lines), tuple(kept)))
    return CodeFile(file.path, file.status == "added", tuple(hunks))


def carried(hunk: Hunk) -> frozenset[int]:
    """Which of a hunk's added lines (from 0) stood among its removed ones already, but for white space.

    All of them when the hunk only re-wraps: the same text without white space, commas, brackets and quotes.
    """
    if not hunk.removed or not hunk.added:
        return frozenset()
    stock = Counter(filter(None, map(same_text, hunk.removed)))
    found: set[int] = set()
    for offset, text in enumerate(hunk.added):
        bare = same_text(text)
        if stock[bare]:
            stock[bare] -= 1
            found.add(offset)
    if len(found) < len(hunk.removed) and _loose(hunk.removed) == _loose(hunk.added):
        return frozenset(range(len(hunk.added)))
    return frozenset(found)


def same_text(text: str) -> str:
    """A line without white space: what stays the same when it is indented anew."""
    return "".join(text.split())


def _loose(lines: Sequence[str]) -> str:
    return _FILLING.sub("", "".join(lines))


def _after(hunks: Sequence[Hunk], before: Sequence[str] | None) -> list[str]:
    """The new side, as far as it is known."""
    after: list[str] = []
    at = 0
    for hunk in hunks:
        start = hunk.old_start - 1 if hunk.removed else hunk.old_start
        if before is not None:
            after.extend(before[at:start])
        after.extend(hunk.added)
        at = start + len(hunk.removed)
    if before is not None:
        after.extend(before[at:])
    return after
