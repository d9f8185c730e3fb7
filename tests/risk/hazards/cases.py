"""What a rule finds in a file of a few lines: the common part of the tables of cases."""

from __future__ import annotations

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import Finding
from sidecar.risk.hazards.seen import Rule, see


def change(path: str, *added: str, removed: tuple[str, ...] = (), start: int = 1, status: str = "modified") -> Change:
    hunk = Hunk(start if removed else start - 1, start, removed, added)
    return Change((FileDiff(path, status, (hunk,)),))


def findings(rule: Rule, path: str, *added: str, **more) -> list[Finding]:
    return [finding for file in see(change(path, *added, **more)) for finding in rule.on(file)]


def lines(rule: Rule, path: str, *added: str, **more) -> list[int]:
    """Where the findings begin."""
    return [finding.start for finding in findings(rule, path, *added, **more)]


def check_words(rule: Rule) -> None:
    """A rule's words are sentences for people, and its triggers are in lower case, as they are looked for."""
    for text in (rule.why, rule.remedy):
        assert text[0].isupper()
        assert text.endswith(".")
    assert rule.title[0].islower()
    assert all(word == word.lower() for word in rule.words)
