"""What an editor can open beside a comment: the function that it speaks of, and tests that name it.

A look does not wait for it: what is not known yet is learned beside, and told then.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sidecar.core.diff import Change
from sidecar.core.errors import GitError
from sidecar.core.functions import Function, function_at
from sidecar.core.review import Evidence, HunkRisk, RiskReport
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

_Name = tuple[str | None, str, str]
"""The commit that the change lies on, the file, and a function in it."""


class Grounds:
    """What is known of one repository's tests. `under` may be called in a thread, `learn` on the event loop."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._tests: dict[_Name, tuple[Evidence, ...]] = {}
        self._wanted: dict[_Name, None] = {}

    @property
    def lacking(self) -> bool:
        """Whether there may be something to learn."""
        return bool(self._wanted)

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
        """Learn what the last look did not know; whether there is something to tell."""
        wanted, self._wanted = tuple(self._wanted), {}
        for name in wanted:
            self._tests[name] = await asyncio.to_thread(self._naming, name)
        while len(self._tests) > _MOST_KEPT:
            del self._tests[next(iter(self._tests))]
        return any(self._tests.get(name) for name in wanted)

    def _told(self, tests: Change, place: Candidate, hunk: HunkRisk, lines: Sequence[str]) -> HunkRisk:
        risky = ((line.score, line.line) for line in hunk.lines if place.start <= line.line <= place.end)
        _, at = max(risky, default=(0.0, place.start))
        function = function_at(lines, at)
        told = [reason.text.split()[2:3] for reason in hunk.reasons if reason.feature == "function_repairs"]
        around = (function_at(lines, line) for line in (at, hunk.start, hunk.end))
        spoken = next((each for each in around if each and [each.name] in told), None)
        kept = [each for each in hunk.evidence if each.kind not in {"function", "test"}]
        more = [Evidence("function", spoken.name, place.file, spoken.start)] if spoken else []
        more += self._named(tests, place.file, function) if function else ()
        return replace(hunk, evidence=(*kept, *more))

    def _named(self, tests: Change, path: str, function: Function) -> Sequence[Evidence]:
        """The tests that name a function: those that are changed themselves before others."""
        name = (tests.base, path, function.name)
        if name not in self._tests:
            self._wanted[name] = None
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
