"""The index of a real repository, this project's own, while git takes it back and forth through its history."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.tools.indexing import open_index
from tests.conftest import ROOT
from tests.index.trees import content

LIMIT = 120.0
STEPS = (1, 120)
"""How far back in history."""


def git(folder: Path, *argv: str) -> str:
    person = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null")
    return subprocess.run(["git", "-C", folder, *person, *argv], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A copy of this repository, with its history."""
    known = subprocess.run(
        ["git", "-C", ROOT, "rev-list", "--count", "HEAD"], capture_output=True, text=True, check=False
    )
    if known.returncode != 0 or int(known.stdout) <= max(STEPS):
        pytest.skip("this copy of the project has no history (a shallow clone, or no repository)")
    git(tmp_path, "clone", "--quiet", "--shared", str(ROOT), "work")
    return tmp_path / "work"


@contextlib.asynccontextmanager
async def watching(root: Path, state: Path) -> AsyncIterator[Path]:
    """The index, kept by itself."""
    state.mkdir()
    index = open_index(root, state, mild=False)
    index.start()
    try:
        async with asyncio.timeout(LIMIT):
            await index.whole()
        yield state / INDEX
    finally:
        await index.aclose()


async def fresh(root: Path, state: Path) -> dict[str, object]:
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    index = open_index(root, state, watch=False, mild=False)
    index.start()
    async with asyncio.timeout(LIMIT):
        await index.whole()
    await index.aclose()
    return content(state / INDEX)


def paths(where: Path) -> set[str]:
    with contextlib.closing(SymbolReader(where)) as reader:
        return {path for path, *_ in reader.all_files()}


@pytest.mark.timeout(600)
async def test_wherever_git_goes_the_index_ends_where_a_fresh_one_does(history: Path, tmp_path: Path) -> None:
    async with watching(history, tmp_path / "state") as where:

        async def settles() -> None:
            wanted = await fresh(history, tmp_path / "fresh")
            async with asyncio.timeout(LIMIT):
                while content(where) != wanted:
                    await asyncio.sleep(0.1)  # between two looks

        commits = git(history, "rev-list", "HEAD").split()
        top = commits[0]
        for back in STEPS:
            git(history, "checkout", "--quiet", commits[back])
            await settles()
        git(history, "checkout", "--quiet", "-b", "topic", commits[25])
        (history / "sidecar" / "of_the_topic.py").write_text("def of_the_topic() -> None: ...\n")
        git(history, "add", "--all")
        git(history, "commit", "--quiet", "--message", "topic")
        git(history, "rebase", "--quiet", top)
        await settles()
        assert "sidecar/of_the_topic.py" in paths(where)
        (history / "sidecar" / "__init__.py").write_text("def unsaved() -> None: ...\n")
        git(history, "stash")
        git(history, "checkout", "--quiet", top)
        await settles()
        assert "sidecar/of_the_topic.py" not in paths(where)
