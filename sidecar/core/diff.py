"""A change as values: files, hunks and lines, and the arithmetic that maps positions through them.

Lines are counted from 1. Hunks carry no context lines (as `git diff -U0` gives them), so each is one
replaced stretch: `removed` at `old_start`, `added` at `new_start`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FileStatus = Literal["added", "deleted", "modified", "renamed", "copied", "type-changed"]


@dataclass(frozen=True, slots=True)
class Hunk:
    """One replaced stretch of lines.

    `old_start` is the first removed line, or the line *after which* the added ones stand when nothing is removed
    (git's own convention: `@@ -10,0 +11,3 @@`); `new_start` likewise on the new side. Lines carry no line end.
    """

    old_start: int
    new_start: int
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def new_range(self) -> tuple[int, int]:
        """First and last line on the new side; for a pure deletion the line that it stands behind, at least 1."""
        if not self.added:
            line = max(1, self.new_start)
            return line, line
        return self.new_start, self.new_start + len(self.added) - 1


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a change. Paths are relative to the repository, with `/`; `reason` says why no hunks are given.

    `mark` is what the repository's own attributes call it: `generated`, `vendored`, or nothing.
    """

    path: str
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    old_path: str | None = None
    binary: bool = False
    reason: str = ""
    mark: str = ""

    @property
    def added_lines(self) -> int:
        """How many lines the change adds to this file."""
        return sum(len(h.added) for h in self.hunks)

    @property
    def removed_lines(self) -> int:
        """How many lines the change takes from this file."""
        return sum(len(h.removed) for h in self.hunks)


@dataclass(frozen=True, slots=True)
class Change:
    """What is looked at: the files that differ between two states.

    `base` is the commit that the change is made against (40 hex digits, or None when the repository has no commit
    yet); `commit` is the change's own commit, None for a working tree or a patch. `author` is an e-mail address in
    lower case, `time` UTC seconds; `message` is empty while there is none. `tree` is the commit whose
    attributes count, empty for those of the work tree; None for a patch.
    """

    files: tuple[FileDiff, ...]
    base: str | None = None
    commit: str | None = None
    author: str = ""
    time: float = 0.0
    message: str = ""
    tree: str | None = None


def map_line(hunks: Sequence[Hunk], line: int) -> int | None:
    """Where an old line stands on the new side, or None when the hunks remove it."""
    shift = 0
    for hunk in hunks:
        first = hunk.old_start if hunk.removed else hunk.old_start + 1
        if line < first:
            break
        if line < first + len(hunk.removed):
            return None
        shift += len(hunk.added) - len(hunk.removed)
    return line + shift


def line_before(hunks: Sequence[Hunk], line: int) -> int | None:
    """Where a new line stood on the old side, or None when the hunks brought it."""
    return map_line([Hunk(hunk.new_start, hunk.old_start, hunk.added, hunk.removed) for hunk in hunks], line)


def lines_after(lines: Sequence[str], hunks: Sequence[Hunk]) -> list[str]:
    """The new side of a file whose old side is `lines`."""
    told: list[str] = []
    at = 0
    for hunk in hunks:
        first = hunk.old_start - 1 if hunk.removed else hunk.old_start
        told += [*lines[at:first], *hunk.added]
        at = first + len(hunk.removed)
    return [*told, *lines[at:]]
