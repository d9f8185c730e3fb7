"""Outline and symbol search in the editor, from the real index behind the real server, only for languages nobody else serves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sidecar.editor.symbols import BUILT_IN, IDS, MOST, chosen
from sidecar.index.grammars import GRAMMARS
from tests.editor.client import Editor
from tests.fakes.repository import Repository

FILES = {
    "shop/cart.py": "🎉 = 'x'; class_ = 1\n",
    "shop/tax.py": "class Tax:\n    rate = 1\n    def of(self, net):\n        def inner(): pass\n        return net\ndef top(): pass\n",
    "wide.py": "x = '🎉'; Wide = 1\n",
    "web/app.ts": "export class App { run() {} }\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Repository.create(tmp_path / "größe #1", FILES).root


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    with Editor("-m", "sidecar", "lsp", "--port", "0") as made:
        yield made


def outline(editor: Editor, path: Path) -> list[dict[str, Any]]:
    return editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": path.as_uri()}})


def search(editor: Editor, text: str) -> list[dict[str, Any]]:
    return editor.ask("workspace/symbol", {"query": text})


def until(look: Any) -> Any:
    end = time.monotonic() + 30
    while not (seen := look()):
        assert time.monotonic() < end
    return seen


def test_an_outline_is_a_tree_and_search_finds_names(editor: Editor, root: Path) -> None:
    editor.open(root)
    (tax, top) = until(lambda: outline(editor, root / "shop" / "tax.py"))
    assert (tax["name"], top["name"], tax["detail"]) == ("Tax", "top", "class Tax")
    assert [inner["name"] for inner in tax["children"]] == ["rate", "of"]
    assert [inner["name"] for inner in tax["children"][1]["children"]] == ["inner"]
    assert tax["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 4, "character": 18}}
    assert tax["selectionRange"]["start"] == {"line": 0, "character": 6}
    (found,) = search(editor, "inner")
    assert (found["location"]["uri"], found["containerName"]) == ((root / "shop" / "tax.py").as_uri(), "Tax.of")
    assert search(editor, "") == search(editor, "nothing_is_called_so") == []
    assert outline(editor, root / "gone.py") == outline(editor, root.parent / "outside.py") == []
    assert editor.leave() == 0


def test_columns_are_in_the_editors_units(editor: Editor, root: Path) -> None:
    editor.open(root)
    (found,) = until(lambda: search(editor, "Wide"))
    assert found["location"]["range"]["start"] == {"line": 0, "character": 10}


def test_what_others_outline_is_left_to_them(editor: Editor, root: Path) -> None:
    editor.open(root, symbolLanguages=["typescript", "nonsense", 7])
    assert [symbol["name"] for symbol in until(lambda: outline(editor, root / "web" / "app.ts"))] == ["App"]
    assert outline(editor, root / "shop" / "tax.py") == []
    assert search(editor, "Tax") == []


def test_a_save_is_seen_at_once(editor: Editor, root: Path) -> None:
    editor.open(root)
    until(lambda: outline(editor, root / "shop" / "tax.py"))
    (root / "shop" / "tax.py").write_text("def renamed(): pass\n")
    editor.notify("textDocument/didSave", {"textDocument": {"uri": (root / "shop" / "tax.py").as_uri()}})
    until(lambda: search(editor, "renamed"))
    (root / "shop" / "tax.py").unlink()
    editor.notify(
        "workspace/didChangeWatchedFiles", {"changes": [{"uri": (root / "shop" / "tax.py").as_uri(), "type": 3}]}
    )
    until(lambda: not search(editor, "renamed"))


def test_what_is_cut_or_not_whole_is_said_in_the_log(editor: Editor, root: Path) -> None:
    """The protocol's answer is a list and no more."""
    (root / "many.py").write_text("".join(f"many_{number} = 1\n" for number in range(MOST + 1)))
    editor.open(root)
    until(lambda: len(search(editor, "many_")) == MOST)
    until(lambda: searched(editor, "many_300") == (1, []))  # whole
    count, said = searched(editor, "many_")
    assert count == MOST
    assert said == ["Symbols called like 'many_': The first 300 are shown; there are more."]
    assert editor.leave() == 0


def searched(editor: Editor, text: str) -> tuple[int, list[str]]:
    """How many symbols a search gives, and what the log says with it."""
    heard: list[dict[str, Any]] = []
    asked = editor.request("workspace/symbol", {"query": text})
    answer = editor.hear(lambda m: heard.append(m) or (m.get("id") == asked and "method" not in m))
    said = [m["params"]["message"] for m in heard if m.get("method") == "window/logMessage"]
    return len(answer["result"]), said


def test_without_an_index_there_is_nothing_and_no_fault(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SIDECAR_INDEX", "off")
    with Editor("-m", "sidecar", "lsp", "--port", "0") as editor:
        editor.open(root)
        assert outline(editor, root / "shop" / "tax.py") == search(editor, "Tax") == []
        assert editor.leave() == 0


def test_every_parsed_language_has_its_names_in_the_editor() -> None:
    assert IDS.keys() == {grammar.name for grammar in GRAMMARS}
    assert chosen({}) == {id_ for ids in IDS.values() for id_ in ids} - BUILT_IN
    assert chosen({"symbolLanguages": "python"}) == chosen({})
    assert chosen({"symbolLanguages": []}) == frozenset()
