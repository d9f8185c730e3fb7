"""The review by keys alone in the real editor: found, visited, answered, resolved, dismissed, handed on; and that VS Code leaves these keys free."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Rig
from tests.journeys.conftest import NATIVE
from tests.journeys.plays import message, text
from tests.journeys.robot import Robot, at_the_editor, look_until
from tests.journeys.test_editor_review import BADGE, MENU, acts_on, keys, to_row, until
from tests.journeys.upstream import Asked, Say, Upstream

PICK = ".quick-input-list .monaco-list-row"
SHORTCUTS = ".keybindings-editor .monaco-list-row"


def visits(robot: Robot) -> None:
    """The gravest first, then the next, and back."""
    row = to_row(robot, "Comment on line")
    robot.do("press", keys=["Enter"])
    robot.do("waitFor", selector=".review-widget", text="Sidecar")
    first = f"Ln {re.findall(r'[0-9]+', row)[0]}, Col 1"
    robot.do("waitForStatus", rf"^{first}$")
    keys(robot, "ArrowDown")
    robot.do("waitForStatus", rf"^(?!{first}$)Ln \d+")
    keys(robot, "ArrowUp")
    robot.do("waitForStatus", rf"^{first}$")


def asks_and_resolves(robot: Robot) -> None:
    keys(robot, "r")
    robot.do("waitFor", selector=".quick-input-widget", text="Reply to Sidecar")
    robot.picture("keys-reply")
    robot.do("type", text="Why is this risky?")
    robot.do("press", keys=["Enter"])
    robot.do("waitFor", selector=".review-widget .comment-body", text="It settles several days at once")
    keys(robot, "d")
    until(robot, lambda seen: any(row.startswith("Comment on line") and "resolved" in row for row in seen))
    keys(robot, "n")
    robot.do("waitForStatus", r"Sidecar: [\w ]+ risk \(")


def acts_on_rows(robot: Robot) -> None:
    """Dismissed with a reason, and handed to Claude Code, without an editor in between."""
    second = to_row(robot, "Comment on line", 1)  # the first of them is resolved
    assert "resolved" not in second
    robot.do("press", keys=["Shift+F10"])
    robot.do("waitFor", selector=MENU, text="Dismiss")
    robot.picture("review-row-menu")
    robot.do("press", keys=["Escape"])
    robot.do("waitFor", selector=MENU, state="hidden")
    acts_on(robot, 1, "Dismiss…", shows=PICK)
    robot.do("waitFor", selector=f"{PICK}.focused", text="It is meant to be like this")
    robot.do("press", keys=["Enter"])
    robot.do("waitFor", selector=f"{PICK}.focused", text="These lines")
    robot.do("press", keys=["Enter"])
    until(robot, lambda seen: second not in seen)
    acts_on(robot, 1, "Fix with Claude", shows=".terminal-wrapper")
    robot.do("waitForTerminal", r"I mended it")


def _is_reply(asked: Asked) -> bool:
    return "<excerpt>" in json.dumps(asked.body["messages"])


async def test_the_review_is_driven_by_keys_alone(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    title = Say(message(text('{"title": "Sums"}')))
    upstream.beside = lambda asked: None if asked.body.get("tools") or _is_reply(asked) else title
    upstream.script = [
        Say(message(text("It settles several days at once, so one bad day spoils them all."))),
        Say(message(text("I mended it."))),
    ]

    def at_it() -> None:
        with at_the_editor(rig, clean_environment, tally, tmp_path, **NATIVE.set_for(upstream)) as robot:
            robot.do("waitForStatus", r"Databricks :\d+ · [\w ]+ risk")
            robot.do("waitFor", selector=BADGE)
            visits(robot)
            asks_and_resolves(robot)
            acts_on_rows(robot)

    await asyncio.to_thread(at_it)
    assert "It is about " in json.dumps(upstream.asked[-1].body["messages"])


def test_a_comment_is_dismissed_for_a_reason_in_own_words(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    """By keys alone; without words the box says so and stays."""
    with at_the_editor(rig, clean_environment, tally, tmp_path) as robot:
        robot.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
        second = to_row(robot, "Comment on line", 1)
        acts_on(robot, 1, "Dismiss…", shows=PICK)
        robot.do("waitFor", selector=f"{PICK}.focused", text="It is meant to be like this")
        robot.do("type", text="Another")
        robot.do("waitFor", selector=f"{PICK}.focused", text="Another reason")
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=".quick-input-widget", text="Why is this comment not wanted here")
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=".quick-input-message", text="Write a few words")
        robot.do("type", text="Nobody pays twice here")
        robot.do("press", keys=["Enter"])
        robot.do("waitFor", selector=f"{PICK}.focused", text="These lines")
        robot.do("press", keys=["Enter"])
        until(robot, lambda seen: second not in seen)


def bindings() -> list[dict[str, Any]]:
    """What the extension says of its keys, with the commands' titles."""
    folder = ROOT / "vscode-extension"
    titles = json.loads((folder / "package.nls.json").read_text(encoding="utf-8"))
    told = json.loads((folder / "package.json").read_text(encoding="utf-8"))["contributes"]["keybindings"]
    return [{**one, "title": titles[one["command"]]} for one in told]


def test_vs_code_has_no_other_use_for_these_keys(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    """Its own list of keys, asked for each of ours, names our command and none beside it."""
    with at_the_editor(rig, clean_environment, tally, tmp_path) as robot:
        robot.do("waitForStatus", r"Offline :\d+")
        robot.do("press", keys=["Control+k", "Control+s"])
        robot.do("waitFor", selector=SHORTCUTS)
        for one in bindings():
            robot.do("press", keys=["Control+a"])
            robot.do("insert", text=f'"{one["key"]}"')
            ours = f"Sidecar: {one['title']}"
            # What is found for a key comes a moment after it: one row, and that is ours.
            look_until(
                lambda: robot.do("labels", selector=SHORTCUTS),
                lambda named, ours=ours: len(named) == 1 and named[0].startswith(ours),
            )
        robot.picture("keys-list")
