"""Indexing shows itself in the editor, moves, ends, and can be left off there; an editor that shows none is not asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.editor.client import PATIENCE, Editor

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
    """Open a folder and let the editor make the bar; its token.

    However fast the machine is: the indexer is held until the bar shows how far it is.
    """
    editor.initialize(root, capabilities=capabilities)
    editor.notify("initialized", {})
    indexer = look(lambda: indexer_of(editor))
    asked = look(lambda: [m for m in editor.heard if m.get("method") == "window/workDoneProgress/create"])
    indexer.suspend()
    editor.send({"jsonrpc": "2.0", "id": asked[0]["id"], "result": None})
    look(lambda: any(m["params"]["value"]["kind"] == "report" for m in editor.heard if m.get("method") == "$/progress"))
    indexer.resume()
    return asked[0]["params"]["token"]


def indexer_of(editor: Editor) -> psutil.Process | None:
    for child in psutil.Process(editor.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if "sidecar.index.process" in child.cmdline():
                return child
    return None


def look(there: Callable[[], Any]) -> Any:
    until = time.monotonic() + 2 * PATIENCE
    while not (seen := there()):
        assert time.monotonic() < until
        time.sleep(0.002)  # between two looks at a state
    return seen


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
