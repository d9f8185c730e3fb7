"""Proposals wait for the editor; selections and mentions go the other way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.errors import NotFound
from sidecar.core.ports import Decision, Proposal, Selection
from sidecar.core.review import Anchor, Thread
from sidecar.editor.places import Places
from sidecar.editor.protocol import DecideParams, MentionParams, ProposalName, SelectionParams
from sidecar.editor.window import EditorWindow, mention, select

THREAD = Thread("t", Anchor("a.py", 3, 4, ("x", "y")), "open", 0.4, "high", (), 0.0, 0.0)


class Editor:
    """What an editor was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.window = EditorWindow(
            lambda method, params: self.told.append((method, params)), lambda: Places(Path("/w"), Path("/w"))
        )


class Client:
    """A connected client of the assistant."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def selected(self, selection: Selection) -> bool:
        self.heard.append(selection)
        return True

    def mention(self, path: str, first: int, last: int) -> bool:
        self.heard.append((path, first, last))
        return True


@pytest.fixture
async def editor() -> Editor:
    return Editor()


async def asked(editor: Editor) -> tuple[asyncio.Task[Decision], ProposalName]:
    task = asyncio.create_task(editor.window.decide(Proposal("tab", "/w/a.py", "x\n", (THREAD,))))
    while not editor.told:
        await asyncio.sleep(0)
    method, params = editor.told[0]
    assert method == "sidecar/proposal/opened"
    return task, ProposalName.model_validate(params)


async def test_a_proposal_is_pulled_and_decided(editor):
    task, name = await asked(editor)
    item = editor.window.proposal(name)
    assert (item.uri, item.title, item.text) == ("file:///w/a.py", "tab", "x\n")
    assert [(thread.start_line, thread.end_line) for thread in item.threads] == [(2, 3)]
    assert editor.window.decided(DecideParams(id=name.id, accepted=True, text="y\n")).heard is True
    assert editor.window.decided(DecideParams(id=name.id, accepted=False)).heard is False
    assert await task == Decision(True, "y\n")
    assert editor.told[-1] == ("sidecar/proposal/closed", {"id": name.id})


async def test_a_question_that_is_taken_back_is_closed(editor):
    task, name = await asked(editor)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert editor.told[-1] == ("sidecar/proposal/closed", {"id": name.id})
    with pytest.raises(NotFound, match="settled"):
        editor.window.proposal(name)


async def test_a_file_is_shown_by_lines_from_0(editor, tmp_path):
    file = tmp_path / "a b.py"
    file.write_text("")
    await editor.window.show(str(file), 2, 5)
    await editor.window.show(str(file))
    shown = [(params["startLine"], params["endLine"]) for _, params in editor.told]
    assert shown == [(1, 4), (0, 0)]
    assert editor.told[0][1]["uri"] == file.as_uri()
    with pytest.raises(NotFound):
        await editor.window.show(str(tmp_path / "none"))


def test_selections_and_mentions_reach_the_client():
    client = Client()
    place = SelectionParams(
        uri="file:///w/a.py", text="x", start_line=1, start_character=2, end_line=3, end_character=4
    )
    assert select(client, place).heard is True
    assert mention(client, MentionParams(uri="file:///w/a.py", start_line=1, end_line=2)).heard is True
    assert client.heard == [Selection("/w/a.py", "x", (1, 2), (3, 4)), ("/w/a.py", 1, 2)]


@pytest.mark.parametrize("uri", ["untitled:x", "git:/w/a.py"])
def test_what_is_no_file_is_not_told(uri):
    client = Client()
    place = SelectionParams(uri=uri, text="", start_line=0, start_character=0, end_line=0, end_character=0)
    assert select(client, place).heard is False
    assert mention(client, MentionParams(uri=uri, start_line=0, end_line=0)).heard is False
    assert client.heard == []
    assert select(None, place.model_copy(update={"uri": "file:///w/a.py"})).heard is False
