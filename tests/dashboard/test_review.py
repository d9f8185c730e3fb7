"""The change by risk as figures."""

from __future__ import annotations

from sidecar.core.ports import ReviewState
from sidecar.core.review import Anchor, FileOutline, HunkOutline, RiskReport, Thread
from sidecar.dashboard.review import MOST_FILES, figures_of_review, no_review

REPORT = RiskReport(score=0.31, band="high", base=-2.0, model="m@1")
FILE = FileOutline("a.py", "modified", 3, 1, None, 0.3, "high", "", (HunkOutline(1, 2, 0.1, "low"), HunkOutline(4, 5, 0.3, "high", "Repaired 9 times.")))  # fmt: skip


def thread(path: str, state: str = "open") -> Thread:
    return Thread(f"{path}{state}", Anchor(path, 1, 1, ("x",)), state, 0.3, "high", (), 1.0, 1.0)


def test_files_carry_their_first_reason_and_open_threads():
    state = ReviewState(3, (thread("a.py"), thread("a.py", "resolved"), thread("b.py")), report=REPORT)
    told = figures_of_review("Working tree", state, [FILE, FileOutline("<img>\udcff.py", "added", 1, 0, None, None, None, "generated", ())])  # fmt: skip
    assert (told.score, told.band, told.open_threads, told.threads) == (0.31, "high", 2, {"high": 2})
    assert "about 31 of 100" in told.sentence
    first, second = told.files
    assert (first.reason, first.threads, first.added, first.removed) == ("Repaired 9 times.", 1, 3, 1)
    assert (second.path, second.why, second.score) == ("<img>�.py", "generated", None)


def test_many_files_are_counted_and_some_listed():
    told = figures_of_review("x", ReviewState(1, ()), [FILE] * (MOST_FILES + 1))
    assert (len(told.files), told.file_count, told.score, told.sentence) == (MOST_FILES, MOST_FILES + 1, None, "")


def test_where_there_is_no_review_a_sentence_stands():
    told = no_review("This folder is not in a git repository.")
    assert (told.note, told.files, told.open_threads) == ("This folder is not in a git repository.", [], 0)
