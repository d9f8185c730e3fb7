"""While the index is being made a name is found in the texts, in time, and the answer does not claim to be whole."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.symbols import Answer, Query, Symbol
from sidecar.index.early import Holding, Seeker
from sidecar.index.opening import Index
from tests.index.trees import build_index, write_tree

FILES = {
    "a.py": "class Cart:\n    def total(self): pass\n",
    "b.py": "from a import Cart\nCart().total()\nsubtotal = 1\n",
    "c.js": "export function total() {}\n",
    "notes.txt": "total\n",
    "big.py": "def total(): pass\n" + "x = 1\n" * 20_000,
}


@pytest.fixture
def root(tmp_path):
    return write_tree(tmp_path / "work", FILES)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """However slow the machine is."""
    monkeypatch.setattr("sidecar.index.early.SECONDS", 30.0)
    monkeypatch.setattr("sidecar.index.early.SOME", 30.0)
    monkeypatch.setattr("sidecar.index.early._PATIENCE", 30.0)


class Texts:
    """Tells files as git does; `asked` is how."""

    def __init__(self, *files: str) -> None:
        self.files = files
        self.asked: list[bool] = []

    def __call__(self, text: str, *, whole: bool, seconds: float) -> Iterator[str]:
        assert seconds > 0
        self.asked.append(whole)
        yield from self.files if not whole else [file for file in self.files if file != "b.py"]


WARMING = Answer("warming", "index", note="The workspace is being indexed.")


async def sought(root: Path, texts: Holding | None, query: Query, answer: Answer) -> Answer:
    """What one question hears at the end of the search."""

    async def search() -> Holding | None:
        return texts

    seeker = Seeker(root, search)
    heard = await seeker.sought(query, answer, asyncio.get_running_loop().time())
    await seeker.aclose()
    return heard


def named(answer: Answer) -> list[tuple[str, str]]:
    return [(item.path, item.span.path) for item in answer.items if isinstance(item, Symbol)]


async def test_it_is_found_where_the_texts_hold_it_the_best_first(root):
    texts = Texts("a.py", "b.py", "c.js", "notes.txt", "gone.py", "big.py")
    answer = await sought(root, texts, Query("workspace_symbols", deadline=30.0, name="total"), WARMING)
    assert (answer.status, named(answer)) == ("warming", [("Cart.total", "a.py"), ("total", "c.js")])
    assert answer.note == "The workspace is being indexed."
    assert texts.asked == [True]
    assert named(await sought(root, texts, Query("workspace_symbols", deadline=30.0, name="Cart.total"), WARMING)) == [
        ("Cart.total", "a.py")
    ]
    cut = await sought(root, texts, Query("workspace_symbols", deadline=30.0, name="total", limit=1), WARMING)
    assert (named(cut), cut.truncated) == ([("Cart.total", "a.py")], True)


async def test_a_part_of_a_name_is_found_when_no_word_is(root):
    texts = Texts("b.py")
    answer = await sought(root, texts, Query("workspace_symbols", deadline=30.0, name="SUBTOT"), WARMING)
    assert named(answer) == [("subtotal", "b.py")]
    assert texts.asked == [True, False]


async def test_where_nobody_can_tell_the_folder_is_walked(root):
    answer = await sought(root, None, Query("workspace_symbols", deadline=30.0, name="Cart"), WARMING)
    assert named(answer) == [("Cart", "a.py")]


async def test_what_the_index_has_is_enough(root):
    texts = Texts("a.py")
    known = (await sought(root, texts, Query("workspace_symbols", deadline=30.0, name="Cart"), WARMING)).items
    texts.asked.clear()
    assert await sought(
        root, texts, Query("workspace_symbols", deadline=30.0, name="Cart"), Answer("warming", "index", known)
    ) == Answer("warming", "index", known)
    assert texts.asked == []
    merged = await sought(
        root, texts, Query("workspace_symbols", deadline=30.0, name="total"), Answer("warming", "index", known)
    )
    assert named(merged) == [("Cart.total", "a.py"), ("Cart", "a.py")]


async def test_who_asks_again_hears_what_was_found_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes on behind the first answer; one for another name ends it."""
    monkeypatch.setattr("sidecar.index.early.SECONDS", 0.01)
    monkeypatch.setattr("sidecar.index.early.SOME", 0.01)
    go_on, ended = threading.Event(), threading.Event()

    def slow(text: str, *, whole: bool, seconds: float) -> Generator[str]:
        try:
            if text == "Cart":
                yield "a.py"
            while text != "Cart":
                go_on.wait(30)
                yield "c.js"
        finally:
            ended.set()

    async def search() -> Holding:
        return slow

    seeker = Seeker(root, search)
    query = Query("workspace_symbols", deadline=30.0, name="total")
    first = await seeker.sought(query, WARMING, 0.0)
    assert (first.status, first.items) == ("warming", ())
    assert (
        first.note
        == "The workspace is being indexed. Names that it lacks are looked for in the files' text; ask again in a moment."
    )
    go_on.set()
    async with asyncio.timeout(30):
        while not (again := await seeker.sought(query, WARMING, 0.0)).items:
            pass
    assert named(again) == [("total", "c.js")]
    async with asyncio.timeout(30):
        while not (other := await seeker.sought(replace(query, name="Cart"), WARMING, 0.0)).items:
            pass
    assert named(other) == [("Cart", "a.py")]
    assert await asyncio.to_thread(ended.wait, 30)
    await seeker.aclose()


async def test_the_index_asks_for_it_only_while_it_is_being_made(root, tmp_path):
    async def listing(_paths):
        return None

    texts = Texts("a.py")

    async def search():
        return texts

    index = Index(root, tmp_path / "state", listing, search=search)
    answer = await index.ask(Query("workspace_symbols", deadline=30.0, name="Cart"))
    assert (answer.status, named(answer), texts.asked) == ("warming", [("Cart", "a.py")], [True])
    await index.aclose()
    texts.asked.clear()
    build_index(root, tmp_path / "state")
    index = Index(root, tmp_path / "state", listing, search=search)
    answer = await index.ask(Query("workspace_symbols", deadline=30.0, name="Cart"))
    assert (answer.status, named(answer), texts.asked) == ("partial", [("Cart", "a.py")], [])
    await index.aclose()
