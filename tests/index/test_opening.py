"""The index as others hold it: a source of symbols, asleep until it is started or asked."""

from __future__ import annotations

import subprocess
import sys

from sidecar.core.symbols import Query
from sidecar.index.opening import Index
from tests.index.trees import build_index, write_tree


async def unlisted(_paths):
    return None


async def test_it_answers_from_what_is_there_without_being_started(tmp_path):
    root = write_tree(tmp_path / "work", {"a.py": "def f(): pass\n"})
    build_index(root, tmp_path / "state")
    index = Index(root, tmp_path / "state", unlisted)
    answer = await index.ask(Query("workspace_symbols", name="f"))
    assert [item.name for item in answer.items] == ["f"]
    assert answer.status == "partial"  # nobody has looked whether that is still so
    assert index.root == str(root)
    assert index.knows("definition", "a.py")
    assert not index.knows("rename", "a.py")
    await index.aclose()


def test_holding_it_loads_neither_parser_nor_watcher():
    code = (
        "import sys, sidecar.index.opening\n"
        "print(sorted({'tree_sitter', 'watchfiles', 'pathspec', 'anyio', 'rich', 'sidecar.index.resolve'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
