"""A risk model that is told where the risk lies: lines whose text holds the word `risky`."""

from __future__ import annotations

import asyncio

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import FileRisk, HunkRisk, LineRisk, Reason, RiskReport

SAFE, RISKY = 0.05, 0.4


class WordScorer:
    """Scores a change by its words. `gate` holds a look back, `error` lets it fail; `scored` are the changes seen."""

    def __init__(self) -> None:
        self.scored: list[Change] = []
        self.gate: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.error: Exception | None = None

    async def score(self, change: Change) -> RiskReport:
        """The report; a hunk's score grows with its risky lines."""
        self.scored.append(change)
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        hunks = [_hunk(file, hunk) for file in change.files for hunk in file.hunks if hunk.added]
        # as with the real model, time goes on and moves the score a little
        top = max((hunk.score for hunk in hunks), default=SAFE) + len(self.scored) / 1e7
        return RiskReport(
            score=top,
            band="high" if top >= RISKY else "low",
            base=-1.0,
            model="words@1",
            ms=float(len(self.scored)),
            files=tuple(FileRisk(file.path, top) for file in change.files if file.hunks),
            hunks=tuple(hunks),
            reasons=(Reason("words", 1, 0.5, "It uses the word."),),
        )


def _hunk(file: FileDiff, hunk: Hunk) -> HunkRisk:
    start, end = hunk.new_range
    count = sum("risky" in line for line in hunk.added)
    score = RISKY + count / 100 if count else SAFE
    lines = tuple(LineRisk(start + n, RISKY if "risky" in line else SAFE) for n, line in enumerate(hunk.added))
    reasons = (Reason("risky", count, 0.4, f"{count} risky lines"),) if count else ()
    return HunkRisk(file.path, start, end, score, lines, reasons)
