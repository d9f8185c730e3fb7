"""Who wrote each line of a file, at any commit: a graph of the files' versions, built from deltas, read on demand.

Which version of a file a commit sees is the deepest among those of its ancestors, where a version is one deeper than
the versions it was made of. So an answer depends on the ancestors alone, not on what else was walked nor in which order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sidecar.history.deltas import CODE, IMPORT, OWN, TOGGLE, FileDelta, Piece

_MOST_KEPT = 2000
"""Versions whose lines are kept for the next question."""


@dataclass(eq=False, slots=True)
class Version:
    """A file as a commit (by its number) left it; `first` numbers the first of the lines that the commit wrote itself."""

    commit: int
    path: str
    depth: int
    parents: tuple[Version, ...]
    pieces: tuple[Piece, ...]
    first: int
    code: int
    gone: bool = False


_NOTHING = Version(0, "", 0, (), (), 0, 0)
"""What a parent has of a file that it does not have."""


@dataclass(slots=True)
class _Written:
    """All lines ever written, by number: their flags; and the versions that wrote some, by their first."""

    flags: bytearray = field(default_factory=bytearray)
    firsts: array[int] = field(default_factory=lambda: array("q"))
    versions: list[Version] = field(default_factory=list)


class Origins:
    """The versions of all source files. Commits are added parents first; a set of commits is an integer with a bit each."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Version]] = {}
        self._written = _Written()
        self._lines: OrderedDict[Version, list[int]] = OrderedDict()

    def of(self, path: str) -> Sequence[Version]:
        """All versions that a file had under this name, the deepest last."""
        return self._versions.get(path, ())

    def at(self, path: str, known: int) -> Version | None:
        """The version that a commit sees whose ancestors are the `known`; a version that is `gone` tells of a deletion."""
        return next((v for v in reversed(self._versions.get(path, ())) if known >> v.commit & 1), None)

    def add(self, commit: int, file: FileDelta, known: Sequence[int]) -> None:
        """Take in what a commit did to a file; `known` are the ancestors of each of its parents, these included."""
        here = [self.at(file.path, mask) for mask in known]
        if file.status == "deleted":
            self._bury(commit, file.path, here)
            return
        before = here
        if file.old != file.path:
            before = [self.at(file.old, mask) for mask in known]
            if file.status == "renamed":
                self._bury(commit, file.old, before)
        made_of = [version if version is not None and not version.gone else _NOTHING for version in before]
        depth = 1 + max((version.depth for version in (*before, *here) if version is not None), default=-1)
        self._append(commit, file, depth, () if file.status == "added" else tuple(made_of))

    def _append(self, commit: int, file: FileDelta, depth: int, parents: tuple[Version, ...]) -> None:
        written = self._written
        version = Version(commit, file.path, depth, parents, file.pieces, len(written.flags), file.code)
        if file.flags:
            written.firsts.append(version.first)
            written.versions.append(version)
            written.flags += file.flags
        insort(self._versions.setdefault(file.path, []), version, key=_rank)

    def _bury(self, commit: int, path: str, before: Sequence[Version | None]) -> None:
        depth = 1 + max((version.depth for version in before if version is not None), default=-1)
        version = Version(commit, path, depth, (), (), 0, 0, gone=True)
        insort(self._versions.setdefault(path, []), version, key=_rank)

    def lines(self, version: Version) -> list[int]:
        """The numbers of a version's lines, top down. Not to be changed."""
        while len(self._lines) > _MOST_KEPT:
            self._lines.popitem(last=False)
        waiting = [version]
        while waiting:
            top = waiting[-1]
            chain: list[Version] = []
            while top not in self._lines and len(top.parents) == 1:
                chain.append(top)
                top = top.parents[0]
            if top not in self._lines:
                missing = [parent for parent in top.parents if parent not in self._lines]
                if missing:
                    waiting.extend(missing)
                    continue
                self._lines[top] = _joined(top, [self._lines[parent] for parent in top.parents])
            found = self._lines[top]
            for later in reversed(chain):
                found = _joined(later, [found])
            self._lines[waiting.pop()] = found
        self._lines.move_to_end(version)
        return self._lines[version]

    def writer(self, line: int) -> Version:
        """The version that wrote a line."""
        return self._written.versions[bisect_right(self._written.firsts, line) - 1]

    def is_code(self, lines: Sequence[int], at: int, *, quotes: bool) -> bool:
        """Whether a version's line at this place is code other than imports; with `quotes`, no text in triple quotes."""
        flags = self._written.flags
        if not flags[lines[at]] & CODE or flags[lines[at]] & IMPORT:
            return False
        if not quotes:
            return True
        return not flags[lines[at]] & TOGGLE and sum(flags[line] & TOGGLE for line in lines[:at]) // TOGGLE % 2 == 0


def _rank(version: Version) -> tuple[int, int]:
    return version.depth, version.commit


def _joined(version: Version, parents: Sequence[list[int]]) -> list[int]:
    found: list[int] = []
    for source, start, stop in version.pieces:
        if source == OWN:
            found.extend(range(version.first + start, version.first + stop))
        elif source < len(parents):
            found += parents[source][start:stop]
    return found
