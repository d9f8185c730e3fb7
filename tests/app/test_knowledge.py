"""The index and the sources before it: opened with the workspace, asked as one, ended with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sidecar.app import Sidecar
from sidecar.core.symbols import Position, Query
from sidecar.settings import load


def settings(tmp_path: Path, **env: str):
    values = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0"} | env
    return load({}, values, None, tmp_path)


async def test_symbols_are_put_together_when_first_asked_and_end_with_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "cart.py").write_text("def add():\n    return 1\n\n\nadd()\n")
    async with Sidecar(settings(tmp_path), version="1") as sidecar:
        assert sidecar._knowledge._symbols is None
        assert sidecar.symbols is sidecar.symbols
        answer = await sidecar.symbols.ask(Query("definition", "cart.py", Position(5, 1), deadline=30))
        assert (answer.status, answer.source, answer.items[0].span.start) == ("ready", "jedi", Position(1, 5))
        (jedi,) = [source for source in sidecar._knowledge._symbols._sources if source.name == "jedi"]
        (slot,) = jedi._slots.values()
        child = slot.session.child
        assert child.alive
    assert not child.alive


@pytest.mark.parametrize(("editor", "trusted"), [(False, False), (True, True)])
async def test_language_servers_are_for_editors_that_trust_the_folder(
    tmp_path: Path, editor: bool, trusted: bool
) -> None:
    async with Sidecar(settings(tmp_path), version="1", editor=editor) as sidecar:
        assert sidecar.symbols is not None
        (servers,) = [source for source in sidecar._knowledge._symbols._sources if source.name == "server"]
        assert servers._trusted is trusted


async def test_the_index_is_the_last_resort_of_the_sources(tmp_path: Path) -> None:
    """A name of a language without a server here: the index of the same workspace knows it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "cart.rb").write_text("class Cart\n  def total\n    1\n  end\nend\n")
    values = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "WORKSPACE_ROOT": str(tmp_path / "work")}
    async with Sidecar(load({}, values, None, tmp_path / "work"), version="1", editor=True) as sidecar:
        assert sidecar.index is not None
        async with asyncio.timeout(60):
            while True:
                answer = await sidecar.symbols.ask(Query("definition", name="Cart.total", deadline=10))
                if answer.items:
                    break
        assert (answer.source, answer.items[0].span.path) == ("index", "cart.rb")


async def test_the_first_question_brings_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve` lets its first requests go before; who asks for a symbol does not wait for that."""
    for wait in ("_QUIET", "_PATIENCE"):
        monkeypatch.setattr(f"sidecar.app.knowledge.{wait}", 3600.0)
    monkeypatch.setattr("sidecar.index.early.SECONDS", 30.0)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "cart.rb").write_text("class Cart\nend\n")
    values = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "WORKSPACE_ROOT": str(tmp_path / "work")}
    async with Sidecar(load({}, values, None, tmp_path / "work"), version="1") as sidecar:
        assert sidecar.index is None
        answer = await sidecar.symbols.ask(Query("workspace_symbols", name="Cart", deadline=30))
        assert (answer.source, [item.span.path for item in answer.items]) == ("index", ["cart.rb"])
        assert sidecar.index is not None


async def test_where_nobody_asks_the_index_comes_by_itself(tmp_path: Path) -> None:
    values = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "WORKSPACE_ROOT": str(tmp_path)}
    async with asyncio.timeout(60), Sidecar(load({}, values, None, tmp_path), version="1") as sidecar:
        while sidecar.index is None:
            await asyncio.sleep(0.02)  # between two looks at a state


async def test_an_index_that_is_not_wanted_is_not_there(tmp_path: Path) -> None:
    async with Sidecar(settings(tmp_path, SIDECAR_INDEX="off"), version="1", editor=True) as sidecar:
        assert sidecar.index is None
