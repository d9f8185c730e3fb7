"""Runs of the tests as figures: history, what fails or flips, what is slow, what is covered. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from sidecar.dashboard import values
from sidecar.store.runs import Case, Coverage, Run, RunLine

MOST_CASES: Final = 25
"""Tests that each list holds."""
MOST_FILES: Final = 200
"""Files that the coverage lists; changed ones come on top."""
_MOST_RANGES: Final = 12
_MOST_TEXT: Final = 300


def figures_of_tests(lines: Sequence[RunLine], runs: Sequence[Run]) -> values.TestsFigures:
    """The figures of runs without their tests, and of some with them; both the newest first."""
    cases = _cases(runs)
    failing = [case for case in cases if case.failed]
    slow = [case for case in cases if case.seconds > 0]
    return values.TestsFigures(
        runs=[run_figures(line) for line in lines],
        looked_at=len(runs),
        failing=sorted(failing, key=lambda case: (-(case.failed + case.flips), -case.flips, case.id))[:MOST_CASES],
        slowest=sorted(slow, key=lambda case: (-case.seconds, case.id))[:MOST_CASES],
    )


def run_figures(line: RunLine) -> values.RunFigures:
    """One run as the list shows it."""
    return values.RunFigures(
        line.id,
        line.started,
        line.seconds,
        values.plain(line.runner),
        values.plain(line.command)[:_MOST_TEXT],
        line.outcome,
        line.passed,
        line.failed,
        line.skipped,
        line.covered,
    )


def figures_of_coverage(
    found: Coverage | None, run: Run | None, lines: Sequence[RunLine], changed: Collection[str]
) -> values.CoverageFigures:
    """The figures of a report, of the run that left it (None: it lay in the workspace), and of the runs, the newest first.

    `changed` are paths as the report spells them.
    """
    trend = [
        values.Covered(line.id, line.started, line.covered) for line in reversed(lines) if line.covered is not None
    ]
    if found is None:
        return values.CoverageFigures(None, "", 0, 0.0, trend, 0, [])
    least = sorted(found.files, key=lambda path: (found.files[path], path))
    kept = [path for path in least if path in changed][:MOST_FILES] + least[:MOST_FILES]
    files = [_file(found, path, changed=path in changed) for path in dict.fromkeys(kept)]
    return values.CoverageFigures(
        total=found.total,
        source=values.plain(found.source),
        run=run.id if run is not None else 0,
        started=run.started if run is not None else 0.0,
        trend=trend,
        file_count=len(found.files),
        files=sorted(files, key=lambda file: (file.share, file.path)),
    )


def ranges(numbers: Sequence[int], most: int = _MOST_RANGES) -> str:
    """Rising line numbers as ranges, `3-7, 12`; an ellipsis where there are more than `most`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in found[:most]]
    return ", ".join([*told, "…"] if len(found) > most else told)


def _file(found: Coverage, path: str, *, changed: bool) -> values.FileCoverage:
    missed = found.missed.get(path, [])
    return values.FileCoverage(values.plain(path), found.files[path], ranges(missed), len(missed), changed)


def _cases(runs: Sequence[Run]) -> list[values.CaseFigures]:
    seen: dict[str, list[Case]] = defaultdict(list)
    for run in runs:
        for case in {case.id: case for case in run.cases}.values():
            if case.outcome != "skipped":
                seen[case.id].append(case)
    return [_case(cases) for cases in seen.values()]


def _case(cases: Sequence[Case]) -> values.CaseFigures:
    """One test, as each run had it, the newest first."""
    newest = cases[0]
    message = next((case.message for case in cases if case.outcome == "failed"), "")
    return values.CaseFigures(
        id=values.plain(newest.id)[:_MOST_TEXT],
        file=values.plain(newest.file),
        runs=len(cases),
        failed=sum(case.outcome == "failed" for case in cases),
        flips=sum(one.outcome != other.outcome for one, other in pairwise(cases)),
        last=newest.outcome,
        seconds=round(newest.seconds, 3),
        message=values.plain(message)[:_MOST_TEXT],
    )
