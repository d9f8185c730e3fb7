"""A review without a model: what the risk score and the diff itself say, in the same form, and no pretence of more. Pure."""

from __future__ import annotations

from sidecar.core.critique import Critique, Remark, Unread
from sidecar.core.diff import Change
from sidecar.core.review import RiskReport
from sidecar.critique.texts import moves_data, told_tests
from sidecar.review import words
from sidecar.review.threads import candidates

NO_MODEL = (
    "No model was asked: this is what Sidecar's own analysers know. For a review in words choose a provider with a model; "
    "`sidecar doctor` tells how."
)


def from_facts(change: Change, report: RiskReport) -> Critique:
    """The places that stand out, with their reasons, and what to verify by the files' names."""
    checklist = [told_tests(change)]
    if moves_data(change):
        checklist.append("It changes data or its schema: try it on a copy, and say how to go back.")
    remarks = []
    for candidate in candidates(report):
        told = words.reasons([*words.raising(candidate.hunk.reasons), *words.raising(report.reasons)])
        title = words.title(candidate.band)
        place = candidate.hunk.file, candidate.start, candidate.end
        remarks.append(Remark(*place, candidate.band, title, "\n".join(told) or words.placed(candidate.hunk, report)))
    unread = [Unread(file.path, file.reason or "binary") for file in change.files if not file.hunks]
    return Critique(
        "facts", "", checklist=tuple(checklist), remarks=tuple(remarks), unread=tuple(unread), notes=(NO_MODEL,), report=report
    )  # fmt: skip
