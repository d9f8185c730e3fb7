"""Who calls a function that a comment speaks of: the real index over real repositories, and beside the review of one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from sidecar.core.review import Evidence
from sidecar.core.symbols import Answer
from sidecar.review import callers, grounds
from sidecar.review.callers import Called, Callers
from sidecar.review.opening import open_desk
from sidecar.review.reply import FactsWriter
from sidecar.store.database import Database
from sidecar.tools.indexing import open_index
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

CART = "import os\n\n\ndef total(items):\n    risky = sum(items)\n    return risky\n\n\ndef lonely():\n    return 1\n"
FILES = {
    "shop/cart.py": CART,
    "shop/till.py": "from shop.cart import total\n\n\ndef pay(items):\n    return total(items) + total([])\n",
    "shop/bill.py": "from shop.cart import total\n\n\ndef bill():\n    return total([1])\n",
    "shop/note.py": "from shop.cart import total\n\nprint(total([2]))\n",
    "tests/test_cart.py": "from shop.cart import total\n\n\ndef test_total():\n    assert total([1]) == 1\n",
}


@asynccontextmanager
async def indexed(folder, state):
    """The index of a folder, once it is whole."""
    state.mkdir()
    index = open_index(folder, state, watch=False)
    index.start()
    await index.whole()
    try:
        yield index
    finally:
        await index.aclose()


async def test_calls_are_counted_with_the_files_that_are_no_tests(tmp_path):
    repository = Repository.create(tmp_path / "r", FILES)
    async with indexed(repository.root, tmp_path / "state") as index:
        known = Callers(repository.root, lambda: index)
        called = await known.of("shop/cart.py", "total", 4, "def total(items):")
        assert called is not None
        assert called.reason is not None
        assert (called.reason.feature, called.reason.value, called.reason.effect) == ("callers", 5.0, 0.0)
        assert called.reason.text == "By the index, the function total is called in 5 places of 4 files."
        assert called.evidence == (
            Evidence("file", "shop/bill.py (calls total)", "shop/bill.py", 5),
            Evidence("file", "shop/note.py (calls total)", "shop/note.py", 3),
        )
        assert await known.of("shop/cart.py", "lonely", 9, "def lonely():") == Called()


async def test_a_workspace_may_be_a_part_of_its_repository(tmp_path):
    repository = Repository.create(tmp_path / "r", {f"py/{path}": text for path, text in FILES.items()})
    async with indexed(repository.root / "py", tmp_path / "state") as index:
        known = Callers(repository.root, lambda: index)
        called = await known.of("py/shop/cart.py", "total", 4, "def total(items):")
        assert called is not None
        assert [each.target for each in called.evidence] == ["py/shop/bill.py", "py/shop/note.py"]
        assert await known.of("shop/cart.py", "total", 4, "def total(items):") is None


async def test_nothing_is_told_of_a_text_that_is_not_the_one_on_disk_nor_without_an_index(tmp_path):
    repository = Repository.create(tmp_path / "r", FILES)
    assert await Callers(repository.root).of("shop/cart.py", "total", 4, "def total(items):") is None
    async with indexed(repository.root, tmp_path / "state") as index:
        known = Callers(repository.root, lambda: index)
        assert await known.of("shop/cart.py", "total", 5, "def total(items):") is None
        assert await known.of("shop/cart.py", "total", 99, "def total(items):") is None
        assert await known.of("shop/gone.py", "total", 4, "def total(items):") is None
        assert await known.of("shop", "total", 4, "def total(items):") is None
        assert await known.of("shop/cart.py", "__init__", 4, "def total(items):") is None


@pytest.mark.parametrize("status", ["partial", "warming", "unsupported"])
async def test_an_answer_that_is_not_whole_is_none(tmp_path, status):
    repository = Repository.create(tmp_path / "r", FILES)
    async with indexed(repository.root, tmp_path / "state") as index:

        async def ask(query):
            return Answer(status, "index")

        index.ask = ask
        assert await Callers(repository.root, lambda: index).of("shop/cart.py", "total", 4, "def total(items):") is None


async def test_more_calls_than_are_counted_are_at_least_so_many(tmp_path, monkeypatch):
    monkeypatch.setattr(callers, "_MOST_COUNTED", 2)
    repository = Repository.create(tmp_path / "r", FILES)
    async with indexed(repository.root, tmp_path / "state") as index:
        called = await Callers(repository.root, lambda: index).of("shop/cart.py", "total", 4, "def total(items):")
        assert called is not None
        assert called.reason is not None
        assert "is called in at least 2 places of 2 files." in called.reason.text


async def test_a_comment_tells_the_calls_and_follows_them(tmp_path, monkeypatch):
    monkeypatch.setattr(grounds, "_FRESH", 0.0)
    repository = Repository.create(tmp_path / "r", {**FILES, "shop/cart.py": "import os\n"})
    repository.write({"shop/cart.py": CART})
    database = await Database.open(None)
    async with indexed(repository.root, tmp_path / "state") as index:
        desk, close = open_desk(await Git.open(repository.root), database, FactsWriter(), None, index=lambda: index)
        desk._scorer = WordScorer()

        async def until(words: str) -> None:
            told = asyncio.Event()
            desk.subscribe(
                lambda state: told.set() if any(words in t.comments[0].body for t in state.threads) else None
            )
            await desk.refresh()
            await asyncio.wait_for(told.wait(), 30)

        await until("By the index, the function total is called in 5 places of 4 files.")
        (thread,) = desk.state().threads
        assert "shop/bill.py (calls total)" in [each.label for each in thread.comments[0].evidence]
        repository.write({"shop/bill.py": "def bill():\n    return 1\n"})
        index.moved(["shop/bill.py"])
        await until("By the index, the function total is called in 4 places of 3 files.")
        (again,) = desk.state().threads
        assert again.id == thread.id
        assert again.comments[0].body.count("By the index") == 1
        assert [each.label for each in again.comments[0].evidence if "(calls" in each.label] == [
            "shop/note.py (calls total)",
            "shop/till.py (calls total)",
        ]
        close()
    await database.aclose()
