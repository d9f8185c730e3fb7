"""What a rule finds in a file of a few lines: the common part of the tables of cases."""

from __future__ import annotations

from sidecar.core.compare import compare
from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import Finding
from sidecar.risk.hazards.rules import mended
from sidecar.risk.hazards.seen import Rule, see


def change(path: str, *added: str, removed: tuple[str, ...] = (), start: int = 1, status: str = "modified") -> Change:
    hunk = Hunk(start if removed else start - 1, start, removed, added)
    return Change((FileDiff(path, status, (hunk,)),))


def findings(rule: Rule, path: str, *added: str, **more) -> list[Finding]:
    return [finding for file in see(change(path, *added, **more)) for finding in rule.on(file)]


def lines(rule: Rule, path: str, *added: str, **more) -> list[int]:
    """Where the findings begin."""
    return [finding.start for finding in findings(rule, path, *added, **more)]


def mend(rule: Rule, path: str, after: str, before: str = "") -> str | None:
    """The file when the mend of the rule's only finding is put in; None where there is no mend. `before` is the file as it was."""
    lines = after.split("\n")
    hunks = compare(before.split("\n") if before else (), lines)
    file = FileDiff(path, "modified" if before else "added", hunks)
    (finding,) = [finding for seen in see(Change((file,))) for finding in rule.on(seen)]
    suggestion = mended(finding, lines, hunks)
    if suggestion is None:
        return None
    assert suggestion.was == (lines[finding.start - 1],)
    lines[finding.start - 1 : finding.start] = suggestion.now
    return "\n".join(lines)


def check_words(rule: Rule) -> None:
    """A rule's words are sentences for people, and its triggers are in lower case, as they are looked for."""
    for text in (rule.why, rule.remedy):
        assert text[0].isupper()
        assert text.endswith(".")
    assert rule.remedy.count("`") % 2 == 0
    assert "`" not in rule.why + rule.title
    assert rule.title[0].islower()
    assert all(word == word.lower() for word in rule.words)
