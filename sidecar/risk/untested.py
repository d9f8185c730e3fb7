"""Tells of each place of a change that no test touches it, where a coverage report knows these very lines. No part of a score."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sidecar.core.diff import Change
from sidecar.core.ports import TestsSeen
from sidecar.core.review import HunkRisk, Reason, RiskReport, Touched

FEATURE = "untested"
"""The name of this reason; its effect is 0."""


def with_tests(change: Change, report: RiskReport, tests: TestsSeen) -> RiskReport:
    """The report, its places told which of their new lines no test ran; nothing of places that tests touch throughout."""
    files = {file.path: file for file in change.files}
    known: dict[str, Touched | None] = {}
    hunks: list[HunkRisk] = []
    for hunk in report.hunks:
        if hunk.file not in known:
            known[hunk.file] = tests.of(files[hunk.file]) if hunk.file in files else None
        touched = known[hunk.file]
        reason = _reason(hunk, touched) if touched else None
        hunks.append(replace(hunk, reasons=(*hunk.reasons, reason)) if reason else hunk)
    return replace(report, hunks=tuple(hunks))


def _reason(hunk: HunkRisk, touched: Touched) -> Reason | None:
    lines = {line.line for line in hunk.lines}
    missed, ran = len(lines & touched.missed), len(lines & touched.ran)
    if not missed:
        return None
    proof = f"{touched.source}, {datetime.fromtimestamp(touched.at, UTC):%Y-%m-%d %H:%M} UTC"
    if not ran:
        return Reason(
            FEATURE, float(missed), 0.0, f"No test touches {'these lines' if missed > 1 else 'this line'} ({proof})."
        )
    return Reason(
        FEATURE, float(missed), 0.0, f"Of {missed + ran} lines here that run, no test touches {missed} ({proof})."
    )
