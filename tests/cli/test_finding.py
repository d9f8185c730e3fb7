"""A finding on one line, its mend below it; programs that answer and programs that do not."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from sidecar.cli import finding as findings
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


def test_whatever_is_not_well_comes_with_what_mends_it():
    """In all that `sidecar doctor` can say; a mark or a mend that is worked out is looked at where it is tested."""
    told = 0
    for path in sorted(Path(findings.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"):
                continue
            mark = node.args[1]
            if isinstance(mark, ast.Constant) and mark.value == "ok":
                continue
            told += 1
            assert len(node.args) == 4, f"{path.name}:{node.lineno} says no mend"
            mend = node.args[3]
            assert not isinstance(mend, ast.Constant) or mend.value, f"{path.name}:{node.lineno} has an empty mend"
    assert told > 40
