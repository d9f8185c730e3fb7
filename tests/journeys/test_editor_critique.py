"""A person lets the model review in the real editor: threads on the lines, the review beside them, a suggestion, leaving off, and a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Rig
from tests.journeys.conftest import NATIVE
from tests.journeys.plays import call, message
from tests.journeys.robot import LOOKS, Robot, at_the_editor, look_until
from tests.journeys.test_editor import lines_changed, said
from tests.journeys.upstream import Asked, Say, Stall, Upstream
from tests.rig import sample

COMMAND = "Sidecar: Review with the Model"
TITLE = "Settles days that nobody asked for"


def reviewed(repository: Path) -> dict[str, Any]:
    """A review with two comments on the fragile file: one at its place, one with a wrong number."""
    lines = (repository / sample.FRAGILE).read_text(encoding="utf-8").splitlines()
    first, *_, last = sorted(line for line in lines_changed(repository, sample.FRAGILE) if lines[line - 1].strip())
    place = {"file": sample.FRAGILE, "severity": "high"}
    body = "A batch that is run twice pays twice. Check `settled` first."
    comments = [
        {**place, "line": first, "quote": lines[first - 1], "title": TITLE, "body": body},
        {
            **place,
            "line": 999,
            "quote": lines[last - 1],
            "title": "Never tested",
            "body": "Add a test.",
            "severity": "low",
        },
    ]
    files = [{"file": sample.FRAGILE, "note": "Settles several days at once."}]
    return {"summary": "It settles in batches.", "files": files, "checklist": ["Run it twice."], "comments": comments}


async def test_the_models_review_in_the_editor(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    review, never, loop = reviewed(tally), Stall(), asyncio.get_running_loop()
    upstream.script = [Say(message(call("report_review", 1, **review))), lambda _: never]

    def at_it() -> str:
        with at_the_editor(rig, clean_environment, tally, tmp_path, **NATIVE.set_for(upstream)) as robot:
            robot.do("waitForStatus", r"Databricks :\d+")
            robot.do("runCommand", COMMAND)
            robot.do("waitFor", selector=".tabs-container .tab", text="Review of the uncommitted change")
            shown = robot.do("waitForPreview", text="Settles several days at once")
            assert "Before merging" in shown
            assert "\u2610 Run it twice." in shown
            assert "(the model named another line; the text it quoted decided)" in shown
            robot.picture("model-review")
            see_the_threads(robot)
            leave_off(
                robot,
                tally,
                asked=lambda: len(upstream.asked) == 2,
                left=asyncio.run_coroutine_threadsafe(never.left.wait(), loop).result,
            )
            robot.do("openTerminal")
            robot.do("typeInTerminal", f"{ROOT}/.venv/bin/sidecar review --json | grep -o '\"cached\":[a-z]*'")
            return robot.do("waitForTerminal", r"\"cached\":true[\s\S]*tally \$ *$")

    assert "true" in await asyncio.to_thread(at_it)
    asked: Asked = upstream.asked[0]
    assert [tool["name"] for tool in asked.body["tools"]] == ["report_review"]
    assert len(upstream.asked) == 2, "the terminal's review was kept from the editor's"


def see_the_threads(robot: Robot) -> None:
    robot.do("runCommand", "View: Close All Editors")
    robot.do("openFile", sample.FRAGILE)
    look_until(lambda: said(robot, TITLE))
    robot.do("click", selector=".comments-panel .monaco-list-row", text=TITLE)
    thread = robot.do("readThread", text="Model")
    assert thread["title"] == f"Model · High severity — {TITLE}"
    assert [comment["author"] for comment in thread["comments"]] == ["Databricks"]
    assert "Check settled first." in thread["comments"][0]["body"]
    robot.picture("model-thread")
    robot.do("pressInThread", text="Model", action="Resolve")
    robot.do("waitForGlyphs", state="resolved", least=1)


def leave_off(robot: Robot, tally: Path, asked: Callable[[], bool], left: Callable[[float], object]) -> None:
    """Another change is another review; the person cancels it, and the provider's connection is closed."""
    other = tally / "tally" / "fees.py"
    before = other.read_text(encoding="utf-8")
    other.write_text(before + "\n\nLATER = 1\n", encoding="utf-8")
    robot.do("runCommand", COMMAND)
    robot.do("waitFor", selector=".notifications-toasts .notification-toast", text="reviewing the change")
    look_until(asked)  # before that there is no connection that could be closed
    robot.picture("model-review-progress")
    robot.do("click", selector=".notification-toast .monaco-button", text="Cancel")
    robot.do("waitFor", selector=".notifications-toasts .notification-toast", text="reviewing", state="detached")
    left(LOOKS)
    other.write_text(before, encoding="utf-8")


LOOSE, STRICT = "            except Exception:", "            except BankUnavailable:"
WIDE = "It catches everything"


async def test_what_the_model_suggests_is_put_in_by_its_button(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    """The comment shows the line, its button puts it in unsaved, and the thread goes with the text that it was about."""
    file = tally / sample.FRAGILE
    before = file.read_text(encoding="utf-8")
    comment = {
        "file": sample.FRAGILE,
        "line": before.splitlines().index(LOOSE) + 1,
        "quote": LOOSE.strip(),
        "severity": "high",
        "title": WIDE,
        "body": "A typing error in `send` is tried again for ever.",
        "suggestion": STRICT,
    }
    review = {"summary": "It settles in batches.", "files": [], "checklist": [], "comments": [comment]}
    upstream.script = [Say(message(call("report_review", 1, **review)))]

    def at_it() -> None:
        own = NATIVE.set_for(upstream)
        with at_the_editor(rig, clean_environment, tally, tmp_path, settings={"files.autoSave": "off"}, **own) as robot:
            robot.do("waitForStatus", r"Databricks :\d+")
            robot.do("runCommand", COMMAND)
            robot.do("waitForPreview", text=WIDE)
            robot.do("runCommand", "View: Close All Editors")
            look_until(lambda: said(robot, WIDE))
            robot.do("click", selector=".comments-panel .monaco-list-row", text=WIDE)
            thread = robot.do("readThread", text=WIDE)
            assert [one["author"] for one in thread["comments"]] == ["Databricks"]
            assert "Suggested in its place:" in thread["comments"][0]["body"]
            assert STRICT.strip() in thread["comments"][0]["body"].replace("\u00a0", " ")
            robot.picture("model-suggestion")
            assert file.read_text(encoding="utf-8") == before
            robot.do("pressInComment", text=WIDE, action="Apply Suggestion")
            robot.do("waitFor", selector=".tab.active.dirty")
            robot.do("waitFor", selector=".editor-instance .view-line", text=r"except\sBankUnavailable:")
            look_until(lambda: said(robot, WIDE), lambda rows: rows == [])
            robot.do("waitFor", selector=".review-widget", text=WIDE, state="detached")
            robot.picture("model-suggestion-applied")
            assert file.read_text(encoding="utf-8") == before, "nothing is saved but by the person"
            robot.do("runCommand", "File: Save")
            robot.do("waitFor", selector=".tab.active:not(.dirty)")

    await asyncio.to_thread(at_it)
    assert file.read_text(encoding="utf-8") == before.replace(LOOSE, STRICT)
    assert len(upstream.asked) == 1
