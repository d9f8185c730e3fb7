"""Texts about changes from facts alone: release notes, changelog, commit message, patch plan; and links to commits. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from sidecar.core.diff import Change
from sidecar.core.review import RiskReport

_KINDS: Final = {"feat": "Added", "fix": "Fixed", "perf": "Changed", "refactor": "Changed", "revert": "Removed"}
_CONVENTIONAL: Final = re.compile(r"(\w+)(?:\([^)]*\))?(!)?: (.+)")
_ID: Final = re.compile(r"(?<![\w/#.`-])(`?)([0-9a-f]{7,40})\1(?![\w/.`-]*\w)")
_TEST: Final = re.compile(r"(^|[/_.-])(test|spec)s?([/_.-]|$)", re.IGNORECASE)

Link = Callable[[str], str] | None


class CommitRow(NamedTuple):
    """One commit of a range: id, author, day (ISO), subject."""

    id: str
    author: str
    day: str
    subject: str


def grouped(commits: Sequence[CommitRow]) -> str:
    """Commits under headings by the kind that their subjects tell."""
    groups: dict[str, list[str]] = defaultdict(list)
    for commit in commits:
        told = _CONVENTIONAL.fullmatch(commit.subject)
        kind = _KINDS.get(told[1].lower(), "Other") if told else "Changed"
        breaks = "**Breaking:** " if told and told[2] else ""
        groups[kind].append(f"- {breaks}{told[3] if told else commit.subject} ({commit.id[:10]})")
    order = [kind for kind in ("Added", "Changed", "Fixed", "Removed", "Other") if kind in groups]
    return "\n\n".join("\n".join([f"### {kind}", "", *groups[kind]]) for kind in order)


def listed(commits: Sequence[CommitRow]) -> str:
    """Commits as a list, in their order."""
    return "\n".join(f"- {each.subject} ({each.id[:10]}, {each.author}, {each.day})" for each in commits)


def linked(text: str, commits: Sequence[CommitRow], link: Link) -> str:
    """The text with a link at each id of these commits, whoever wrote it; other numbers stay as they are."""
    if link is None:
        return text
    ids = [commit.id for commit in commits]

    def shown(match: re.Match[str]) -> str:
        own = next((each for each in ids if each.startswith(match[2])), None)
        return match[0] if own is None else f"[{match[0]}]({link(own)})"

    return _ID.sub(shown, text)


def plain_message(change: Change) -> str:
    """A commit message from facts: what happens to which files."""
    verbs = {"added": "Add", "deleted": "Delete", "renamed": "Rename"}
    kinds = {file.status for file in change.files}
    verb = verbs.get(next(iter(kinds)), "Change") if len(kinds) == 1 else "Change"
    names = [file.path for file in change.files]
    subject = f"{verb} {names[0]}" if len(names) == 1 else f"{verb} {len(names)} files in {_common(names)}"
    body = "\n".join(f"{file.path}: +{file.added_lines} -{file.removed_lines}" for file in change.files[:50])
    return subject[:72] if len(names) == 1 else f"{subject[:72]}\n\n{body}"


def planned(change: Change, report: RiskReport) -> str:
    """Steps by folder, the least risky first, each with its files and its highest score."""
    score = {file.file: file.score for file in report.files}
    steps: dict[str, list[str]] = defaultdict(list)
    for file in change.files:
        steps[file.path.rpartition("/")[0] or "."].append(file.path)
    ranked = sorted(steps.items(), key=lambda item: max(score.get(path, 0.0) for path in item[1]))
    lines = []
    for number, (folder, paths) in enumerate(ranked, 1):
        top = max(score.get(path, 0.0) for path in paths)
        lines.append(f"{number}. {folder}: {', '.join(sorted(paths))} (risk {top:.2f})")
    return "\n".join([*lines, "", told_tests(change)])


def pull_request(change: Change, subjects: Sequence[str], described: str) -> str:
    """The text of a pull request: summary, changes with their risk, testing, rollback."""
    data = " It changes data or its schema: mind what was written meanwhile." if moves_data(change) else ""
    parts = {
        "Summary": "\n".join(f"- {subject}" for subject in subjects),
        "Changes and risk": described,
        "Testing": told_tests(change),
        "Rollback": f"Revert the commits of this branch.{data}",
    }
    return "\n\n".join(f"## {head}\n\n{told}" for head, told in parts.items())


def told_tests(change: Change) -> str:
    """Whether tests change with it, by their names."""
    tests = [file.path for file in change.files if _TEST.search(file.path)]
    if tests:
        return f"Tests that change with it: {', '.join(tests[:20])}."
    return "No test changes with it: say how it was tried."


def moves_data(change: Change) -> bool:
    """Whether it changes data or its schema, by the names of its files."""
    return any(re.search(r"migrat|schema|\.sql$", file.path, re.IGNORECASE) for file in change.files)


def _common(names: Sequence[str]) -> str:
    folders = [name.split("/")[:-1] for name in names]
    shared = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared) or "several places"
