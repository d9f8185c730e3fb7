"""The view "Review" in the real editor: the change by risk, its badge, its rows by keyboard, other diffs than the working tree."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.robot import Robot, at_the_editor, look_until
from tests.rig import sample

LIST = ".tree-explorer-viewlet-tree-view .monaco-list:focus"
ROWS = ".tree-explorer-viewlet-tree-view .monaco-list-row"
BADGE = '.activitybar .action-item:has([aria-label^="Sidecar"]) .badge-content'
MENU = ".monaco-menu .action-menu-item"
MISSED = ".notification-toast:has-text('were just drawn anew')"
MODIFIED = ".monaco-diff-editor .editor.modified"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample repository with its uncommitted change."""
    return sample.build(tmp_path_factory.mktemp("work") / "tally")


@pytest.fixture(scope="module")
def editor(
    rig: Rig, clean_environment: Mapping[str, str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Robot]:
    """One editor for this file."""
    scratch = tmp_path_factory.mktemp("editor")
    with at_the_editor(rig, clean_environment, repository, scratch) as robot:
        robot.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
        yield robot


def rows(editor: Robot) -> list[str]:
    """What a screen reader says of the rows of the tree."""
    said: list[str] = editor.do("labels", selector=ROWS)
    return said


def until(editor: Robot, wanted: Callable[[list[str]], object]) -> list[str]:
    """Look at the rows until they are as they should be."""
    deadline = time.monotonic() + 120
    while not wanted(seen := rows(editor)):
        if time.monotonic() > deadline:
            pytest.fail("\n".join(["The rows never were as they should be:", *seen, str(editor.picture("rows"))]))
    return seen


def walks_to(editor: Robot, start: str, number: int = 0) -> str:
    """Go by arrow keys to the row that is spoken so, the first of them or a later one; all that is said of it."""
    editor.do("waitFor", selector=LIST)

    def walk() -> str:
        places = [at for at, row in enumerate(rows(editor)) if row.startswith(start)]
        if len(places) <= number:
            return ""
        editor.do("press", keys=["Home", *["ArrowDown"] * places[number]])
        return "".join(editor.do("labels", selector=f"{ROWS}.focused"))

    return look_until(walk, lambda row: row.startswith(start))  # rows may be drawn anew meanwhile


def keys(robot: Robot, last: str) -> None:
    """The chord that ends in Alt and this key."""
    robot.do("press", keys=["Control+k", f"Alt+{last}"])


def to_row(robot: Robot, start: str, number: int = 0) -> str:
    """Go to the row of the tree that is spoken so, the first of them or a later one; all that is said of it."""
    keys(robot, "v")
    return walks_to(robot, start, number)


def seen_within(seconds: float, look: Callable[[], list[str]]) -> list[str]:
    """What is seen as soon as there is something; nothing where it does not come."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.02)  # between two looks at a state
    return found


def from_menu(robot: Robot, name: str) -> bool:
    """Choose an act from the menu of the row that has the focus; whether it came: VS Code closes it where it draws the rows anew."""
    robot.do("press", keys=["Shift+F10"])
    labels = (
        ".monaco-menu:focus-within .action-menu-item .action-label"  # without the focus its keys would go to the row
    )
    offered = [label.strip() for label in seen_within(5, lambda: robot.do("texts", selector=labels))]
    if not offered:
        robot.do("press", keys=["Escape"])
        return False
    robot.do("press", keys=["Home", *["ArrowDown"] * offered.index(name), "Enter"])
    robot.do("waitFor", selector=MENU, state="hidden")
    return True


def acts_on(robot: Robot, number: int, name: str, shows: str) -> None:
    """Choose an act on a comment's row; again where nothing was done, since the rows came anew in that moment."""

    def act() -> bool:
        to_row(robot, "Comment on line", number)
        if not from_menu(robot, name):
            return False
        seen_within(30, lambda: robot.do("texts", selector=f":is({shows}, {MISSED}):visible"))
        if robot.do("texts", selector=f":is({shows}):visible"):
            return True
        if robot.do("texts", selector=MISSED):
            robot.do("runCommand", "Notifications: Clear All Notifications")
            robot.do("waitFor", selector=MISSED, state="hidden")
        return False

    look_until(act)


def enters(editor: Robot, start: str) -> None:
    """Open the first row of the tree that is spoken so, by keys."""
    editor.do("runCommand", "Sidecar: Show Review")
    walks_to(editor, start)
    editor.do("press", keys=["Enter"])


def badge(editor: Robot) -> int:
    """The number on the view's icon; 0 where there is none."""
    shown = editor.do("texts", selector=BADGE)
    return int(shown[0] or 0) if shown else 0


def badge_becomes(editor: Robot, number: int) -> None:
    editor.do("waitFor", selector=BADGE, text=rf"^{number}$")


def choose(editor: Robot, scope: str) -> None:
    """Choose what to review by the button in the view's title, as a person types it."""
    editor.do("runCommand", "Sidecar: Show Review")
    button, choice = '.action-label[aria-label^="Choose What to Review"]', ".quick-input-list .monaco-list-row"
    editor.do("opens", selector=button, wanted=choice, says="Working tree")
    editor.do("type", text=scope)
    editor.do("waitFor", selector=f"{choice}.focused", text=scope)
    editor.do("press", keys=["Enter"])
    editor.do("waitFor", selector=".quick-input-widget", state="hidden")


def lines_added(rows: list[str]) -> int:
    """What the row of the fragile file says of its size; 0 where there is none."""
    told = [re.search(r"(\d+) lines added", row) for row in rows if row.startswith(Path(sample.FRAGILE).name)]
    return int(told[0][1]) if told and told[0] else 0


def test_the_change_stands_there_by_risk(editor: Robot) -> None:
    """Shown only when it is asked for; files and places by risk, in words; the badge counts what is open."""
    assert editor.do("texts", selector=ROWS) == []
    editor.do("runCommand", "Sidecar: Show Review")
    shown = until(editor, lambda seen: any("statement.ts" in row and "open comment" in row for row in seen))
    files = [row for row in shown if re.match(r"\w+\.\w+,", row)]
    assert [row.split(",")[0] for row in files] == ["settlement.py", "statement.ts"]
    assert re.search(r"(High|Very high) risk, in tally, \d+ lines added, \d+ removed, \d open comments", files[0])
    comments = [row for row in shown if row.startswith("Comment on line")]
    badge_becomes(editor, len(comments))
    assert len(comments) >= 2
    editor.do("waitFor", selector=".pane-body .message", text=r"Working tree\. [\w ]+ risk: \d+ of 100")
    editor.picture("review-tree")


def test_title_and_rows_offer_their_actions_by_name(editor: Robot) -> None:
    editor.do("click", selector=ROWS, text="settlement.py")  # opens what changed, and keeps the focus where it is
    editor.do("waitFor", selector=MODIFIED)
    for name in ("Previous Risk", "Next Risk", "Choose What to Review", "Review Changes Now", "Collapse All"):
        buttons = f':is(.composite.title, .pane-header) .action-label[aria-label^="{name}"]'
        editor.do("waitFor", selector=buttons, state="attached")
    actions = f"{ROWS}.focused .action-label"
    look_until(lambda: editor.do("labels", selector=actions), lambda named: {"Open File", "Open Changes"} <= set(named))
    assert editor.do("diffThreads") >= 1
    editor.picture("review-open-changes")


def test_a_comment_is_reached_and_resolved_by_keyboard(editor: Robot) -> None:
    before = badge(editor)
    editor.do("click", selector=ROWS, text="settlement.py")
    editor.do("waitFor", selector=MODIFIED)
    walks_to(editor, "Comment on line")
    editor.do("press", keys=["Enter"])
    # No longer the comparison, which has the thread, too.
    editor.do("waitFor", selector=".tab.active", text=r"^settlement\.py$")
    thread = editor.do("readThread", text="Sidecar")
    assert "risk" in thread["title"]
    acts_on(editor, 0, "Resolve", shows=f'{ROWS}[aria-label*="resolved"]')
    badge_becomes(editor, before - 1)
    until(editor, lambda seen: any("resolved" in row for row in seen))


def test_selection_survives_what_happens_elsewhere(editor: Robot, repository: Path) -> None:
    """Another program writes above the selected place: the row stays selected, and the focus stays in the editor."""
    editor.do("click", selector=ROWS, text="statement.ts")
    file = repository / "web" / "statement.ts"
    file.write_text("// above\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    until(editor, lambda seen: any("statement.ts" in row and "2 lines added" in row for row in seen))
    (selected,) = editor.do("labels", selector=f"{ROWS}.selected")
    assert selected.startswith("statement.ts")
    sample.git(repository, "checkout", "--", "web/statement.ts")
    until(editor, lambda seen: not any("2 lines added" in row for row in seen))


def test_the_next_risk_is_the_gravest_first(editor: Robot) -> None:
    editor.do("openFile", "tally/fees.py")
    editor.do("goToLine", 1)
    editor.do("waitForStatus", r"^Ln 1, Col 1$")
    places = ["Ln 1, Col 1"]
    for _ in range(2):
        editor.do("runCommand", "Sidecar: Next Risk")
        editor.do("waitFor", selector=".tab.active", text="settlement.py|statement.ts")
        elsewhere = rf"^(?!{places[-1]}$)Ln \d+"  # the cursor comes a moment after the file
        places.append(editor.do("waitForStatus", elsewhere)["text"])
    _, *places = places
    assert len(set(places)) == 2
    editor.do("runCommand", "Sidecar: Previous Risk")
    editor.do("waitForStatus", rf"^{places[0]}")
    chosen = f"{ROWS}.selected"
    look_until(lambda: "".join(editor.do("labels", selector=chosen)), lambda row: row.startswith("Comment on line"))


def test_what_is_staged_is_a_review_of_its_own(editor: Robot, repository: Path) -> None:
    """Staged, then edited further: one thread stands in the file, the other only in what is staged, beside HEAD."""
    sample.git(repository, "add", ".")
    file = repository / sample.FRAGILE
    staged = file.read_text(encoding="utf-8").splitlines(keepends=True)
    shown = until(editor, lambda seen: any(row.startswith("Comment on line") for row in seen))
    first = next(
        int(row.split("line")[1].strip("s ").split("\u2013")[0].split(",")[0])
        for row in shown
        if row.startswith("Comment on line")
    )
    before = lines_added(shown)
    staged[first - 1] = "        pass  # mended\n        pass  # and again\n"
    file.write_text("".join(staged), encoding="utf-8")
    until(editor, lambda seen: lines_added(seen) == before + 1)
    choose(editor, "Staged")
    editor.do("waitForStatus", r"risk · staged")
    editor.do("waitFor", selector=".pane-body .message", text=r"Staged changes\.")
    until(editor, lambda seen: lines_added(seen) == before)  # the rows come a moment after the message
    enters(editor, "Comment on line")
    editor.do("waitFor", selector=".tab.active", text=r"settlement\.py \(Staged changes\)")
    assert editor.do("diffThreads") >= 1
    editor.picture("review-staged")
    editor.do("runCommand", "View: Close All Editors")


def test_gits_own_changes_of_what_is_staged_show_the_threads(editor: Robot) -> None:
    editor.do("openFile", sample.FRAGILE)
    editor.do("click", selector='.activitybar .action-item:has([aria-label^="Source Control"])')
    editor.do("waitFor", selector=".scm-view .monaco-list-row", text=r"^Staged Changes")
    editor.do("click", selector=".scm-view .monaco-list-row", text="settlement.py")  # the staged one stands first
    editor.do("waitFor", selector=".tab.active", text=r"settlement\.py \(Index\)")
    assert editor.do("diffThreads") >= 1
    editor.do("runCommand", "View: Close All Editors")


def test_a_branch_against_its_base_and_one_commit(editor: Robot, repository: Path) -> None:
    editor.do("runCommand", "Sidecar: Show Review")
    sample.git(repository, "checkout", "-q", "-b", "settle")
    sample.git(repository, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qam", "Settle twice")
    choose(editor, "Branch against")
    editor.do("waitFor", selector=".pane-body .message", text=r"settle against main\.")
    until(editor, lambda seen: any("settlement.py" in row for row in seen))
    editor.picture("review-branch")
    choose(editor, "Settle twice")
    editor.do("waitFor", selector=".pane-body .message", text=r"[0-9a-f]{8} Settle twice\.")
    head = sample.git(repository, "rev-parse", "HEAD").strip()
    editor.do("waitForStatus", rf"risk · {head[:8]}")
    look_until(lambda: badge(editor))
    enters(editor, "Comment on line")
    editor.do("waitForGlyphs", least=1)
    editor.picture("review-commit")
    editor.do("reload")
    editor.do("waitForStatus", rf"risk · {head[:8]}")  # it is what was shown before
    choose(editor, "Working tree")
    editor.do("waitFor", selector=".pane-body", text=r"There is nothing to review here")
    editor.picture("review-clean")


@pytest.mark.parametrize(
    ("theme", "kind"),
    [
        ("Light Modern", "vs"),
        ("Dark Modern", "vs-dark"),
        ("Default High Contrast", "hc-black"),
        ("Default High Contrast Light", "hc-light"),
    ],
)
def test_it_can_be_read_in_every_theme(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, theme: str, kind: str
) -> None:
    """For a person to look at: .build/screenshots/review-theme-*.png."""
    with at_the_editor(rig, clean_environment, tally, tmp_path, settings={"workbench.colorTheme": theme}) as robot:
        robot.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
        robot.do("waitFor", selector=f".monaco-workbench.{kind}")
        robot.do("runCommand", "Sidecar: Show Review")
        until(robot, lambda seen: any("statement.ts" in row for row in seen))
        enters(robot, "Comment on line")
        robot.do("waitFor", selector=".review-widget", text="Sidecar")
        robot.picture(f"review-theme-{kind}")
