"""Symbols for the model, answered by a real index, and by basedpyright where an index cannot tell."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.ports import SymbolSource
from sidecar.index.build import Builder
from sidecar.index.source import IndexSource
from sidecar.languages.chain import Chain
from sidecar.languages.servers import Servers
from sidecar.store.symbols import INDEX
from sidecar.store.symbolwriter import SymbolWriter
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.symbols import SymbolTools
from tests.fakes.repository import Repository
from tests.index.trees import build_index, write_tree
from tests.tools.conftest import Call


class Summarizer:
    async def summary(self, *, refresh: bool) -> str:
        return f"A Python project (refresh={refresh})."


FILES = {
    "a.py": "from src.b import b\n\nclass A:\n    pass\n\n\ndef use(x: int) -> A:\n    b()\n    return A()\n\n\nuse('')\n"
}


@pytest.fixture
def where(repo: Repository, tmp_path: Path) -> Path:
    """The repository's index."""
    repo.write(FILES)
    file = tmp_path / "symbols" / INDEX
    with contextlib.closing(SymbolWriter(file)) as writer, contextlib.closing(Builder(repo.root, writer)) as builder:
        builder.look_at_all(["a.py", "src/b.py"])
    return file


@pytest.fixture
async def source(repo: Repository, where: Path) -> AsyncIterator[Chain]:
    chain = Chain([IndexSource(where, repo.root)])
    yield chain
    await chain.aclose()


def offer(box: WorkspaceToolBox, bench: Bench, source: SymbolSource) -> None:
    box.put("symbols", SymbolTools(replace(bench, symbols=source, summarizer=Summarizer())).tools())


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench, source: Chain) -> None:
    offer(box, bench, source)


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("symbols_search", {"query": "b"}, "src/b.py:1:5 function b: def b()\n[index]"),
        ("workspace_symbol_search", {"name": "A", "language": "Python"}, "a.py:3:7 class A: class A\n[index]"),
        ("symbols_search", {"query": "b", "path": "a.py"}, "Nothing was found.\n[index]"),
        ("symbols_outline", {"path": "a.py"}, "a.py:3:7 class A: class A\na.py:7:5 function use: def use(x: int) -> A\n[index]"),
        ("symbols_definition", {"path": "a.py", "line": 8, "column": 5}, "src/b.py:1:5 def b():\n[index]"),
        ("workspace_goto_definition", {"symbol": "b"}, "src/b.py:1:5 def b()\n[index]"),
        ("symbols_references", {"name": "A"}, "a.py:3:7 class A:\na.py:7:20 (in use) def use(x: int) -> A:\na.py:9:12 (in use) return A()\n[index]"),
        ("symbols_references", {"name": "b", "limit": 1}, "src/b.py:1:5 def b():\n[there are more; ask with a higher limit or for something narrower]\n[index]"),
        ("symbols_callers", {"name": "A"}, "a.py:7:5 use, calls at lines 9\n[index]"),
        ("symbols_callees", {"name": "use"}, "src/b.py:1:5 b, calls at lines 8\na.py:3:7 A, calls at lines 9\n[index]"),
        ("symbols_callees", {"name": "none"}, "Nothing was found.\n[index]"),
        ("symbols_implementations", {"name": "A"}, "Nothing was found.\n[index]"),
        ("symbols_hover", {"name": "b"}, "```python\ndef b()\n```\n\nfunction in src/b.py:1\n[index]"),
        ("project_summary", {"refresh": True}, "A Python project (refresh=True)."),
    ],
)  # fmt: skip
async def test_answers_in_lines(call: Call, tool: str, arguments: dict[str, object], text: str) -> None:
    result = await call(tool, **arguments)
    assert not result.error, result.text
    assert result.text == text


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("symbols_definition", {}), ("symbols_definition", {"name": "b", "line": 1, "path": "a.py"}),
        ("symbols_definition", {"line": 1}), ("symbols_outline", {"path": "../x.py"}), ("symbols_outline", {"path": "x.txt"}),
        ("symbols_rename_preview", {"name": "b", "new_name": "c"}), ("symbols_diagnostics", {"path": "a.py"}), ("symbols_rename_preview", {"name": "b", "new_name": "1 x"}),
        ("symbols_search", {"query": ""}), ("symbols_outline", {"path": ".env"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_said(
    call: Call, source: Chain, tool: str, arguments: dict[str, object]
) -> None:
    result = await call(tool, **arguments)
    assert result.error
    assert result.text.endswith(".")


async def test_the_symbols_of_one_file_or_language_are_found_among_all_others(
    call: Call, box: WorkspaceToolBox, bench: Bench, tmp_path: Path
) -> None:
    files = {f"a{n}.py": "def run(): pass\n" for n in range(20)}
    files |= {"z.cs": "class Z { void run() {} }\n", "z.ts": "function run() {}\n", "z.tsx": "function run() {}\n"}
    root = write_tree(tmp_path / "work", files)
    write_tree(bench.fence.root, {"z.ts": ""})
    source = Chain([IndexSource(build_index(root, tmp_path / "made"), root)])
    offer(box, bench, source)
    for language, found in (("C#", ["z.cs"]), ("csharp", ["z.cs"]), ("typescript", ["z.ts", "z.tsx"])):
        result = await call("symbols_search", query="run", language=language, limit=2)
        assert [item["span"]["path"] for item in result.value["items"]] == found
        assert not result.value["truncated"]
    result = await call("symbols_search", query="run", path="z.ts", limit=1)
    assert [item["span"]["path"] for item in result.value["items"]] == ["z.ts"]
    many = await call("symbols_search", query="run", language="python", limit=5)
    assert (len(many.value["items"]), many.value["truncated"]) == (5, True)
    await source.aclose()


async def test_a_result_tells_by_whom_of_which_state_and_how_long_it_took(call: Call) -> None:
    value = (await call("symbols_definition", name="b")).value
    assert {name: value[name] for name in ("source", "status", "truncated", "note")} == {
        "source": "index",
        "status": "ready",
        "truncated": False,
        "note": "",
    }
    assert value["version"] > 0
    assert value["ms"] > 0


async def test_an_answer_that_is_not_whole_says_so(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, where: Path
) -> None:
    with contextlib.closing(SymbolWriter(where)) as writer:
        writer.note(complete=0)
    source = IndexSource(where, repo.root, lambda: "The workspace is being indexed: 1 of 2 files.")
    offer(box, bench, source)
    result = await call("symbols_search", query="b")
    assert result.text.endswith("[index, warming: The workspace is being indexed: 1 of 2 files.]")
    assert result.value["status"] == "warming"
    await source.aclose()


async def test_places_that_nobody_can_tell_come_with_a_question_mark(
    call: Call, box: WorkspaceToolBox, bench: Bench, tmp_path: Path
) -> None:
    files = {"cart.py": "class Cart:\n    def add(self): pass\nclass Sum:\n    def add(self): pass\n"}
    files["use.py"] = "def f(x, y):\n" + "    x.add()\n" * 30
    root = write_tree(tmp_path / "work", files)
    source = Chain([IndexSource(build_index(root, tmp_path / "made"), root)])
    offer(box, bench, source)
    result = await call("symbols_references", name="Cart.add")
    lines = result.text.splitlines()
    assert lines[:3] == [
        "cart.py:2:9 (in Cart) def add(self): pass",
        "? use.py:2:7 (in f) x.add()",
        "? use.py:3:7 (in f) x.add()",
    ]
    assert lines[-2:] == [
        "[10 more places that may belong here]",
        "[index, partial: 30 more places use this name on something whose type is not known and may mean it.]",
    ]
    assert (result.value["unresolved"], len(result.value["maybe"]), len(result.value["items"])) == (30, 30, 1)
    whole = await call("symbols_references", name="Cart")
    assert (whole.value["status"], whole.value["unresolved"], whole.value["maybe"]) == ("ready", 0, [])
    await source.aclose()


async def test_what_an_index_cannot_tell_a_server_does(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, source: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    servers = Servers(repo.root, trusted=True, env=dict(os.environ))
    source.attach(servers)
    try:
        while (renamed := await call("symbols_rename_preview", name="A", new_name="B")).text.endswith("ask again.]"):
            pass  # the server has not come yet
        assert renamed.text.splitlines() == [
            "a.py:3:7-3:8 becomes 'B'", "a.py:7:20-7:21 becomes 'B'", "a.py:9:12-9:13 becomes 'B'", "[server:basedpyright]",
        ]  # fmt: skip
        while (checked := await call("symbols_diagnostics", path="a.py")).text.endswith("ask again.]"):
            pass
        assert "\na.py:12:5 error: Argument of type" in checked.text
        assert "[reportArgumentType] (basedpyright)\n" in checked.text
    finally:
        await servers.aclose()


def test_nothing_is_offered_without_a_source(bench: Bench) -> None:
    assert list(SymbolTools(bench).tools()) == []
