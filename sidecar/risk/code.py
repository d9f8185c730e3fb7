"""Reads a change as code: which added lines are code of the product, and which files are left out and why."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import Skipped
from sidecar.risk.facts import Facts, Old
from sidecar.risk.paths import WHY, classify, language, named_generated, says_generated
from sidecar.risk.tokens import LineShape, is_code, shape, toggles_docstring

_FILLING = re.compile(r"[\s,;()\\\"']+")
HEAD = 6
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


def why_not(file: FileDiff, before: Old | None = None) -> str | None:
    """Why a file is not scored, None when it is production code. `before` is its old side."""
    if file.binary:
        return "a binary file"
    kind = classify(file.path)
    if kind == "other" and file.reason and not file.hunks:
        return file.reason  # a submodule, a link: what it is says more than the language that it is not in
    if kind != "production":
        return WHY[kind]
    if file.mark:
        return f"{file.mark} code (.gitattributes)"
    return WHY["generated"] if generated(file, before) else None


def generated(file: FileDiff, before: Old | None) -> bool:
    """Whether a file's name or its first lines, old and new, say that a program wrote it."""
    head = [*before.head] if before else []
    for hunk in file.hunks:
        if hunk.new_start <= HEAD:
            head += hunk.added[: HEAD + 1 - hunk.new_start]
    return named_generated(file.path) or says_generated("\n".join(head))


def quoted_lines(hunks: Sequence[Hunk], edges: Sequence[int]) -> frozenset[int]:
    """Numbers of the added lines of a Python text that lie in texts in triple quotes, those that open and close included.

    `edges` are those of the old side (see `Old`); without them only the added lines are looked at, one after the other.
    """
    found: set[int] = set()
    within = False
    at = 0
    for hunk in hunks:
        start = hunk.old_start - bool(hunk.removed)
        upto = bisect_left(edges, start, at)
        within ^= (upto - at) % 2 == 1
        at = bisect_left(edges, start + len(hunk.removed), upto)
        for number, text in enumerate(hunk.added, hunk.new_start):
            edge = toggles_docstring(text)
            if within or edge:
                found.add(number)
            within ^= edge
    return frozenset(found)


def _read_file(file: FileDiff, before: Old | None) -> CodeFile:
    lang = language(file.path) or ""
    quoted = quoted_lines(file.hunks, before.edges if before else ()) if lang == "python" else frozenset()
    hunks: list[CodeHunk] = []
    for hunk in file.hunks:
        lines: list[CodeLine] = []
        kept: list[int] = []
        same = carried(hunk)
        for offset, text in enumerate(hunk.added):
            number = hunk.new_start + offset
            if number in quoted or not is_code(text, lang):
                continue
            if offset in same:
                kept.append(number)
            else:
                lines.append(CodeLine(number, shape(text)))
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
