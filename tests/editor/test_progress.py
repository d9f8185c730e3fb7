"""Indexing shows itself in the editor, moves, ends, and can be left off there; an editor that shows none is not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.editor.client import Editor

MANY = 900
CAPABLE = {"window": {"workDoneProgress": True}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(MANY):
        place = tmp_path / "work" / f"d{number % 20}" / f"m{number}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"def f{number}(x): return x\n" * 40)
    return tmp_path / "work"


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    with Editor("-m", "sidecar", "lsp", "--port", "0") as made:
        yield made


def begin(editor: Editor, root: Path, capabilities: dict[str, Any]) -> str:
    """Open a folder and let the editor make the bar; its token."""
    editor.initialize(root, capabilities=capabilities)
    editor.notify("initialized", {})
    asked = editor.hear(lambda m: m.get("method") == "window/workDoneProgress/create")
    editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": None})
    return asked["params"]["token"]


def steps(editor: Editor, token: str) -> list[dict[str, Any]]:
    """What the bar shows from its beginning to its end."""
    told: list[dict[str, Any]] = []
    while not told or told[-1]["kind"] != "end":
        told.append(editor.told("$/progress", lambda p: p["token"] == token)["value"])
    return told


def test_a_long_look_is_shown_to_its_end(editor: Editor, root: Path) -> None:
    first, *middle, last = steps(editor, begin(editor, root, CAPABLE))
    assert (first["kind"], first["cancellable"], last["kind"]) == ("begin", True, "end")
    assert middle
    assert all(step["message"].endswith(f"of {MANY} files") for step in middle)
    shares = [step["percentage"] for step in middle]
    assert shares == sorted(shares)
    assert editor.leave() == 0


def test_it_can_be_left_off_and_what_was_done_stays(editor: Editor, root: Path) -> None:
    token = begin(editor, root, CAPABLE)
    editor.told("$/progress", lambda p: p["value"]["kind"] == "begin")
    editor.notify("window/workDoneProgress/cancel", {"token": token})
    steps(editor, token)
    assert editor.leave() == 0


def test_an_editor_without_bars_is_not_asked_for_one(editor: Editor, root: Path) -> None:
    editor.open(root)
    params = {"query": f"f{MANY - 1}"}
    while not editor.ask("workspace/symbol", params):
        pass
    assert not [m for m in editor.heard if m.get("method") == "window/workDoneProgress/create"]
    assert editor.leave() == 0
