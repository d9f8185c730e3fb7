"""Texts about changes: release notes, changelog, pull request, commit message, patch plan.

Facts are the text; where it is asked for, the configured model writes it from them. Commits are linked by the remote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sidecar.core.critique import Limits, NamedChange
from sidecar.core.diff import Change
from sidecar.core.errors import BadInput, SidecarError
from sidecar.core.review import RiskReport
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.critique.material import prepare, shown_part
from sidecar.critique.named import change_of, texts_of
from sidecar.critique.summary import describe
from sidecar.critique.texts import CommitRow, grouped, linked, listed, plain_message, planned, pull_request
from sidecar.review.scorer import RiskScorer
from sidecar.review.words import defuse
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.vcs import worktree
from sidecar.vcs.links import commit_link
from sidecar.vcs.runner import Git

MODEL: Final = (
    "Let the configured model write it, which costs a request of its own. By default only a person's command does: a "
    "model that calls this gets the facts."
)
_ONE_PART: Final = Limits(tokens=40_000, part_tokens=40_000)


class Range(Input):
    """Which commits."""

    since: str = also(
        "since", "base", "from", default="", about="After this commit or tag; the last tag when empty.", max_length=250
    )
    until: str = also("until", "head", "to", default="HEAD", about="Up to this one.", max_length=250)
    limit: int = also("limit", default=200, about="How many commits at most.", ge=1, le=1_000)
    version: str = also("version", default="", about="A heading, such as `1.4.0`.", max_length=80)
    model: bool | None = also("model", default=None, about=MODEL)


class Uncommitted(Input):
    """Which change."""

    staged: bool = also("staged", default=False, about="Only what is staged.")
    model: bool | None = also("model", default=None, about=MODEL)


class PullRequest(Input):
    """Which branch against which."""

    base: str = also(
        "base", "target", default="", about="The branch that it is to go into; the main one when empty.", max_length=250
    )
    head: str = also("head", "source", default="HEAD", about="The branch itself.", max_length=250)
    staged: bool = also("staged", default=False, about="What is staged in place of a branch.")
    model: bool | None = also("model", default=None, about=MODEL)


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
        task = (
            "Write release notes for the users of this project, as Markdown: what they can do now, what was mended, what "
            "they must change. Group them under `###` headings; leave out what only matters to its developers. Keep the "
            f"commits' ids in parentheses. Begin with the heading `## {given.version or 'Unreleased'}`."
        )
        return await self._of_commits(given, caller, task, by_kind=True)

    async def changelog(self, given: Range, caller: Caller) -> ToolResult:
        """Write a changelog of a range of commits, newest first."""
        task = (
            "Write a changelog entry of these commits as Markdown bullet points, newest first; keep each commit's id. "
            f"Begin with the heading `## {given.version or 'Unreleased'}`."
        )
        return await self._of_commits(given, caller, task, by_kind=False)

    async def pull_request(self, given: PullRequest, caller: Caller) -> ToolResult:
        """Write a pull request's text from a branch (or what is staged): summary, testing, risk, rollback."""
        git = await self._bench.git()
        commits: list[CommitRow] = []
        if given.staged:
            named = NamedChange("staged")
        else:
            base = given.base or await _main(git)
            named = NamedChange("range", f"{base}...", given.head)
            ends = f"^{await worktree.resolve(git, base)}", await worktree.resolve(git, given.head)
            commits = (await _rows(git, ends, 200))[0]
        change = await _changed(git, named)
        report = await RiskScorer(git).score(change)
        facts = pull_request(change, [f"{c.subject} ({c.id[:10]})" for c in commits], describe(change, report))
        task = (
            "Write the text of a pull request as Markdown with the headings Summary, Testing, Risk, Rollback. Be brief."
        )
        result = await self._text(task, facts, self._wanted(given, caller), (named, change, report))
        return _linked(result, linked(result.value["text"], commits, await commit_link(git)))

    async def commit_message(self, given: Uncommitted, caller: Caller) -> ToolResult:
        """Write a commit message for the uncommitted change; what is staged counts, where something is."""
        git = await self._bench.git()
        named, change = NamedChange("staged"), await worktree.staged(git)
        if not change.files and not given.staged:
            named, change = NamedChange(), await worktree.working_tree(git)
        if not change.files:
            raise BadInput("Nothing is uncommitted (or staged), so there is nothing to describe.")
        log = await git.run("log", "-12", "--format=%s", ok=(0, 128))
        rule = f" It must match {self._bench.rules.commit_regex}." if self._bench.rules.commit_regex else ""
        task = (
            "Write a commit message: a subject of at most 72 characters in the imperative, and, only where it is needed, "
            f"a blank line and why. Plain text, no fence.{rule} Follow the form of the last subjects, which stand first."
        )
        report = await RiskScorer(git).score(change)
        before = f"Last subjects:\n{log.decode('utf-8', 'replace')}"
        wanted = self._wanted(given, caller)
        return await self._text(task, plain_message(change), wanted, (named, change, report), before=before, plain=True)

    async def patch_plan(self, given: Uncommitted, caller: Caller) -> ToolResult:
        """Plan how to split the uncommitted change into commits that can be reviewed: steps, their risk, what to test."""
        git = await self._bench.git()
        named = NamedChange("staged" if given.staged else "working")
        change = await _changed(git, named)
        report = await RiskScorer(git).score(change)
        task = "Plan how to split this change into small commits: for each its files, what it does, its risk, what to test."
        return await self._text(task, planned(change, report), self._wanted(given, caller), (named, change, report))

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    def _wanted(self, given: Range | Uncommitted | PullRequest, caller: Caller) -> bool:
        return caller.road == "command" if given.model is None else given.model

    async def _of_commits(self, given: Range, caller: Caller, task: str, *, by_kind: bool) -> ToolResult:
        git = await self._bench.git()
        commits, more = await _commits(git, given)
        facts = f"## {given.version or 'Unreleased'}\n\n{grouped(commits) if by_kind else listed(commits)}"
        result = await self._text(task, facts, self._wanted(given, caller))
        text = linked(result.value["text"], commits, await commit_link(git))
        rest = f"{more} older commits are left out; name a larger limit." if more else ""
        return _linked(result, text, rest)

    async def _text(
        self,
        task: str,
        facts: str,
        wanted: bool,  # noqa: FBT001 - the one thing that callers decide
        about: tuple[NamedChange, Change, RiskReport] | None = None,
        *,
        before: str = "",
        plain: bool = False,
    ) -> ToolResult:
        """The model's text; the facts where it is not wanted, where there is none, or where it cannot be asked."""
        if not wanted:
            return _told(facts, "facts")
        if self._bench.writer is None:
            return _told(facts, "facts", "" if plain else "(From facts alone: no model is configured.)")
        shown, notes = await self._shown(*about) if about is not None else ("", [])
        try:
            written = await self._bench.writer.write(task, "\n\n".join(filter(None, [before, facts, shown])))
        except SidecarError as error:
            return _told(facts, "facts", f"(From facts alone: {error.sentence.rstrip('.')}.)")
        return _told(_unfenced(written) if plain else defuse(written), "model", " ".join(notes))

    async def _shown(self, named: NamedChange, change: Change, report: RiskReport) -> tuple[str, list[str]]:
        """The change as a model may read it, the riskiest first, and what it does not see of it."""
        texts = await texts_of(await self._bench.git(), named, change)
        material = prepare(change, report, texts, _ONE_PART, self._bench.secrets)
        shown = shown_part(material.parts[0]) if material.parts else ""
        left = [f"{each.place} ({each.why})" for each in material.unread]
        left += [piece.place for part in material.parts[1:] for piece in part]
        unread = (
            f"Not shown to the model: {', '.join(left[:20])}{f' and {len(left) - 20} more' if len(left) > 20 else ''}."
        )
        return shown, [*material.notes, *([unread] if left else [])]


def _told(text: str, by: str, note: str = "") -> ToolResult:
    """The text, and a note behind it that is no part of it."""
    value: dict[str, Any] = {"text": text, "by": by, "note": note.strip("()")}
    return ToolResult(value=value, text=f"{text}\n\n{note}".strip())


def _linked(result: ToolResult, text: str, more: str = "") -> ToolResult:
    note = " ".join(filter(None, [result.value["note"], more]))
    return _told(text, result.value["by"], f"({note})" if note else "")


def _unfenced(text: str) -> str:
    """A plain text without the fence that some models put around it."""
    lines = text.strip().splitlines()
    fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1] if fenced else lines)


async def _changed(git: Git, named: NamedChange) -> Change:
    change = await change_of(git, named)
    if not change.files:
        raise BadInput(f"There is no change to write about: {named.told()} is empty.")
    return change


async def _commits(git: Git, given: Range) -> tuple[list[CommitRow], int]:
    """The commits of a range, newest first, merges left out; and how many older ones there are."""
    since = given.since
    if not since:
        tag = await git.run("describe", "--tags", "--abbrev=0", "HEAD", ok=(0, 128))
        since = tag.decode("utf-8", "replace").strip()
    ends = [*([f"^{await worktree.resolve(git, since)}"] if since else []), await worktree.resolve(git, given.until)]
    rows, more = await _rows(git, ends, given.limit)
    if not rows:
        raise BadInput("There is no commit in that range.")
    return rows, more


async def _rows(git: Git, ends: Any, limit: int) -> tuple[list[CommitRow], int]:
    said = await git.run(
        "log", "-z", "--no-merges", f"--max-count={limit}", "--format=%H%x09%an%x09%as%x09%s", *ends, "--"
    )
    rows = [row.split("\t", 3) for row in said.decode("utf-8", "replace").split("\0") if row.count("\t") >= 3]
    count = int(await git.run("rev-list", "--count", "--no-merges", *ends, "--"))
    return [CommitRow(*row) for row in rows], max(0, count - limit)


async def _main(git: Git) -> str:
    """The branch that others go into. Raises BadInput where none can be told."""
    for name in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
        if await git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", ok=(0, 1, 128)):
            return name
    raise BadInput("Which branch is this to go into? Name it as `base`.")
