"""What history tells of the places that a comment points at, as sentences with their evidence; no part of any score.

Which repairs stand in the function that a place lies in, and which file usually changes with this one but does not now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sidecar.core.diff import Change, FileDiff, line_before, lines_after
from sidecar.core.errors import GitError
from sidecar.core.review import Evidence, HunkRisk, Reason, RiskReport
from sidecar.review.past import DAY, View
from sidecar.review.places import Candidate, candidates
from sidecar.risk.explain import times
from sidecar.risk.fixes import is_fix
from sidecar.vcs.blame import writers_blocking
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import lines_at_blocking

FEATURES = frozenset({"function_repairs", "companion"})
"""The names of these reasons; their effect is 0."""

MOST_PLACES = 3
"""The foremost places of a change, about which more is said."""
_MOST_NAMED = 3
_YEAR = 365 * DAY
_LONGEST = 400
"""Lines of a function that are looked at."""

_DEFINES = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+(?P<py>\w+)|func\s+(?:\([^)]*\)\s*)?(?P<go>\w+)\s*[\[(]"
    r"|(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*(?P<js>[\w$]+)|(?:pub(?:\([^)]*\))?\s+)?(?:async\s+|unsafe\s+|const\s+)*fn\s+(?P<rust>\w+)"
    r"|(?:(?:public|protected|private|static|final|abstract|synchronized)\s+)+[\w<>\[\], .?]*?(?P<java>\w+)\s*\("
    r"|(?:export\s+)?(?:const|let)\s+(?P<arrow>[\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\(|\w+\s*=>))"
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function in a text: its name, first and last line (from 1)."""

    name: str
    start: int
    end: int


def with_evidence(git: Git, change: Change, report: RiskReport, view: View | None) -> RiskReport:
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
        reasons = [_repairs(git, change, files[hunk.file], place)]
        found: tuple[Evidence, ...] = ()
        if hunk.file not in lonely:  # said once a file
            lonely.add(hunk.file)
            if companion := _companion(git, change.base, files[hunk.file], view, sources):
                reasons.append(companion[0])
                found = (companion[1],)
        if said := [reason for reason in reasons if reason is not None]:
            told[hunk] = replace(hunk, reasons=(*hunk.reasons, *said), evidence=found)
    return replace(report, hunks=tuple(told.get(hunk, hunk) for hunk in report.hunks)) if told else report


def _repairs(git: Git, change: Change, file: FileDiff, place: Candidate) -> Reason | None:
    """Which repairs of the last year stand in the function that the lines of a place lie in."""
    path = file.old_path or file.path
    base = change.base or ""
    try:
        function = function_before(lines_at_blocking(git, base, path) or [], file, place.start, place.end)
        writers = writers_blocking(git, base, path, function.start, function.end) if function else []
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


def _companion(git: Git, base: str, file: FileDiff, view: View, changed: set[str]) -> tuple[Reason, Evidence] | None:
    """A file that usually changes with this one, which the change leaves alone."""
    for other, together, among in view.companions(file.old_path or file.path):
        if other in changed:
            continue
        try:
            there = git.run_blocking("cat-file", "-e", f"{base}:{other}", ok=(0,)) is not None
        except GitError:
            there = False
        if there:
            text = (
                f"This file usually changes with {other} ({together} of {among} times), which this change leaves alone."
            )
            return Reason("companion", together / among, 0.0, text), Evidence("file", other, other)
    return None


def function_before(lines: Sequence[str], file: FileDiff, first: int, last: int) -> Function | None:
    """The function that the new lines `first`..`last` lie in, as it stood in the old ones; None for a new one, or for several.

    Where a hunk begins does not tell: lines that are put in behind a function are mostly another one.
    """
    now = lines_after(lines, file.hunks)
    around = {function_at(now, at) for at in range(first, last + 1) if "".join(now[at - 1 : at]).strip()}
    function = around.pop() if len(around) == 1 else None
    if function is None:
        return None
    old = line_before(file.hunks, function.start) or _head_before(file, function)
    known = function_at(lines, old) if old is not None else None
    return known if known is not None and (known.name, known.start) == (function.name, old) else None


def _head_before(file: FileDiff, function: Function) -> int | None:
    """Where the head of a function stood that a change wrote anew: the one with its name that the change took away."""
    near: list[int] = []
    far: list[int] = []
    for hunk in file.hunks:
        first, last = hunk.new_range
        into = near if hunk.added and first <= function.start <= last else far
        heads = ((at, _DEFINES.match(text)) for at, text in enumerate(hunk.removed, hunk.old_start))
        into += [at for at, head in heads if head and _name(head.groupdict()) == function.name]
    found = near or far
    return found[0] if len(found) == 1 else None


def function_at(lines: Sequence[str], at: int) -> Function | None:
    """The innermost function that a line (from 1) lies in, told by its form and by indentation."""
    index = min(at, len(lines)) - 1
    while index >= 0 and not lines[index].strip():
        index -= 1
    limit = _indent(lines[index]) + 1 if index >= 0 else 0
    for start in range(index, max(-1, index - _LONGEST), -1):
        text = lines[start]
        if not text.strip() or (_indent(text) >= limit and start != index):
            continue
        if match := _DEFINES.match(text):
            end = _end(lines, start)
            return Function(_name(match.groupdict()), start + 1, end) if end > index else None
        limit = min(limit, _indent(text))
    return None


def _end(lines: Sequence[str], start: int) -> int:
    """The last line of what begins on a line: behind it stands something no deeper, but for what closes it."""
    own = _indent(lines[start])
    last = start
    for index in range(start + 1, min(len(lines), start + _LONGEST)):
        text = lines[index].strip()
        if not text:
            continue
        if _indent(lines[index]) <= own:
            return index + 1 if text[0] in ")}]" and _indent(lines[index]) == own else last + 1
        last = index
    return last + 1


def _indent(text: str) -> int:
    wide = text.expandtabs(4)
    return len(wide) - len(wide.lstrip())


def _name(groups: Mapping[str, str | None]) -> str:
    return next(value for value in groups.values() if value)
