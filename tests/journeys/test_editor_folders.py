"""Windows that are not one trusted folder of a repository: several folders, one that is not trusted, one without a repository."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.conftest import Rig
from tests.journeys.robot import Robot, at_the_editor
from tests.journeys.test_editor_review import badge, choose, rows, until
from tests.rig import sample


def workspace_of(file: Path, *folders: Path) -> Path:
    file.write_text(json.dumps({"folders": [{"path": str(folder)} for folder in folders]}), encoding="utf-8")
    return file


def small(folder: Path) -> Path:
    """A repository with one commit and a risky change of its own."""
    folder.mkdir()
    sample.git(folder, "init", "-q", "-b", "main")
    body = "".join(f"    if order.kind == {n}:\n        total += order.price * {n}\n" for n in range(20))
    (folder / "orders.py").write_text("def total(order):\n    total = 0\n    return total\n", encoding="utf-8")
    sample.git(folder, "add", ".")
    sample.git(folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "Begin")
    (folder / "orders.py").write_text(f"def total(order):\n    total = 0\n{body}    return total\n", encoding="utf-8")
    return folder


def port_of(editor: Robot, folder: str) -> str:
    """The port that the status item names while a file of this folder is worked in."""
    return re.findall(r":(\d+)", editor.do("waitForStatus", rf":\d+.* · {folder}$")["text"])[0]


def test_each_folder_of_a_window_has_its_own(rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path) -> None:
    """Tree, status and terminals by folder; one more folder while the window is open, and one less."""
    tally, shop, third = sample.build(tmp_path / "tally"), small(tmp_path / "shop"), small(tmp_path / "depot")
    window = workspace_of(tmp_path / "both.code-workspace", tally, shop)
    with at_the_editor(rig, clean_environment, window, tmp_path) as editor:
        editor.do("waitForStatus", r":\d+ · [\w ]+ risk")
        editor.do("runCommand", "Sidecar: Show Review")
        shown = until(editor, lambda seen: sum("settlement.py" in row or "orders.py" in row for row in seen) >= 2)
        folders = [row for row in shown if re.match(r"(tally|shop),", row)]
        assert [row.split(",")[0] for row in folders] == ["tally", "shop"]
        assert all("risk · Working tree" in row for row in folders)
        editor.picture("folders-tree")
        ports = {}
        for file, folder in [("settlement.py", "tally"), ("orders.py", "shop")]:
            editor.do("openFile", file)
            ports[folder] = port_of(editor, folder)
        assert len(set(ports.values())) == 2
        editor.do("press", keys=["Control+Shift+Backquote"])
        editor.do("waitFor", selector=".quick-input-list .monaco-list-row", text="shop")
        editor.do("type", text="shop")
        editor.do("press", keys=["Enter"])
        editor.do("waitForTerminal", r"\$ *$")
        editor.do("typeInTerminal", "echo at=$ANTHROPIC_BASE_URL ide=$CLAUDE_CODE_SSE_PORT; pwd")
        screen = editor.do("waitForTerminal", r"at=http[\s\S]*/shop")
        assert f"at=http://127.0.0.1:{ports['shop']} ide=" in screen
        count = badge(editor)
        workspace_of(window, tally, shop, third)
        shown = until(editor, lambda seen: any(row.startswith("depot, ") and "risk" in row for row in seen))
        assert badge(editor) > count
        workspace_of(window, tally, third)
        until(editor, lambda seen: not any(row.startswith("shop,") for row in seen))
        with pytest.raises(URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{ports['shop']}/health", timeout=10)


def test_a_folder_that_is_not_trusted_is_read_only(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    """Review, threads and other diffs show; what git would start is not started; answering says why not; trust changes it."""
    trap = tmp_path / "trap"
    hook = f"touch {trap}"
    for key in ("core.fsmonitor", "diff.external", "core.pager"):
        sample.git(tally, "config", key, hook)
    with at_the_editor(rig, clean_environment, tally, tmp_path, trust=True) as editor:
        said = editor.do("waitForStatus", r"Restricted · [\w ]+ risk")
        assert "only reads, since this folder is not trusted" in said["label"]
        editor.do("runCommand", "Sidecar: Show Review")
        until(editor, lambda seen: any("settlement.py" in row for row in seen))
        editor.do("press", keys=["Home", "ArrowDown", "Enter"])
        thread = editor.do("readThread", text="Sidecar")
        assert "risk" in thread["title"]
        editor.picture("restricted")
        editor.do("pressInThread", action="Resolve")
        editor.do("waitFor", selector=".notification-list-item", text="Restricted Mode, where Sidecar only reads")
        editor.picture("restricted-refusal")
        editor.do("press", keys=["Escape"])
        choose(editor, "Branch against its base")
        choose(editor, "Working tree")
        assert badge(editor) == sum(row.startswith("Comment on") for row in rows(editor))
        assert not trap.exists()
        editor.do("runCommand", "Workspaces: Manage Workspace Trust")
        editor.do("click", selector=".workspace-trust-editor .monaco-button", text="Trust")
        editor.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")


def test_a_folder_without_a_repository_says_what_to_do(
    rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    with at_the_editor(rig, clean_environment, plain, tmp_path) as editor:
        editor.do("waitForStatus", r"Offline :\d+")
        editor.do("runCommand", "Sidecar: Show Review")
        editor.do("waitFor", selector=".pane-body", text=r"not in a git repository[\s\S]*Initialize Repository")
        editor.picture("no-repository")
        assert badge(editor) == 0
