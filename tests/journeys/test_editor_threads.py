"""A person acts on threads in the real editor: asks and reads the answer grow, applies, stages, takes back, dismisses, hands over to Claude Code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.conftest import Rig
from tests.journeys.conftest import NATIVE
from tests.journeys.plays import message, text
from tests.journeys.robot import Robot, at_the_editor, look_until
from tests.journeys.test_editor import show_thread, until, written
from tests.journeys.test_editor_proposals import restarted
from tests.journeys.test_ide import without_titles
from tests.journeys.upstream import Say, Upstream
from tests.rig import sample

FILE = sample.FRAGILE
WIDGET = ".review-widget"
PICK = ".quick-input-list .monaco-list-row"
UNSAVED = {"files.autoSave": "off"}
"""In the browser files save themselves unless they are told not to."""
MEND = "    # mended as suggested"
ANSWER = "It settles several days at once, so one bad day spoils them all."


def look_at(robot: Robot) -> None:
    """Bring the file's first thread into the middle of the window: its line is come to from afar."""
    (_, line), *_ = until(robot, FILE, bool)
    robot.do("openFile", FILE)
    robot.do("goToLine", 1)
    robot.do("goToLine", line)


def stands(robot: Robot) -> None:
    """The first thread is shown under its own last line again."""
    (_, line), *_ = until(robot, FILE, bool)
    look_at(robot)
    row = f".editor-instance .margin-view-overlays > div:has(.comment-range-glyph):has(.line-numbers:text-is('{line}'))"
    robot.do("waitFor", selector=row)


def press(robot: Robot, action: str) -> None:
    """Press a button of the thread that is talked in, in the middle of the window."""
    look_at(robot)
    robot.do("pressInThread", text="one bad day", action=action)


def choose(robot: Robot, text: str) -> None:
    """Choose a row of the list that is open."""
    robot.do("waitFor", selector=PICK, text=text)
    robot.do("click", selector=PICK, text=text)


def theme(robot: Robot, settings: Path, name: str, background: str) -> None:
    """Dress the window; wait until it is."""
    told = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps(told | {"workbench.colorTheme": name}), encoding="utf-8")
    robot.do("reload")
    robot.do("waitFor", selector=f".monaco-workbench.{background}")


def staged(repository: Path) -> str:
    return sample.git(repository, "diff", "--cached", "--", FILE)


def in_editor(robot: Robot, pattern: str) -> None:
    """The active editor shows this text."""
    robot.do("waitFor", selector=".editor-instance .view-lines", text=pattern)


def asks_and_reads(robot: Robot, answer: Say, go: Callable[[], None]) -> None:
    """The answer is seen while it is written, then whole."""
    before = len(show_thread(robot, FILE)["comments"])
    robot.do("replyInThread", reply="Why is this risky?", comments=before + 2)
    robot.do("waitFor", selector=f"{WIDGET} .isPending", text="writing")
    look_until(
        lambda: [one["body"] for one in robot.do("readThread")["comments"][before:]],
        lambda growing: growing == ["Why is this risky?", ANSWER],
    )
    assert not answer.go.is_set()
    look_at(robot)
    robot.picture("streaming")
    go()
    robot.do("waitFor", selector=f"{WIDGET} .comment-body", text="Put this there instead")
    written(robot)
    whole = robot.do("readThread")["comments"]
    assert len(whole) == before + 2
    assert whole[-1]["label"] == ""


def applies_and_undoes(robot: Robot) -> None:
    places = until(robot, FILE, bool)
    robot.do("runCommand", "View: Focus Active Editor Group")
    robot.do("runCommand", "Sidecar: Apply Suggestion")
    robot.do("waitFor", selector=".tab.active.dirty")
    in_editor(robot, MEND.strip().replace(" ", r"\s"))
    robot.picture("applied")
    robot.do("runCommand", "View: Focus Active Editor Group")
    robot.do("press", keys=["Control+z"])
    robot.do("waitFor", selector=".tab.active:not(.dirty)")
    until(robot, FILE, lambda now: now == places)  # what was typed is looked at a moment after
    stands(robot)


def stages_and_takes_back(robot: Robot, repository: Path) -> None:
    places = until(robot, FILE, bool)
    changed = (repository / FILE).read_text(encoding="utf-8")
    assert staged(repository) == ""
    press(robot, "Stage Hunk")
    robot.do("waitForStatus", r"staged")
    assert (repository / FILE).read_text(encoding="utf-8") == changed
    assert staged(repository).count("\n@@ ") == 1
    sample.git(repository, "reset", "--quiet")
    press(robot, "Revert Hunk")
    robot.do("waitFor", selector=".tab.active.dirty")
    robot.picture("reverted")
    assert (repository / FILE).read_text(encoding="utf-8") == changed, "nothing is saved"
    robot.do("runCommand", "View: Focus Active Editor Group")
    robot.do("press", keys=["Control+z"])
    robot.do("waitFor", selector=".tab.active:not(.dirty)")
    until(robot, FILE, lambda now: now == places)  # what was typed is looked at a moment after
    stands(robot)


def dismisses_and_hears_it_again(robot: Robot) -> None:
    places = until(robot, FILE, bool)
    show_thread(robot, FILE)
    robot.do("openThread", index=0, text="one bad day")  # its lines were gone for a moment, which folds it
    press(robot, "Dismiss…")
    choose(robot, "The risk is known and accepted")
    robot.do("waitFor", selector=PICK, text="These lines")
    robot.picture("dismiss")
    choose(robot, "These lines")
    until(robot, FILE, lambda now: now == places[1:])
    robot.do("startCommand", "Sidecar: Dismissed Comments")
    robot.do("waitFor", selector=PICK, text="The risk is known and accepted")
    robot.picture("dismissed")
    choose(robot, "risk")
    until(robot, FILE, lambda now: now == places)


def opens_evidence(robot: Robot) -> None:
    """A commit that a comment names is a link to its changes."""
    look_at(robot)
    links = f"{WIDGET}:has-text('one bad day') .comment-body a"
    name = look_until(lambda: robot.do("texts", selector=links))[0].split()[-1]
    robot.do("click", selector=links, text=name)
    robot.do("waitFor", selector=".tab.active", text=name)
    robot.do("waitFor", selector=".multiDiffEditor .monaco-diff-editor, .multiDiffEntry")
    robot.picture("evidence")
    robot.do("runCommand", "View: Close Editor")


def restarts_in_the_middle(robot: Robot, locks: Path) -> None:
    """What was said is there again, where it was."""
    places = until(robot, FILE, bool)
    restarted(robot, locks)
    assert until(robot, FILE, lambda now: now == places)
    said = show_thread(robot, FILE)["comments"]
    assert [one["body"] for one in said][1:2] == ["Why is this risky?"]


async def test_a_thread_is_talked_in_and_acted_on(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    """Ask, apply and undo, stage, revert and undo, dismiss and undo, restart."""
    suggestion = f"Put this there instead:\n\n```suggestion\n{MEND}\n    return None\n```"
    answer = Say(message(text(ANSWER), text(suggestion)), hold_before=4)
    upstream.script = [answer]
    loop = asyncio.get_running_loop()

    def at_it() -> None:
        own = NATIVE.set_for(upstream)
        with at_the_editor(rig, clean_environment, tally, tmp_path, settings=UNSAVED, **own) as robot:
            robot.do("waitForStatus", r"Databricks :\d+ · [\w ]+ risk")
            asks_and_reads(robot, answer, lambda: loop.call_soon_threadsafe(answer.go.set))
            applies_and_undoes(robot)
            opens_evidence(robot)
            stages_and_takes_back(robot, tally)
            dismisses_and_hears_it_again(robot)
            restarts_in_the_middle(robot, tmp_path / "home" / ".claude" / "ide")

    await asyncio.to_thread(at_it)
    (asked,) = upstream.asked
    assert asked.body["stream"] is True
    assert "<excerpt>" in json.dumps(asked.body["messages"])


async def test_a_thread_is_handed_to_claude_code(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    """First to a Claude Code that is started for it, then into the prompt of the one that runs; no shell reads a word of it."""
    file = tally / FILE
    hostile = "        # $(touch ran) `touch ran` '; touch ran; ' \"; touch ran; \"\n"
    head, found, tail = file.read_text(encoding="utf-8").partition("        paid: dict")
    file.write_text(head + hostile + found + tail, encoding="utf-8")
    without_titles(upstream)
    upstream.script = [Say(message(text("I mended the first."))), Say(message(text("I mended the second.")))]

    def prompts() -> list[str]:
        return [json.dumps(asked.body["messages"]) for asked in upstream.asked if asked.body.get("tools")]

    def at_it() -> None:
        with at_the_editor(rig, clean_environment, tally, tmp_path, **NATIVE.set_for(upstream)) as robot:
            robot.do("waitForStatus", r"Databricks :\d+ · [\w ]+ risk")
            show_thread(robot, FILE)
            robot.do("pressInThread", action="Fix with Claude")
            robot.do("waitForTerminal", r"I mended the first")
            robot.picture("fix-with-claude")
            assert len(prompts()) == 1
            robot.do("runCommand", "View: Focus Active Editor Group")
            robot.do("runCommand", "Sidecar: Fix with Claude")
            robot.do("waitForTerminal", r"I mended the first[\s\S]*(Please fix this review comment|Pasted text)")
            robot.picture("fix-in-the-running-one")
            assert len(prompts()) == 1, "Enter is the user's"
            robot.do("runCommand", "Terminal: Focus Terminal")
            robot.do("press", keys=["Enter"])
            robot.do("waitForTerminal", r"I mended the second")

    await asyncio.to_thread(at_it)
    first, second = prompts()
    assert "It is about tally/settlement.py, lines" in first
    assert second.count("It is about tally/settlement.py, lines") == 2
    assert "told as a JSON string" in second.removeprefix(first[:-1])
    assert "$(touch ran)" in first
    assert not list(tally.rglob("ran"))


def opens_the_test(robot: Robot) -> None:
    """The function that a comment speaks of, and a test that names it, are links, too."""
    show_thread(robot, FILE, 1)
    links = f"{WIDGET} .comment-body a"
    robot.do("waitFor", selector=links, text="function settle")
    robot.do("waitFor", selector=links, text=r"test tests/test_settlement\.py \(names settle\)")
    robot.picture("evidence-test")
    robot.do("click", selector=links, text="test tests/test_settlement.py")
    robot.do("waitFor", selector=".tab.active", text=r"test_settlement\.py")
    robot.do("waitForStatus", r"^Ln (?!1,)\d+, Col 1")
    robot.do("runCommand", "View: Close Editor")


FOCUSED = """\
import { total } from '../web/statement'

test('adds', () => {
  expect(total([1, 2])).toBe(3)
})

test.only('is nothing without entries', () => {
  expect(total([])).toBe(0)
})
"""


def test_what_a_rule_found_is_mended_with_one_command(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    """The comment shows the line that it would put in; it stands there at once, and with it gone goes the thread."""
    name = "tests/statement.test.ts"
    (tally / name).parent.mkdir(exist_ok=True)
    (tally / name).write_text(FOCUSED, encoding="utf-8")
    with at_the_editor(rig, clean_environment, tally, tmp_path, settings=UNSAVED) as robot:
        robot.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
        opens_the_test(robot)
        said = show_thread(robot, name)
        assert said["title"].startswith("Hazard: a test is switched off")
        assert "Suggested in its place:" in said["comments"][0]["body"]
        robot.picture("suggestion")
        robot.do("runCommand", "View: Focus Active Editor Group")
        robot.do("runCommand", "Sidecar: Apply Suggestion")
        robot.do("waitFor", selector=".tab.active.dirty")
        until(robot, name, lambda now: now == [])
        robot.picture("suggestion-applied")
        robot.do("runCommand", "File: Save")
        robot.do("waitFor", selector=".tab.active:not(.dirty)")
    assert (tally / name).read_text(encoding="utf-8") == FOCUSED.replace(".only", "")


THEMES = (
    ("Default Light Modern", "vs"),
    ("Default Dark Modern", "vs-dark"),
    ("Default High Contrast", "hc-black"),
    ("Default High Contrast Light", "hc-light"),
)


def test_a_thread_tells_its_severity_in_every_kind_of_theme(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    """In words, which a screen reader says, too, with a picture beside; how it looks is for people to judge."""
    settings = tmp_path / "code" / "user" / "User" / "settings.json"
    with at_the_editor(rig, clean_environment, tally, tmp_path) as robot:
        for name, background in THEMES:
            theme(robot, settings, name, background)
            robot.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
            shown = show_thread(robot, FILE)
            assert shown["title"].startswith("Very high risk")
            assert {"Fix with Claude", "Stage Hunk", "Revert Hunk", "Dismiss…", "Resolve"} <= set(shown["actions"])
            robot.picture(f"thread-{name.removeprefix('Default ').lower().replace(' ', '-')}")
