"""The source says where an answer comes from, whether it is whole, and which state of the index it is of."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Position, Query
from sidecar.index.build import Builder
from sidecar.index.source import IndexSource, _taken
from sidecar.store.symbols import SymbolReader
from sidecar.store.symbolwriter import SymbolWriter
from tests.index.trees import build_index, resolving, write_tree


@pytest.fixture
def root(tmp_path) -> Path:
    return write_tree(tmp_path / "work", {"a.py": "def one(): pass\none()\n", "b.py": "from a import one\none()\n"})


async def test_an_answer_is_ready_with_version_and_time(root, tmp_path):
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    answer = await source.ask(Query("definition", path="b.py", position=Position(2, 2)))
    with contextlib.closing(SymbolReader(tmp_path / "state" / "index.db")) as reader:
        revision = reader.notes()["revision"]  # so many batches as it took
    assert (answer.status, answer.source, answer.version, answer.truncated) == ("ready", "index", revision, False)
    assert [item.span.path for item in answer.items] == ["a.py"]
    assert 0 < answer.ms < 1000
    assert (await source.ask(Query("references", name="one", limit=2))).truncated
    await source.aclose()


async def test_what_it_cannot_answer_it_says(root, tmp_path):
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    for operation in ("rename", "diagnostics", "type_definition", "code_actions"):
        assert not source.knows(operation, "a.py")
        assert (await source.ask(Query(operation, path="a.py"))).status == "unsupported"
    assert source.knows("definition", "a.py")
    with pytest.raises(BadInput):
        await source.ask(Query("definition", path="gone.py", position=Position(1, 1)))
    with pytest.raises(BadInput, match="limit"):
        await source.ask(Query("definition", name="one", limit=0))
    await source.aclose()


@pytest.mark.parametrize(
    ("path", "content", "word"),
    [
        ("notes.lua", b"local one = 1\n", "grammar"),
        ("a.min.js", b"one()\n", "minified"),
        ("c.py", b"one\0()\n", "binary"),
    ],
)
async def test_of_a_file_that_it_cannot_read_it_says_why(root, tmp_path, path, content, word):
    write_tree(root, {path: content})
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    for operation in ("definition", "references", "document_symbols", "hover"):
        answer = await source.ask(Query(operation, path=path, position=Position(1, 1)))
        assert (answer.status, answer.items) == ("unsupported", ())
        assert answer.version
        assert path in answer.note
        assert word in answer.note
    empty = await source.ask(Query("definition", path="a.py", position=Position(1, 1)))
    assert (empty.status, empty.note) == ("ready", "")
    await source.aclose()


async def test_without_an_index_it_says_so_and_finds_it_once_it_is_there(root, tmp_path):
    source = IndexSource(tmp_path / "state" / "index.db", root)
    answer = await source.ask(Query("definition", name="one"))
    assert (answer.status, answer.items) == ("unsupported", ())
    assert "sidecar index" in answer.note
    build_index(root, tmp_path / "state")
    assert (await source.ask(Query("definition", name="one"))).status == "ready"
    await source.aclose()


async def test_an_index_that_is_being_made_is_warming_and_answers_already(root, tmp_path):
    where = build_index(root, tmp_path / "state")
    writer = SymbolWriter(where)
    writer.note(complete=0)
    source = IndexSource(where, root, lambda: "The workspace is being indexed: 1 of 2 files.")
    answer = await source.ask(Query("definition", name="one"))
    assert (answer.status, len(answer.items), answer.note) == (
        "warming",
        1,
        "The workspace is being indexed: 1 of 2 files.",
    )
    early = await source.ask(Query("document_symbols", path="not_yet.py"))
    assert (early.status, early.items) == ("warming", ())
    writer.note(complete=1)
    writer.close()
    assert (await source.ask(Query("definition", name="one"))).status == "partial"  # it is being looked through again
    await source.aclose()


async def test_a_changed_file_is_told_until_it_is_indexed(root, tmp_path):
    where = build_index(root, tmp_path / "state")
    source = IndexSource(where, root)
    (root / "a.py").write_text("\n\ndef one(): pass\n")
    stale = await source.ask(Query("document_symbols", path="a.py"))
    assert stale.status == "partial"
    writer = SymbolWriter(where)
    Builder(root, writer).look_at(["a.py"], ["a.py"])
    fresh = await source.ask(Query("document_symbols", path="a.py"))
    assert (fresh.status, fresh.items[0].span.start.line, fresh.version) == ("ready", 3, stale.version + 1)
    writer.close()
    await source.aclose()


async def test_files_of_an_answer_that_were_changed_or_deleted_a_moment_ago_are_told(root, tmp_path):
    """Also where nobody heard of it yet: who asks about one file is not told wrong things of another."""
    where = build_index(root, tmp_path / "state")
    source = IndexSource(where, root)
    asked = Query("references", path="a.py", position=Position(1, 5))
    assert [item.span.path for item in (await source.ask(asked)).items] == ["a.py", "a.py", "b.py", "b.py"]
    (root / "b.py").write_text("# nothing of it any more\n")
    stale = await source.ask(asked)
    assert (stale.status, len(stale.items)) == ("partial", 4)
    assert "changed since" in stale.note
    (root / "b.py").unlink()
    gone = await source.ask(asked)
    assert (gone.status, [item.span.path for item in gone.items]) == ("partial", ["a.py", "a.py"])
    callers = await source.ask(Query("callers", path="a.py", position=Position(1, 5)))
    assert (callers.status, [item.symbol.span.path for item in callers.items]) == ("partial", ["a.py"])
    with contextlib.closing(SymbolWriter(where)) as writer:
        Builder(root, writer).look_at(["b.py"], [])
    fresh = await source.ask(asked)
    assert (fresh.status, len(fresh.items)) == ("ready", 2)
    await source.aclose()


async def test_while_another_process_looks_at_what_changed_nothing_is_whole(root, tmp_path):
    where = build_index(root, tmp_path / "state")
    source = IndexSource(where, root)
    asked = Query("workspace_symbols", name="one")
    seen: list[tuple[str, str]] = []
    steps = [f"m{n}.py" for n in range(3)]
    write_tree(root, dict.fromkeys(steps, "def later(): pass\n"))
    with contextlib.closing(SymbolWriter(where)) as writer:
        writer.note(done=1, total=5)  # as a full look does with each batch
        answer = await source.ask(asked)
        seen.append((answer.status, answer.note))
        Builder(root, writer).look_at_all(["a.py", "b.py", *steps])
        answer = await source.ask(asked)
        seen.append((answer.status, answer.note))
    assert seen == [
        ("partial", "Files were changed and are being looked at (1 of 5); ask again in a moment."),
        ("ready", ""),
    ]
    await source.aclose()


async def test_an_index_that_was_begun_anew_is_read_from_its_new_file(root, tmp_path):
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    assert (await source.ask(Query("definition", name="one"))).items
    (root / "a.py").write_text("def two(): pass\n")
    build_index(root, tmp_path / "state")
    assert not (await source.ask(Query("definition", name="one"))).items
    assert (await source.ask(Query("definition", name="two"))).items
    await source.aclose()


async def test_a_damaged_index_is_no_fault_of_the_asker(root, tmp_path):
    where = build_index(root, tmp_path / "state")
    where.write_bytes(b"no database at all, " * 500)
    source = IndexSource(where, root)
    answer = await source.ask(Query("definition", name="one"))
    assert (answer.status, answer.items) == ("unsupported", ())
    await source.aclose()


async def test_no_time_is_a_partial_answer(root, tmp_path):
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    answer = await source.ask(Query("references", name="one", deadline=0.0))
    assert answer.status == "partial"
    assert answer.note
    await source.aclose()


@pytest.mark.parametrize("query", [Query("references", name="C.get"), Query("callers", name="C.get")])
def test_a_common_name_is_left_off_when_time_is_over_though_nothing_of_it_belongs_to_the_answer(tmp_path, query):
    """What was found until then is handed over."""
    calls = {f"m{n}.py": "def f(x): x.get()\n" for n in range(20)}
    own = {
        "a.py": "class C:\n    def get(self): pass\n\ndef g():\n    C().get()\n",
        "z.py": "class D:\n    def get(self): pass\n",
    }
    end, looks = threading.Event(), 0
    with resolving(write_tree(tmp_path / "work", own | calls), tmp_path / "state") as resolver:
        used = resolver.used

        def slow(*about):
            nonlocal looks
            looks += 1
            if looks == 5:
                end.set()
            return used(*about)

        resolver.used = slow
        found, truncated, late = _taken(resolver, query, math.inf, end)
        assert (truncated, late, looks) == (False, True, 5)
        assert found
        whole, truncated, late = _taken(resolver, query, math.inf, threading.Event())
        assert (truncated, late, looks) == (False, False, 26)
        assert {str(item) for item in whole} >= {str(item) for item in found}


async def test_it_reads_off_the_loop(tmp_path):
    """While a question over 1,500 files is answered, the loop is never held up."""
    files = {f"m{n}.py": f"from a import one\ndef f{n}(): return one()\n" for n in range(1500)}
    root = write_tree(tmp_path / "work", {"a.py": "def one(): pass\n", **files})
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    asking = asyncio.ensure_future(source.ask(Query("references", name="one", limit=10_000, deadline=60.0)))
    loop, turns = asyncio.get_running_loop(), 0
    began = loop.time()
    while not asking.done():
        turns += 1
        await asyncio.sleep(0)
    assert len((await asking).items) == 3001
    assert turns > 20 * (loop.time() - began)  # on the mean well below 50 ms, on a machine that is never ours alone
    await source.aclose()


def test_the_index_holds_no_path_of_the_machine(root, tmp_path):
    where = build_index(root, tmp_path / "state")
    assert os.fsencode(root) not in where.read_bytes()
