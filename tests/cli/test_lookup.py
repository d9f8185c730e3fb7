"""`sidecar definition` and `sidecar references`: by place and by name, for people and programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sidecar.cli import run
from tests.cli.processes import environment
from tests.cli.processes import run as run_process

CART = "class Cart:\n    def add(self):\n        return 'ä'\n\n\nCart().add(); Cart().add()\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    (root / "cart.py").write_text(CART, encoding="utf-8")
    (root / "notes.txt").write_text("nothing to see\n")
    monkeypatch.chdir(root)
    return root


def test_a_place_and_a_name_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["definition", "cart.py:6:8"]) == 0
    said = capsys.readouterr()
    assert said.out == "cart.py:2:9: def add(self):\n"
    assert said.err.startswith("1 place, ready, by jedi in ")
    assert run(["references", "Cart.add", "-q"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "cart.py:2:9: def add(self):", "cart.py:6:8: Cart().add(); Cart().add()", "cart.py:6:22: Cart().add(); Cart().add()",
    ]  # fmt: skip
    assert said.err == ""


def test_a_file_is_named_from_where_one_stands(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder / "sub")
    assert run(["definition", "../cart.py:6:8", "--workspace", str(folder)]) == 0
    assert capsys.readouterr().out == "cart.py:2:9: def add(self):\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not allow these names")
@pytest.mark.parametrize("name", ["a, b", "c:1:2", "d#e%20f", "-n", "new\nline", "q'u\"ote", "käse 日本"])
def test_a_file_of_any_name_is_named_by_its_place(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = folder / name
    odd.mkdir()
    (odd / f"{name}.py").write_text(CART, encoding="utf-8")
    assert run(["definition", "--json", "--workspace", str(odd), "--", f"{odd}/{name}.py:6:8"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert (item["span"]["path"], item["span"]["start"]) == (f"{name}.py", {"line": 2, "column": 9})


def test_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["references", "cart.py:2:9", "--json", "--limit", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["source"], told["truncated"], len(told["items"])) == ("partial", "jedi", True, 2)
    assert told["items"][0]["span"] == {
        "path": "cart.py",
        "start": {"line": 2, "column": 9},
        "end": {"line": 2, "column": 12},
    }


def test_what_may_belong_to_them_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for limit in ("SECONDS", "_INDEX_SECONDS"):  # what a busy machine needs
        monkeypatch.setattr(f"sidecar.languages.leftover.{limit}", 60.0)
    (folder / "use.py").write_text("def use(thing):\n    thing.add()\n")
    assert run(["references", "Cart.add", "--deadline", "150"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert "? use.py:2:11: thing.add()\n3 places (1 more may belong to them), partial, by jedi in " in said.err
    assert "1 more place uses this name on something whose type is not known and may mean it." in said.err
    assert run(["references", "Cart.add", "--deadline", "150", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["unresolved"], [place["span"]["path"] for place in told["maybe"]]) == (1, ["use.py"])


def test_the_index_answers_where_nobody_else_can(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cart.rb").write_text("class Basket\n  def total\n    1\n  end\nend\nBasket.new.total\n")
    assert run(["definition", "Basket.total"]) == 0
    said = capsys.readouterr()
    assert said.out == "cart.rb:2:7: def total\n"
    assert "by index" in said.err


def test_nothing_found_is_one_and_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["definition", "nowhere"]) == 1
    assert "sidecar: Nothing is called nowhere here." in capsys.readouterr().err
    assert run(["definition", "notes.txt:1:1"]) == 1
    said = capsys.readouterr().err
    assert "sidecar: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "words",
    [
        ["definition"], ["definition", "cart.py:6"], ["definition", "cart.py:"], ["definition", "cart.py:99:1"],
        ["definition", "gone.py:1:1"], ["references", "../outside.py:1:1"], ["references", "cart.py:0:1"],
        ["references", "Cart", "--limit", "0"], ["references", "/etc/passwd:1:1"], ["references", "cart.py:1:999"],
    ],
)  # fmt: skip
def test_misuse_is_two_in_a_sentence(folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="names of bytes")
def test_the_whole_command_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "state")
    before = sorted(folder.rglob("*"))
    done = run_process(["references", "Cart.add", "--json"], env, folder)
    assert (done.returncode, len(json.loads(done.stdout)["items"])) == (0, 3)
    assert sorted(folder.rglob("*")) == before
