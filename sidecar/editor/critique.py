"""A review by the model as the editor asks for it: progress on its way, Markdown at its end; threads come by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsprotocol import types

from sidecar.core.critique import NamedChange, Wish
from sidecar.core.errors import BadInput
from sidecar.core.ports import Reviewer
from sidecar.critique.told import as_markdown
from sidecar.editor.protocol import ModelReviewParams, ModelReviewResult

Tell = Callable[[int | str, Any], None]
"""Sends one step of `$/progress` to a token."""


async def review_in_words(reviewer: Reviewer, params: ModelReviewParams, tell: Tell) -> ModelReviewResult:
    """The review. Raises what the reviewer raises; cancelling it ends the questions to the model."""
    if params.scope == "base" and not params.base:
        raise BadInput("Name the revision to compare with as `base`.")
    named, token = NamedChange(params.scope, params.base), params.work_done_token

    def step(value: Any) -> None:
        if token is not None:
            tell(token, value)

    def hear(done: int, total: int, said: str) -> None:
        step(types.WorkDoneProgressReport(message=said, percentage=100 * done // max(1, total)))

    step(types.WorkDoneProgressBegin(title=f"Sidecar: reviewing {named.told()}", percentage=0, cancellable=True))
    try:
        critique = await reviewer.review(named, Wish(refresh=params.refresh), hear)
    finally:
        step(types.WorkDoneProgressEnd())
    return ModelReviewResult(
        title=f"Review of {named.told()}",
        markdown=as_markdown(critique, named),
        by=critique.by,
        comments=len(critique.remarks),
        threads=critique.threads,
        unread=len(critique.unread),
    )
