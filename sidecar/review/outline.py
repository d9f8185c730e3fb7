"""A change by risk, as a list of files with their scored places, each in the word that its number has everywhere. Pure."""

from __future__ import annotations

from sidecar.core.diff import Change, FileDiff
from sidecar.core.review import FileOutline, HunkOutline, HunkRisk, RiskReport
from sidecar.review import words
from sidecar.risk.model import load


def outline(change: Change | None, report: RiskReport | None) -> tuple[FileOutline, ...]:
    """The files of a change, the riskiest first; those without a score come last, by name."""
    if change is None:
        return ()
    files = [_file(file, report) for file in change.files]
    return tuple(sorted(files, key=lambda file: (file.score is None, -(file.score or 0.0), file.path)))


def gist(change: Change | None, report: RiskReport | None) -> tuple[object, ...]:
    """What of a look is worth telling when it differs; a score creeps with the time since the last commit."""
    files = tuple((file.path, file.status, file.hunks) for file in change.files) if change else ()
    if report is None:
        return (files,)
    return report.band, round(report.score, 2), tuple(file.file for file in report.files), files


def _file(file: FileDiff, report: RiskReport | None) -> FileOutline:
    score = next((risk.score for risk in report.files if risk.file == file.path), None) if report else None
    why = next((item.why for item in report.skipped if item.file == file.path), "") if report else ""
    hunks = [_hunk(hunk) for hunk in report.hunks if hunk.file == file.path] if report else []
    return FileOutline(
        path=file.path,
        status=file.status,
        added=file.added_lines,
        removed=file.removed_lines,
        old_path=file.old_path,
        score=score,
        band=None if score is None else load().band(score),
        why=file.reason or why,
        hunks=tuple(sorted(hunks, key=lambda hunk: (-hunk.score, hunk.start))),
    )


def _hunk(hunk: HunkRisk) -> HunkOutline:
    reason = next((reason.text for reason in words.raising(hunk.reasons)), "")
    return HunkOutline(hunk.start, hunk.end, hunk.score, load().band(hunk.score), reason)
