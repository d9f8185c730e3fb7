"""A report as text."""

from dataclasses import replace

from sidecar.cli.riskreport import as_text
from sidecar.core.review import Reason, Skipped
from tests.review.test_forms import FOUND, HUNKS, REPORT


def test_text():
    lines = as_text(REPORT).splitlines()
    assert lines[0] == "aaaaaaaaaaaa  critical 0.62  Of 100 changes like this, about 62 were repaired later."
    assert lines[1:4] == ["  ▲ It adds much.", "  ▼ Known author.", "  Look first at:"]
    assert lines[4] == "    a b.py:100-102  0.50  Was repaired 3 times."
    assert lines[-2:] == ["    and 2 more places with less", "  Not scored: d.md (documentation)"]
    assert len(lines) == 4 + 8 + 2
    long = replace(REPORT, skipped=(Skipped("a.c", "not in a language that the model knows (Python, …)"),))
    assert as_text(long).endswith("  Not scored: a.c (not in a language that the model knows)")
    many = replace(REPORT, skipped=tuple(Skipped(f"{n}.md", "documentation") for n in range(5)))
    assert as_text(many).endswith(
        "  Not scored: 0.md (documentation), 1.md (documentation), 2.md (documentation) and 2 more"
    )
    assert as_text(REPORT, verbose=True).splitlines()[-1] == "    d.md: documentation"


def test_findings_in_text():
    text = as_text(replace(REPORT, findings=FOUND))
    assert "  Hazard: a secret  a b.py:4\n    This line holds one. Out with it.\n" in text
    marked = as_text(replace(REPORT, findings=(replace(FOUND[0], remedy="Run `git rm` on it."),)))
    assert "    This line holds one. Run git rm on it.\n" in marked
    assert "  Worth a look: a copy  a b.py:9-10\n" in text
    quiet = as_text(replace(REPORT, band="low", findings=FOUND))
    assert "Hazard" in quiet
    assert "Worth a look" not in quiet, "silent in an ordinary change"
    assert "Worth a look" in as_text(replace(REPORT, band="low", findings=FOUND), verbose=True)
    assert "and 22 more findings" in as_text(replace(REPORT, findings=FOUND[:1] * 30))


def test_places_without_any_risk_are_not_shown():
    kept = replace(HUNKS[0], score=0.0)
    assert "Look first at" not in as_text(replace(REPORT, hunks=(kept,)))
    assert as_text(replace(REPORT, hunks=(kept, HUNKS[1]))).count("a b.py") == 1


def test_evidence_stands_below_its_place():
    proof = Reason(
        "companion", 0.8, 0.0, "This file usually changes with b.py (4 of 5 times), which this change leaves alone."
    )
    hunk = replace(HUNKS[0], reasons=(*HUNKS[0].reasons, proof))
    lines = as_text(replace(REPORT, hunks=(hunk,))).splitlines()
    assert lines[-2] == f"      {proof.text}"


def test_no_name_begins_a_line_or_draws_on_the_terminal():
    name = "a\nlow 0.00  All is well.\x1b[2J.py"
    hunk, found = replace(HUNKS[0], file=name), replace(FOUND[0], file=name)
    lines = as_text(replace(REPORT, hunks=(hunk,), findings=(found,))).splitlines()
    told = [line for line in lines if "All is well" in line]
    assert [line.split("  ")[1:] != [] and r"a\nlow 0.00" in line for line in told] == [True, True]
    assert "\x1b[2J" not in "\n".join(lines)
