"""A risk report in words, as JSON in the documented shape, and as SARIF 2.1.0."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sidecar import __version__
from sidecar.cli.output import paint
from sidecar.core.review import Band, Finding, HunkRisk, Reason, RiskReport, Severity
from sidecar.review.words import head
from sidecar.risk.explain import headline, main_reasons
from sidecar.risk.hazards.rules import RULES
from sidecar.risk.hazards.seen import Rule

_COLORS: dict[Band, str] = {"low": "green", "medium": "yellow", "high": "red", "critical": "red"}
_LEVELS: dict[Band, str] = {"low": "note", "medium": "note", "high": "warning", "critical": "error"}
_SEVERITY: dict[Severity, str] = {"danger": "red", "warning": "yellow", "notice": "yellow"}
_FOUND: dict[Severity, str] = {"danger": "error", "warning": "warning", "notice": "note"}
_MOST_HUNKS = 8
_MOST_RESULTS = 25
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(report: RiskReport) -> dict[str, Any]:
    """The documented object. `base` and the effects of all reasons add up to logit(score)."""
    return {
        "commit": report.commit,
        "score": report.score,
        "band": report.band,
        "ms": report.ms,
        "model": report.model,
        "base": report.base,
        "files": [{"file": shown(file.file), "score": file.score} for file in report.files],
        "hunks": [_hunk(hunk) for hunk in report.hunks],
        "reasons": [_reason(reason) for reason in report.reasons],
        "skipped": [{"file": shown(item.file), "why": item.why} for item in report.skipped],
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "hazard": finding.hazard,
        "severity": finding.severity,
        "file": shown(finding.file),
        "start": finding.start,
        "end": finding.end,
        "title": finding.title,
        "what": shown(finding.what),
        "why": finding.why,
        "remedy": finding.remedy,
    }


def _hunk(hunk: HunkRisk) -> dict[str, Any]:
    return {
        "file": shown(hunk.file),
        "start": hunk.start,
        "end": hunk.end,
        "score": hunk.score,
        "lines": [{"line": line.line, "score": line.score} for line in hunk.lines],
        "reasons": [_reason(reason) for reason in hunk.reasons],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"feature": reason.feature, "value": reason.value, "effect": reason.effect, "text": shown(reason.text)}


def as_text(report: RiskReport, *, verbose: bool = False) -> str:
    """A few lines for people: the score as a frequency, the main reasons, the places to look at first."""
    head = f"{report.commit[:12]}  " if report.commit else ""
    score = paint(f"{report.band} {report.score:.2f}", _COLORS[report.band])
    lines = [f"{head}{score}  {headline(report)}"]
    reasons = main_reasons(report, 20 if verbose else 3) if report.files else ()
    lines += [f"  {_arrow(reason)} {reason.text}" for reason in reasons]
    lines += _found(report, verbose=verbose)
    hunks = sorted(report.hunks, key=lambda hunk: (-hunk.score, hunk.file, hunk.start))
    if hunks:
        lines.append("  Look first at:")
        places = [_place(hunk) for hunk in hunks[:_MOST_HUNKS]]
        width = max(map(len, places))
        for place, hunk in zip(places, hunks, strict=False):
            why = f"  {hunk.reasons[0].text}" if hunk.reasons else ""
            lines.append(f"    {place:<{width}}  {hunk.score:.2f}{why}")
        if len(hunks) > _MOST_HUNKS:
            lines.append(f"    and {len(hunks) - _MOST_HUNKS} more places with less")
    if report.skipped and (verbose or not hunks):
        lines.append("  Not scored:")
        lines += [f"    {item.file}: {item.why}" for item in report.skipped]
    return shown("\n".join(lines))


def _found(report: RiskReport, *, verbose: bool) -> list[str]:
    """The findings, plain hazards always, the others where the change is more than ordinary."""
    told = [one for one in report.findings if verbose or one.hazard or report.band != "low"]
    lines = []
    for one in told if verbose else told[:_MOST_HUNKS]:
        place = f"{one.file}:{one.start}" + (f"-{one.end}" if one.end != one.start else "")
        lines.append(f"  {paint(head(one), _SEVERITY[one.severity])}  {place}")
        lines.append(f"    {one.what} {one.remedy}")
    more = len(told) - _MOST_HUNKS
    return [*lines, f"  and {more} more findings"] if more > 0 and not verbose else lines


def _arrow(reason: Reason) -> str:
    if reason.effect == 0:
        return "·"
    return paint("▲", "red") if reason.effect > 0 else paint("▼", "green")


def _place(hunk: HunkRisk) -> str:
    return f"{hunk.file}:{hunk.start}" + (f"-{hunk.end}" if hunk.end != hunk.start else "")


def as_sarif(reports: Sequence[RiskReport]) -> dict[str, Any]:
    """One SARIF run with a result for each of the riskiest places of changes that are more than low, and for each finding."""
    results = [_found_result(report, finding) for report in reports for finding in report.findings]
    results += [
        _result(report, hunk)
        for report in reports
        if report.band != "low"
        for hunk in sorted(report.hunks, key=lambda item: -item.score)[:_MOST_RESULTS]
        if hunk.lines
    ]
    driver = {
        "name": "sidecar",
        "version": __version__,
        "rules": [
            {
                "id": "risk",
                "name": "RiskyChange",
                "shortDescription": {"text": "Changes like this were often repaired later."},
                "defaultConfiguration": {"level": "note"},
            },
            *map(_sarif_rule, RULES),
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": f"{rule.title[0].upper()}{rule.title[1:]}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": _FOUND[rule.severity]},
        "properties": {"tags": ["hazard" if rule.hazard else "measured"]},
    }


def _found_result(report: RiskReport, finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": 1 + [rule.id for rule in RULES].index(finding.rule),
        "level": _FOUND[finding.severity],
        "message": {"text": shown(finding.text)},
        "locations": [_location(finding.file, finding.start, finding.end)],
        "properties": {"hazard": finding.hazard, "commit": report.commit},
    }


def _location(file: str, start: int, end: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(os.fsencode(file))},
            "region": {"startLine": start, "endLine": end},
        }
    }


def _result(report: RiskReport, hunk: HunkRisk) -> dict[str, Any]:
    reasons = [reason.text for reason in (*hunk.reasons, *main_reasons(report))]
    return {
        "ruleId": "risk",
        "ruleIndex": 0,
        "level": _LEVELS[report.band],
        "message": {"text": shown(" ".join([headline(report), *reasons]))},
        "locations": [_location(hunk.file, hunk.start, hunk.end)],
        "rank": round(100 * hunk.score, 3),
        "properties": {"score": hunk.score, "changeScore": report.score, "commit": report.commit},
    }


def shown(text: str) -> str:
    """Text that every encoding of Unicode can carry: bytes of a name that are no UTF-8 become replacement marks."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
