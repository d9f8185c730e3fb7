"""The order of sources, what an answer lacks, and names that become places."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Answer, Location, Operation, Position, Query, Span, Symbol
from sidecar.index.source import IndexSource
from sidecar.languages.chain import Chain
from sidecar.languages.jedi import jedi_source
from tests.index.trees import build_index, write_tree

HERE = Query("definition", "a.py", Position(1, 1), deadline=2.0)


def place(line: int, path: str = "a.py") -> Span:
    return Span(path, Position(line, 1), Position(line, 4))


def found(line: int) -> Location:
    return Location(place(line))


def symbol(path: str, line: int, file: str = "a.py") -> Symbol:
    container, _, name = path.rpartition(".")
    return Symbol(name, "function", container, place(line, file), place(line, file))


class Source:
    """A source that works: it answers from a table by operation, and knows what stands in it."""

    def __init__(self, name: str, table: dict[Operation, Answer], delay: float = 0.0) -> None:
        self.name = name
        self.table = table
        self.delay = delay
        self.asked: list[Query] = []
        self.closed = False

    def knows(self, operation: Operation, path: str) -> bool:
        return operation in self.table

    async def ask(self, query: Query) -> Answer:
        self.asked.append(query)
        await asyncio.sleep(self.delay)
        return self.table[query.operation]

    async def aclose(self) -> None:
        self.closed = True


def source(
    name: str, status: Any, *items: Any, note: str = "", operation: Operation = "definition", **more: Any
) -> Source:
    return Source(name, {operation: Answer(status, name, tuple(items), note=note)}, **more)


async def test_the_first_whole_answer_counts() -> None:
    first, second = source("editor", "ready", found(1)), source("index", "ready", found(2))
    answer = await Chain([first, second]).ask(HERE)
    assert (answer.source, answer.items) == ("editor", (found(1),))
    assert second.asked == []
    assert answer.ms > 0


@pytest.mark.parametrize("status", ["warming", "partial", "unsupported"])
async def test_what_is_not_whole_hands_on(status: Any) -> None:
    first = source("editor", status, found(1), note="Not yet.")
    for name in ("server", *(["index"] if status != "partial" else [])):
        answer = await Chain([first, source(name, "ready", found(2))]).ask(HERE)
        assert (answer.status, answer.source, answer.items) == ("ready", name, (found(2),))


async def test_a_part_from_a_languages_own_tool_goes_before_the_index() -> None:
    index = source("index", "ready", found(2))
    answer = await Chain([source("server", "partial", found(1), note="Not all."), index]).ask(HERE)
    assert (answer.status, answer.source, answer.items, answer.note) == ("partial", "server", (found(1),), "Not all.")
    assert (await Chain([source("server", "partial", note="Failed."), index]).ask(HERE)).source == "index"


async def test_an_empty_answer_of_one_is_asked_of_the_next_and_stands_when_all_agree() -> None:
    empty = source("editor", "ready")
    assert (await Chain([empty, source("index", "ready", found(2))]).ask(HERE)).source == "index"
    answer = await Chain([empty, source("index", "warming", note="Indexing.")]).ask(HERE)
    assert (answer.status, answer.source, answer.note) == ("ready", "editor", "")


async def test_where_none_is_whole_the_best_part_comes_with_all_reasons() -> None:
    sources = [
        source("editor", "warming", note="The editor is starting."),
        source("server", "partial", found(1), note="No project file."),
        source("other", "unsupported", note="No such language."),
    ]
    answer = await Chain(sources).ask(HERE)
    assert (answer.status, answer.source, answer.items) == ("partial", "server", (found(1),))
    assert answer.note == "No project file. The editor is starting. No such language."


async def test_who_would_know_better_and_is_not_there_is_said_beside_what_the_index_tells() -> None:
    note = "No language server for ruby is installed; install one: `gem install ruby-lsp`."
    for operation, said in (("references", note), ("definition", "")):
        table: dict[Operation, Answer] = {operation: Answer("unsupported", "server:ruby-lsp", note=note)}
        index = Source("index", {operation: Answer("ready", "index", (found(2),))})
        answer = await Chain([Source("server", table), index]).ask(replace(HERE, operation=operation))
        assert (answer.status, answer.source, answer.note) == ("ready", "index", said)


async def test_nobody_is_told_so() -> None:
    answer = await Chain([]).ask(HERE)
    assert (answer.status, answer.items) == ("unsupported", ())
    assert answer.note


async def test_a_slow_source_leaves_time_for_the_last_resort() -> None:
    slow = source("editor", "ready", found(1), delay=60)
    began = time.monotonic()
    answer = await Chain([slow, source("index", "ready", found(2))]).ask(replace(HERE, deadline=0.8))
    assert answer.source == "index"
    assert time.monotonic() - began < 2
    assert slow.asked[0].deadline < 0.7


async def test_wide_questions_go_to_servers_before_jedi_and_names_to_the_index() -> None:
    def three(operation: Operation) -> list[Source]:
        return [source(name, "ready", found(1), operation=operation) for name in ("jedi", "server", "index")]

    assert (await Chain(three("definition")).ask(HERE)).source == "jedi"
    assert (await Chain(three("references")).ask(replace(HERE, operation="references"))).source == "server"
    assert (await Chain(three("workspace_symbols")).ask(Query("workspace_symbols", name="x"))).source == "index"


async def test_who_types_a_name_waits_for_no_project_to_be_read() -> None:
    search = Query("workspace_symbols", name="cart", deadline=60.0)
    jedi = source("jedi", "ready", symbol("jedi", 9), operation="workspace_symbols")
    slow = source("editor", "ready", symbol("slow", 9), operation="workspace_symbols", delay=30)
    index = source("index", "warming", symbol("cart", 1), note="1 of 9 files.", operation="workspace_symbols")
    answer = await Chain([jedi, slow, index]).ask(search)
    assert (answer.source, answer.status, answer.note) == ("index", "warming", "1 of 9 files.")
    assert slow.asked == jedi.asked == []
    index.table["workspace_symbols"] = Answer("warming", "index", note="0 of 9 files.")
    began = time.monotonic()
    answer = await Chain([jedi, slow, index]).ask(search)
    assert time.monotonic() - began < 20
    assert (answer.status, answer.items, jedi.asked) == ("warming", (), [])
    assert "0 of 9 files." in answer.note


async def test_a_source_comes_and_goes() -> None:
    chain = Chain([source("index", "ready", found(2))])
    end = chain.attach(source("editor", "ready", found(1)))
    assert (await chain.ask(HERE)).source == "editor"
    end()
    end()
    assert (await chain.ask(HERE)).source == "index"
    chain.attach(source("later", "ready", found(3)), last=True)
    assert (await chain.ask(HERE)).source == "index"


def named(*symbols: Symbol, note: str = "", status: Any = "ready") -> Source:
    return Source(
        "index",
        {
            "workspace_symbols": Answer(status, "index", symbols, note=note),
            "document_symbols": Answer(status, "index", tuple(s for s in symbols if s.span.path == "b.py")),
            "references": Answer("ready", "index", (found(7),)),
        },
    )


async def test_a_name_path_is_found_and_then_asked_about() -> None:
    index = named(symbol("Cart.add", 3), symbol("Shop.add", 9), symbol("Cart.addition", 5))
    answer = await Chain([index]).ask(Query("references", name="Cart.add", deadline=2))
    assert answer.items == (found(7),)
    assert (index.asked[-1].path, index.asked[-1].position) == ("a.py", Position(3, 1))
    defined = await Chain([index]).ask(Query("definition", name="Shop::add"))
    assert [item.span.start.line for item in defined.items] == [9]


def indexed(tmp_path: Path, files: dict[str, str]) -> Chain:
    root = write_tree(tmp_path / "work", files)
    return Chain([IndexSource(build_index(root, tmp_path / "state"), root)])


async def test_a_name_path_is_found_among_a_thousand_of_the_same_name(tmp_path: Path) -> None:
    many = "".join(f"class K{n}:\n    def run(self): pass\n" for n in range(1_200))
    chain = indexed(tmp_path, {"a.py": many, "z.py": "class Wanted:\n    def run(self): pass\nWanted().run()\n"})
    answer = await chain.ask(Query("references", name="Wanted.run", deadline=30))
    assert [(item.span.path, item.span.start.line) for item in answer.items] == [("z.py", 2), ("z.py", 3)]
    every = await chain.ask(Query("definition", name="run", limit=2_000, deadline=30))
    assert (every.truncated, every.note.startswith("1000 or more symbols are called run")) == (True, True)
    one = await chain.ask(Query("hover", name="run", deadline=30))
    assert (one.status, one.items, one.note[:13]) == ("partial", (), "1000 or more ")


async def test_a_modules_path_leads_to_its_symbol(tmp_path: Path) -> None:
    files = {"app/cart.py": "def make(): pass\n", "app/shop.py": "def make(): pass\n", "app/__init__.py": ""}
    chain = indexed(tmp_path, files)
    answer = await chain.ask(Query("definition", name="app.cart.make"))
    assert [item.span.path for item in answer.items] == ["app/cart.py"]
    nothing = await chain.ask(Query("definition", name="app.none.make"))
    assert (nothing.items, nothing.note) == ((), "Nothing is called app.none.make here.")


async def test_names_that_were_cut_are_not_said_to_be_none() -> None:
    answer = Answer("ready", "server", tuple(symbol(f"one_{n}", n + 1) for n in range(3)), truncated=True)
    told = await Chain([Source("server", {"workspace_symbols": answer})]).ask(Query("references", name="one"))
    assert (told.status, told.items, told.truncated) == ("partial", (), True)
    assert told.note == "Nothing is called one among the first 3 names; ask about its place."


async def test_a_name_that_means_several_is_told() -> None:
    index = named(symbol("Cart.add", 3), symbol("Shop.add", 9, "b.py"))
    answer = await Chain([index]).ask(Query("references", name="add"))
    assert (answer.status, answer.items) == ("partial", ())
    assert answer.note == "2 symbols are called add: Cart.add (a.py:3:1), Shop.add (b.py:9:1). Ask about one of them."
    defined = await Chain([index]).ask(Query("definition", name="add"))
    assert (defined.status, len(defined.items)) == ("ready", 2)
    assert "2 symbols are called add" in defined.note
    in_file = await Chain([index]).ask(Query("references", "b.py", name="add"))
    assert in_file.items == (found(7),)


async def test_a_name_that_nobody_knows() -> None:
    answer = await Chain([named(symbol("adder", 1))]).ask(Query("references", name="add"))
    assert (answer.status, answer.items, answer.note) == ("ready", (), "Nothing is called add here.")
    cold = await Chain([named(note="Indexing.", status="warming")]).ask(Query("references", name="add"))
    assert (cold.status, cold.note) == ("warming", "Indexing.")


@pytest.mark.parametrize(
    "query",
    [
        Query("definition"),
        Query("definition", "a.py"),
        Query("document_symbols", name="x"),
        Query("workspace_symbols", "a.py"),
        Query("rename", "a.py", Position(1, 1)),
        replace(HERE, deadline=0),
        replace(HERE, limit=0),
    ],
)
async def test_a_question_that_lacks_something_is_refused(query: Query) -> None:
    with pytest.raises(BadInput):
        await Chain([source("index", "ready", found(1))]).ask(query)


async def test_it_closes_what_it_has() -> None:
    one, other = source("editor", "ready"), source("index", "ready")
    await Chain([one, other]).aclose()
    assert one.closed
    assert other.closed


async def test_with_a_real_source(project: Path) -> None:
    import os

    chain = Chain([jedi_source(project, env=dict(os.environ))])
    assert chain.knows("definition", "cart.py")
    answer = await chain.ask(Query("references", name="Cart.add", deadline=30))
    assert (answer.status, answer.source, len(answer.items)) == ("partial", "jedi", 5)
    assert "may miss places" in answer.note
    await chain.aclose()
