"""Review for the model: the real risk model on real repositories, a working desk, a reviewer that plays a review."""

from dataclasses import replace
from typing import Any

import pytest

from sidecar.core.critique import Critique, Hear, NamedChange, Remark, Unread, Wish
from sidecar.core.errors import UpstreamError
from sidecar.core.tool import Caller
from sidecar.critique.reviewer import ChangeReviewer
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.review import ReviewTools
from tests.fakes.repository import Repository
from tests.fakes.services import FakeDesk
from tests.tools.conftest import Call

PATCH = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,4 @@\n one\n+import os\n two\n three\n"


class Reviewer:
    """Reviews as it is told to; `error` stands for a model that cannot be asked. Facts come from the real reviewer."""

    def __init__(self, bench: Bench, critique: Critique | None = None, error: UpstreamError | None = None) -> None:
        self.facts = ChangeReviewer(bench.git, None)
        self.critique = critique
        self.error = error
        self.asked: list[tuple[NamedChange, Wish]] = []

    async def review(self, scope: NamedChange, wish: Wish, hear: Hear, *, threads: bool = True) -> Critique:
        assert not threads, "a tool that reads makes no threads"
        if not wish.by_model or (self.critique is None and self.error is None):
            return await self.facts.review(scope, wish, hear, threads=threads)
        self.asked.append((scope, wish))
        hear(0, 1, "asking the model")
        if self.error is not None:
            raise self.error
        assert self.critique is not None
        return self.critique


@pytest.fixture
def desk(repo: Repository) -> FakeDesk:
    return FakeDesk(repo.root)


@pytest.fixture
def equipped(bench: Bench, desk: FakeDesk) -> Bench:
    async def opened() -> FakeDesk:
        return desk

    return replace(bench, desk=opened)


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, equipped: Bench) -> None:
    box.put("review", ReviewTools(equipped).tools())


def reviewed(box: WorkspaceToolBox, equipped: Bench, critique: Critique | None = None, **more: Any) -> Reviewer:
    reviewer = Reviewer(equipped, critique, **more)
    box.put("review", ReviewTools(replace(equipped, reviewer=reviewer)).tools())
    return reviewer


WORDS = Critique(
    "model",
    "It mends a typo.",
    files={"a.py": "One word."},
    remarks=(Remark("a.py", 3, 3, "high", "Why", "Why?"),),
    unread=(Unread("big.csv", "too large"),),
    provider="databricks",
    model="claude-x",
    facts="FACTS",
)


async def test_the_risk_of_any_change(call: Call, repo: Repository) -> None:
    assert "no change there" in (await call("review_risk")).text
    first = repo.head
    repo.commit("More", {"src/b.py": "def b():\n    return 3\n"})
    repo.stage({"a.py": "one\nx = eval(input())\n"})
    repo.write({"src/b.py": "def b():\n    return 2\n"})
    for given in ({}, {"scope": "staged"}, {"base": first}, {"scope": "commit"}, {"scope": "patch", "patch": PATCH}):
        told = await call("review_risk", **given)
        assert not told.error, told.text
        assert 0 < told.value["score"] < 1
        assert told.text.startswith(f"Score {told.value['score']:.2f} (")
    staged = await call("review_risk", staged=True)
    assert [file["file"] for file in staged.value["files"]] == ["a.py"]
    for wrong in (
        {"scope": "range"},
        {"base": "--output=x"},
        {"scope": "patch", "patch": "no patch"},
        {"scope": "commit", "head": "-x"},
    ):
        assert (await call("review_risk", **wrong)).error


async def test_a_summary_with_and_without_a_model(
    call: Call, box: WorkspaceToolBox, equipped: Bench, repo: Repository
) -> None:
    repo.write({"a.py": "one\ntwo\n3\n"})
    plain = await call("workspace_diff_summary", model=True)
    assert "`a.py` changed" in plain.text
    assert "No model was asked" in plain.text
    reviewer = reviewed(box, equipped, WORDS)
    told = await call("review_summary", model=True)
    assert told.text.startswith("It mends a typo.\n\n- a.py: One word.\n\nFACTS")
    assert "Not read: big.csv (too large)." in told.text
    assert reviewer.asked == [(NamedChange(), Wish())]
    reviewed(box, equipped, error=UpstreamError("The provider is away."))
    told = await call("review_summary", model=True)
    assert "The model could not be asked: The provider is away." in told.text
    assert "`a.py` changed" in told.text


ROADS: list[tuple[Any, dict[str, Any], int]] = [
    ("mcp", {}, 0),
    ("loop", {}, 0),
    ("command", {}, 1),
    ("mcp", {"model": True}, 1),
    ("command", {"model": False}, 0),
]


@pytest.mark.parametrize(("road", "given", "times"), ROADS)
async def test_who_pays_for_a_model_has_asked_for_it(
    box: WorkspaceToolBox, equipped: Bench, repo: Repository, road: Any, given: dict[str, Any], times: int
) -> None:
    repo.write({"a.py": "one\ntwo\n3\n"})
    reviewer = reviewed(box, equipped, WORDS)
    heard: list[str] = []
    told = await box.call("review_diff", given, Caller(road=road, progress=lambda _d, _t, said: heard.append(said)))
    assert not told.error
    assert len(reviewer.asked) == len(heard) == times


async def test_a_review_has_comments_with_places(
    call: Call, box: WorkspaceToolBox, equipped: Bench, repo: Repository
) -> None:
    repo.write({"a.py": "one\ntwo\n3\n"})
    facts = await call("workspace_diff_review")
    assert (facts.value["by"], facts.value["comments"]) == ("facts", [])
    reviewer = reviewed(box, equipped, WORDS)
    told = await call("review_diff", model=True, focus="security", base="main")
    assert told.text.startswith("# Review of main..HEAD")
    assert "### High: `a.py:3`" in told.text
    (comment,) = told.value["comments"]
    assert (comment["file"], comment["line"], comment["severity"], comment["body"]) == ("a.py", 3, "high", "Why?")
    assert reviewer.asked == [(NamedChange("range", "main"), Wish(focus="security"))]


async def test_threads_are_listed_answered_and_resolved(call: Call, repo: Repository) -> None:
    assert (await call("review_threads")).text == "There are no threads."
    repo.write({"a.py": "one\nrisky\n"})
    told = await call("workspace_diff_comments", action="list")
    (thread,) = told.value["threads"]
    assert (thread["file"], thread["start"]) == ("a.py", 2)
    assert (await call("review_threads", file="b.py")).value["threads"] == []
    replied = await call("review_reply", id=thread["id"], body="Is it?")
    assert [comment["author"] for comment in replied.value["comments"]] == ["sidecar", "user", "model"]
    assert (await call("review_resolve", id=thread["id"])).value["state"] == "resolved"
    assert (await call("review_threads")).value["threads"] == []
    assert (await call("review_threads", state="all")).value["threads"] != []
    assert (await call("review_resolve", id=thread["id"], reopen=True)).value["state"] == "open"
    assert (await call("review_reply", id="none", body="x")).error
    assert (await call("review_reply", id=thread["id"], body="")).error


def test_threads_need_a_desk(bench: Bench) -> None:
    assert {tool.spec.name for tool in ReviewTools(bench).tools()} == {"review_risk", "review_summary", "review_diff"}
