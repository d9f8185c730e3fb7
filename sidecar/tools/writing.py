"""Texts about changes: release notes, changelog, pull request, commit message, patch plan.

The configured model writes them from facts; without one the facts themselves are the text, and it says so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sidecar.core.diff import Change
from sidecar.core.errors import BadInput, SidecarError
from sidecar.core.review import RiskReport
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.review.scorer import RiskScorer
from sidecar.review.summary import describe
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.tools.review import Which, patch_of
from sidecar.vcs import worktree
from sidecar.vcs.runner import Git

_KINDS: Final = {"feat": "Added", "fix": "Fixed", "perf": "Changed", "refactor": "Changed", "revert": "Removed"}
_CONVENTIONAL: Final = re.compile(r"(\w+)(?:\([^)]*\))?(!)?: (.+)")


class Range(Input):
    """Which commits."""

    since: str = also(
        "since", "base", "from", default="", about="After this commit or tag; the last tag when empty.", max_length=250
    )
    until: str = also("until", "head", "to", default="HEAD", about="Up to this one.", max_length=250)
    limit: int = also("limit", default=200, about="How many commits at most.", ge=1, le=1_000)
    version: str = also("version", default="", about="A heading, such as `1.4.0`.", max_length=80)


class Uncommitted(Input):
    """Which change."""

    staged: bool = also("staged", default=False, about="Only what is staged.")


class PullRequest(Input):
    """Which branch against which."""

    base: str = also(
        "base", "target", default="", about="The branch that it is to go into; the main one when empty.", max_length=250
    )
    head: str = also("head", "source", default="HEAD", about="The branch itself.", max_length=250)
    staged: bool = also("staged", default=False, about="What is staged in place of a branch.")


class WritingTools:
    """The part of the family *review* that writes."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("review_release_notes", "read", self.release_notes)
        yield define("review_changelog", "read", self.changelog)
        yield define("review_pull_request", "read", self.pull_request)
        yield define("review_commit_message", "read", self.commit_message)
        yield define("review_patch_plan", "read", self.patch_plan)

    async def release_notes(self, given: Range, caller: Caller) -> ToolResult:
        """Write release notes for users from a range of commits (since the last tag when nothing is named)."""
        commits = await self._commits(await self._bench.git(), given)
        facts = f"## {given.version or 'Unreleased'}\n\n{grouped(commits)}"
        task = (
            "Write release notes for the users of this project, as Markdown: what they can do now, what was mended, what "
            "they must change. Group them under `###` headings; leave out what only matters to its developers."
        )
        return await self._text(task, facts)

    async def changelog(self, given: Range, caller: Caller) -> ToolResult:
        """Write a changelog of a range of commits, newest first."""
        commits = await self._commits(await self._bench.git(), given)
        facts = f"## {given.version or 'Unreleased'}\n\n" + "\n".join(
            f"- {subject} ({own[:10]}, {author}, {day})" for own, author, day, subject in commits
        )
        task = (
            "Write a changelog entry of these commits as Markdown bullet points, newest first; keep each commit's id."
        )
        return await self._text(task, facts)

    async def pull_request(self, given: PullRequest, caller: Caller) -> ToolResult:
        """Write a pull request's text from a branch (or what is staged): summary, testing, risk, rollback."""
        git = await self._bench.git()
        if given.staged:
            which = Which(scope="staged")
            change, subjects = await worktree.staged(git), []
        else:
            base = given.base or await _main(git)
            fork = await git.run(
                "merge-base", await worktree.resolve(git, base), await worktree.resolve(git, given.head)
            )
            which = Which(scope="range", base=fork.decode("ascii").strip(), head=given.head)
            change = await worktree.between(git, which.base, given.head)
            subjects = [row[3] for row in await self._commits(git, Range(since=which.base, until=given.head))]
        report = await self._score(git, change)
        facts = "\n".join(
            [
                "## Summary", "", *(f"- {subject}" for subject in subjects), "", "## Changes and risk", "",
                describe(change, report), "", "## Testing", "", _tests_of(change), "", "## Rollback", "",
                "Revert the commits of this branch." + (" It changes data or its schema: mind what was written meanwhile." if _moves_data(change) else ""),
            ]
        )  # fmt: skip
        task = (
            "Write the text of a pull request as Markdown with the headings Summary, Testing, Risk, Rollback. Be brief."
        )
        return await self._text(task, facts, which)

    async def commit_message(self, given: Uncommitted, caller: Caller) -> ToolResult:
        """Write a commit message for the uncommitted change; what is staged counts, where something is."""
        git = await self._bench.git()
        change = await worktree.staged(git)
        staged = bool(change.files)
        if not staged and not given.staged:
            change = await worktree.working_tree(git)
        if not change.files:
            raise BadInput("Nothing is uncommitted (or staged), so there is nothing to describe.")
        log = await git.run("log", "-12", "--format=%s", ok=(0, 128))
        rule = f" It must match {self._bench.rules.commit_regex}." if self._bench.rules.commit_regex else ""
        task = (
            "Write a commit message: a subject of at most 72 characters in the imperative, and, only where it is needed, "
            f"a blank line and why.{rule} Follow the form of the last subjects:\n{log.decode('utf-8', 'replace')}"
        )
        which = Which(scope="staged" if staged else "working")
        return await self._text(task, plain_message(change), which, note=False)

    async def patch_plan(self, given: Uncommitted, caller: Caller) -> ToolResult:
        """Plan how to split the uncommitted change into commits that can be reviewed: steps, their risk, what to test."""
        git = await self._bench.git()
        change = await (worktree.staged(git) if given.staged else worktree.working_tree(git))
        if not change.files:
            raise BadInput("Nothing is uncommitted, so there is nothing to plan.")
        facts = planned(change, await self._score(git, change))
        task = "Plan how to split this change into small commits: for each its files, what it does, its risk, what to test."
        return await self._text(task, facts, Which(scope="staged" if given.staged else "working"))

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    async def _text(self, task: str, facts: str, which: Which | None = None, *, note: bool = True) -> ToolResult:
        """The model's text; the facts where there is no model, or where it cannot be asked."""
        why = "no model is configured"
        if self._bench.writer is not None:
            patch = await patch_of(await self._bench.git(), which) if which is not None else ""
            try:
                written = await self._bench.writer.write(task, f"{facts}\n\n{patch}".strip())
                return ToolResult(value={"text": written, "by": "model"}, text=written)
            except SidecarError as error:
                why = error.sentence.rstrip(".")
        told = f"{facts}\n\n(From facts alone: {why}.)" if note else facts
        return ToolResult(value={"text": facts, "by": "facts"}, text=told)

    async def _commits(self, git: Git, given: Range) -> list[tuple[str, str, str, str]]:
        """Id, author, day and subject of each commit in a range, newest first, merges left out."""
        since = given.since
        if not since:
            tag = await git.run("describe", "--tags", "--abbrev=0", "HEAD", ok=(0, 128))
            since = tag.decode("utf-8", "replace").strip()
        ends = [
            *([f"^{await worktree.resolve(git, since)}"] if since else []),
            await worktree.resolve(git, given.until),
        ]
        said = await git.run(
            "log", "-z", "--no-merges", f"--max-count={given.limit}", "--format=%H%x09%an%x09%as%x09%s", *ends, "--"
        )
        rows = [row.split("\t", 3) for row in said.decode("utf-8", "replace").split("\0") if row.count("\t") >= 3]
        if not rows:
            raise BadInput("There is no commit in that range.")
        return [(own, author, day, subject) for own, author, day, subject in rows]

    async def _score(self, git: Git, change: Change) -> RiskReport:
        return await RiskScorer(git).score(change)


def grouped(commits: Sequence[tuple[str, str, str, str]]) -> str:
    """Commits under headings by the kind that their subjects tell."""
    groups: dict[str, list[str]] = defaultdict(list)
    for own, _, _, subject in commits:
        told = _CONVENTIONAL.fullmatch(subject)
        kind = _KINDS.get(told[1].lower(), "Other") if told else "Changed"
        breaks = "**Breaking:** " if told and told[2] else ""
        groups[kind].append(f"- {breaks}{told[3] if told else subject} ({own[:10]})")
    order = [kind for kind in ("Added", "Changed", "Fixed", "Removed", "Other") if kind in groups]
    return "\n\n".join("\n".join([f"### {kind}", "", *groups[kind]]) for kind in order)


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
    return "\n".join([*lines, "", _tests_of(change)])


def _tests_of(change: Change) -> str:
    tests = [
        file.path for file in change.files if re.search(r"(^|[/_.-])(test|spec)s?([/_.-]|$)", file.path, re.IGNORECASE)
    ]
    if tests:
        return f"Tests that change with it: {', '.join(tests[:20])}."
    return "No test changes with it: say how it was tried."


def _moves_data(change: Change) -> bool:
    return any(re.search(r"migrat|schema|\.sql$", file.path, re.IGNORECASE) for file in change.files)


def _common(names: Sequence[str]) -> str:
    folders = [name.split("/")[:-1] for name in names]
    shared = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared) or "several places"


async def _main(git: Git) -> str:
    """The branch that others go into. Raises BadInput where none can be told."""
    for name in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
        if await git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", ok=(0, 1, 128)):
            return name
    raise BadInput("Which branch is this to go into? Name it as `base`.")
