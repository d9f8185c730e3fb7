"""The uncommitted change by risk as figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from sidecar.core.ports import ReviewState
from sidecar.core.review import FileOutline
from sidecar.dashboard.values import FileRisk, ReviewFigures, plain
from sidecar.review.words import likelihood

MOST_FILES: Final = 200
"""Files of the change that are listed, the riskiest first."""
_MOST_TEXT: Final = 400


def figures_of_review(title: str, state: ReviewState, files: Sequence[FileOutline]) -> ReviewFigures:
    """The figures of what a look found; `state` is all of it, `files` the riskiest first."""
    opened = [thread for thread in state.threads if thread.state == "open"]
    at = Counter(thread.anchor.path for thread in opened)
    bands = Counter(thread.band for thread in opened)
    report = state.report
    return ReviewFigures(
        title=plain(title),
        score=report.score if report else None,
        band=report.band if report else None,
        sentence=likelihood(report) if report else "",
        threads={band: bands[band] for band in ("critical", "high", "medium", "low") if bands[band]},
        open_threads=len(opened),
        file_count=len(files),
        files=[_file(file, at[file.path]) for file in files[:MOST_FILES]],
    )


def no_review(why: str) -> ReviewFigures:
    """The figures where there is no review."""
    return ReviewFigures("", None, None, "", {}, 0, 0, [], plain(why))


def _file(file: FileOutline, threads: int) -> FileRisk:
    reason = next((hunk.reason for hunk in file.hunks if hunk.reason), "")
    return FileRisk(
        path=plain(file.path),
        old_path=plain(file.old_path or ""),
        status=file.status,
        added=file.added,
        removed=file.removed,
        score=file.score,
        band=file.band,
        reason=plain(reason)[:_MOST_TEXT],
        why=plain(file.why),
        threads=threads,
    )
