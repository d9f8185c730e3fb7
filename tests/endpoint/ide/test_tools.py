"""What the CLI calls, answered over a desk that reviews by one rule and a window that a test decides in."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.errors import GitError, NotFound
from sidecar.core.ports import Decision, Proposal
from sidecar.endpoint.ide.tools import TOOLS, Tools
from tests.fakes.services import FakeDesk


class Window:
    """A window whose user does what the test says."""

    def __init__(self) -> None:
        self.asked: list[Proposal] = []
        self.decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self.shown: list[tuple[str, int, int]] = []
        self.taken_back = 0

    async def decide(self, proposal: Proposal) -> Decision:
        self.asked.append(proposal)
        try:
            return await self.decision
        except asyncio.CancelledError:
            self.taken_back += 1
            raise

    async def show(self, path: str, first: int = 0, last: int = 0) -> None:
        if not Path(path).exists():
            raise NotFound("There is no such file.")
        self.shown.append((path, first, last))


@pytest.fixture
async def window() -> Window:
    return Window()


@pytest.fixture
def desk(tmp_path) -> FakeDesk:
    (tmp_path / "a.py").write_text("fine\nrisky one\n")
    (tmp_path / "b.py").write_text("risky two\n")
    return FakeDesk(tmp_path)


@pytest.fixture
def tools(desk, window) -> Tools:
    return Tools(desk, lambda: window)


def said(result: dict[str, Any]) -> list[str]:
    return [part["text"] for part in result["content"]]


def proposing(path: Path | str, text: str = "fine\nrisky new\n", tab: str = "tab") -> dict[str, Any]:
    return {"old_file_path": str(path), "new_file_path": str(path), "new_file_contents": text, "tab_name": tab}


async def under_way(window: Window) -> None:
    while not window.asked:
        await asyncio.sleep(0)


async def test_every_tool_that_is_listed_can_be_called(tools, window, tmp_path):
    window.decision.set_result(Decision(False))
    arguments = {"openDiff": proposing(tmp_path / "a.py"), "openFile": {"filePath": str(tmp_path / "a.py")}}
    for tool in TOOLS:
        result = await tools.call(tool["name"], arguments.get(tool["name"], {}))
        assert result["content"]
        assert "isError" not in result, (tool["name"], result)


async def test_there_is_no_other_tool(tools):
    with pytest.raises(LookupError):
        await tools.call("executeCode", {})


async def test_diagnostics_of_all_files_and_of_one(tools, tmp_path):
    (told,) = said(await tools.call("getDiagnostics", {}))
    files = {entry["uri"]: [d["range"]["start"]["line"] for d in entry["diagnostics"]] for entry in json.loads(told)}
    assert files == {(tmp_path / "a.py").as_uri(): [1], (tmp_path / "b.py").as_uri(): [0]}
    for name in ((tmp_path / "b.py").as_uri(), str(tmp_path / "b.py")):
        ((entry),) = json.loads(said(await tools.call("getDiagnostics", {"uri": name}))[0])
        assert (entry["uri"], len(entry["diagnostics"])) == (name, 1)


async def test_a_file_without_findings_and_one_outside_have_none(tools, tmp_path):
    for name in (tmp_path / "none.py", Path("/etc/passwd")):
        ((entry),) = json.loads(said(await tools.call("getDiagnostics", {"uri": name.as_uri()}))[0])
        assert entry["diagnostics"] == []


async def test_after_an_edit_only_what_it_brought_differs(tools, tmp_path):
    file = tmp_path / "a.py"
    (before,) = json.loads(said(await tools.call("getDiagnostics", {"uri": file.as_uri()}))[0])
    file.write_text("fine\nrisky one\nrisky new\n")
    after = json.loads(said(await tools.call("getDiagnostics", {}))[0])
    (mine,) = [entry for entry in after if entry["uri"] == file.as_uri()]
    new = [d for d in mine["diagnostics"] if d not in before["diagnostics"]]
    assert [d["range"]["start"]["line"] for d in new] == [2]


async def test_a_failing_look_leaves_the_last_findings(tools, desk):
    before = said(await tools.call("getDiagnostics", {}))
    desk.fault = GitError("git is away")
    assert said(await tools.call("getDiagnostics", {})) == before


async def test_without_a_repository_there_are_no_findings(window):
    assert said(await Tools(None, lambda: window).call("getDiagnostics", {})) == ["[]"]


async def test_a_proposal_is_shown_with_its_comments_and_taken_as_changed(tools, window, tmp_path):
    call = asyncio.create_task(tools.call("openDiff", proposing(tmp_path / "a.py")))
    await under_way(window)
    (proposal,) = window.asked
    assert [thread.anchor.start for thread in proposal.threads] == [2]
    window.decision.set_result(Decision(True, "mine\n"))
    assert said(await call) == ["FILE_SAVED", "mine\n"]


async def test_a_rejected_proposal(tools, window, tmp_path):
    window.decision.set_result(Decision(False))
    assert said(await tools.call("openDiff", proposing(tmp_path / "a.py"))) == ["DIFF_REJECTED", "tab"]


@pytest.mark.parametrize("close", [("close_tab", {"tab_name": "tab"}), ("closeAllDiffTabs", {})])
async def test_the_terminal_may_be_quicker(tools, window, tmp_path, close):
    call = asyncio.create_task(tools.call("openDiff", proposing(tmp_path / "a.py")))
    await under_way(window)
    await tools.call(*close)
    assert said(await call) == ["DIFF_REJECTED", "tab"]
    assert window.taken_back == 1


async def test_a_client_that_leaves_takes_its_question_back(tools, window, tmp_path):
    call = asyncio.create_task(tools.call("openDiff", proposing(tmp_path / "a.py")))
    await under_way(window)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert window.taken_back == 1


async def test_a_proposal_outside_the_repository_is_shown_without_comments(tools, window):
    window.decision.set_result(Decision(False))
    await tools.call("openDiff", proposing("/elsewhere/a.py"))
    assert window.asked[0].threads == ()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("openDiff", {}),
        ("openDiff", proposing("") | {"tab_name": "t"}),
        ("openDiff", {"tab_name": 7}),
        ("close_tab", {"tab_name": []}),
        ("openFile", {"filePath": "/not/there"}),
    ],
)
async def test_wrong_arguments_are_an_error_result(tools, name, arguments):
    result = await tools.call(name, arguments)
    assert result["isError"] is True
    assert said(result)[0].endswith(".")


async def test_without_a_window_the_terminal_is_pointed_to(desk, tmp_path):
    result = await Tools(desk, lambda: None).call("openDiff", proposing(tmp_path / "a.py"))
    assert result["isError"] is True
    assert "terminal" in said(result)[0]


async def test_files_are_shown(tools, window, tmp_path):
    await tools.call("openFile", {"filePath": str(tmp_path / "a.py"), "startLine": 2, "endLine": 3})
    assert window.shown == [(str(tmp_path / "a.py"), 2, 3)]
