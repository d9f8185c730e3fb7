"""The repairs of a history as counts for any commit in it: what its ancestors repaired, of what they had written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sidecar.risk.paths import folder
from sidecar.risk.repairs import COMMIT_SIZE, FILE_SIZE, Standing, ever

_MOST_COMMITS = 400
"""Commits of a file or folder that are looked at, the newest."""
_MOST_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Repair:
    """Lines that a fix took away: who wrote them (full commit id), in which file as it was called then, how many."""

    commit: str
    path: str
    lines: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What is kept of a commit: new lines of code by production file, and, of a fix, what it repaired."""

    code: tuple[tuple[str, int], ...] = ()
    repairs: tuple[Repair, ...] = ()


class Ledger:
    """What every commit wrote and repaired. Commits are numbers; a set of them is an integer with a bit for each."""

    def __init__(self, traces: Mapping[str, Trace], at: Mapping[str, int], times: Sequence[int]) -> None:
        """Of the traces, those of the commits in `at` are taken in; `times` are theirs, by number."""
        self._times = times
        self._ids = {number: own for own, number in at.items()}
        self._written: dict[str, list[tuple[int, int]]] = {}
        self._folders: dict[str, list[int]] = {}
        self._size = [0] * len(times)
        self._repairs: dict[str, list[tuple[int, int]]] = {}
        self._repaired_by: dict[int, int] = {}
        for own, number in sorted(at.items(), key=lambda item: item[1]):
            self._take(traces[own], number, at)
        self._sizeable = [number for number, size in enumerate(self._size) if size]

    def changes(self, most: int) -> dict[int, str]:
        """The commits that wrote code, at most so many lines, with their ids."""
        return {number: self._ids[number] for number in self._sizeable if self._size[number] <= most}

    def repaired(self, commits: Iterable[int], known: int) -> int:
        """How many of these commits had lines repaired by the known ones."""
        return sum(1 for number in commits if self._repaired_by.get(number, 0) & known)

    def _take(self, trace: Trace, number: int, at: Mapping[str, int]) -> None:
        for path, lines in trace.code:
            self._written.setdefault(path, []).append((number, lines))
            self._size[number] += lines
        for place in {folder(path) for path, _ in trace.code}:
            self._folders.setdefault(place, []).append(number)
        for repair in trace.repairs:
            origin = at[repair.commit]
            self._repairs.setdefault(repair.path, []).append((number, origin))
            self._repaired_by[origin] = self._repaired_by.get(origin, 0) | 1 << number

    def of_file(self, names: Iterable[str], known: int) -> Standing:
        """What the known commits tell of a file, by all names that it had."""
        repairs: list[tuple[int, int]] = []
        added: list[tuple[float, int]] = []
        for name in names:
            repairs += [pair for pair in self._repairs.get(name, ()) if known >> pair[0] & 1]
            written = reversed(self._written.get(name, ()))
            newest = islice((one for one in written if known >> one[0] & 1), _MOST_COMMITS)
            added += [(ever(lines, FILE_SIZE), self._times[number]) for number, lines in newest]
        shown = sorted({fix for fix, _ in repairs}, reverse=True)[:_MOST_EVIDENCE]
        return Standing(
            found=len({origin for _, origin in repairs}),
            added=tuple(added),
            repaired=tuple(self._times[fix] for fix, _ in repairs),
            fixes=tuple(self._ids[fix][:7] for fix in shown),
        )

    def of_folder(self, place: str, known: int) -> Standing:
        """What the known commits tell of the code in a folder, without the folders below."""
        return self._of_commits(self._folders.get(place, ()), known, _MOST_COMMITS)

    def of_all(self, known: int, most: int) -> Standing:
        """What the known commits tell of the newest commits in the repository."""
        return self._of_commits(self._sizeable, known, most)

    def _of_commits(self, commits: Sequence[int], known: int, most: int) -> Standing:
        newest = list(islice((number for number in reversed(commits) if known >> number & 1), most))
        added = tuple((ever(self._size[number], COMMIT_SIZE), self._times[number]) for number in newest)
        return Standing(self.repaired(newest, known), added)
