"""Symbols for the model, against a working source."""

from dataclasses import replace

import pytest

from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.symbols import SymbolTools
from tests.fakes.repository import Repository
from tests.fakes.symbols import TextSymbols
from tests.tools.conftest import Call


class Summarizer:
    async def summary(self, *, refresh: bool) -> str:
        return f"A Python project (refresh={refresh})."


@pytest.fixture
def source(repo: Repository) -> TextSymbols:
    repo.write({"a.py": "from src.b import b\n\nclass A:\n    pass\n\nb()\n"})
    return TextSymbols(repo.root)


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench, source: TextSymbols) -> None:
    box.put("symbols", SymbolTools(replace(bench, symbols=source, summarizer=Summarizer())).tools())


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("symbols_search", {"query": "b"}, "src/b.py:1:5 function b: def b()\n[index]"),
        ("workspace_symbol_search", {"name": "A", "language": "Python"}, "a.py:3:7 class A: class A\n[index]"),
        ("symbols_search", {"query": "b", "path": "a.py"}, "Nothing was found.\n[index]"),
        ("symbols_outline", {"path": "a.py"}, "a.py:3:7 class A: class A\n[index]"),
        ("symbols_definition", {"path": "a.py", "line": 6, "column": 1}, "src/b.py:1:5 def b()\n[index]"),
        ("workspace_goto_definition", {"symbol": "b"}, "src/b.py:1:5 def b()\n[index]"),
        ("symbols_references", {"name": "A"}, "a.py:3:7 class A:\n[index]"),
        ("symbols_references", {"name": "b", "limit": 1}, "a.py:1:10 from src.b import b\n[there are more; ask with a higher limit or for something narrower]\n[index]"),
        ("symbols_callers", {"name": "A"}, "a.py:3:7 A, calls at lines 3\n[index]"),
        ("symbols_callees", {"name": "none"}, "Nothing was found.\n[index]"),
        ("symbols_hover", {"name": "b"}, "`def b()`\n[index]"),
        ("symbols_diagnostics", {"path": "a.py"}, "a.py:1:1 warning: It is only text. [T1] (fake)\n[index]"),
        ("symbols_rename_preview", {"name": "A", "new_name": "B"}, "a.py:3:7-3:8 becomes 'B'\n[index]"),
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
        ("symbols_implementations", {"name": "b"}), ("symbols_rename_preview", {"name": "b", "new_name": "1 x"}),
        ("symbols_search", {"query": ""}), ("symbols_outline", {"path": ".env"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_said(
    call: Call, source: TextSymbols, tool: str, arguments: dict[str, object]
) -> None:
    result = await call(tool, **arguments)
    assert result.error
    assert result.text.endswith(".")


async def test_an_answer_that_is_not_whole_says_so(call: Call, source: TextSymbols) -> None:
    source.status = "warming"
    result = await call("symbols_search", query="b")
    assert result.text.endswith("[index, warming: The index is still being built.]")
    assert result.value["status"] == "warming"


def test_nothing_is_offered_without_a_source(bench: Bench) -> None:
    assert list(SymbolTools(bench).tools()) == []
