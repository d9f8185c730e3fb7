"""Review for the model: the risk of any change, its summary, comments on it, and the threads that stand in the editor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final, Literal

import orjson

from sidecar.core.diff import Change
from sidecar.core.errors import BadInput, SidecarError
from sidecar.core.ports import Desk
from sidecar.core.review import Thread
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.review.scorer import RiskScorer
from sidecar.review.summary import describe
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.tools.gitreads import without_secrets
from sidecar.vcs import worktree
from sidecar.vcs.runner import Git

_MOST_PATCH: Final = 2_000_000
_MOST_COMMENTS: Final = 50
_REVIEW: Final = (
    'Review this change. Answer with a JSON array alone, of at most 20 objects {"file", "line", "comment", '
    '"severity"}: `line` is a line number on the new side that the change adds or that stands beside one, `severity` is '
    "low, medium or high. Name what may be wrong and how to mend it; no praise, no summary. An empty array when nothing is."
)  # fmt: skip


class Which(Input):
    """Which change."""

    scope: Literal["working", "staged", "range", "commit", "patch"] = also(
        "scope",
        default="working",
        about="Everything uncommitted, what is staged, a range, one commit, or a given patch.",
    )
    base: str = also("base", "from", default="", about="For a range: where it begins.", max_length=250)
    head: str = also(
        "head", "to", default="HEAD", about="For a range: where it ends; for a commit: which.", max_length=250
    )
    patch: str = also("patch", default="", about="For scope=patch: a unified diff.", max_length=_MOST_PATCH)
    staged: bool = also("staged", default=False, about="The same as scope=staged.")


class Threads(Input):
    """Which threads."""

    action: Literal["list"] = also(
        "action", default="list", about="Replies go by review_reply, states by review_resolve."
    )
    file: str = also("file", "path", default="", about="Only threads of this file.")
    state: Literal["open", "resolved", "all"] = also("state", default="open", about="Which ones to list.")


class Reply(Input):
    """What is said in a thread."""

    id: str = also("id", "thread", about="The thread, from review_threads.", max_length=100)
    body: str = also("body", "comment", about="The reply, as Markdown.", min_length=1, max_length=20_000)


class Resolve(Input):
    """How a thread stands from now on."""

    id: str = also("id", "thread", about="The thread, from review_threads.", max_length=100)
    reopen: bool = also("reopen", default=False, about="Open it again in place of resolving it.")


class ReviewTools:
    """The part of the family *review* that looks at changes."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._scorer: RiskScorer | None = None

    def tools(self) -> Iterator[Tool]:
        """What this family offers; threads only where there is a desk."""
        yield define("review_risk", "read", self.risk)
        yield define("review_summary", "read", self.summary)
        yield define("review_diff", "read", self.diff)
        if self._bench.desk is not None:
            yield define("review_threads", "read", self.threads)
            yield define("review_reply", "write", self.reply)
            yield define("review_resolve", "write", self.resolve)

    async def risk(self, given: Which, caller: Caller) -> ToolResult:
        """Score how likely it is that a change is repaired later, with reasons and its riskiest places.

        The score is calibrated against past repairs (0..1); it needs no model and no network.
        """
        git, change = await self._change(given)
        report = await self._scored(git, change)
        value = {key: value for key, value in asdict(report).items() if key not in {"hunks", "ms"}}
        value["hunks"] = [
            {"file": hunk.file, "start": hunk.start, "end": hunk.end, "score": hunk.score} for hunk in report.hunks
        ]
        return ToolResult(value=value, text=f"Score {report.score:.2f} ({report.band}).\n{describe(change, report)}")

    async def summary(self, given: Which, caller: Caller) -> ToolResult:
        """Tell what a change does: file by file with its risk and, where a model is configured, in its words."""
        git, change = await self._change(given)
        facts = describe(change, await self._scored(git, change))
        words = await self._written(
            "Say in at most eight short bullet points what this change does and why it seems to be made, then what to "
            "test. Begin with the most important.",
            await self._patch(git, given),
        )
        return ToolResult(text="\n\n".join(part for part in (words, facts) if part))

    async def diff(self, given: Which, caller: Caller) -> ToolResult:
        """Review a change: comments by file and line from the configured model, beside the risk score's places.

        Without a model only the risky places are told, with their reasons.
        """
        git, change = await self._change(given)
        report = await self._scored(git, change)
        facts = describe(change, report)
        written = await self._written(_REVIEW, f"{facts}\n\n{await self._patch(git, given)}")
        comments = _comments(written, change)
        lines = [f"- {one['file']}:{one['line']} ({one['severity']}): {one['comment']}" for one in comments]
        told = "\n".join(lines) or ("No comments." if written else "")
        value = {"comments": comments, "score": report.score, "findings": [asdict(one) for one in report.findings]}
        return ToolResult(value=value, text=f"{told}\n\n{facts}".strip())

    async def threads(self, given: Threads, caller: Caller) -> ToolResult:
        """List the review threads on the uncommitted change: where they stand, what was said, how risky the lines are."""
        state = await (await self._desk()).refresh()
        found = [
            thread
            for thread in state.threads
            if given.state in {"all", thread.state} and given.file in {"", thread.anchor.path}
        ]
        value = {"threads": [_flat(thread) for thread in found]}
        return ToolResult(value=value, text="\n\n".join(_told(thread) for thread in found) or "There are no threads.")

    async def reply(self, given: Reply, caller: Caller) -> ToolResult:
        """Say something in a review thread; the answer to it comes with the thread."""
        desk = await self._desk()
        await desk.refresh()
        thread = await desk.reply(given.id, given.body)
        return ToolResult(value=_flat(thread), text=_told(thread))

    async def resolve(self, given: Resolve, caller: Caller) -> ToolResult:
        """Resolve a review thread whose point is settled, or open it again."""
        desk = await self._desk()
        await desk.refresh()
        thread = await desk.set_state(given.id, "open" if given.reopen else "resolved")
        return ToolResult(value=_flat(thread), text=_told(thread))

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    async def _change(self, given: Which) -> tuple[Git, Change]:
        git = await self._bench.git()
        match "staged" if given.staged else "range" if given.base else "patch" if given.patch else given.scope:
            case "staged":
                change = await worktree.staged(git)
            case "range":
                if not given.base:
                    raise BadInput("A range needs `base`: the commit, branch or tag where it begins.")
                change = await worktree.between(git, given.base, given.head)
            case "commit":
                change = await worktree.commit(git, given.head)
            case "patch":
                change = worktree.from_patch(given.patch.encode("utf-8", "surrogatepass"))
            case _:
                change = await worktree.working_tree(git)
        if not change.files:
            raise BadInput("There is no change there to look at.")
        return git, change

    async def _scored(self, git: Git, change: Change) -> Any:
        self._scorer = self._scorer or RiskScorer(git)
        return await self._scorer.score(change)

    async def _patch(self, git: Git, given: Which) -> str:
        """The change as a diff, for a model to read."""
        if self._bench.writer is None:
            return ""
        return given.patch or await patch_of(git, given)

    async def _written(self, task: str, material: str) -> str:
        """What the model writes; a note in its place where it cannot be asked; empty where there is none."""
        if self._bench.writer is None:
            return ""
        try:
            return await self._bench.writer.write(task, material)
        except SidecarError as error:
            return f"(The model could not be asked: {error.sentence})"

    async def _desk(self) -> Desk:
        if self._bench.desk is None:
            raise BadInput("There is no review here.")
        return await self._bench.desk()


async def patch_of(git: Git, given: Which) -> str:
    """A change of the repository as a diff, without keys."""
    if given.base:
        ends = [await worktree.resolve(git, given.base), await worktree.resolve(git, given.head)]
    elif given.scope == "commit":
        own = await worktree.resolve(git, given.head)
        return without_secrets(await git.run("show", "--format=%B", "--patch", own, "--")).decode("utf-8", "replace")
    else:
        staged = given.staged or given.scope == "staged"
        born = await git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
        ends = [*(["--cached"] if staged else []), *(["HEAD"] if born else [])]
    said = await git.run("diff", "--find-renames", "--patch", *ends, "--")
    return without_secrets(said).decode("utf-8", "replace")


def _comments(written: str, change: Change) -> list[dict[str, Any]]:
    """The comments that a model wrote, those that speak of the change's own files and of a line alone."""
    found = re.search(r"\[.*\]", written, re.DOTALL)
    try:
        told = orjson.loads(found[0]) if found else []
    except orjson.JSONDecodeError:
        told = []
    files = {file.path for file in change.files}
    kept = []
    for one in told if isinstance(told, list) else ():
        if not isinstance(one, dict) or one.get("file") not in files or not isinstance(one.get("line"), int):
            continue
        severity = one.get("severity") if one.get("severity") in {"low", "medium", "high"} else "medium"
        kept.append(
            {"file": one["file"], "line": one["line"], "comment": str(one.get("comment")), "severity": severity}
        )
    return kept[:_MOST_COMMENTS]


def _flat(thread: Thread) -> dict[str, Any]:
    anchor = thread.anchor
    place = {"file": anchor.path, "start": anchor.start, "end": anchor.end, "outdated": anchor.outdated}
    comments = [{"author": comment.author, "body": comment.body} for comment in thread.comments]
    return {
        "id": thread.id,
        "state": thread.state,
        "score": thread.score,
        "band": thread.band,
        "title": thread.title,
        **place,
        "comments": comments,
    }


def _told(thread: Thread) -> str:
    anchor = thread.anchor
    lines = [f"thread {thread.id} at {anchor.path}:{anchor.start} ({thread.state}, {thread.band})"]
    return "\n".join([*lines, *(f"  {comment.author}: {comment.body}" for comment in thread.comments)])
