"""What one look sees of a change: its risk, and the texts in which threads and risks stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidecar.core.compare import compare
from sidecar.core.diff import Change, Hunk
from sidecar.core.ports import Scorer
from sidecar.core.review import RiskReport, Scope
from sidecar.review.buffers import Buffers
from sidecar.review.grounds import Grounds
from sidecar.review.threads import Look
from sidecar.review.views import Texts, View, veiled_texts
from sidecar.vcs.renames import renamed_blocking
from sidecar.vcs.runner import Git
from sidecar.vcs.stamps import Stamp, stamps_blocking, written

MOMENT: Final = 0.3
"""Seconds in which a file that lost its threads may still be written before that is believed."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw.

    `edits` lead from the `seen` texts to these; `beside` are the files where the new side is another text than theirs;
    `stamps` are those of the files with threads that are read from the disk, taken before anything was read.
    """

    change: Change
    report: RiskReport | None
    texts: Texts
    edits: Mapping[str, Sequence[Hunk]]
    renames: Mapping[str, str]
    seen: Mapping[str, Sequence[str]]
    beside: Texts
    stamps: Mapping[str, Stamp]

    def look(self, now: float) -> Look:
        """The same, as threads are held against it."""
        hunks = {file.path: file.hunks for file in self.change.files}
        return Look(self.report, self.texts, now, self.edits, self.renames, self.seen, hunks=hunks)


class Eyes:
    """Looks at one diff of a repository, and remembers the texts of the last look. `standing` tells in which files threads stand."""

    def __init__(
        self, git: Git, view: View, buffers: Buffers, grounds: Grounds, standing: Callable[[], Collection[str]]
    ) -> None:
        self._git = git
        self._view = view
        self._buffers = buffers
        self._grounds = grounds
        self._standing = standing
        self._working = view.scope == Scope()
        self._seen: dict[str, Sequence[str]] = {}
        self._base: str | None = None

    async def see(self, scorer: Scorer) -> Sight:
        """The change and its texts as they are now. Raises GitError when git cannot answer."""
        paths = [path for path in self._standing() if self._working and not self._buffers.holds(path)]
        stamps = await asyncio.to_thread(stamps_blocking, self._git.root, paths)
        change = await self._view.change()
        if self._working:
            change = await self._buffers.over(change)
        report = await scorer.score(change) if change.files else None
        texts, edits, beside = await asyncio.to_thread(self._read, change, report)
        report = await asyncio.to_thread(self._grounds.under, change, report, texts)
        renames = {file.old_path: file.path for file in change.files if file.old_path and file.status == "renamed"}
        strays = [path for path, lines in texts.items() if lines is None and path not in renames]
        if strays:
            moved = await asyncio.to_thread(renamed_blocking, self._git, strays, self._base, change.base)
            renames |= moved
            texts |= await asyncio.to_thread(self._texts, [path for path in moved.values() if path not in texts])
        return Sight(change, report, texts, edits, renames, self._seen, beside, stamps)

    async def half_written(self, sight: Sight, losing: Collection[str]) -> bool:
        """Whether a file that loses threads by this sight was written while it was read, or is about to be.

        An emptied file, and one without its end, is given a moment to be filled: who saves it may have come only half
        of the way. Any other edit is believed at once.
        """
        stamps = {path: sight.stamps[path] for path in losing if path in sight.stamps}
        short = any(_cut_off(self._seen.get(path), sight.texts.get(path)) for path in stamps)
        return bool(stamps) and await written(self._git.root, stamps, MOMENT if short else 0.0)

    def remember(self, sight: Sight, needed: Collection[str]) -> None:
        """This sight is believed: the edits of the next one begin with its texts of these files."""
        self._seen = {path: lines for path, lines in sight.texts.items() if lines is not None and path in needed}
        self._base = sight.change.base

    def lines_blocking(self, path: str) -> Sequence[str] | None:
        """A file's lines on the new side, those that are not saved yet before all, its secrets veiled; for threads."""
        return self._texts([path])[path]

    def _read(self, change: Change, report: RiskReport | None) -> tuple[Texts, dict[str, tuple[Hunk, ...]], Texts]:
        """The texts that threads and risks stand in, how they differ from those of the last look, and their files; blocks."""
        paths = set(self._standing())
        paths |= {hunk.file for hunk in report.hunks} | {one.file for one in report.findings} if report else set()
        paths |= {file.path for file in change.files if file.old_path in paths}
        texts = self._texts(paths)
        edits = {
            path: compare(self._seen[path], lines) for path, lines in texts.items() if lines and path in self._seen
        }
        return texts, edits, veiled_texts(self._view.beside_blocking(paths))

    def _texts(self, paths: Collection[str]) -> Texts:
        if self._working:
            return veiled_texts({path: self._buffers.lines_blocking(path) for path in paths})
        return veiled_texts(self._view.read_blocking(paths))


def _cut_off(before: Sequence[str] | None, after: Sequence[str] | None) -> bool:
    """Whether a text looks as if its writer had not come to the end: there is none, or it is shorter and ends otherwise."""
    if not after:
        return True
    return before is not None and len(after) < len(before) and after[-1] != before[-1]
