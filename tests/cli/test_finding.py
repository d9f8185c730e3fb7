"""A finding on one line, its mend below it; programs that answer and programs that do not."""

from __future__ import annotations

import sys

import pytest

from sidecar.cli.finding import Finding, first_line


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding("git", "ok", "2.39", "not shown"), "ok    git        2.39"),
        (Finding("git", "fail", "old"), "fail  git        old"),
        (Finding("git", "warn", "old", "get a new one"), f"warn  git        old\n{'':<17}→ get a new one"),
    ],
)
def test_a_line(finding, line):
    assert finding.line() == line


@pytest.mark.parametrize(
    ("code", "said"),
    [("print('one\\ntwo')", "one"), ("raise SystemExit(1)", ""), ("pass", ""), ("print('x'); raise SystemExit(3)", "")],
)
def test_the_first_line_of_a_program(code, said):
    assert first_line([sys.executable, "-c", code]) == said


def test_a_program_that_is_not_there():
    assert first_line(["/no/such/program"]) == ""
