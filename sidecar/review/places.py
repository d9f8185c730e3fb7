"""Which places of a change are worth a comment: plain hazards first, then the riskiest, then what was only measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidecar.core.review import Band, Finding, HunkRisk, RiskReport, Severity

BUDGET: Final = 5
"""Comments that a change gets at most, where the user sets nothing else."""

NEAR: Final = 3
"""Lines between two places that still share one comment."""

LONGEST: Final = 8
"""Lines that a comment points at, at most: the riskiest of a long stretch."""

BANDS: Final[tuple[Band, ...]] = ("low", "medium", "high", "critical")

_STANDS_OUT = 0.25
"""Share of the riskiest place's score from which another place is worth a comment."""

_GRAVE: Final[dict[Severity, Band]] = {"danger": "critical", "warning": "high", "notice": "medium"}
"""How a finding is coloured beside the bands of scores."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How much is said: at most `budget` comments a change, none of a risk below `floor`, none of rules without `findings`.

    A plain hazard is told whatever the floor.
    """

    budget: int = BUDGET
    floor: Band = "medium"
    findings: bool = True


MANNERS: Final = Manners()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that would be worth a comment: the lines to point at, the hunk that they belong to, what rules found there."""

    hunk: HunkRisk | None
    start: int
    end: int
    band: Band
    file: str
    findings: tuple[Finding, ...] = ()

    @property
    def place(self) -> tuple[str, int, int]:
        """Path, first and last line."""
        return self.file, self.start, self.end

    @property
    def kind(self) -> str:
        """What it is about, in a word: the gravest rule, or `risk`."""
        return self.findings[0].rule if self.found else "risk"

    @property
    def found(self) -> bool:
        """Whether a finding leads: a hazard, or one where no risk is. Beside a risk, what is only measured is a line more."""
        return self.hazard or (bool(self.findings) and self.hunk is None)

    @property
    def score(self) -> float:
        """That of its hunk; 0 where lines are none that are scored."""
        return self.hunk.score if self.hunk else 0.0

    @property
    def hazard(self) -> bool:
        """Whether a rule found something that is plainly one."""
        return any(finding.hazard for finding in self.findings)

    @property
    def tags(self) -> tuple[str, ...]:
        """The rules, as a thread keeps them; none where a risk leads."""
        return tuple(dict.fromkeys(tag(finding) for finding in self.findings)) if self.found else ()


def tag(finding: Finding) -> str:
    """How a thread notes which rule it speaks of."""
    return f"{'hazard' if finding.hazard else 'notice'}:{finding.rule}"


def rules(tags: Iterable[str]) -> tuple[str, ...]:
    """Those of a thread's tags that name rules."""
    return tuple(each for each in tags if each.startswith(("hazard:", "notice:")))


def near(place: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    """Whether two ranges of lines (path, first, last) share a comment."""
    return place[0] == other[0] and place[1] <= other[2] + NEAR and other[1] <= place[2] + NEAR


def reaches(band: Band, floor: Band) -> bool:
    """Whether a band is at least as grave as another."""
    return BANDS.index(band) >= BANDS.index(floor)


def candidates(report: RiskReport | None, floor: Band = "medium") -> list[Candidate]:
    """Places that the score makes worth a comment, the riskiest first; none in a change below the floor.

    A place with less than half of the change's score counts one band lower than the change; the riskiest never does.
    """
    if report is None or not reaches(report.band, floor) or not report.hunks:
        return []
    ranked = sorted(report.hunks, key=lambda hunk: (-hunk.score, hunk.file, hunk.start))
    top = ranked[0].score
    found = []
    for hunk in ranked:
        band = report.band if hunk is ranked[0] or 2 * hunk.score >= report.score else _lower(report.band)
        if reaches(band, floor) and hunk.score >= _STANDS_OUT * top and hunk.score > 0:
            found.append(Candidate(hunk, *_spot(hunk), band, hunk.file))
    return found


def worth_saying(report: RiskReport | None, manners: Manners = MANNERS) -> list[Candidate]:
    """All places that are worth a comment, in the order in which they get one.

    Findings on neighbouring lines are one place; a risky place beside them is told with them. What a rule only
    measured is told where the change as a whole reaches the floor.
    """
    risky = candidates(report, manners.floor)
    if report is None or not manners.findings:
        return risky
    loud = reaches(report.band, manners.floor) and bool(report.hunks)
    groups = _grouped(finding for finding in report.findings if finding.hazard or loud)
    joined: list[Candidate] = []
    for group in groups:
        beside = next((one for one in risky if near(one.place, group.place)), None)
        if beside is not None and not group.hazard:
            risky[risky.index(beside)] = replace(beside, findings=(*beside.findings, *group.findings))
        elif beside is not None:
            risky.remove(beside)
            joined.append(replace(group, hunk=beside.hunk, band=max(beside.band, group.band, key=BANDS.index)))
        else:
            joined.append(group)
    return [*(one for one in joined if one.hazard), *risky, *(one for one in joined if not one.hazard)]


def _grouped(found: Iterable[Finding]) -> list[Candidate]:
    """Findings (the gravest first) as places; those on neighbouring lines are one, where the gravest stands."""
    groups: list[Candidate] = []
    for finding in found:
        own = Candidate(
            None,
            finding.start,
            min(finding.end, finding.start + LONGEST - 1),
            _GRAVE[finding.severity],
            finding.file,
            (finding,),
        )
        at = next((n for n, group in enumerate(groups) if near(group.place, own.place)), None)
        if at is None:
            groups.append(own)
        else:
            groups[at] = replace(groups[at], findings=(*groups[at].findings, finding))
    return groups


def _spot(hunk: HunkRisk) -> tuple[int, int]:
    """The lines of a hunk to point at: all of a short one, else the stretch that holds the most risk."""
    if hunk.end - hunk.start < LONGEST:
        return hunk.start, hunk.end
    risk = {line.line: line.score for line in hunk.lines}
    if not risk:
        return hunk.start, hunk.start + LONGEST - 1
    starts = range(hunk.start, hunk.end - LONGEST + 2)
    best = max(starts, key=lambda start: (sum(risk.get(start + n, 0.0) for n in range(LONGEST)), -start))
    inside = [line for line in range(best, best + LONGEST) if line in risk]
    return inside[0], inside[-1]


def _lower(band: Band) -> Band:
    return BANDS[max(0, BANDS.index(band) - 1)]


def nearest(place: tuple[str, int, int], places: Sequence[tuple[str, int, int]]) -> int | None:
    """Which of several places shares a comment with this one: the index of the nearest, None when none does."""
    fit = [
        (max(place[1] - other[2], other[1] - place[2], 0), at) for at, other in enumerate(places) if near(place, other)
    ]
    return min(fit)[1] if fit else None
