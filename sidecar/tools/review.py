"""Review for the model: the risk of any change, its summary, comments on it, and the threads that stand in the editor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Final, Literal

from sidecar.core.critique import Critique, NamedChange, Wish
from sidecar.core.diff import Change
from sidecar.core.errors import BadInput, UpstreamError
from sidecar.core.ports import Desk
from sidecar.core.review import Thread
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.critique.named import change_of
from sidecar.critique.reviewer import ChangeReviewer
from sidecar.critique.summary import describe
from sidecar.critique.told import as_json, as_markdown
from sidecar.review.scorer import RiskScorer
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.vcs.runner import Git

_MOST_PATCH: Final = 2_000_000


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


class Asking(Which):
    """Which change, and who reads it."""

    model: bool | None = also(
        "model",
        default=None,
        about="Ask the configured model, which costs requests of its own. By default only a person's command does: a model "
        "that calls this gets the facts.",
    )
    focus: str = also("focus", default="", about="What matters most, such as security.", max_length=500)


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

    async def summary(self, given: Asking, caller: Caller) -> ToolResult:
        """Tell what a change does, file by file with its risk; in a model's words, too, where it is asked."""
        critique = await self._reviewed(given, caller)
        parts = [critique.summary, *(f"- {path}: {note}" for path, note in critique.files.items()), critique.facts]
        return ToolResult(text="\n\n".join(filter(None, [*parts, *_notes(critique)])))

    async def diff(self, given: Asking, caller: Caller) -> ToolResult:
        """Review a change: its risky places with reasons; with a model a summary, comments on lines and a checklist as well.

        A model reads the riskiest parts first. What it did not read, and comments without a place in the change, are named.
        """
        critique = await self._reviewed(given, caller)
        return ToolResult(value=as_json(critique, _named(given)), text=as_markdown(critique, _named(given)))

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
        change = await change_of(git, _named(given))
        if not change.files:
            raise BadInput("There is no change there to look at.")
        return git, change

    async def _scored(self, git: Git, change: Change) -> Any:
        self._scorer = self._scorer or RiskScorer(git)
        return await self._scorer.score(change)

    async def _reviewed(self, given: Asking, caller: Caller) -> Critique:
        """The review; from facts, with a note that says why, where the model cannot be asked."""
        reviewer = self._bench.reviewer or ChangeReviewer(self._bench.git, None)
        by_model = caller.road == "command" if given.model is None else given.model
        wish = Wish(focus=given.focus, by_model=by_model)

        def hear(done: int, total: int, said: str) -> None:
            caller.progress(done, total, said)

        try:
            return await reviewer.review(_named(given), wish, hear, threads=False)
        except UpstreamError as error:
            facts = await reviewer.review(_named(given), replace(wish, by_model=False), hear, threads=False)
            return replace(facts, notes=(f"The model could not be asked: {error.sentence}", *facts.notes))

    async def _desk(self) -> Desk:
        if self._bench.desk is None:
            raise BadInput("There is no review here.")
        return await self._bench.desk()


def _named(given: Which) -> NamedChange:
    """The change that the arguments name."""
    if given.staged or given.scope == "staged":
        return NamedChange("staged")
    if given.base or given.scope == "range":
        return NamedChange("range", given.base, given.head)
    if given.patch or given.scope == "patch":
        return NamedChange("patch", patch=given.patch)
    return NamedChange(given.scope, head=given.head)


def _notes(critique: Critique) -> list[str]:
    left = ", ".join(f"{each.place} ({each.why})" for each in critique.unread[:20])
    return [*critique.notes, *([f"Not read: {left}."] if left and critique.by == "model" else [])]


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
