"""A risk report for programs: as JSON in the documented shape, and as SARIF 2.1.0 for code scanners."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sidecar import __version__
from sidecar.core.review import Band, Finding, HunkRisk, Reason, RiskReport, Severity, unmarked
from sidecar.risk.explain import headline, main_reasons
from sidecar.risk.hazards.rules import RULES
from sidecar.risk.hazards.seen import Rule

_LEVELS: dict[Band, str] = {"low": "note", "medium": "note", "high": "warning", "critical": "error"}
_FOUND: dict[Severity, str] = {"danger": "error", "warning": "warning", "notice": "note"}
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
        "findings": [finding_json(finding) for finding in report.findings],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding in the documented shape, in plain text."""
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
        "remedy": finding.advice,
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
        "help": {"text": unmarked(rule.remedy), "markdown": rule.remedy},
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
