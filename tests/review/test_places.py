"""Which places are worth a comment: hazards before risks before what is only measured, neighbours together."""

from __future__ import annotations

import pytest

from sidecar.core.review import Finding, HunkRisk, LineRisk, RiskReport
from sidecar.review.places import LONGEST, MANNERS, Manners, candidates, near, nearest, reaches, tag, worth_saying


def risk(start: int, end: int, score: float = 0.3, file: str = "a.py") -> HunkRisk:
    return HunkRisk(file, start, end, score, tuple(LineRisk(n, score / 2) for n in range(start, end + 1)))


def finding(start: int, end: int = 0, file: str = "a.py", rule: str = "secret", *, hazard: bool = True) -> Finding:
    severity = "danger" if hazard else "notice"
    return Finding(
        rule, file, start, end or start, severity, "a thing", "This is it.", "It matters.", "Do that.", hazard
    )


def report(*hunks: HunkRisk, findings=(), score: float = 0.4, band: str = "high") -> RiskReport:
    return RiskReport(score, band, -1.0, "m@1", hunks=hunks, findings=tuple(findings))


def said(found: RiskReport | None, manners: Manners = MANNERS) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(one.start, one.band, one.tags) for one in worth_saying(found, manners)]


def test_hazards_come_first_whatever_their_place():
    found = report(risk(10, 12), risk(30, 31, 0.2), findings=[finding(50), finding(70, rule="copy", hazard=False)])
    assert said(found) == [
        (50, "critical", ("hazard:secret",)),
        (10, "high", ()),
        (30, "high", ()),
        (70, "medium", ("notice:copy",)),
    ]


def test_a_finding_on_risky_lines_is_told_with_their_risk():
    (one,) = worth_saying(report(risk(10, 12), findings=[finding(11)]))
    assert (one.start, one.end, one.band, one.score) == (11, 11, "critical", 0.3)
    assert one.hunk == risk(10, 12)


def test_a_notice_on_risky_lines_is_told_with_them():
    found = report(risk(10, 12, 0.2), risk(30, 31, 0.4), findings=[finding(11, rule="copy", hazard=False)])
    assert said(found) == [(30, "high", ()), (10, "high", ())]
    assert [one.findings for one in worth_saying(found)] == [(), found.findings], "it is told with the risk"


def test_findings_on_neighbouring_lines_are_one_place():
    (one,) = worth_saying(report(findings=[finding(10), finding(12, rule="force"), finding(13)]))
    assert one.start == 10
    assert one.tags == ("hazard:secret", "hazard:force")
    assert len(one.findings) == 3


@pytest.mark.parametrize(
    "found", [report(band="low", findings=[finding(5)]), report(findings=[finding(5)], score=0.01, band="low")]
)
def test_a_hazard_needs_no_risk(found):
    assert said(found) == [(5, "critical", ("hazard:secret",))]


def test_what_is_only_measured_is_silent_in_an_ordinary_change():
    assert said(report(risk(10, 12), band="low", findings=[finding(11, rule="copy", hazard=False)])) == []
    assert said(report(findings=[finding(11, rule="copy", hazard=False)])) == [], "and where nothing was scored"


def test_the_users_manners():
    found = report(risk(10, 12), risk(30, 31, 0.15), findings=[finding(50)])
    assert [start for start, *_ in said(found, Manners(floor="high"))] == [50, 10]
    assert [start for start, *_ in said(found, Manners(floor="critical"))] == [50]
    assert [start for start, *_ in said(found, Manners(findings=False))] == [10, 30]
    calm = report(risk(10, 12, 0.02), score=0.02, band="low")
    assert said(calm) == []
    assert said(calm, Manners(floor="low")) == [(10, "low", ())]


def test_a_long_finding_is_pointed_at_where_it_begins():
    (one,) = worth_saying(report(findings=[finding(10, 90)]))
    assert (one.start, one.end) == (10, 10 + LONGEST - 1)


def test_nothing_to_say():
    assert worth_saying(None) == []
    assert candidates(None) == []
    assert candidates(report(risk(1, 2, 0.0), band="high")) == [], "lines that are as old as they were"


def test_the_nearest_place():
    place = ("a.py", 10, 10)
    assert nearest(place, [("a.py", 5, 8), ("a.py", 11, 12), ("b.py", 10, 10)]) == 1
    assert nearest(place, [("b.py", 10, 10), ("a.py", 30, 30)]) is None
    assert near(place, ("a.py", 13, 14))
    assert not near(place, ("a.py", 14, 14))


def test_bands_and_tags():
    assert reaches("high", "medium")
    assert not reaches("low", "medium")
    assert tag(finding(1)) == "hazard:secret"
