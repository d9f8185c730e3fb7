"""What an editor can open beside a comment: the function that it speaks of, tests that name it, and who calls it.

A look does not wait for it: what is not known yet is learned beside, and told then.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sidecar.core.diff import Change
from sidecar.core.errors import GitError
from sidecar.core.functions import Function, function_at
from sidecar.core.review import Evidence, HunkRisk, RiskReport
from sidecar.review import callers
from sidecar.review.evidence import MOST_PLACES
from sidecar.review.places import Candidate, candidates
from sidecar.review.views import Texts
from sidecar.risk.paths import classify, stem
from sidecar.vcs.naming import naming_blocking
from sidecar.vcs.runner import Git

_MOST_TESTS: Final = 2
_COMMON: Final = 5
"""Files of tests that name something which is more than one thing's name."""
_MOST_KEPT: Final = 500
_FRESH: Final = 30.0
"""Seconds for which the calls of a function are not asked for again."""
_UNCALLED: Final = callers.Called()

_Name = tuple[str | None, str, str]
"""The commit that the change lies on, the file, and a function in it."""


class Grounds:
    """What is known of one repository's tests and calls. `under` may be called in a thread, `learn` on the event loop."""

    def __init__(self, git: Git, known: callers.Callers | None = None) -> None:
        self._git = git
        self._callers = known or callers.Callers(git.root)
        self._tests: dict[_Name, tuple[Evidence, ...]] = {}
        self._calls: dict[_Name, tuple[callers.Called, float]] = {}
        self._wanted: dict[_Name, None] = {}
        self._uncalled: dict[_Name, tuple[int, str]] = {}
        """Functions whose calls are not known, with the line of the head and what stands there."""

    @property
    def lacking(self) -> bool:
        """Whether there may be something to learn."""
        return bool(self._wanted or self._uncalled)

    def under(self, change: Change, report: RiskReport | None, texts: Texts) -> RiskReport | None:
        """The report, its foremost places with what can be opened beside them, as far as it is known by now."""
        told: dict[HunkRisk, HunkRisk] = {}
        tests = tuple(file for file in change.files if file.hunks and classify(file.path) == "test")
        for place in candidates(report)[:MOST_PLACES]:
            lines = texts.get(place.file)
            if place.hunk is not None and lines:
                told[place.hunk] = self._told(replace(change, files=tests), place, place.hunk, lines)
        if report is None or not told:
            return report
        return replace(report, hunks=tuple(told.get(hunk, hunk) for hunk in report.hunks))

    async def learn(self) -> bool:
        """Learn which tests name what the last look did not know; whether there is something to tell."""
        wanted, self._wanted = tuple(self._wanted), {}
        for name in wanted:
            self._tests[name] = await asyncio.to_thread(self._naming, name)
        while len(self._tests) > _MOST_KEPT:
            del self._tests[next(iter(self._tests))]
        return any(self._tests.get(name) for name in wanted)

    async def learn_calls(self) -> bool:
        """The same for the calls of functions, once the index is whole."""
        wanted, self._uncalled = self._uncalled, {}
        news = False
        for name, (line, head) in wanted.items():
            if called := await self._callers.of(name[1], name[2], line, head):
                before, _ = self._calls.pop(name, (_UNCALLED, 0.0))
                self._calls[name] = (called, time.monotonic())
                news = news or called != before
        while len(self._calls) > _MOST_KEPT:
            del self._calls[next(iter(self._calls))]
        return news

    def _old(self, name: _Name) -> bool:
        """Whether the index is to be asked for the calls of a function, again where others may have been written meanwhile."""
        return name not in self._calls or self._calls[name][1] < time.monotonic() - _FRESH

    def _told(self, tests: Change, place: Candidate, hunk: HunkRisk, lines: Sequence[str]) -> HunkRisk:
        risky = ((line.score, line.line) for line in hunk.lines if place.start <= line.line <= place.end)
        _, at = max(risky, default=(0.0, place.start))
        function = function_at(lines, at)
        told = [reason.text.split()[2:3] for reason in hunk.reasons if reason.feature == "function_repairs"]
        around = (function_at(lines, line) for line in (at, hunk.start, hunk.end))
        spoken = next((each for each in around if each and [each.name] in told), None)
        kept = [
            each for each in hunk.evidence if each.kind not in {"function", "test"} and callers.MARK not in each.label
        ]
        more = [Evidence("function", spoken.name, place.file, spoken.start)] if spoken else []
        reasons = tuple(reason for reason in hunk.reasons if reason.feature != callers.FEATURE)
        if function:
            name = (tests.base, place.file, function.name)
            if name not in self._tests:
                self._wanted[name] = None
            if self._old(name):
                self._uncalled[name] = (function.start, lines[function.start - 1])
            called, _ = self._calls.get(name, (_UNCALLED, 0.0))
            reasons += (called.reason,) if called.reason else ()
            more += [*self._named(tests, name, function), *called.evidence]
        return replace(hunk, reasons=reasons, evidence=(*kept, *more))

    def _named(self, tests: Change, name: _Name, function: Function) -> Sequence[Evidence]:
        """The tests that name a function: those that are changed themselves before others."""
        word = re.compile(rf"(?<![\w$]){re.escape(function.name)}(?![\w$])")
        own = (
            _evidence(file.path, function.name, hunk.new_start + at)
            for file in tests.files
            for hunk in file.hunks
            for at, text in enumerate(hunk.added)
            if function.name in text and word.search(text)
        )
        found: dict[str, Evidence] = {}
        for each in (*own, *self._tests.get(name, ())):
            found.setdefault(each.target, each)
        return list(found.values())[:_MOST_TESTS]

    def _naming(self, name: _Name) -> tuple[Evidence, ...]:
        """The tests of the working tree that name a function, that of its own file first; blocks."""
        _, path, function = name
        if function.startswith("__"):
            return ()
        try:
            places = naming_blocking(self._git, function, lambda where: classify(where) == "test")
        except GitError:
            return ()
        own = [where for where in places if stem(where) == stem(path)]
        if not own and len(places) > _COMMON:
            return ()
        return tuple(_evidence(where, function, places[where]) for where in (own or sorted(places))[:_MOST_TESTS])


def _evidence(path: str, function: str, line: int) -> Evidence:
    return Evidence("test", f"{path} (names {function})", path, line)
