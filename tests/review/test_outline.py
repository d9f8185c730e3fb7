"""A change as a list of files by risk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import FileRisk, HunkRisk, Reason, RiskReport, Skipped
from sidecar.review.outline import outline
from sidecar.risk.model import load

FILES = (
    FileDiff("a.py", "modified", (Hunk(1, 1, ("old",), ("new", "more")),)),
    FileDiff("b.py", "renamed", (Hunk(3, 3, (), ("x",)),), old_path="c.py"),
    FileDiff("docs.md", "added", (Hunk(0, 1, (), ("text",)),)),
    FileDiff("logo.png", "added", binary=True, reason="binary"),
)
REPORT = RiskReport(
    score=0.5, band="critical", base=0.0, model="m@1",
    files=(FileRisk("a.py", 0.2), FileRisk("b.py", 0.4)),
    hunks=(
        HunkRisk("a.py", 1, 2, 0.2),
        HunkRisk("b.py", 9, 9, 0.1),
        HunkRisk("b.py", 3, 4, 0.4, (), (Reason("f", 1, -1.0, "It calms."), Reason("g", 1, 0.3, "It was repaired often."))),
    ),
    skipped=(Skipped("docs.md", "documentation"),),
)  # fmt: skip


def test_the_riskiest_file_comes_first_and_what_has_no_score_last():
    found = outline(Change(FILES), REPORT)
    assert [(file.path, file.score, file.band, file.why) for file in found] == [
        ("b.py", 0.4, "high", ""),
        ("a.py", 0.2, "medium", ""),
        ("docs.md", None, None, "documentation"),
        ("logo.png", None, None, "binary"),
    ]
    first = found[0]
    assert (first.old_path, first.status, first.added, first.removed) == ("c.py", "renamed", 1, 0)
    assert [(hunk.start, hunk.end, hunk.band, hunk.reason) for hunk in first.hunks] == [
        (3, 4, "high", "It was repaired often."),
        (9, 9, "low", ""),
    ]


@pytest.mark.parametrize("whole", [0.05, 0.2, 0.4, 0.9])
def test_the_same_number_has_the_same_word_for_the_change_a_file_and_a_place(whole):
    model = load()
    hunk = HunkRisk("a.py", 1, 2, whole)
    report = RiskReport(whole, model.band(whole), 0.0, "m@1", files=(FileRisk("a.py", whole),), hunks=(hunk,))
    part = replace(report, score=0.95, band="critical")
    for said in (report, part):
        (file,) = outline(Change(FILES[:1]), said)
        assert file.band == file.hunks[0].band == model.band(whole)


def test_without_a_report_files_have_no_score():
    assert [(file.path, file.score) for file in outline(Change(FILES[:1]), None)] == [("a.py", None)]
    assert outline(None, None) == ()
