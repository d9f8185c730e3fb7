"""What can be done with a thread, beyond talking in it: requests of the editor, answered by the review's desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel

from sidecar.core.review import Dismissal, LineEdit
from sidecar.editor.places import Places
from sidecar.editor.protocol import (
    DISMISS,
    DISMISSALS,
    HAND_OVER,
    REVERT,
    STAGE,
    SUGGESTION,
    UNDISMISS,
    DismissalItem,
    DismissalName,
    Dismissals,
    DismissParams,
    EditItem,
    HandOver,
    LineEditItem,
    RevertParams,
    Staged,
    SuggestionParams,
    ThreadName,
)
from sidecar.editor.review import Review

Answers = dict[str, Callable[[Any], Awaitable[BaseModel]]]


def acts(review: Callable[[], Awaitable[Review]]) -> Answers:
    """The answer of each method; `review` gives the review once it is open, or raises NotSupported."""

    async def dismiss(params: DismissParams) -> DismissalItem:
        at = await review()
        return dismissal_item(await at.desk.dismiss(params.id, params.reason, params.scope), at.places)

    async def dismissals(_params: None) -> Dismissals:
        at = await review()
        return Dismissals(items=[dismissal_item(each, at.places) for each in await at.desk.dismissals()])

    async def undismiss(params: DismissalName) -> DismissalItem:
        at = await review()
        return dismissal_item(await at.desk.undismiss(params.id), at.places)

    async def hand_over(params: ThreadName) -> HandOver:
        return HandOver(prompt=await (await review()).desk.handover(params.id))

    async def stage(params: ThreadName) -> Staged:
        done = await (await review()).desk.stage(params.id)
        return Staged(hunks=done.hunks, whole=done.whole)

    async def revert(params: RevertParams) -> EditItem:
        at = await review()
        return _edit_item(at, params.id, await at.desk.revert(params.id, params.text))

    async def suggestion(params: SuggestionParams) -> EditItem:
        at = await review()
        return _edit_item(at, params.id, [await at.desk.suggested(params.id, params.comment, params.text)])

    return {
        HAND_OVER: hand_over,
        DISMISS: dismiss,
        DISMISSALS: dismissals,
        UNDISMISS: undismiss,
        STAGE: stage,
        REVERT: revert,
        SUGGESTION: suggestion,
    }


def _edit_item(at: Review, thread_id: str, edits: Sequence[LineEdit]) -> EditItem:
    """Edits of a thread's file as the editor makes them: lines from 0."""
    path = next(thread.anchor.path for thread in at.desk.state().threads if thread.id == thread_id)
    items = [LineEditItem(start_line=e.start - 1, line_count=e.count, lines=list(e.lines)) for e in edits]
    return EditItem(uri=at.places.uri(path), edits=items)


def dismissal_item(each: Dismissal, places: Places) -> DismissalItem:
    """A dismissal as the editor shows it."""
    anchor = each.thread.anchor
    return DismissalItem(
        id=each.id,
        scope=each.scope,
        pattern=each.pattern,
        reason=each.reason,
        title=each.thread.title,
        uri=places.uri(anchor.path),
        start_line=max(0, anchor.start - 1),
        created=each.created,
    )
