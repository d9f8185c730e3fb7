"""Threads as diagnostics: what is told again in the same words, and what is news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.core.review import Anchor, Band, Comment, Finding, Thread
from sidecar.endpoint.ide.findings import Findings, diagnostic
from sidecar.review.words import found

_REMEDY = 'Write `"${NAME:?}/…"` or `git push --force-with-lease`.'
FORCED = Finding("force", "a.py", 10, 10, "warning", "a force", "It forces.", "It matters.", _REMEDY)


def thread(id_: str = "t", line: int = 10, band: Band = "high", body: str = "**High risk.** Often repaired.") -> Thread:
    comment = Comment("c", "sidecar", body, 0.0)
    return Thread(id_, Anchor("a.py", line, line + 1, ("x = 1", "y = 22")), "open", 0.4, band, (comment,), 0.0, 0.0)


def test_a_finding_has_the_form_that_the_cli_takes():
    assert diagnostic(thread()) == {
        "message": "risk: High risk. Often repaired.",
        "severity": "Warning",
        "range": {"start": {"line": 9, "character": 0}, "end": {"line": 10, "character": 6}},
        "source": "sidecar-risk",
        "code": "RISK",
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("**Some risk.** One.\n\n- Two.\n- Three.\n\nFour.", "Some risk. One. Two. Three. Four."),
        ("It calls `run` in a\\_b\\*.", "It calls run in a_b*."),
        (
            found((FORCED,)),
            'Hazard: a force. It forces. It matters. Write "${NAME:?}/…" or git push --force-with-lease.',
        ),
        ("", ""),
    ],
)
def test_markdown_is_read_as_plain_words(body, said):
    assert diagnostic(thread(body=body))["message"] == f"risk: {said}"


@pytest.mark.parametrize(
    ("band", "severity"), [("low", "Hint"), ("medium", "Info"), ("high", "Warning"), ("critical", "Warning")]
)
def test_bands_are_severities(band, severity):
    assert diagnostic(thread(band=band))["severity"] == severity


def test_what_only_moved_or_crept_is_told_as_before():
    findings = Findings()
    before = findings.of([thread()])
    assert findings.of([thread(line=50, body="**High risk.** Now 32 of 100.")]) == before


def test_what_has_become_graver_is_news():
    findings = Findings()
    before = findings.of([thread(band="medium")])
    after = findings.of([thread(band="high")])
    assert after != before
    assert after == [diagnostic(thread(band="high"))]


def test_what_has_become_milder_is_none():
    findings = Findings()
    before = findings.of([thread(band="critical")])
    assert findings.of([thread(band="medium")]) == before


def test_asked_about_a_file_it_is_told_as_it_stands():
    findings = Findings()
    findings.of([thread()])
    moved = thread(line=50)
    assert findings.of([moved], anew=True) == [diagnostic(moved)]
    assert findings.of([moved]) == [diagnostic(moved)]


def test_resolved_and_outdated_threads_are_no_findings():
    done = replace(thread(), state="resolved")
    lost = replace(thread("u"), anchor=replace(thread().anchor, outdated=True))
    assert Findings().of([done, lost]) == []


def test_a_thread_that_is_gone_and_comes_again_is_news():
    findings = Findings()
    findings.of([thread()])
    findings.keep([])
    again = thread(line=50)
    assert findings.of([again]) == [diagnostic(again)]


@pytest.mark.parametrize(
    ("tags", "kind"), [(("hazard:secret",), "hazard"), (("notice:copy", "hazard:x"), "notice"), (("else",), "risk")]
)
def test_findings_have_their_own_word(tags, kind):
    found = diagnostic(replace(thread(body="**Hazard: a secret.** It is one."), tags=tags))
    assert found["message"] == f"{kind}: Hazard: a secret. It is one."
    assert found["code"] == kind.upper()


def test_a_models_comments_are_none():
    assert Findings().of([replace(thread(), origin="review"), thread("u")], anew=True) == [diagnostic(thread("u"))]
