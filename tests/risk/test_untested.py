"""That no test touches a place is told as a plain fact: with its report, beside the score, without weight."""

from sidecar.core.diff import Change, FileDiff
from sidecar.core.review import HunkRisk, LineRisk, Reason, RiskReport, Touched
from sidecar.risk.untested import FEATURE, with_tests

WHY = Reason("ntok", 9.0, 0.5, "Its longest line has 9 tokens.")
CHANGE = Change((FileDiff("a.py", "modified"), FileDiff("b.py", "modified")))


def hunk(file, *lines):
    return HunkRisk(file, lines[0], lines[-1], 0.2, tuple(LineRisk(line, 0.1) for line in lines), (WHY,))


REPORT = RiskReport(0.3, "high", -1.0, "m@1", hunks=(hunk("a.py", 2, 3, 4), hunk("a.py", 9), hunk("b.py", 1, 2)))


class Asked:
    def __init__(self, **found):
        self.found = found
        self.asked = []

    def of(self, file):
        self.asked.append(file.path)
        return self.found.get(file.path.removesuffix(".py"))


def touched(ran=(), missed=()):
    return Touched(frozenset(ran), frozenset(missed), "lcov", 1_700_000_000.0)


def said(tests):
    report = with_tests(CHANGE, REPORT, tests)
    assert report.score == REPORT.score
    assert all(one.reasons[0] == WHY for one in report.hunks)
    return [[reason for reason in one.reasons if reason.feature == FEATURE] for one in report.hunks]


def test_what_no_test_touches():
    (first,), (second,), none = said(Asked(a=touched(ran=[5], missed=[2, 3, 9, 10])))
    assert first == Reason(FEATURE, 2.0, 0.0, "No test touches these lines (lcov, 2023-11-14 22:13 UTC).")
    assert second.text == "No test touches this line (lcov, 2023-11-14 22:13 UTC)."
    assert none == []


def test_what_tests_touch_in_part_or_throughout():
    (first,), second, _ = said(Asked(a=touched(ran=[2, 3, 9], missed=[4])))
    assert first.text == "Of 3 lines here that run, no test touches 1 (lcov, 2023-11-14 22:13 UTC)."
    assert second == []


def test_nothing_where_nothing_is_known_and_each_file_is_asked_for_once():
    tests = Asked(b=touched(ran=[7]))
    assert said(tests) == [[], [], []]
    assert tests.asked == ["a.py", "b.py"]
