"""The extension offers the guards on Claude Code: nothing is written unasked, and what was picked is written, told, and removed again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import Rig
from tests.journeys.robot import Robot, at_the_editor

PICK = ".quick-input-widget"


def hooks(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")).get("hooks", {})) if file.exists() else {}


def settled(robot: Robot, words: str) -> None:
    """Wait until the menu says so of the hooks; it shows what was known when it was opened."""
    until, seen = time.monotonic() + 120, ""
    while not re.search(words, seen):
        assert time.monotonic() < until, seen
        robot.do("startCommand", "Sidecar: Show Menu")
        robot.do("waitFor", selector=f"{PICK} .monaco-list-row", text="Install Claude Hooks")
        seen = "\n".join(robot.do("texts", selector=f"{PICK} .monaco-list-row"))
        robot.do("press", keys=["Escape"])
        robot.do("waitFor", selector=PICK, state="hidden")


def test_guards_are_installed_and_removed_as_picked(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    local, user = tally / ".claude" / "settings.local.json", tmp_path / "home" / ".claude" / "settings.json"
    with at_the_editor(rig, clean_environment, tally, tmp_path) as robot:
        robot.do("waitForStatus", r"Offline :\d+")
        settled(robot, "not installed")
        robot.do("startCommand", "Sidecar: Install Claude Hooks")
        robot.do("click", selector=f"{PICK} .monaco-list-row", text="Risk gate")
        robot.picture("hooks-what")
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=f"{PICK} .monaco-list-row.focused", text="only for me")
        robot.picture("hooks-where")
        assert not local.exists()
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=f"{PICK} .monaco-list-row", text="Very high risk")
        robot.do("waitFor", selector=f"{PICK} .monaco-list-row.focused", text="High risk")
        assert not local.exists()
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=PICK, state="hidden")
        settled(robot, "git guard here; risk gate here, from high risk")
        words = "git guard here; risk gate here, from high risk"
        robot.do("hover", selector=".statusbar-item", text="Offline", wanted=".monaco-hover td", says=words)
        robot.picture("hooks-status")
        assert [entry["matcher"] for entry in hooks(local)["PreToolUse"]] == [
            "Bash",
            "Edit|Write|MultiEdit|NotebookEdit",
        ]
        assert not user.exists()
        local.write_text(json.dumps({**json.loads(local.read_text()), "disableAllHooks": True}), encoding="utf-8")
        settled(robot, r"off .disableAllHooks in .*git guard here")
        robot.do("startCommand", "Sidecar: Remove Claude Hooks")
        robot.do("click", selector=f"{PICK} .monaco-list-row", text="Git guard")
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=PICK, state="hidden")
        settled(robot, r"^(?![\s\S]*git guard here)[\s\S]*risk gate here, from high risk")
        assert [entry["matcher"] for entry in hooks(local)["PreToolUse"]] == ["Edit|Write|MultiEdit|NotebookEdit"]
