"""A risk report in words, for a terminal."""

from __future__ import annotations

import re

from sidecar.cli.output import paint
from sidecar.core.review import Band, HunkRisk, Reason, RiskReport, Severity
from sidecar.review.forms import shown
from sidecar.review.words import head
from sidecar.risk.explain import headline, main_reasons
from sidecar.trace import neutralise

_COLORS: dict[Band, str] = {"low": "green", "medium": "yellow", "high": "red", "critical": "red"}
_SEVERITY: dict[Severity, str] = {"danger": "red", "warning": "yellow", "notice": "yellow"}
_MOST_HUNKS = 8
_MOST_SKIPPED = 3


def as_text(report: RiskReport, *, verbose: bool = False) -> str:
    """A few lines for people: the score as a frequency, the main reasons, the places to look at first."""
    head = f"{report.commit[:12]}  " if report.commit else ""
    score = paint(f"{report.band} {report.score:.2f}", _COLORS[report.band])
    lines = [f"{head}{score}  {headline(report)}"]
    reasons = main_reasons(report, 20 if verbose else 3) if report.files else ()
    lines += [f"  {_arrow(reason)} {reason.text}" for reason in reasons]
    lines += _found(report, verbose=verbose)
    risky = (hunk for hunk in report.hunks if hunk.score > 0)
    hunks = sorted(risky, key=lambda hunk: (-hunk.score, hunk.file, hunk.start))
    if hunks:
        lines.append("  Look first at:")
        places = [_place(hunk) for hunk in hunks[:_MOST_HUNKS]]
        width = max(map(len, places))
        for place, hunk in zip(places, hunks, strict=False):
            why = f"  {hunk.reasons[0].text}" if hunk.reasons else ""
            lines.append(f"    {place:<{width}}  {hunk.score:.2f}{why}")
            lines += [f"      {reason.text}" for reason in hunk.reasons if reason.effect == 0 and reason.text]
        if len(hunks) > _MOST_HUNKS:
            lines.append(f"    and {len(hunks) - _MOST_HUNKS} more places with less")
    if report.skipped and (verbose or not hunks):
        lines.append("  Not scored:")
        lines += [f"    {neutralise(item.file)}: {item.why}" for item in report.skipped]
    elif report.skipped:
        named = ", ".join(f"{neutralise(item.file)} ({_short(item.why)})" for item in report.skipped[:_MOST_SKIPPED])
        more = len(report.skipped) - _MOST_SKIPPED
        lines.append(f"  Not scored: {named}{f' and {more} more' if more > 0 else ''}")
    return shown("\n".join(lines))


def _found(report: RiskReport, *, verbose: bool) -> list[str]:
    """The findings, plain hazards always, the others where the change is more than ordinary."""
    told = [one for one in report.findings if verbose or one.hazard or report.band != "low"]
    lines = []
    for one in told if verbose else told[:_MOST_HUNKS]:
        place = f"{neutralise(one.file)}:{one.start}" + (f"-{one.end}" if one.end != one.start else "")
        lines.append(f"  {paint(head(one), _SEVERITY[one.severity])}  {place}")
        lines.append(f"    {one.what} {one.advice}")
    more = len(told) - _MOST_HUNKS
    return [*lines, f"  and {more} more findings"] if more > 0 and not verbose else lines


def _short(why: str) -> str:
    """A reason without what explains it."""
    return re.split(r"[:(]", why)[0].strip()


def _arrow(reason: Reason) -> str:
    if reason.effect == 0:
        return "·"
    return paint("▲", "red") if reason.effect > 0 else paint("▼", "green")


def _place(hunk: HunkRisk) -> str:
    return f"{neutralise(hunk.file)}:{hunk.start}" + (f"-{hunk.end}" if hunk.end != hunk.start else "")
