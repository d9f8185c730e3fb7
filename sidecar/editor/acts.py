"""What can be done with a thread, beyond talking in it: requests of the editor, answered by the review's desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel

from sidecar.core.review import Dismissal, LineEdit
from sidecar.editor import protocol
from sidecar.editor.places import Places
from sidecar.editor.review import Review

Answer = Callable[[Any], Awaitable[BaseModel]]
Answers = dict[str, Answer]


def acts(review: Callable[[], Awaitable[Review]]) -> Answers:
    """The answer of each method; `review` gives the review once it is open, or raises NotSupported."""

    async def dismiss(params: protocol.DismissParams) -> protocol.DismissalItem:
        at = await review()
        return dismissal_item(await at.desk.dismiss(params.id, params.reason, params.scope), at.places)

    async def dismissals(_params: None) -> protocol.Dismissals:
        at = await review()
        return protocol.Dismissals(items=[dismissal_item(each, at.places) for each in await at.desk.dismissals()])

    async def undismiss(params: protocol.DismissalName) -> protocol.DismissalItem:
        at = await review()
        return dismissal_item(await at.desk.undismiss(params.id), at.places)

    async def hand_over(params: protocol.ThreadName) -> protocol.HandOver:
        return protocol.HandOver(prompt=await (await review()).desk.handover(params.id))

    async def stage(params: protocol.ThreadName) -> protocol.Staged:
        done = await (await review()).desk.stage(params.id)
        return protocol.Staged(hunks=done.hunks, whole=done.whole)

    async def revert(params: protocol.RevertParams) -> protocol.EditItem:
        at = await review()
        return _edit_item(at, params.id, await at.desk.revert(params.id, params.text))

    async def suggestion(params: protocol.SuggestionParams) -> protocol.EditItem:
        at = await review()
        return _edit_item(at, params.id, [await at.desk.suggested(params.id, params.comment, params.text)])

    return {
        protocol.HAND_OVER: hand_over,
        protocol.DISMISS: dismiss,
        protocol.DISMISSALS: dismissals,
        protocol.UNDISMISS: undismiss,
        protocol.STAGE: stage,
        protocol.REVERT: revert,
        protocol.SUGGESTION: suggestion,
    }


def _edit_item(at: Review, thread_id: str, edits: Sequence[LineEdit]) -> protocol.EditItem:
    """Edits of a thread's file as the editor makes them: lines from 0."""
    path = next(thread.anchor.path for thread in at.desk.state().threads if thread.id == thread_id)
    items = [protocol.LineEditItem(start_line=e.start - 1, line_count=e.count, lines=list(e.lines)) for e in edits]
    return protocol.EditItem(uri=at.places.uri(path), edits=items)


def dismissal_item(each: Dismissal, places: Places) -> protocol.DismissalItem:
    """A dismissal as the editor shows it."""
    anchor = each.thread.anchor
    return protocol.DismissalItem(
        id=each.id,
        scope=each.scope,
        pattern=each.pattern,
        reason=each.reason,
        title=each.thread.title,
        uri=places.uri(anchor.path),
        start_line=max(0, anchor.start - 1),
        created=each.created,
    )
