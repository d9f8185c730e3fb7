"""The editor's languages as a source, against an editor that answers as the extension does, or badly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Location, Position, Query, Span, TextEdit
from sidecar.editor.host import HostSource
from sidecar.editor.protocol import HOST_QUERY
from tests.editor.client import Editor

HERE = Query("definition", "a.py", Position(1, 10), deadline=2.0)
SPOT = {"start": {"line": 0, "character": 10}, "end": {"line": 0, "character": 11}}


class FakeEditor:
    """Answers each question by a function of it."""

    def __init__(self, reply: Callable[[dict[str, Any]], Any]) -> None:
        self.reply = reply
        self.asked: list[dict[str, Any]] = []
        self.open = self.most = 0

    async def __call__(self, method: str, params: dict[str, Any]) -> Any:
        assert method == HOST_QUERY
        self.asked.append(params)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            answer = self.reply(params)
            return await answer if asyncio.iscoroutine(answer) else answer
        finally:
            self.open -= 1


def said(*result: Any, status: str = "ready", **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "result": list(result),
        "truncated": False,
        "provider": "x",
        "version": 3,
        "ms": 1,
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.py").write_text('x = "😀"; y = x\n', encoding="utf-8")
    (tmp_path / "shown").symlink_to(tmp_path / "real")
    return tmp_path / "shown"


async def test_places_are_counted_and_spelled_as_the_editor_does(folder: Path) -> None:
    uri = (folder / "a.py").as_uri()
    editor = FakeEditor(lambda _: said({"uri": uri, "range": SPOT}))
    source = HostSource(folder, editor)
    answer = await source.ask(HERE)
    assert answer.items == (Location(Span("a.py", Position(1, 10), Position(1, 11)), 'x = "😀"; y = x'),)
    assert (answer.status, answer.source, answer.version, answer.note) == ("ready", "editor", 3, "")
    (asked,) = editor.asked
    assert (asked["what"], asked["uri"], asked["position"]) == ("definition", uri, {"line": 0, "character": 10})
    assert 0 < asked["deadlineMs"] <= 2_000
    assert (asked["limit"], asked["also"]) == (201, [])
    await source.ask(replace(HERE, also=("tests/b c.py",)))
    assert editor.asked[-1]["also"] == [(folder / "tests/b c.py").as_uri()]


@pytest.mark.parametrize(
    ("status", "note"),
    [("warming", "still starting"), ("partial", "may not know everything"), ("unsupported", "No extension")],
)
async def test_what_is_not_whole_says_so(folder: Path, status: str, note: str) -> None:
    source = HostSource(folder, FakeEditor(lambda _: said(status=status)))
    answer = await source.ask(HERE)
    assert (answer.status, answer.items) == (status, ())
    assert note in answer.note
    assert source.knows("definition", "b.py") is (status != "unsupported")
    assert source.knows("hover", "b.py")
    assert source.knows("definition", "b.ts")


async def test_an_editor_without_the_bridge_is_not_asked_again(folder: Path) -> None:
    def refuse(_: Any) -> None:
        raise JsonRpcMethodNotFound

    source = HostSource(folder, FakeEditor(refuse))
    answer = await source.ask(HERE)
    assert (answer.status, answer.note) == ("unsupported", "This editor has no bridge to its languages.")
    assert not source.knows("definition", "a.ts")


@pytest.mark.parametrize(
    "reply",
    [None, 7, {}, {"status": "splendid"}, said({"uri": 7}), said("text"), said({"uri": "file:///a", "range": {}})],
)
async def test_nonsense_is_no_answer(folder: Path, reply: Any) -> None:
    answer = await HostSource(folder, FakeEditor(lambda _: reply)).ask(HERE)
    assert (answer.status, answer.items) == ("partial", ())
    assert "cannot be used" in answer.note


async def test_a_refusal_hands_on_its_sentence(folder: Path) -> None:
    def refuse(_: Any) -> None:
        raise JsonRpcException("You cannot rename this element.", -32603)

    query = Query("rename", "a.py", Position(1, 1), new_name="z")
    answer = await HostSource(folder, FakeEditor(refuse)).ask(query)
    assert answer.note == "The editor's answer cannot be used (You cannot rename this element.)."


async def test_a_rename_is_edits_and_diagnostics_have_their_scope(folder: Path) -> None:
    edits = {"changes": {(folder / "a.py").as_uri(): [{"range": SPOT, "newText": "z"}]}}
    editor = FakeEditor(lambda params: said(edits) if params["what"] == "rename" else said(diagnosticsScope="open"))
    source = HostSource(folder, editor)
    renamed = await source.ask(Query("rename", "a.py", Position(1, 10), new_name="z"))
    assert renamed.items == (TextEdit(Span("a.py", Position(1, 10), Position(1, 11)), "z"),)
    assert editor.asked[0]["query"] == "z"
    checked = await source.ask(Query("diagnostics", "a.py"))
    assert checked.note == "The editor checks only files that are open in a tab."


async def test_a_silent_editor_costs_no_more_than_the_deadline(folder: Path) -> None:
    editor = FakeEditor(lambda _: asyncio.sleep(600))
    source = HostSource(folder, editor)
    answers = await asyncio.gather(
        *(source.ask(Query("hover", "a.py", Position(1, 1), deadline=0.3)) for _ in range(12))
    )
    assert {answer.status for answer in answers} == {"warming"}
    assert editor.most == 4
    assert editor.open == 0


async def test_more_than_the_limit_is_told(folder: Path) -> None:
    places = [
        {"uri": (folder / "a.py").as_uri(), "range": {**SPOT, "start": {"line": 0, "character": n}}} for n in range(4)
    ]
    answer = await HostSource(folder, FakeEditor(lambda _: said(*places))).ask(
        Query("references", "a.py", Position(1, 1), limit=3)
    )
    assert (len(answer.items), answer.truncated) == (3, True)


@pytest.mark.parametrize("path", ["../x.py", "/etc/passwd", "gone.py"])
async def test_files_outside_are_not_asked_about(folder: Path, path: str) -> None:
    editor = FakeEditor(lambda _: said())
    with pytest.raises(BadInput):
        await HostSource(folder, editor).ask(Query("hover", path, Position(1, 1)))
    assert editor.asked == []


def test_over_the_wire(folder: Path) -> None:
    """The door attaches the source: what the workspace's services ask reaches the editor, late answers do no harm."""
    from tests.editor.client import Inside

    with Editor() as editor:
        status = editor.open(folder)
        with Inside(status["port"]) as inside:
            import threading

            got: list[Any] = []
            asking = threading.Thread(target=lambda: got.append(inside.do("symbols", path="a.py", line=1, column=10)))
            asking.start()
            question = editor.hear(lambda m: m.get("method") == HOST_QUERY)
            assert question["params"]["what"] == "definition"
            place = {"uri": question["params"]["uri"], "range": SPOT}
            editor.send({"jsonrpc": "2.0", "id": question["id"], "result": said(place)})
            asking.join(10)
            assert got == [["ready", "editor", ["a.py:1:10"], ""]]
            slow = threading.Thread(
                target=lambda: got.append(inside.do("symbols", path="a.py", line=1, column=1, deadline=0.4))
            )
            slow.start()
            question = editor.hear(lambda m: m.get("method") == HOST_QUERY)
            cancelled = editor.told("$/cancelRequest")
            assert cancelled["id"] == question["id"]
            editor.send({"jsonrpc": "2.0", "id": question["id"], "result": said(place)})
            slow.join(10)
            assert got[1][0] == "warming"
            assert inside.do("pending") == 0
            assert not any(m.get("method") == "window/showMessage" for m in editor.heard)
        assert editor.leave() == 0
