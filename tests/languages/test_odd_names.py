"""Folders and files with names that lists, addresses, patterns and places have trouble with: every source answers all the same."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Position, Query
from sidecar.languages.jedi import jedi_source
from sidecar.languages.servers import Servers
from sidecar.settings import load
from sidecar.settings.values import listed
from sidecar.tools.indexing import open_index
from tests.languages.conftest import CART, SHOP

ODD = "a, b;c d#e%20f%zz+g&h='i\"[j]{k}*?!~käse 日本😀"
"""What commas, spaces, fragments, escapes, quotes, globs and letters of other scripts do, all at once."""

NAMES = [ODD, "c:1:2", "-n", "new\nline", "back\\slash", "%2e%2e", "~", "file:"]


@pytest.fixture(params=NAMES)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A name that this system allows."""
    if sys.platform == "win32":
        pytest.skip("Windows does not allow these names")
    return request.param


@pytest.fixture
def odd_project(odd: str, tmp_path: Path) -> Path:
    """A project in a folder of that name, with a file and a folder of it that use what is defined beside them."""
    root = tmp_path / odd
    (root / odd).mkdir(parents=True)
    (root / "cart.py").write_text(CART, encoding="utf-8")
    (root / f"{odd}.py").write_text(SHOP, encoding="utf-8")
    (root / odd / "shop.py").write_text(SHOP, encoding="utf-8")
    return root


@pytest.fixture(params=["index", "jedi", "basedpyright"])
async def source(
    request: pytest.FixtureRequest, odd_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SymbolSource]:
    """Each source that is here, its state in a folder of an odd name too."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    env = dict(os.environ)
    made: SymbolSource
    if request.param == "index":
        state = tmp_path / "state" / odd_project.name
        state.mkdir(parents=True)
        index = open_index(odd_project, state, watch=False)
        index.start()
        await index.whole()
        made = index
    elif request.param == "jedi":
        made = jedi_source(odd_project, env=env)
    else:
        if "\\" in odd_project.name:
            pytest.skip("pyright takes a backslash for a separator, on every system")
        made = Servers(odd_project, trusted=True, env=env)
    yield made
    await made.aclose()


def places(answer: Answer) -> set[tuple[str, int, int]]:
    return {(item.span.path, item.span.start.line, item.span.start.column) for item in answer.items}


async def test_every_source_goes_there_and_back(source: SymbolSource, odd: str) -> None:
    for user in (f"{odd}.py", f"{odd}/shop.py"):
        defined = await source.ask(Query("definition", user, Position(5, 19), deadline=60))
        assert (places(defined), defined.status) == ({("cart.py", 7, 9)}, "ready"), defined
    used = await source.ask(Query("references", "cart.py", Position(7, 9), deadline=60))
    assert {("cart.py", 7, 9), (f"{odd}.py", 5, 19), (f"{odd}/shop.py", 5, 19)} <= places(used), used


def test_a_folder_of_any_name_can_be_trusted(odd_project: Path) -> None:
    """As the extension writes it, and as the sentence says that asks for it."""
    for written in (listed(str(odd_project)), listed("/another", str(odd_project)), json.dumps([str(odd_project)])):
        told = {"SIDECAR_TRUSTED_FOLDERS": written}
        assert load({"server.workspace": str(odd_project)}, told, None).trusted
        assert not load({"server.workspace": str(odd_project.parent)}, told, None).trusted
