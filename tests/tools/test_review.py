"""Review for the model: the real risk model on real repositories, a working desk, a writer that plays a text."""

import json
from dataclasses import replace

import pytest

from sidecar.core.errors import UpstreamError
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.review import ReviewTools
from tests.fakes.repository import Repository
from tests.fakes.services import FakeDesk
from tests.tools.conftest import Call

PATCH = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,4 @@\n one\n+import os\n two\n three\n"


class Writer:
    """Writes what it is told to, and keeps what it was asked."""

    def __init__(self, text: str = "", error: Exception | None = None) -> None:
        self.text = text
        self.error = error
        self.asked: list[tuple[str, str]] = []

    async def write(self, task: str, material: str) -> str:
        self.asked.append((task, material))
        if self.error is not None:
            raise self.error
        return self.text


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


def written(box: WorkspaceToolBox, equipped: Bench, text: str = "", error: Exception | None = None) -> Writer:
    writer = Writer(text, error)
    box.put("review", ReviewTools(replace(equipped, writer=writer)).tools())
    return writer


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
    repo.write({"a.py": "one\ntwo\n3\n", ".env": "TOKEN=abc\n"})
    plain = await call("workspace_diff_summary")
    assert "`a.py` changed" in plain.text
    writer = written(box, equipped, "It mends a typo.")
    told = await call("review_summary")
    assert told.text.startswith("It mends a typo.")
    assert "`a.py` changed" in told.text
    assert "+3" in writer.asked[0][1]
    assert "TOKEN" not in writer.asked[0][1]
    written(box, equipped, error=UpstreamError("The provider is away."))
    assert "could not be asked: The provider is away." in (await call("review_summary")).text


async def test_comments_are_those_of_the_change(
    call: Call, box: WorkspaceToolBox, equipped: Bench, repo: Repository
) -> None:
    repo.write({"a.py": "one\ntwo\n3\n"})
    assert (await call("workspace_diff_review")).value["comments"] == []
    said = [
        {"file": "a.py", "line": 3, "comment": "Why?", "severity": "high"},
        {"file": "a.py", "line": "x", "comment": "no line"},
        {"file": "/etc/passwd", "line": 1, "comment": "elsewhere"},
        {"file": "a.py", "line": 1, "comment": "Odd.", "severity": "odd"},
        "nonsense",
    ]
    written(box, equipped, f"Here:\n```json\n{json.dumps(said)}\n```")
    told = await call("review_diff")
    assert told.text.startswith("- a.py:3 (high): Why?\n- a.py:1 (medium): Odd.")
    assert len(told.value["comments"]) == 2
    written(box, equipped, "[not json]")
    assert (await call("review_diff")).text.startswith("No comments.")


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
