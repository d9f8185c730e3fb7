"""A review in words as the editor asks for it: progress to its token, Markdown, threads by the usual way, leaving off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.core.errors import BadInput, UpstreamError
from sidecar.editor.critique import review_in_words
from sidecar.editor.protocol import ModelReviewParams
from tests.editor.client import Editor
from tests.fakes.services import FakeDesk, FakeReviewer


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.py").write_text("safe\nrisky\n")
    return tmp_path


@pytest.fixture
async def reviewer(repo: Path) -> FakeReviewer:
    desk = FakeDesk(repo)
    await desk.refresh()
    return FakeReviewer(desk)


async def test_the_result_and_how_far_it_is(reviewer: FakeReviewer) -> None:
    told: list[tuple[int | str, Any]] = []
    params = ModelReviewParams(work_done_token="t1")
    result = await review_in_words(reviewer, params, lambda token, value: told.append((token, value)))
    assert result.title == "Review of the uncommitted change"
    assert result.markdown.startswith("# Review of the uncommitted change\n")
    assert (result.by, result.comments, result.threads, result.unread) == ("model", 1, 1, 0)
    assert [(token, value.kind, getattr(value, "percentage", None)) for token, value in told] == [
        ("t1", "begin", 0),
        ("t1", "report", 0),
        ("t1", "report", 50),
        ("t1", "end", None),
    ]
    again = await review_in_words(reviewer, ModelReviewParams(scope="staged"), lambda *_: pytest.fail("no token"))
    assert (again.title, again.threads) == ("Review of the staged change", 0)


async def test_what_goes_wrong_is_told(reviewer: FakeReviewer) -> None:
    with pytest.raises(BadInput, match="as `base`"):
        await review_in_words(reviewer, ModelReviewParams(scope="base"), lambda *_: None)
    with pytest.raises(UpstreamError):
        await review_in_words(reviewer, ModelReviewParams(scope="base", base="away"), lambda *_: None)


def test_over_the_wire(repo: Path) -> None:
    with Editor() as editor:
        editor.open(repo)
        editor.ask("sidecar/review", {})
        result = editor.ask("sidecar/review/model", {"workDoneToken": 7})
        assert (result["comments"], result["threads"]) == (1, 1)
        steps = [m["params"] for m in editor.heard if m.get("method") == "$/progress"]
        assert [(step["token"], step["value"]["kind"]) for step in steps] == [
            (7, "begin"),
            (7, "report"),
            (7, "report"),
            (7, "end"),
        ]
        assert steps[2]["value"]["message"] == "1 of 2 parts read"
        shown = editor.ask("sidecar/threads/snapshot", {})["upserts"]
        assert {item["origin"]: item["comments"][0]["author"] for item in shown} == {
            "risk": "sidecar",
            "review": "model",
        }
        assert "away" in editor.refusal("sidecar/review/model", {"scope": "base", "base": "away"})["message"]
        assert "scope" in editor.refusal("sidecar/review/model", {"scope": "all"})["message"]
        waiting = editor.request("sidecar/review/model", {"scope": "base", "base": "hang", "workDoneToken": 8})
        editor.told("$/progress", lambda params: params["token"] == 8)
        editor.notify("$/cancelRequest", {"id": waiting})
        assert editor.answer(waiting)["error"]["code"] == -32800
        assert editor.leave() == 0


def test_without_a_repository_it_says_so(tmp_path: Path) -> None:
    with Editor() as editor:
        editor.open(tmp_path)
        assert "git init" in editor.refusal("sidecar/review/model", {})["message"]
