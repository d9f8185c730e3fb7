"""Scores changes of one repository: gathers facts, asks the model, keeps the past of the last bases in memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sidecar.core.diff import Change
from sidecar.core.errors import GitError
from sidecar.core.ports import TestsSeen
from sidecar.core.review import RiskReport
from sidecar.history.before import OldSides
from sidecar.history.facts import facts_of
from sidecar.history.foretold import Foretold
from sidecar.history.past import Past
from sidecar.history.reader import Reader
from sidecar.history.traces import MemoryTraces, Traces, TraceStore
from sidecar.review.evidence import with_evidence
from sidecar.risk.assess import assess
from sidecar.risk.facts import Facts
from sidecar.risk.hazards.rules import find
from sidecar.risk.model import Model, load
from sidecar.risk.paths import is_production
from sidecar.risk.untested import with_tests
from sidecar.vcs.attributes import Attributes
from sidecar.vcs.commits import resolve_many_blocking, told_changes_blocking
from sidecar.vcs.history import Commit, is_shallow_blocking, walk_blocking
from sidecar.vcs.runner import Git

_KEPT = 2
"""Bases whose past is kept: HEAD, and the one that was asked for beside it."""
_BATCH = 64
"""Commits whose old sides are read together."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """A revision that could not be scored, and why, in a sentence."""

    revision: str
    why: str


class RiskScorer:
    """Scores changes of one repository. Safe to call from several threads and tasks at once."""

    def __init__(
        self,
        git: Git,
        model: Model | None = None,
        *,
        traces: TraceStore | None = None,
        learned: Callable[[], None] | None = None,
        tests: TestsSeen | None = None,
    ) -> None:
        """`traces` is where what was read of the history is kept; `tests` tell which lines tests touched.

        With `learned` a long reading is done beside: until it ends scores do without what the fixes repaired, then
        `learned` is called, in a thread of its own. Without it the first score waits.
        """
        self._git = git
        self._model = model or load()
        self._sides, self._attributes = OldSides(git), Attributes(git, is_production)
        self._pasts: OrderedDict[str, Past | None] = OrderedDict()
        self._lock = threading.Lock()
        self._tests = tests
        store = traces or MemoryTraces()
        self._foretold = Foretold(git, self._model, store)
        self._reader = Reader(git, store, self._forget_and(learned) if learned else None, self._look_back)

    def close(self) -> None:
        """Give up a reading of the history that is under way. The scorer can still be used."""
        self._reader.close()

    def _forget_and(self, learned: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            with self._lock:
                self._pasts.clear()
            learned()

        return done

    async def score(self, change: Change) -> RiskReport:
        """The risk of a change, its foremost places told with evidence of the history.

        The first call for a base walks its history (for 10,000 commits ten seconds, one if kept).
        """
        return await asyncio.to_thread(self.evident_blocking, change)

    def evident_blocking(self, change: Change) -> RiskReport:
        """As `score`, for threads."""
        begun = time.perf_counter()
        report = self.score_blocking(change)
        with self._lock:
            return self._evident(change, report, self._past(change), begun)

    def _evident(self, change: Change, report: RiskReport, past: Past | None, begun: float) -> RiskReport:
        if self._tests:
            report = with_tests(change, report, self._tests)
        view = past.at(change.base, author=change.author, time=change.time) if past and change.base else None
        report = with_evidence(self._sides, change, report, view)
        return replace(report, ms=round((time.perf_counter() - begun) * 1000, 3))

    def score_blocking(self, change: Change) -> RiskReport:
        """As `score` without the evidence, for threads. Without history (no base, shallow clone) the diff alone is scored."""
        begun = time.perf_counter()
        with self._lock:
            change = self._attributes.marked_blocking([change])[0] or change
            facts = facts_of(change, self._past(change), self._sides.of_blocking(change))
        return self._told(change, facts, begun)

    def _told(self, change: Change, facts: Facts, begun: float) -> RiskReport:
        """The score, and beside it what the rules find."""
        report = assess(change, facts, self._model)
        findings = find(change, lambda path: facts.of(path).before)
        return replace(report, findings=findings, ms=round((time.perf_counter() - begun) * 1000, 3))

    def score_commits_blocking(
        self, revisions: Sequence[str], *, evident: bool = False
    ) -> Generator[RiskReport | Unscored]:
        """Each commit against its first parent, by what its ancestors tell, in the given order; for threads.

        One walk and one stream of diffs serve all of them; with `evident` git is also asked for the evidence of each by
        itself, as `score` does. Close the generator when it is left early.
        """
        ids = resolve_many_blocking(self._git, revisions)
        wanted = frozenset(own for own in ids if own is not None)
        found: dict[str, Commit] = {}
        past = self._bulk_past(wanted, found)
        reports = self._reports([found[own] for own in ids if own is not None], past, evident=evident)
        for revision, own in zip(revisions, ids, strict=True):
            if own is None:
                yield Unscored(revision, f"There is no commit {revision!r} in this repository.")
            else:
                yield next(reports) or Unscored(revision, f"This clone lacks content that {own[:12]} changed.")

    def _reports(self, commits: Sequence[Commit], past: Past | None, *, evident: bool) -> Iterator[RiskReport | None]:
        """A report for each commit, None where this clone lacks what it changed."""
        changes = told_changes_blocking(self._git, commits)
        sides, attributes = OldSides(self._git), Attributes(self._git, is_production)
        while batch := list(islice(changes, _BATCH)):
            before = sides.of_blocking(*(change for change in batch if change))
            for change in attributes.marked_blocking(batch):
                if change is None:
                    yield None
                    continue
                begun = time.perf_counter()
                report = self._told(change, facts_of(change, past, before), begun)
                if evident:
                    with self._lock:
                        report = self._evident(change, report, past, begun)
                yield report

    def _bulk_past(self, wanted: frozenset[str], found: dict[str, Commit]) -> Past | None:
        """The past of all wanted commits' parents; fills `found` with the wanted commits. None in a shallow clone."""
        walked = self._all_before(sorted(wanted))
        found.update((commit.id, commit) for commit in walked if commit.id in wanted)
        if is_shallow_blocking(self._git):
            return None
        asked = {commit.parents[0] for commit in found.values() if commit.parents}
        return self._past_of(walked, asked, self._reader.traces(walked))

    def _look_back(self, walked: Sequence[Commit], traces: Traces) -> None:
        """What is to be kept is made, of the newest commit that was walked."""
        self._past_of(walked, [walked[0].id], traces)

    def _past_of(self, walked: Sequence[Commit], asked: Collection[str], traces: Traces | None) -> Past:
        past = Past(walked, asked, traces)
        self._foretold.tell_blocking(past, walked, asked)
        return past

    def _all_before(self, tips: Sequence[str]) -> list[Commit]:
        """The tips and all their ancestors, children first. Where content is missing, only exact renames are seen."""
        try:
            return list(walk_blocking(self._git, tips))
        except GitError:
            return list(walk_blocking(self._git, tips, likeness=100))

    def _past(self, change: Change) -> Past | None:
        """The past up to a change's base. A first commit has an empty one; a change without any base has none."""
        if change.base is None and change.commit is None:
            return None
        base = change.base or ""
        if base not in self._pasts:
            self._pasts[base] = self._walk(base)
            while len(self._pasts) > _KEPT:
                self._pasts.popitem(last=False)
        self._pasts.move_to_end(base)
        return self._pasts[base]

    def _walk(self, base: str) -> Past | None:
        try:
            if is_shallow_blocking(self._git):
                return None
            tips = [base] if base else []
            walked = self._all_before(tips)
            return self._past_of(walked, tips, self._reader.traces(walked))
        except GitError:
            # A history with holes (a partial or damaged clone) cannot be counted; the diff can still be scored.
            return None
