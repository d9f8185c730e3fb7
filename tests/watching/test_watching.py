"""Which changes of files count, and that a real watcher tells them in the index's words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sidecar.watching import relative, relevant


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("a.py", True), ("in/deep/a.py", True), (".gitignore", True), (".git/HEAD", True), (".git/index", True),
        (".git/info/exclude", True), (".git/info/refs", False), (".git/objects/ab/cd", False), (".git/index.lock", False), ("node_modules/x/y.js", False), ("a/__pycache__/b.pyc", False),
        ("sub/.git/HEAD", False), (".venv/lib/x.py", False), ("venv.py", True),
    ],
)  # fmt: skip
def test_relevant(path, counts):
    assert relevant(path) is counts


def test_relative(tmp_path):
    assert relative(tmp_path, str(tmp_path / "a" / "b.py")) == "a/b.py"


def test_a_change_is_told(tmp_path):
    """In a process of its own, since a watcher ends with its process only. Once it says that it watches, nothing is missed."""
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom sidecar.watching import watch\n"
        "root = Path(sys.argv[1])\nwatch(root, lambda event, **facts: print(json.dumps([event, facts]), flush=True), root / 'own')\n"
    )
    (tmp_path / "own").mkdir()
    watcher = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == '["watching", {}]\n'
        (tmp_path / "own" / "index.db").write_text("ours")
        (tmp_path / "a.py").write_text("theirs")
        assert watcher.stdout.readline() == '["changed", {"paths": ["a.py"]}]\n'
    finally:
        watcher.kill()
        watcher.communicate()
