"""Which earlier commits the fixes repaired: the deltas of a history, read into traces that can be kept.

A trace is a function of its commit and its ancestors, so it stays true whatever is committed, merged, rewritten or
cut off elsewhere. Only deltas of commits without a trace need their diffs, and only new fixes need the lines' origins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Protocol

from sidecar.history.ancestry import follow, numbers, union
from sidecar.history.deltas import Delta, FileDelta, delta_of, merged_delta
from sidecar.history.origins import Origins
from sidecar.risk.fixes import is_fix
from sidecar.risk.ledger import Repair, Trace
from sidecar.risk.paths import is_production, language
from sidecar.vcs.commits import told_changes_blocking
from sidecar.vcs.history import Commit
from sidecar.vcs.merges import merges_blocking
from sidecar.vcs.runner import Git

MOST_TRACED = 60_000
"""Commits beyond which a history is not traced."""


Traces = dict[str, Trace]
"""Traces by full commit id."""


class TraceStore(Protocol):
    """Where deltas and traces outlive the process."""

    def traces(self) -> Traces:
        """All that are kept."""

    def deltas(self) -> dict[str, Delta]:
        """All that are kept."""

    def keep(self, deltas: Mapping[str, Delta], traces: Mapping[str, Trace]) -> None:
        """Keep these, altogether or not at all."""

    def foretold(self, model: str) -> Mapping[str, float]:
        """All scores of earlier changes that a model's are kept, by full commit id."""

    def keep_foretold(self, model: str, scores: Mapping[str, float]) -> None:
        """Keep these too."""


class MemoryTraces:
    """A store that ends with the process."""

    def __init__(self) -> None:
        self._traces: Traces = {}
        self._deltas: dict[str, Delta] = {}
        self._foretold: dict[str, float] = {}

    def traces(self) -> Traces:
        """See `TraceStore`."""
        return self._traces

    def deltas(self) -> dict[str, Delta]:
        """See `TraceStore`."""
        return self._deltas

    def keep(self, deltas: Mapping[str, Delta], traces: Mapping[str, Trace]) -> None:
        """See `TraceStore`."""
        self._deltas |= deltas
        self._traces |= traces

    def foretold(self, model: str) -> Mapping[str, float]:
        """See `TraceStore`; one process has one model."""
        return self._foretold

    def keep_foretold(self, model: str, scores: Mapping[str, float]) -> None:
        """See `TraceStore`."""
        self._foretold |= scores


def trace_blocking(
    git: Git, commits: Sequence[Commit], store: TraceStore, stopped: Callable[[], bool] = lambda: False
) -> Traces:
    """The traces of all these commits (a whole history, parents first), those that are missing made and kept; for threads.

    The first time takes about a second for 1,000 commits. Raises GitError where git cannot tell a commit's diff,
    and `Stopped` once `stopped` says so.
    """
    known = store.traces()
    missing = [commit for commit in commits if commit.id not in known]
    if not missing:
        return known
    fresh = _read(git, missing, stopped)
    deltas = fresh
    if any(_is_fix(commit) for commit in missing):
        deltas = store.deltas() | fresh
        if any(commit.id not in deltas for commit in commits):
            lost = [commit for commit in commits if commit.id not in deltas]
            deltas |= _read(git, lost, stopped)
    repaired = _repairs(commits, deltas, frozenset(commit.id for commit in missing if _is_fix(commit)))
    traces = {own: Trace(_code(delta), repaired.get(own, ())) for own, delta in fresh.items()}
    store.keep(fresh, traces)
    return known | traces


class Stopped(Exception):
    """The reading was given up."""


def _heed(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise Stopped


def _is_fix(commit: Commit) -> bool:
    return not commit.merge and is_fix(commit.message)


def _read(git: Git, commits: Sequence[Commit], stopped: Callable[[], bool]) -> dict[str, Delta]:
    """Deltas from git's diffs."""
    found: dict[str, Delta] = {}
    plain = [commit for commit in commits if not commit.merge]
    merges = [commit.id for commit in commits if commit.merge]
    with closing(told_changes_blocking(git, plain)) as changes, closing(merges_blocking(git, merges)) as merged:
        for commit, change in zip(plain, changes, strict=True):
            found[commit.id] = delta_of(change, fix=_is_fix(commit)) if change else ()
            _heed(stopped)
        for own, files in merged:
            found[own] = merged_delta(files)
            _heed(stopped)
    return found


def _code(delta: Delta) -> tuple[tuple[str, int], ...]:
    return tuple((file.path, file.code) for file in delta if file.code and is_production(file.path))


def _repairs(
    commits: Sequence[Commit], deltas: Mapping[str, Delta], wanted: frozenset[str]
) -> dict[str, tuple[Repair, ...]]:
    """What the wanted commits repaired, by the deltas of all."""
    if not wanted:
        return {}
    at = numbers(commits)
    names = {number: own for own, number in at.items()}
    origins = Origins()
    found: dict[str, tuple[Repair, ...]] = {}
    for commit, known in follow(commits, at):
        delta = deltas[commit.id]
        if commit.id in wanted:
            lines = Counter(_repaired(origins, delta, union(known)))
            found[commit.id] = tuple(Repair(names[own], path, count) for (own, path), count in sorted(lines.items()))
        for file in delta:
            origins.add(at[commit.id], file, known)
    return found


def _repaired(origins: Origins, delta: Delta, known: int) -> Iterator[tuple[int, str]]:
    """The writer (commit number, path) of each line of code that a fix takes away."""
    for file in delta:
        version = origins.at(file.old, known) if file.fixed else None
        if version is not None and not version.gone:
            yield from _writers(origins, origins.lines(version), file)


def _writers(origins: Origins, lines: Sequence[int], file: FileDelta) -> Iterator[tuple[int, str]]:
    quotes = language(file.path) == "python"
    for place in file.fixed:
        if place < len(lines) and origins.is_code(lines, place, quotes=quotes):
            writer = origins.writer(lines[place])
            yield writer.commit, writer.path
