"""What an editor asks to be done with a thread, over a working desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.core.errors import BadInput, Conflict, NotFound
from sidecar.editor.acts import acts
from sidecar.editor.places import Places
from sidecar.editor.protocol import (
    DISMISS,
    DISMISSALS,
    HAND_OVER,
    REVERT,
    STAGE,
    SUGGESTION,
    UNDISMISS,
    DismissalName,
    DismissParams,
    RevertParams,
    SuggestionParams,
    ThreadName,
)
from sidecar.editor.review import Review
from tests.fakes.services import FakeDesk


@pytest.fixture
async def review(tmp_path: Path) -> Review:
    (tmp_path / "a b.py").write_text("risky\nrisky too\n")
    made = Review(FakeDesk(tmp_path), Places.of(str(tmp_path), tmp_path))
    await made.desk.refresh()
    return made


async def test_a_thread_is_dismissed_listed_and_comes_back(review: Review, tmp_path: Path) -> None:
    async def opened() -> Review:
        return review

    do = acts(opened)
    name = review.desk.state().threads[1].id
    made = await do[DISMISS](DismissParams(id=name, reason="known", scope="file"))
    assert made.model_dump(by_alias=True) == {
        "id": made.id, "scope": "file", "pattern": "a b.py", "reason": "known", "title": "Risk",
        "uri": Places.of(str(tmp_path), tmp_path).uri("a b.py"), "startLine": 1, "created": 1.0,
    }  # fmt: skip
    assert (await do[DISMISSALS](None)).items == [made]
    assert await do[UNDISMISS](DismissalName(id=made.id)) == made
    assert (await do[DISMISSALS](None)).items == []
    assert name in {thread.id for thread in review.desk.state().threads}
    with pytest.raises(BadInput, match="reason"):
        await do[DISMISS](DismissParams(id=name, reason=" "))
    with pytest.raises(NotFound):
        await do[DISMISS](DismissParams(id="gone", reason="x"))


async def test_a_thread_is_handed_over(review: Review) -> None:
    async def opened() -> Review:
        return review

    name = review.desk.state().threads[0].id
    told = await acts(opened)[HAND_OVER](ThreadName(id=name))
    assert told.model_dump() == {"prompt": "It is about a b.py, line 1."}


async def test_hunks_and_suggestions_become_edits_that_count_from_zero(review: Review, tmp_path: Path) -> None:
    async def opened() -> Review:
        return review

    do = acts(opened)
    thread = review.desk.state().threads[1]
    assert (await do[STAGE](ThreadName(id=thread.id))).model_dump() == {"hunks": 1, "whole": False}
    wanted = {
        "uri": Places.of(str(tmp_path), tmp_path).uri("a b.py"),
        "edits": [{"startLine": 1, "lineCount": 1, "lines": ["safe"]}],
    }
    text = "risky\nrisky too\n"
    back = await do[REVERT](RevertParams(id=thread.id, text=text))
    mend = await do[SUGGESTION](SuggestionParams(id=thread.id, comment=thread.comments[0].id, text=text))
    assert back.model_dump(by_alias=True) == mend.model_dump(by_alias=True) == wanted
    with pytest.raises(Conflict):
        await do[REVERT](RevertParams(id=thread.id, text="other"))
    with pytest.raises(NotFound):
        await do[SUGGESTION](SuggestionParams(id=thread.id, comment="none", text=text))
