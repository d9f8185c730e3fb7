"""A review without a model: what the risk score and the diff itself say, in the same form, and no pretence of more. Pure."""

from __future__ import annotations

from sidecar.core.critique import Critique, Remark, Unread
from sidecar.core.diff import Change
from sidecar.core.review import RiskReport
from sidecar.critique.texts import moves_data, told_tests
from sidecar.review import words
from sidecar.review.places import Candidate, worth_saying

NO_MODEL = (
    "No model was asked: this is what Sidecar's own analysers know. For a review in words choose a provider with a model; "
    "`sidecar doctor` tells how."
)


def from_facts(change: Change, report: RiskReport) -> Critique:
    """The places that stand out, with their reasons, and what to verify by the files' names."""
    checklist = [told_tests(change)]
    if moves_data(change):
        checklist.append("It changes data or its schema: try it on a copy, and say how to go back.")
    places = worth_saying(report)
    remarks = [Remark(*one.place, one.band, *_said(one, report)) for one in places]
    unread = [Unread(file.path, file.reason or "binary") for file in change.files if not file.hunks]
    return Critique(
        "facts", "", checklist=tuple(checklist), remarks=tuple(remarks), unread=tuple(unread), notes=(NO_MODEL,), report=report
    )  # fmt: skip


def _said(candidate: Candidate, report: RiskReport) -> tuple[str, str]:
    """A place's title and what is said of it: what rules found, else why it is risky."""
    hunk = candidate.hunk
    placed = words.placed(hunk, report) if hunk else ""
    if candidate.findings:
        head = words.head(candidate.findings[0])
        return head, words.found(candidate.findings, placed).removeprefix(f"**{head}.** ")  # the title says it
    told = words.reasons([*words.raising(hunk.reasons if hunk else ()), *words.raising(report.reasons)])
    return words.title(candidate.band), "\n".join(told) or placed
