"""A review by the model as the editor asks for it: progress on its way, Markdown at its end; threads come by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidecar.core.critique import Scope, Wish
from sidecar.core.errors import BadInput
from sidecar.core.ports import Reviewer
from sidecar.editor.protocol import ModelReviewParams, ModelReviewResult
from sidecar.review.critique.told import as_markdown

Tell = Callable[[str, dict[str, Any]], None]


async def review_in_words(reviewer: Reviewer, params: ModelReviewParams, tell: Tell) -> ModelReviewResult:
    """The review. Raises what the reviewer raises; cancelling it ends the questions to the model."""
    if params.scope == "base" and not params.base:
        raise BadInput("Name the revision to compare with as `base`.")
    scope = Scope(params.scope, params.base)

    def hear(done: int, total: int, said: str) -> None:
        if params.work_done_token is not None:
            value = {"kind": "report", "message": said, "percentage": 100 * done // max(1, total)}
            tell("$/progress", {"token": params.work_done_token, "value": value})

    critique = await reviewer.review(scope, Wish(refresh=params.refresh), hear)
    return ModelReviewResult(
        title=f"Review of {scope.told()}",
        markdown=as_markdown(critique, scope),
        by=critique.by,
        comments=len(critique.remarks),
        threads=critique.threads,
        unread=len(critique.unread),
    )
