"""Reviews a change of one repository in words, from its name to threads: the change, its risk, the model, its comments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sidecar.core.critique import Critique, Hear, NamedChange, Remark, Wish
from sidecar.core.errors import NotFound
from sidecar.core.ports import Desk, Scorer
from sidecar.core.review import RiskReport, Thread
from sidecar.critique.critic import Critic
from sidecar.critique.facts import from_facts
from sidecar.critique.material import Texts
from sidecar.critique.named import change_of, texts_of
from sidecar.critique.opened import opened, unsaid
from sidecar.critique.summary import describe
from sidecar.history.kept import KeptTraces
from sidecar.review.scorer import RiskScorer
from sidecar.risk.hazards.secret import veiled
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import read_lines_blocking


class ChangeReviewer:
    """Implements `core.ports.Reviewer`. Without a critic, facts are what there is; without a desk nothing becomes a thread."""

    def __init__(
        self,
        git: Callable[[], Awaitable[Git]],
        critic: Critic | None,
        *,
        desk: Callable[[], Awaitable[Desk]] | None = None,
        state: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._git = git
        self._critic = critic
        self._desk = desk
        self._state = state
        self._clock = clock
        self._scorer: tuple[Git, Scorer] | None = None

    async def review(self, named: NamedChange, wish: Wish, hear: Hear, *, threads: bool = True) -> Critique:
        """See `core.ports.Reviewer.review`. Raises NotFound where there is no change."""
        git, scorer = await self._opened()
        change = await change_of(git, named)
        if not change.files:
            raise NotFound(f"There is no change to review: {named.told()} is empty.")
        report = await scorer.score(change)
        facts = describe(change, report)
        critic = self._critic if wish.by_model else None
        if critic is None:
            return replace(from_facts(change, report), facts=facts)
        texts = await texts_of(git, named, change)
        critique = await critic.review(change, report, texts, wish, hear)
        count = await self._threads(git, critique.remarks, texts, report, critique.provider) if threads else 0
        return replace(critique, report=report, facts=facts, threads=count)

    async def _threads(self, git: Git, remarks: Sequence[Remark], texts: Texts, report: RiskReport, name: str) -> int:
        """Make threads of the comments; how many are new."""
        if self._desk is None or git.bare or not remarks:
            return 0
        found = await asyncio.to_thread(self._anchored, git, remarks, texts, report, name)
        return len(await (await self._desk()).suggest(lambda standing: unsaid(found, standing)))

    def _anchored(
        self, git: Git, remarks: Sequence[Remark], texts: Texts, report: RiskReport, name: str
    ) -> list[Thread]:
        paths = {remark.file for remark in remarks}
        there = {path: read_lines_blocking(git.root, path) for path in paths}
        # What a thread keeps of its lines gives no secret away; the review looks at files in the same way.
        seen, now = ({path: veiled(each[path] or ()) for path in paths if path in each} for each in (texts, there))
        return opened(remarks, seen=seen, now_there=now, report=report, name=name, now=self._clock())

    async def _opened(self) -> tuple[Git, Scorer]:
        if self._scorer is None:
            git = await self._git()
            traces = KeptTraces(self._state) if self._state is not None else None
            self._scorer = git, await asyncio.to_thread(RiskScorer, git, traces=traces)
        return self._scorer
