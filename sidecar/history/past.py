"""The past of a repository as counts: how often files were touched and repaired, by whom, when; for any commit in it.

Commits are numbered by time, and every set of commits is an integer with one bit each. What was known at a commit is
the intersection of such sets with the commit's ancestors, so it cannot depend on anything else that the walk saw, nor
on the order of questions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from sidecar.history.ancestry import follow, numbers, union
from sidecar.risk.eras import LARGEST, Eras, Level, bits
from sidecar.risk.facts import RANKED, WINDOW, FileFacts
from sidecar.risk.features import mean_age
from sidecar.risk.fixes import is_fix
from sidecar.risk.ledger import Ledger, Trace
from sidecar.risk.paths import is_production, language, subsystem
from sidecar.risk.repairs import DAY, NOT_REPAIRED, Repaired, Standing
from sidecar.vcs.history import Commit

T = TypeVar("T")
_MOST_EVIDENCE = 3
_MOST_TOGETHER = 40
"""Newest changes of a file that tell what changes with it."""
_MOST_AT_ONCE = 20
_LEAST_TOGETHER = 4
_USUALLY = 0.6
_MOST_HERE = 1600
"""Commits whose repairs tell of the repository as it is now."""
_MOST_RANKED = 200_000
"""Commits beyond which ranks are left out: each would need a set of all commits."""
_MOST_KEPT = 1 << 28
"""Bytes of sets that are kept for the next question."""
_MOST_TOLD = 2048
"""Answers about one commit that are kept for the next question."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is kept of a commit."""

    id: str
    parents: tuple[str, ...]
    time: int
    author: str
    fix: bool
    sources: tuple[tuple[str, str | None], ...]
    production: bool

    @classmethod
    def of(cls, commit: Commit) -> _Row:
        sources = tuple((touch.path, touch.old) for touch in commit.touched if language(touch.path) is not None)
        fix = not commit.merge and is_fix(commit.message)
        production = any(is_production(path) for path, _ in sources)
        return cls(commit.id, commit.parents, commit.time, commit.author, fix, sources, production)


class _Index:
    """The commits of a walk, oldest first, and sets of them by file, author and place. Merges are in none of the sets."""

    def __init__(self, rows: list[_Row]) -> None:
        self.rows = rows
        self.touches: dict[str, list[int]] = {}
        self.renames: dict[str, list[tuple[int, str]]] = {}
        self.authors_of: dict[str, set[str]] = {}
        self.by_author: dict[str, list[int]] = {}
        self.by_place: dict[tuple[str, str], list[int]] = {}
        plain: list[int] = []
        for index, row in enumerate(rows):
            if len(row.parents) < 2:
                plain.append(index)
                self._count(index, row)
        self.plain = bits(plain)
        self.fixes = bits(index for index in plain if rows[index].fix)
        self.production = bits(index for index in plain if rows[index].production)
        self.ranked: dict[int, tuple[float, ...]] = {}
        self.ledger: Ledger | None = None
        self.eras = Eras({})
        self.foretold: Mapping[str, float] | None = None
        self.levels: dict[int, Level] = {}
        self._sets: dict[object, int] = {}

    def _count(self, index: int, row: _Row) -> None:
        self.by_author.setdefault(row.author, []).append(index)
        for place in {subsystem(path) for path, _ in row.sources}:
            self.by_place.setdefault((row.author, place), []).append(index)
        for path, old in row.sources:
            self.touches.setdefault(path, []).append(index)
            self.authors_of.setdefault(path, set()).add(row.author)
            if old is not None and old != path:
                self.renames.setdefault(path, []).append((index, old))

    def add(self, ledger: Ledger) -> None:
        """Take in what the commits repaired."""
        self.ledger = ledger
        changes = ledger.changes(LARGEST).items()
        self.eras = Eras({number: own for number, own in changes if self.plain >> number & 1})

    def of_file(self, name: str) -> int:
        """The commits that touched a file under this very name."""
        return self._set(name, self.touches.get(name, ()))

    def of_author(self, author: str) -> int:
        """The commits of an author."""
        return self._set(("author", author), self.by_author.get(author, ()))

    def of_place(self, author: str, place: str) -> int:
        """The commits of an author in a top folder."""
        return self._set((author, "in", place), self.by_place.get((author, place), ()))

    def _set(self, key: object, indices: Sequence[int]) -> int:
        found = self._sets.get(key)
        if found is None:
            if len(self._sets) * (len(self.rows) // 8 + 64) > _MOST_KEPT:
                self._sets.clear()
            found = self._sets[key] = bits(indices)
        return found


class Past:
    """The commits of a walk, ready to be asked what was known at some of them. For one thread at a time."""

    def __init__(
        self, commits: Iterable[Commit], asked: Collection[str], traces: Mapping[str, Trace] | None = None
    ) -> None:
        """`commits` come children first (as `walk_blocking` gives them); only the `asked` can be viewed.

        Without `traces` (of all the commits) nothing is known of what the fixes repaired.
        """
        walked = [_Row.of(commit) for commit in commits]
        at = numbers(walked)
        self._index = _Index(sorted(walked, key=lambda row: at[row.id]))
        if traces is not None:
            self._index.add(Ledger(traces, at, [row.time for row in self._index.rows]))
        self._at, self._parents_first = at, walked[::-1]
        self._known = self._follow(frozenset(asked))
        self._last, self._kept = "", dict[object, Any]()

    def __len__(self) -> int:
        return len(self._index.rows)

    @property
    def traced(self) -> bool:
        """Whether it is known what the fixes repaired."""
        return self._index.ledger is not None

    def at(self, commit: str, *, author: str, time: float) -> View:
        """What was known at a commit (itself included), as `author` and a change of that `time` would see it."""
        if commit != self._last or len(self._kept) > _MOST_TOLD:
            self._last, self._kept = commit, {}
        return View(self._index, self._known[commit], author, time, self._kept)

    def open(self, commits: Collection[str]) -> None:
        """Let these be viewed too, without ranks."""
        for row, sets in follow(self._parents_first, self._at):
            if row.id in commits and row.id not in self._known:
                self._known[row.id] = union(sets) | 1 << self._at[row.id]

    def sampled(self, commits: Iterable[str]) -> set[str]:
        """The changes that the levels at these commits are taken from."""
        eras, rows = self._index.eras, self._index.rows
        begun = {eras.begun(self._known[commit]) for commit in commits}
        return {rows[number].id for known in begun for number in eras.sample(known)}

    def foretell(self, scores: Mapping[str, float]) -> None:
        """Take in what the model says of these changes, for levels."""
        self._index.foretold = scores

    def _follow(self, wanted: frozenset[str]) -> dict[str, int]:
        """The ancestors of the wanted commits; on the way, the ranked features of all that their windows may hold."""
        inner = {parent for row in self._parents_first for parent in row.parents}
        oldest = self._oldest_ranked({row.id for row in self._parents_first} - inner, wanted)
        known: dict[str, int] = {}
        for row, sets in follow(self._parents_first, self._at):
            index, before = self._at[row.id], union(sets)
            if row.production and index >= oldest:
                self._index.ranked[index] = _ranked_features(self._index, row, before)
            if row.id in wanted:
                known[row.id] = before | 1 << index
        return known

    def _oldest_ranked(self, heads: set[str], wanted: frozenset[str]) -> int:
        """The first commit whose ranked features may be looked at."""
        if len(self._index.rows) > _MOST_RANKED:
            return len(self._index.rows)
        # When all that was walked leads to the one commit asked for, only its window is ever looked at.
        return _oldest_of_window(self._index.production) if heads == wanted and len(wanted) == 1 else 0


def _ranked_features(index: _Index, row: _Row, before: int) -> tuple[float, ...]:
    """The features in `RANKED` of a commit, by what its ancestors tell."""
    view = View(index, before, row.author, row.time, {})
    scored = [(path, old) for path, old in row.sources if is_production(path)]
    names = [old or path for path, old in scored]
    touches = [view.touches(name) for name in names]
    values = {
        "sexp": view.nearby({subsystem(path) for path, _ in scored}),
        "age": mean_age([view.age(commits) for commits in touches]),
        "ndev": len(frozenset[str]().union(*(view.authors(name) for name in names))),
        "nfix_sum": sum(view.repairs(commits) for commits in touches),
    }
    return tuple(float(values[name]) for name in RANKED)


class View:
    """What was known at one commit. `kept` is what views of this commit found out, whatever their author and time."""

    def __init__(self, index: _Index, known: int, author: str, time: float, kept: dict[object, Any]) -> None:
        self._index = index
        self._known = known
        self._author = author
        self._time = time
        self._kept = kept

    def file(self, path: str) -> FileFacts:
        """The past of a file by its name at this commit; renames are followed back."""
        facts, standing = self._once(("file", path), lambda: self._file(path))
        touches = self.touches(path)
        own = (touches & self._index.of_author(self._author)).bit_count()
        return replace(facts, own=own, age=self.age(touches), repairs=standing.at(self._time))

    def _file(self, path: str) -> tuple[FileFacts, Standing]:
        touches = self.touches(path)
        repairs = touches & self._index.fixes
        ledger = self._index.ledger
        facts = FileFacts(
            changes=touches.bit_count(),
            authors=self.authors(path),
            fixes=repairs.bit_count(),
            fix_commits=tuple(self._index.rows[index].id[:7] for index in _newest(repairs, _MOST_EVIDENCE)),
        )
        return facts, ledger.of_file(self._names(path), self._known) if ledger else Standing()

    def _once(self, key: object, make: Callable[[], T]) -> T:
        found: T | None = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return found

    def folders(self, places: Iterable[str]) -> dict[str, Repaired]:
        """The repairs of the code in folders."""
        if (ledger := self._index.ledger) is None:
            return {}
        of = partial(ledger.of_folder, known=self._known)
        return {place: self._once(("folder", place), partial(of, place)).at(self._time) for place in places}

    def here(self) -> Repaired:
        """The repairs of the newest commits."""
        if (ledger := self._index.ledger) is None:
            return NOT_REPAIRED
        return self._once("here", partial(ledger.of_all, self._known, _MOST_HERE)).at(self._time)

    def level(self) -> Level | None:
        """How a sample of the changes fared until the present era began; None when nothing was foretold."""
        index = self._index
        if index.ledger is None or index.foretold is None:
            return None
        begun = index.eras.begun(self._known)
        if begun not in index.levels:
            sample = [n for n in index.eras.sample(begun) if index.rows[n].id in index.foretold]
            told = math.fsum(index.foretold[index.rows[n].id] for n in sample)
            index.levels[begun] = Level(len(sample), index.ledger.repaired(sample, begun), told)
        return index.levels[begun]

    def touches(self, path: str) -> int:
        """The commits that touched a file under this or an earlier name."""
        return self._once(("touches", path), lambda: union(map(self._index.of_file, self._names(path))) & self._known)

    def authors(self, path: str) -> frozenset[str]:
        """Who touched a file."""
        touches = self.touches(path)
        candidates = {author for name in self._names(path) for author in self._index.authors_of.get(name, ())}
        return frozenset(author for author in candidates if touches & self._index.of_author(author))

    def repairs(self, touches: int) -> int:
        """How many of these commits were fixes."""
        return (touches & self._index.fixes).bit_count()

    def age(self, touches: int) -> float | None:
        """Days since the newest of these commits, None without any."""
        if not touches:
            return None
        return max(0.0, self._time - self._index.rows[touches.bit_length() - 1].time) / DAY

    def companions(self, path: str) -> list[tuple[str, int, int]]:
        """Source files that usually change with this one: name, how often of how many of its newest changes.

        Commits of more than twenty source files say nothing of what belongs together.
        """
        rows = [self._index.rows[index] for index in _newest(self.touches(path), _MOST_TOGETHER)]
        rows = [row for row in rows if len(row.sources) <= _MOST_AT_ONCE]
        own = set(self._names(path))
        counts = Counter(other for row in rows for other, _ in row.sources if other not in own)
        usual = [(other, count, len(rows)) for other, count in counts.items() if count >= _LEAST_TOGETHER]
        return sorted((one for one in usual if one[1] >= _USUALLY * len(rows)), key=lambda one: (-one[1], one[0]))

    def experience(self) -> int:
        """How many commits the author made."""
        return (self._index.of_author(self._author) & self._known).bit_count()

    def nearby(self, places: Collection[str]) -> int:
        """How many commits the author made in each of these top folders, added up."""
        return sum((self._index.of_place(self._author, place) & self._known).bit_count() for place in places)

    def days_here(self) -> float:
        """Days since the author's first commit, 0 before it."""
        own = self._index.of_author(self._author) & self._known
        if not own:
            return 0.0
        first = (own & -own).bit_length() - 1
        return (self._time - self._index.rows[first].time) / DAY

    def fix_rate(self) -> float:
        """The share of fixes among the newest commits, drawn towards one in eight while there are few."""
        commits = self._index.plain & self._known
        oldest = _oldest_of_window(commits)
        window = commits >> oldest << oldest
        return ((window & self._index.fixes).bit_count() + 1) / (window.bit_count() + 8)

    def recent(self) -> dict[str, tuple[float, ...]]:
        """The ranked features of the newest commits that touched production code, each sorted."""
        return self._once("recent", self._recent)

    def _recent(self) -> dict[str, tuple[float, ...]]:
        newest = _newest(self._index.production & self._known, WINDOW)
        rows = [found for index in newest if (found := self._index.ranked.get(index)) is not None]
        return {name: tuple(sorted(row[at] for row in rows)) for at, name in enumerate(RANKED)}

    def _names(self, path: str) -> list[str]:
        """This name and all that the file had before, as far as the known commits renamed it."""
        names, at = [path], 0
        while at < len(names):
            for index, old in self._index.renames.get(names[at], ()):
                if self._known >> index & 1 and old not in names:
                    names.append(old)
            at += 1
        return names


def _newest(commits: int, most: int) -> Iterator[int]:
    """Numbers of the newest commits of a set, newest first."""
    while commits and most:
        index = commits.bit_length() - 1
        yield index
        commits ^= 1 << index
        most -= 1


def _oldest_of_window(commits: int) -> int:
    """The number of the oldest of the newest `WINDOW` commits of a set; 0 when it has fewer."""
    low, high = 0, commits.bit_length()
    while high - low > 1:
        middle = (low + high) // 2
        if (commits >> middle).bit_count() >= WINDOW:
            low = middle
        else:
            high = middle
    return low
