"""Files that are left out of the index are told where they bear the name that is asked about, and only there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sidecar.core.symbols import Position, Query
from sidecar.index.leftout import lacking
from sidecar.index.source import IndexSource
from tests.index.trees import build_index, write_tree

LARGE = b"# much\n" * 150_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "a.py": "def one(x):\n    lonely = x\n    return lonely\ndef other(): pass\none(1)\n",
        "large.py": LARGE + b"one(2)\nx = lonely\n",
        "vendor/b.py": b"one(3)\n",
        "c.min.js": b"one(4)\n",
        "data.json": b'{"one": 1}' + b" " * 1_000_000,
        "large.go": LARGE + b"one(5)\n",
    }
    return write_tree(tmp_path / "work", files)


async def test_an_answer_says_which_files_it_passed_over_that_bear_the_name(root: Path, tmp_path: Path) -> None:
    source = IndexSource(build_index(root, tmp_path / "state"), root)
    for operation in ("references", "callers"):
        answer = await source.ask(Query(operation, "a.py", Position(1, 5)))
        assert (answer.status, answer.note) == (
            "partial",
            "The index passes over files that bear this name or may: large.py (larger than 1 MB); search their text.",
        )
        assert answer.items
    for line, column in ((4, 5), (2, 5)):  # a name that is nowhere else; one that is local, whatever bears it elsewhere
        answer = await source.ask(Query("references", "a.py", Position(line, column)))
        assert (answer.status, answer.note) == ("ready", "")
    found = await source.ask(Query("workspace_symbols", name="one"))
    assert (found.status, len(found.items)) == ("ready", 1)
    none = await source.ask(Query("workspace_symbols", name="lonely"))
    assert (none.status, none.items) == ("partial", ())
    assert "large.py" in none.note
    await source.aclose()


def test_what_cannot_be_looked_into_is_told_as_well_and_only_so_many_are(root: Path) -> None:
    rows = [("large.py", "python", "larger than 1 MB"), ("gone.py", "python", "cannot be read (x)")]
    assert "large.py" in lacking(root, rows, "one")
    assert lacking(root, rows, "on") == ""
    assert lacking(root, rows, "") == ""
    assert lacking(root, rows, "one", "go") == ""
    (root / "huge.py").write_bytes(b"x" * (9 << 20))
    assert "huge.py" in lacking(root, [("huge.py", "python", "larger than 1 MB")], "one")
    many = [(f"{n}.py", "python", "its parser failed") for n in range(25)]
    write_tree(root, {f"{n}.py": "one()\n" for n in range(25)})
    assert lacking(root, many, "one", "python") == (
        "The index passes over files that bear this name or may: 0.py (its parser failed), 1.py (its parser failed), "
        "2.py (its parser failed) and 17 more; search their text. It passes over 5 more, which were not looked at."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes there")
def test_what_cannot_be_opened_is_told_and_no_pipe_is_waited_for(root: Path) -> None:
    assert "n\\xe4me.py" in lacking(root, [("n\\xe4me.py", "python", "its name is not UTF-8")], "one")
    os.mkfifo(root / "pipe.py")
    assert lacking(root, [("pipe.py", "python", "its parser failed")], "one") == ""
