"""A person's way through the real editor: the extension from its .vsix, on the sample repository, without any key."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Rig
from tests.journeys.robot import Robot, at_the_editor, look_until
from tests.rig import sample

RISK = re.compile(r"(Low|Medium|High|Very high) risk\b.*\d")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample repository, its folder named as people would."""
    return sample.build(tmp_path_factory.mktemp("work") / "tally")


@pytest.fixture(scope="module")
def editor(
    rig: Rig, clean_environment: Mapping[str, str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Robot]:
    """One editor for this file."""
    scratch = tmp_path_factory.mktemp("editor")
    by_hand = {"files.autoSave": "off"}  # in the browser files save themselves unless they are told not to
    with at_the_editor(rig, clean_environment, repository, scratch, settings=by_hand) as robot:
        robot.do("waitForStatus", r"Offline :\d+")
        assert (scratch / "state").is_dir(), "the server did not get the environment of the editor"
        yield robot


def lines_changed(repository: Path, file: str) -> set[int]:
    """New-side numbers of the lines that the working tree adds to a file."""
    changed: set[int] = set()
    for line in sample.git(repository, "diff", "--unified=0", "--", file).splitlines():
        if hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            start, count = int(hunk[1]), int(hunk[2] or 1)
            changed |= set(range(start, start + count))
    return changed


def panel(editor: Robot) -> list[str]:
    """The rows of the Comments panel, once it has drawn them."""
    editor.do("runCommand", "Comments: Focus on Comments View")
    rows: list[str] = look_until(lambda: editor.do("commentRows"))
    return rows


def ranges(editor: Robot, file: str) -> list[tuple[int, int]]:
    """The line ranges of a file's threads, as the Comments panel tells them."""
    found: list[tuple[int, int]] = []
    here = False
    for row in panel(editor):
        if place := re.search(r"\[Ln (\d+)(?:-(\d+))?\]", row):
            if here:
                found.append((int(place[1]), int(place[2] or place[1])))
        else:
            here = row.startswith(Path(file).name)
    return found


def until(editor: Robot, file: str, wanted: Callable[[list[tuple[int, int]]], bool]) -> list[tuple[int, int]]:
    """Look at the Comments panel until it shows what is wanted."""
    return look_until(lambda: ranges(editor, file), wanted)


def said(editor: Robot, text: str) -> list[str]:
    """The rows of the Comments panel that have these words."""
    return [row for row in panel(editor) if text in row]


def written(editor: Robot) -> None:
    """Wait until the answer in a thread is whole."""
    editor.do("waitFor", selector=".review-widget .isPending", text="Sending|writing", state="hidden")


def show_thread(editor: Robot, file: str, index: int = 0) -> Any:
    """Open a file at one of its threads, and the thread with it; what it shows."""
    places = until(editor, file, lambda seen: len(seen) > index)
    editor.do("openFile", file)
    editor.do("goToLine", 1)
    editor.do("goToLine", places[index][1])  # coming from afar, the line is put into the middle
    editor.do("waitForGlyphs", least=1)
    return editor.do("openThread", index=0)


def test_status_item_names_provider_and_port(editor: Robot) -> None:
    shown = editor.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
    port = re.search(r":(\d+)", shown["text"])
    assert port
    with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/health", timeout=10) as answer:
        assert json.load(answer)
    assert f"port {port[1]}" in shown["label"]


def test_changed_lines_carry_threads_with_score_and_reasons(editor: Robot, repository: Path) -> None:
    thread = show_thread(editor, sample.FRAGILE)
    editor.picture("thread")
    assert RISK.search(thread["title"]), thread["title"]
    first = thread["comments"][0]
    assert first["author"] == "Sidecar"
    assert len([line for line in first["body"].splitlines() if line.strip()]) >= 3, first["body"]
    changed = lines_changed(repository, sample.FRAGILE)
    for start, end in until(editor, sample.FRAGILE, bool):
        assert set(range(start, end + 1)) <= changed


def test_claude_in_the_terminal_needs_nothing_typed_but_itself(editor: Robot) -> None:
    show_thread(editor, sample.FRAGILE)
    editor.do("openTerminal")
    editor.do("typeInTerminal", 'claude -p "Summarize the recent diff"')
    screen = editor.do("waitForTerminal", r"settlement\.py[\s\S]*tally \$ *$")
    editor.do("runCommand", "Terminal: Scroll to Previous Command")
    editor.picture("review")  # the README's: cp .build/screenshots/review.png docs/images/
    assert "tally/settlement.py" in screen


def test_open_changes_shows_the_threads_beside_the_new_text(editor: Robot) -> None:
    (line, _), *_ = until(editor, sample.FRAGILE, bool)
    editor.do("openFile", sample.FRAGILE)
    editor.do("runCommand", "Git: Open Changes")
    editor.do("waitFor", selector=".monaco-diff-editor .editor.modified")
    editor.do("goToLine", line)
    assert editor.do("diffThreads") >= 1
    editor.picture("open-changes")
    editor.do("runCommand", "View: Close Editor")


def test_a_reply_is_answered(editor: Robot) -> None:
    before = show_thread(editor, sample.FRAGILE)
    count = len(before["comments"])
    editor.do("replyInThread", reply="Why is this risky?", comments=count + 2)
    written(editor)
    after = editor.do("readThread")
    editor.picture("reply")
    asked, answered = after["comments"][count:]
    assert (asked["author"], asked["body"]) == ("You", "Why is this risky?")
    assert answered["author"] != "You"
    assert len(answered["body"]) > 20


def test_resolving_closes_the_thread(editor: Robot) -> None:
    open_now = re.search(r"(\d+) open comment", editor.do("waitForStatus", r"\d+ open comment")["label"])
    assert open_now
    show_thread(editor, sample.FRAGILE)
    editor.do("pressInThread", action="Resolve")
    editor.do("waitForStatus", rf"\b{int(open_now[1]) - 1} open comment")
    assert "resolved" in {mark["state"] for mark in editor.do("waitForGlyphs", state="resolved", least=1)}
    editor.picture("resolved")


def test_saving_an_edit_moves_the_threads_below_it(editor: Robot) -> None:
    before = until(editor, sample.FRAGILE, bool)
    editor.do("openFile", sample.FRAGILE)
    editor.do("goToLine", 2)
    editor.do("insert", text="\n\n")
    editor.do("press", keys=["Control+s"])
    until(editor, sample.FRAGILE, lambda now: now == [(start + 2, end + 2) for start, end in before])


def test_mending_a_change_closes_its_thread(editor: Robot, repository: Path) -> None:
    """The line as it was, saved: nothing is left to say about it."""
    file = "web/statement.ts"
    ((line, _),) = until(editor, file, lambda now: len(now) == 1)
    editor.do("openFile", file)
    editor.do("goToLine", line)
    editor.do("press", keys=["Home", "Shift+End"])
    editor.do("insert", text=sample.git(repository, "show", f"HEAD:{file}").splitlines()[line - 1].strip())
    editor.do("press", keys=["Control+s"])
    until(editor, file, lambda now: now == [])
    look_until(lambda: lines_changed(repository, file), lambda changed: changed == set())


def test_a_new_risky_change_opens_a_thread(editor: Robot, repository: Path) -> None:
    """Typed into another file and saved; the same on disk, as another program does it, would do too."""
    file = "tally/fees.py"
    editor.do("openFile", file)
    editor.do("press", keys=["Control+End"])
    lines = [f"    if amount.minor > {1000 * n}:\n        fee = fee - {n}\n" for n in range(1, 20)]
    text = "".join(["\n\ndef discount(fee: int, amount: Money) -> int:\n", *lines, "    return fee\n"])
    editor.do("insert", text=text)
    editor.do("press", keys=["Control+s"])
    until(editor, file, lambda now: len(now) >= 1)


def test_a_key_that_is_typed_is_told_before_it_is_saved(editor: Robot, repository: Path) -> None:
    """A hazard has its own words, takes the place of a lesser risk where there is no room, and goes with its line."""
    file = "tally/fees.py"
    saved = (repository / file).read_text(encoding="utf-8")
    line = saved.count("\n") + 2
    editor.do("openFile", file)
    editor.do("goToLine", line - 1)
    editor.do("insert", text='\nTOKEN = "ghp_' + "Zq7Rk2Wm9Xv4Bt6Lp1Nd8Hs3Jf5Gc0YaQwEr" + '"\n')
    editor.do("waitFor", selector=".view-line", text="ghp_")
    until(editor, file, lambda now: (line, line) in now)
    look_until(lambda: said(editor, "Hazard: a secret in the code"))
    editor.picture("hazard")
    assert (repository / file).read_text(encoding="utf-8") == saved
    editor.do("openFile", file)
    editor.do("goToLine", line)
    editor.do("press", keys=["Home", "Shift+End", "Delete"])
    look_until(lambda: said(editor, "Hazard"), lambda rows: rows == [])
