"""A review without a model: places with reasons, what to verify, and that it is none of a model."""

from __future__ import annotations

from dataclasses import replace

from sidecar.core.critique import NamedChange
from sidecar.core.review import Finding
from sidecar.critique.facts import from_facts
from sidecar.critique.told import as_markdown
from tests.critique.making import change, file, scored


def test_the_riskiest_places_are_its_comments():
    made = change(
        file("a.py", (10, [], ["x"] * 3)), file("db/migrations/1.sql", (1, [], ["y"])), file("i.png", reason="binary")
    )
    found = from_facts(made, scored(("a.py", 10, 12, 0.5), ("db/migrations/1.sql", 1, 1, 0.01)))
    assert found.by == "facts"
    assert [(r.file, r.start, r.end, r.severity) for r in found.remarks] == [("a.py", 10, 12, "high")]
    assert "about 50 of 100" in found.remarks[0].body
    assert found.checklist == (
        "No test changes with it: say how it was tried.",
        "It changes data or its schema: try it on a copy, and say how to go back.",
    )
    assert found.unread[0].place == "i.png"
    assert "No model was asked" in as_markdown(found, NamedChange())


def test_a_quiet_change_has_no_comment():
    found = from_facts(change(file("tests/test_a.py", (1, [], ["x"]))), scored(band="low", score=0.01))
    assert found.remarks == ()
    assert "Tests that change with it" in found.checklist[0]


def test_what_a_rule_found_is_named_once():
    hazard = Finding(
        "force", "a.py", 10, 10, "warning", "a guard is overridden", "It forces.", "It matters.", "Use `git push`."
    )
    report = replace(scored(("a.py", 10, 12, 0.5)), findings=(hazard,))
    found = from_facts(change(file("a.py", (10, [], ["x"] * 3))), report)
    (remark,) = found.remarks
    assert remark.title == "Hazard: a guard is overridden"
    assert remark.body.startswith("It forces.\n\nIt matters. Use `git push`.")
    comments = as_markdown(found, NamedChange()).partition("## Before merging")[0]
    assert comments.count("Hazard: a guard is overridden") == 1
