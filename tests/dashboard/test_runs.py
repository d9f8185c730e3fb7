"""Test runs as figures: what fails, what flips, what is slow, what is not covered."""

from __future__ import annotations

import pytest

from sidecar.dashboard.runs import MOST_CASES, MOST_FILES, figures_of_coverage, figures_of_tests, ranges, run_figures
from sidecar.store.runs import Case, CaseOutcome, Coverage, Run, RunLine


def run(number: int, **outcomes: CaseOutcome) -> Run:
    cases = tuple(Case(name, outcome, number + 0.5, f"{name}.py", "why\nmore" if outcome == "failed" else "") for name, outcome in outcomes.items())  # fmt: skip
    return Run(float(number), 1.0, "pytest", "pytest", "passed", cases, id=number)


def line(number: int, covered: float | None = None) -> RunLine:
    return RunLine(number, float(number), 2.0, "pytest", "pytest -q", "failed", 3, 1, 0, covered)


def test_what_failed_most_or_flips_comes_first():
    runs = [
        run(4, steady="passed", broken="failed", flaky="passed", new="failed"),
        run(3, steady="passed", broken="failed", flaky="failed", gone="failed"),
        run(2, steady="passed", broken="failed", flaky="passed", skipped="skipped"),
        run(1, steady="passed", broken="failed", flaky="failed"),
    ]
    told = figures_of_tests([line(4), line(3)], runs)
    assert told.looked_at == 4
    assert [(c.id, c.failed, c.runs, c.flips, c.last) for c in told.failing] == [
        ("flaky", 2, 4, 3, "passed"), ("broken", 4, 4, 0, "failed"), ("gone", 1, 1, 0, "failed"), ("new", 1, 1, 0, "failed"),
    ]  # fmt: skip
    assert told.failing[0].message.startswith("why")
    assert [c.id for c in told.slowest][:2] == ["broken", "flaky"]
    assert told.slowest[-1].seconds == 3.5, "as long as it took when it last ran"
    assert not any(c.id == "skipped" for c in (*told.failing, *told.slowest))
    assert [r.id for r in told.runs] == [4, 3]


def test_a_skipped_run_of_a_test_is_no_flip():
    told = figures_of_tests([], [run(3, a="failed"), run(2, a="skipped"), run(1, a="failed")])
    assert (told.failing[0].flips, told.failing[0].runs) == (0, 2)


def test_lists_are_bounded():
    many = {f"t{n}": "failed" for n in range(100)}
    told = figures_of_tests([], [run(1, **many)])
    assert (len(told.failing), len(told.slowest)) == (MOST_CASES, MOST_CASES)


def test_coverage_lists_the_least_covered_and_what_changed():
    files = {f"f{n:03}.py": n / 1000 for n in range(MOST_FILES + 50)} | {"late.py": 1.0}
    found = Coverage(0.5, files, {"f000.py": [3, 4, 5, 9]}, "lcov")
    told = figures_of_coverage(found, run(7), [line(7, 0.5), line(6), line(5, 0.4)], {"late.py", "unknown.py"})
    assert (told.total, told.source, told.run, told.file_count) == (0.5, "lcov", 7, MOST_FILES + 51)
    assert (told.files[0].path, told.files[0].missed, told.files[0].missed_count) == ("f000.py", "3-5, 9", 4)
    assert [f.path for f in told.files if f.changed] == ["late.py"]
    assert len(told.files) == MOST_FILES + 1
    assert [(one.run, one.share) for one in told.trend] == [(5, 0.4), (7, 0.5)]


def test_without_a_report_there_is_the_trend_alone():
    told = figures_of_coverage(None, None, [line(2, 0.25)], ())
    assert (told.total, told.files, [one.share for one in told.trend]) == (None, [], [0.25])
    assert figures_of_coverage(Coverage(1.0), None, [], ()).run == 0


@pytest.mark.parametrize(
    ("numbers", "told"),
    [([], ""), ([1], "1"), ([1, 2, 3], "1-3"), ([1, 3, 4, 9], "1, 3-4, 9"), ([1, 3, 5, 7], "1, 3, …")],
)
def test_lines_as_ranges(numbers: list[int], told: str):
    assert ranges(numbers, 2 if told.endswith("…") else 5) == told


def test_a_run_in_the_list():
    told = run_figures(line(1, 0.5))
    assert (told.id, told.outcome, told.passed, told.failed, told.covered) == (1, "failed", 3, 1, 0.5)
