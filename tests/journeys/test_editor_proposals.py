"""A proposed edit in the real editor: the diff with its risk comments, accepted and rejected there, and the finding that reaches the model."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import Rig
from tests.journeys.conftest import NATIVE
from tests.journeys.plays import call, message, text
from tests.journeys.robot import Robot, at_the_editor, look_until
from tests.journeys.test_editor import until
from tests.journeys.test_ide import edit, without_titles
from tests.journeys.upstream import Say, Upstream

DIFF = ".monaco-diff-editor .editor.modified"


def stands_where_it_should(robot: Robot) -> None:
    """The editor reads a file that another program wrote later than the server does: the thread must not be moved by it."""
    ((_, end),) = until(robot, "tally/fees.py", lambda seen: len(seen) == 1)
    robot.do("openFile", "tally/fees.py")
    robot.do("goToLine", end)
    look_until(lambda: robot.do("threadLines"), lambda lines: lines == [end])


def restarted(robot: Robot, locks: Path) -> None:
    """Restart the server; a new one has announced itself to the CLI, with a token of its own."""

    def announced() -> list[str]:
        found = []
        for file in locks.glob("*.lock"):
            with contextlib.suppress(FileNotFoundError):  # taken away by the one that ends
                found.append(file.read_text(encoding="utf-8"))
        return found

    before = announced()
    robot.do("runCommand", "Sidecar: Restart Server")
    look_until(announced, lambda now: now and now != before)
    robot.do("waitForStatus", r"Databricks :\d+ · [\w ]+ risk")


async def test_a_proposed_edit_is_seen_with_its_risk_before_it_is_made(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    """The model proposes twice: rejected by a click, the file stays; accepted by a click, it is written and the model reads the finding."""
    file = tally / "tally" / "fees.py"
    before = file.read_text(encoding="utf-8")
    without_titles(upstream)
    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), edit(file, 2))),
        Say(message(text("Again."), edit(file, 3))),
        Say(message(text("All of it is done."))),
    ]

    def at_it() -> None:
        with at_the_editor(rig, clean_environment, tally, tmp_path, **NATIVE.set_for(upstream)) as robot:
            robot.do("waitForStatus", r"Databricks :\d+ · [\w ]+ risk")
            robot.do("openFile", "tally/fees.py")
            robot.do("press", keys=["Control+Home", "Shift+End"])
            robot.do("waitForStatus", r"^Ln 1, Col \d+ \(\d+ selected\)")
            restarted(robot, tmp_path / "home" / ".claude" / "ide")
            robot.do("openTerminal")
            robot.do("typeInTerminal", "claude --permission-mode default")
            robot.do(
                "waitForTerminal", r"⧉ 1 line selected"
            )  # it is connected, and a server that is younger than the selection told it
            robot.do("typeInTerminal", "Add discounts")
            robot.do("waitFor", selector=".tab.active", text="proposed by Claude")
            robot.do("waitFor", selector=f"{DIFF} .review-widget")
            robot.picture("proposal")
            assert "risk" in " ".join(robot.do("texts", selector=f"{DIFF} .review-widget")).lower()
            robot.do("click", selector='.editor-actions [aria-label^="Reject Proposed Edit"]')
            robot.do("waitFor", selector=DIFF, state="hidden")
            robot.do("waitForTerminal", r"for shortcuts")  # the question is gone; what was said scrolls away
            assert file.read_text(encoding="utf-8") == before
            robot.do("runCommand", "Terminal: Focus Terminal")
            robot.do("typeInTerminal", "Try it again")
            robot.do("waitFor", selector=".tab.active", text="proposed by Claude")
            robot.do("click", selector='.editor-actions [aria-label^="Accept Proposed Edit"]')
            robot.do("waitFor", selector=DIFF, state="hidden")
            robot.do("runCommand", "Terminal: Focus Terminal")
            robot.do("waitForTerminal", r"All of it is done")
            robot.picture("finding")
            stands_where_it_should(robot)

    await asyncio.to_thread(at_it)
    assert "def discount" in file.read_text(encoding="utf-8")
    said = json.dumps(upstream.asked[-1].body["messages"][-4:])
    assert "new-diagnostics" in said
    assert "risk:" in said
