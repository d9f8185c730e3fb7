"""`sidecar tasks` in real processes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.processes import environment, run


def test_tasks_by_hand(tmp_path: Path) -> None:
    env = environment(tmp_path / "state")
    (tmp_path / "p").mkdir()

    def sidecar(*arguments: str):
        return run(["tasks", *arguments], env, tmp_path / "p")

    none = sidecar("list")
    assert (none.returncode, none.stdout, none.stderr) == (1, "", "There are no such tasks.\n")
    assert json.loads(sidecar("list", "--json").stdout) == {"tasks": []}
    added = sidecar("add", "Mend it", "--tag", "bug", "--tag", "now", "--file", "a.py", "--priority", "2", "--json")
    assert json.loads(added.stdout)["tags"] == ["bug", "now"]
    assert sidecar("list", "--tag", "bug").stdout == "1. [todo] Mend it #bug #now (a.py) !2\n"
    assert sidecar("update", "1", "--title", "Mend it all", "--body", "Yes.").returncode == 0
    assert sidecar("show", "1").stdout.endswith("\n\nYes.\n")
    assert "[done]" in sidecar("done", "1").stdout
    assert json.loads(sidecar("list", "--json").stdout)["tasks"][0]["status"] == "done"
    assert sidecar("delete", "1").stderr == "Deleted task 1: Mend it all\n"
    sidecar("add", "Another")
    forgotten = sidecar("delete", "2", "--json", "-q")
    assert (json.loads(forgotten.stdout), forgotten.stderr) == ({"deleted": 2}, "")
    gone = sidecar("show", "1")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "There is no task 1" in gone.stderr
    assert not list((tmp_path / "p").iterdir())
