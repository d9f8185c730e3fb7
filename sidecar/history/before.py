"""What git tells of the old sides of changes: their texts, who wrote their lines. The last answers are kept, for a commit never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache, partial

from sidecar.core.diff import Change
from sidecar.risk.code import HEAD
from sidecar.risk.facts import Old
from sidecar.risk.paths import is_production, language
from sidecar.risk.tokens import docstring_edges
from sidecar.vcs.blame import writers_blocking
from sidecar.vcs.blobs import blobs_blocking
from sidecar.vcs.diff import text_lines
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import lines_at_blocking

_MOST_READ = 1 << 30
"""Bytes of old sides that are read at once."""
_MOST_KEPT = 8 << 20
"""Bytes of old sides that are kept, each with `_BESIDE` for what stands beside it."""
_BESIDE = 2000

Place = tuple[str, str]
"""A commit and a path there."""
Before = dict[Place, Old]


class OldSides:
    """The old sides of one repository's changes. For one thread at a time."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._kept: OrderedDict[Place, tuple[Old, bytes]] = OrderedDict()
        self._room = _MOST_KEPT
        self.writers_blocking = lru_cache(256)(partial(writers_blocking, git))
        self.holds_blocking = lru_cache(256)(self._holds)

    def of_blocking(self, *changes: Change) -> Before:
        """The old sides of the production files that these changes edit, but for those that git does not have."""
        asked = list(dict.fromkeys(place for change in changes for place in _places(change)))
        found = {place: self._kept[place][0] for place in asked if place in self._kept}
        for place in found:
            self._kept.move_to_end(place)
        new = [place for place in asked if place not in found]
        names = [f"{commit}:{path}" for commit, path in new]
        for place, data in zip(new, blobs_blocking(self._git, names, limit=_MOST_READ, timeout=120.0), strict=True):
            if data is not None:
                found[place] = _old(place[1], data)
                self._kept[place] = found[place], data
                self._room -= len(data) + _BESIDE
        while self._room < 0:
            self._room += len(self._kept.popitem(last=False)[1][1]) + _BESIDE
        return found

    def lines_blocking(self, commit: str, path: str) -> list[str]:
        """A file's lines at a commit, none where it has no such text. Raises GitError."""
        kept = self._kept.get((commit, path))
        if kept is None:
            return lines_at_blocking(self._git, commit, path) or []
        return text_lines(kept[1])

    def _holds(self, commit: str, path: str) -> bool:
        """Whether a commit has a file. Raises GitError."""
        return bool(self._git.run_blocking("ls-tree", commit, "--", path))


def _places(change: Change) -> Iterator[Place]:
    for file in change.files:
        if change.base and file.status != "added" and file.hunks and is_production(file.path):
            yield change.base, file.old_path or file.path


def _old(path: str, data: bytes) -> Old:
    head = tuple(text_lines(b"\n".join(data.split(b"\n", HEAD)[:HEAD])))
    return Old(head, docstring_edges(text_lines(data)) if language(path) == "python" else ())
