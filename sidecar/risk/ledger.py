"""The repairs of a history as counts for any commit in it: what its ancestors repaired, of what they had written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sidecar.risk.paths import folder
from sidecar.risk.repairs import COMMIT_SIZE, FILE_SIZE, Repaired, expected, faded

DAY = 86400.0
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

    def of_file(self, names: Iterable[str], known: int, now: float) -> Repaired:
        """What the known commits tell of a file, by all names that it had."""
        fixes: set[int] = set()
        origins: set[int] = set()
        usual: list[float] = []
        recent = 0.0
        for name in names:
            for fix, origin in self._repairs.get(name, ()):
                if known >> fix & 1:
                    fixes.add(fix)
                    origins.add(origin)
                    recent += faded(self._days(fix, now))
            newest = islice(self._known(reversed(self._written.get(name, ())), known), _MOST_COMMITS)
            usual.extend(expected(lines, self._days(number, now), FILE_SIZE) for number, lines in newest)
        shown = sorted(fixes, reverse=True)[:_MOST_EVIDENCE]
        return Repaired(len(origins), math.fsum(usual), recent, tuple(self._ids[fix][:7] for fix in shown))

    def of_folder(self, place: str, known: int, now: float) -> Repaired:
        """What the known commits tell of the code in a folder, without the folders below."""
        return self._of_commits(self._folders.get(place, ()), known, now, _MOST_COMMITS)

    def of_all(self, known: int, now: float, most: int) -> Repaired:
        """What the known commits tell of the newest commits in the repository."""
        return self._of_commits(self._sizeable, known, now, most)

    def _of_commits(self, commits: Sequence[int], known: int, now: float, most: int) -> Repaired:
        newest = list(islice((number for number in reversed(commits) if known >> number & 1), most))
        found = self.repaired(newest, known)
        usual = math.fsum(expected(self._size[number], self._days(number, now), COMMIT_SIZE) for number in newest)
        return Repaired(found, usual)

    def _known(self, written: Iterable[tuple[int, int]], known: int) -> Iterator[tuple[int, int]]:
        return ((number, lines) for number, lines in written if known >> number & 1)

    def _days(self, commit: int, now: float) -> float:
        return max(0.0, now - self._times[commit]) / DAY
