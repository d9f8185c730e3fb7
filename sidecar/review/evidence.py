"""What history tells of the places that a comment points at, as sentences with their evidence; no part of any score.

Which repairs stand in the function that a place lies in, and which file usually changes with this one but does not now.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from sidecar.core.diff import Change, FileDiff
from sidecar.core.errors import GitError
from sidecar.core.functions import function_before
from sidecar.core.review import Evidence, HunkRisk, Reason, RiskReport
from sidecar.history.before import OldSides
from sidecar.history.past import View
from sidecar.review.places import Candidate, candidates
from sidecar.risk.explain import times
from sidecar.risk.fixes import is_fix
from sidecar.risk.repairs import DAY

FEATURES = frozenset({"function_repairs", "companion"})
"""The names of these reasons; their effect is 0."""

MOST_PLACES = 3
"""The foremost places of a change, about which more is said."""
_MOST_NAMED = 3
_YEAR = 365 * DAY


def with_evidence(sides: OldSides, change: Change, report: RiskReport, view: View | None) -> RiskReport:
    """The report, its foremost places told with what history knows of them; for threads.

    `view` is what was known at the change's base, None where history is not known. What git cannot tell is left out.
    """
    if change.base is None or view is None:
        return report
    files = {file.path: file for file in change.files}
    sources = {name for file in change.files for name in (file.path, file.old_path) if name}
    told: dict[HunkRisk, HunkRisk] = {}
    lonely: set[str] = set()
    for place in candidates(report)[:MOST_PLACES]:
        hunk = place.hunk
        if hunk is None or hunk.file not in files:
            continue
        reasons = [_repairs(sides, change, files[hunk.file], place)]
        found: tuple[Evidence, ...] = ()
        if hunk.file not in lonely:  # said once a file
            lonely.add(hunk.file)
            if companion := _companion(sides, change.base, files[hunk.file], view, sources):
                reasons.append(companion[0])
                found = (companion[1],)
        if said := [reason for reason in reasons if reason is not None]:
            told[hunk] = replace(hunk, reasons=(*hunk.reasons, *said), evidence=found)
    return replace(report, hunks=tuple(told.get(hunk, hunk) for hunk in report.hunks)) if told else report


def _repairs(sides: OldSides, change: Change, file: FileDiff, place: Candidate) -> Reason | None:
    """Which repairs of the last year stand in the function that the lines of a place lie in."""
    path = file.old_path or file.path
    base = change.base or ""
    if file.status == "added":
        return None
    try:
        function = function_before(sides.lines_blocking(base, path), file, place.start, place.end)
        writers = sides.writers_blocking(base, path, function.start, function.end) if function else []
    except GitError:
        return None
    fixes = [one for one in writers if change.time - one.time < _YEAR and is_fix(one.subject)]
    if function is None or not fixes:
        return None
    fixes.sort(key=lambda one: (-one.time, one.commit))
    named = ", ".join(one.commit[:7] for one in fixes[:_MOST_NAMED])
    more = ", …" if len(fixes) > _MOST_NAMED else ""
    text = f"The function {function.name} was repaired {times(len(fixes))} in the last year: {named}{more}."
    return Reason("function_repairs", float(len(fixes)), 0.0, text)


def _companion(
    sides: OldSides, base: str, file: FileDiff, view: View, changed: set[str]
) -> tuple[Reason, Evidence] | None:
    """A file that usually changes with this one, which the change leaves alone."""
    for other, together, among in view.companions(file.old_path or file.path):
        if other in changed:
            continue
        with suppress(GitError):
            if sides.holds_blocking(base, other):
                text = f"This file usually changes with {other} ({together} of {among} times), which this change leaves alone."
                return Reason("companion", together / among, 0.0, text), Evidence("file", other, other)
    return None
