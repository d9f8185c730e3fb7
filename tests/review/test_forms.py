"""A report as JSON and SARIF."""

import json
from dataclasses import replace

from sidecar.core.review import FileRisk, Finding, HunkRisk, LineRisk, Reason, RiskReport, Skipped
from sidecar.review.forms import as_json, as_sarif, shown

HUNKS = tuple(
    HunkRisk(
        "a b.py",
        n * 10,
        n * 10 + 2,
        n / 20,
        (LineRisk(n * 10, n / 40),),
        (Reason("f_nfix", 3, 0.2, "Was repaired 3 times."),),
    )
    for n in range(1, 11)
)
REPORT = RiskReport(
    score=0.62,
    band="critical",
    base=-1.5,
    model="jit-lr@1",
    ms=3.25,
    commit="a" * 40,
    files=(FileRisk("a b.py", 0.62),),
    hunks=HUNKS,
    reasons=(
        Reason("tokens", 90, 0.8, "It adds much."),
        Reason("nuc", 1, -0.2, ""),
        Reason("exp", 5, -0.3, "Known author."),
    ),
    skipped=(Skipped("d.md", "documentation"),),
)


FOUND = (
    Finding("secret", "a b.py", 4, 4, "danger", "a secret", "This line holds one.", "It matters.", "Out with it."),
    Finding("copy", "a b.py", 9, 10, "notice", "a copy", "This line copies.", "It matters.", "Check it.", hazard=False),
)


def test_json_has_everything():
    found = as_json(REPORT)
    assert list(found)[:5] == ["commit", "score", "band", "ms", "model"]
    assert found["hunks"][0]["lines"] == [{"line": 10, "score": 0.025}]
    assert found["reasons"][1] == {"feature": "nuc", "value": 1, "effect": -0.2, "text": ""}
    assert found["skipped"] == [{"file": "d.md", "why": "documentation"}]
    json.dumps(found)


def test_sarif():
    found = as_sarif([REPORT, RiskReport(0.05, "low", 0.0, "jit-lr@1", files=REPORT.files, hunks=HUNKS)])
    assert found["version"] == "2.1.0"
    (sarif,) = found["runs"]
    assert len(sarif["results"]) == len(HUNKS)
    first = sarif["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.py"
    assert place["region"] == {"startLine": 100, "endLine": 102}
    assert first["level"] == "error"
    assert first["ruleId"] == sarif["tool"]["driver"]["rules"][first["ruleIndex"]]["id"]
    assert 0 <= first["rank"] <= 100


def test_bytes_that_are_no_text_are_shown_as_such():
    assert shown(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\ufffd"


def test_findings_in_json():
    found = as_json(replace(REPORT, findings=FOUND))
    assert found["findings"][0] == {
        "rule": "secret",
        "hazard": True,
        "severity": "danger",
        "file": "a b.py",
        "start": 4,
        "end": 4,
        "title": "a secret",
        "what": "This line holds one.",
        "why": "It matters.",
        "remedy": "Out with it.",
    }
    assert as_json(REPORT)["findings"] == []
    marked = replace(FOUND[0], remedy="Run `git rm` on it.")
    assert as_json(replace(REPORT, findings=(marked,)))["findings"][0]["remedy"] == "Run git rm on it."


def test_findings_are_results_with_rules_of_their_own():
    (sarif,) = as_sarif([replace(REPORT, band="low", findings=FOUND)])["runs"]
    rules = sarif["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert [(one["ruleId"], one["level"]) for one in sarif["results"]] == [("secret", "error"), ("copy", "note")]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in sarif["results"])
    help_ = {rule["id"]: rule["help"] for rule in rules[1:]}["credential-file"]
    assert "`" not in "".join(one["message"]["text"] for one in sarif["results"]) + help_["text"]
    assert "`" in help_["markdown"], "where Markdown is drawn, commands are code"
