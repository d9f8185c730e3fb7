"""What a file would be after an edit of the CLI, tool by tool; and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.hooks.proposed import MOST_BYTES, Edit, file_of, inside, proposed

TEXT = "one\ntwo\none\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "a.py").write_text(TEXT)
    (folder / "crlf.py").write_bytes(b"one\r\ntwo\r\n")
    (folder / "curly.py").write_text("say(\u201chello\u201d)\n", encoding="utf-8")
    (folder / "binary.py").write_bytes(b"\xff\xfe\x00")
    (folder / "large.py").write_text("x" * (MOST_BYTES + 1))
    (tmp_path / "outside.py").write_text(TEXT)
    return folder


def edit(old: str, new: str, **more: Any) -> dict[str, Any]:
    return {"old_string": old, "new_string": new, **more}


@pytest.mark.parametrize(
    ("tool", "file", "given", "after"),
    [
        ("Edit", "a.py", edit("one", "1"), "1\ntwo\none\n"),
        ("Edit", "a.py", edit("one", "1", replace_all=True), "1\ntwo\n1\n"),
        ("Edit", "new.py", edit("", "x = 1\n"), "x = 1\n"),
        ("Edit", "crlf.py", edit("one\ntwo", "1"), "1\n"),
        ("Edit", "curly.py", edit('"hello"', '"bye"'), 'say("bye")\n'),
        ("Write", "a.py", {"content": "x = 1\r\n"}, "x = 1\n"),
        ("Write", "b/new.py", {"content": "x = 1\n"}, "x = 1\n"),
        ("MultiEdit", "a.py", {"edits": [edit("one", "two"), edit("two", "2", replace_all=True)]}, "2\n2\none\n"),
    ],
)
def test_the_text_as_the_cli_would_write_it(root: Path, tool: str, file: str, given: dict, after: str) -> None:
    found = proposed(tool, {"file_path": str(root / file), **given}, str(root))
    assert found is not None
    assert (found.path, found.shown, found.after) == (file, file, after)
    assert (found.before is None) is not (root / file).exists()


@pytest.mark.parametrize(
    ("tool", "file", "given"),
    [
        ("Edit", "a.py", edit("three", "3")),
        ("Edit", "a.py", edit("one", "one")),
        ("Edit", "a.py", {"old_string": "one"}),
        ("Edit", "a.py", {}),
        ("MultiEdit", "a.py", {"edits": [edit("one", "1"), "?"]}),
        ("MultiEdit", "a.py", {"edits": [edit("one", "1"), edit("three", "3")]}),
        ("Write", "a.py", {"content": TEXT}),
        ("Write", "a.py", {"content": 3}),
        ("Write", "../outside.py", {"content": "x"}),
        ("Edit", "binary.py", edit("one", "1")),
        ("Edit", "large.py", edit("x", "1")),
        ("Write", "", {"content": "x"}),
        ("NotebookEdit", "a.py", {"new_source": "x"}),
        ("NotebookEdit", "gone.ipynb", {"new_source": "x"}),
    ],
)
def test_what_cannot_be_weighed_is_none(root: Path, tool: str, file: str, given: dict) -> None:
    path = str(root / file) if file else None
    assert proposed(tool, {"file_path": path, **given}, str(root)) is None


CELLS = [
    {"id": "a", "cell_type": "markdown", "source": ["# Words\n"]},
    {"id": "b", "cell_type": "code", "source": ["x = 1\n", "y = 2"]},
    {"cell_type": "code", "source": "z = 3"},
]
BEFORE = "x = 1\ny = 2\nz = 3"


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({"cell_id": "b", "new_source": "x = 9"}, "x = 9\nz = 3"),
        ({"cell_id": "cell-2", "new_source": "z = 9"}, "x = 1\ny = 2\nz = 9"),
        ({"cell_id": "b", "edit_mode": "insert", "cell_type": "code", "new_source": "n = 0"}, "x = 1\ny = 2\nn = 0\nz = 3"),
        ({"edit_mode": "insert", "cell_type": "code", "new_source": "n = 0"}, "n = 0\nx = 1\ny = 2\nz = 3"),
        ({"cell_id": "b", "edit_mode": "delete", "new_source": ""}, "z = 3"),
        ({"cell_id": "a", "new_source": "# Other words"}, None),
        ({"cell_id": "nowhere", "new_source": "x"}, None),
        ({"cell_id": "b"}, None),
    ],
)  # fmt: skip
def test_of_a_notebook_the_code_counts(root: Path, given: dict, after: str | None) -> None:
    (root / "n.ipynb").write_text(json.dumps({"cells": CELLS}))
    found = proposed("NotebookEdit", {"notebook_path": str(root / "n.ipynb"), **given}, str(root))
    assert found == (Edit("n.ipynb.py", BEFORE, after, "n.ipynb") if after is not None else None)


def test_paths_are_found_by_every_name(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    assert proposed("Write", {"file_path": str(link / "a.py"), "content": "x"}, str(root)) is not None
    assert proposed("Write", {"file_path": "a.py", "content": "x"}, str(root), str(root)) is not None
    assert inside(str(root), str(root / ".." / "outside.py")) is None
    assert file_of({"file_path": 3}) == ""
