"""Windows that are not one trusted folder of a repository: several folders, one that is not trusted, one without a repository."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from sidecar.core.review import Band, Comment, Thread
from sidecar.review.anchor import make
from sidecar.settings import load
from sidecar.store.database import DATABASE, Database
from sidecar.store.runtime import open_folder
from sidecar.store.threads import ThreadStore
from tests.conftest import Rig
from tests.journeys.robot import Robot, at_the_editor, look_until
from tests.journeys.test_editor_review import badge, choose, enters, rows, until
from tests.rig import sample


def workspace_of(file: Path, *folders: Path) -> Path:
    file.write_text(json.dumps({"folders": [{"path": str(folder)} for folder in folders]}), encoding="utf-8")
    return file


def small(folder: Path) -> Path:
    """A repository of a file that was mended again and again, and a risky change of its own."""
    folder.mkdir()
    sample.git(folder, "init", "-q", "-b", "main")
    for n in range(8):
        total = f"def total(order):\n    total = {n}\n    return total\n"
        (folder / "orders.py").write_text(total, encoding="utf-8")
        sample.git(folder, "add", ".")
        sample.git(
            folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", f"Fix the sum, part {n}"
        )
    body = "".join(
        f"    for item in order.items({n}):\n        if item.price(order, {n}) > order.limits[{n}]:\n"
        f"            total += round(item.price(order, {n}) * rate(order.kind, item.tax[{n}]), {n})\n"
        for n in range(20)
    )
    (folder / "orders.py").write_text(f"def total(order):\n    total = 0\n{body}    return total\n", encoding="utf-8")
    return folder


def same(pair: tuple[int, int]) -> bool:
    return pair[0] == pair[1]


def port_of(editor: Robot, folder: str) -> str:
    """The port that the status item names while a file of this folder is worked in."""
    return re.findall(r":(\d+)", editor.do("waitForStatus", rf":\d+.* · {folder}$")["text"])[0]


def answers(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10):
            return True
    except OSError:
        return False


def test_each_folder_of_a_window_has_its_own(rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path) -> None:
    """Tree, status and terminals by folder; one more folder while the window is open, and one less."""
    tally, shop, third = sample.build(tmp_path / "tally"), small(tmp_path / "shop"), small(tmp_path / "depot")
    window = workspace_of(tmp_path / "both.code-workspace", tally, shop)
    with at_the_editor(rig, clean_environment, window, tmp_path) as editor:
        editor.do("waitForStatus", r":\d+ · [\w ]+ risk")
        editor.do("runCommand", "Sidecar: Show Review")
        tops = re.compile(r"(tally|shop), [\w ]*risk · Working tree|(settlement|orders)\.py, ")
        wanted = ["tally", "settlement.py", "shop", "orders.py"]
        until(editor, lambda seen: [row.split(",")[0] for row in seen if tops.match(row)] == wanted)
        editor.picture("folders-tree")
        ports = {}
        for file, folder in [("settlement.py", "tally"), ("orders.py", "shop")]:
            editor.do("openFile", file)
            ports[folder] = port_of(editor, folder)
        assert len(set(ports.values())) == 2
        editor.do("press", keys=["Control+Shift+Backquote"])
        editor.do("click", selector=".quick-input-list .monaco-list-row", text="shop")
        editor.do("waitForTerminal", r"\$ *$")
        editor.do("typeInTerminal", "echo at=$ANTHROPIC_BASE_URL ide=$CLAUDE_CODE_SSE_PORT; pwd")
        screen = editor.do("waitForTerminal", r"at=http[\s\S]*/shop")
        assert f"at=http://127.0.0.1:{ports['shop']} ide=" in screen
        count = badge(editor)
        workspace_of(window, tally, shop, third)
        until(editor, lambda seen: any(row.startswith("depot, ") and "risk" in row for row in seen))
        look_until(lambda: badge(editor), lambda now: now > count)
        workspace_of(window, tally, third)
        until(editor, lambda seen: not any(row.startswith("shop,") for row in seen))
        look_until(lambda: not answers(ports["shop"]))
        changed = (third / "orders.py").read_text(encoding="utf-8")
        sample.git(third, "checkout", "-q", "--", "orders.py")
        until(editor, lambda seen: any(re.match(r"depot, .*nothing to review", row) for row in seen))
        (third / "orders.py").write_text(changed, encoding="utf-8")
        until(editor, lambda seen: any(row.startswith("orders.py, ") for row in seen))  # its folder is not left shut


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
        enters(editor, "Comment on line")
        thread = editor.do("readThread", text="Sidecar")
        assert "risk" in thread["title"]
        editor.picture("restricted")
        editor.do("pressInThread", action="Resolve")
        editor.do("waitFor", selector=".notification-list-item", text="Restricted Mode, where Sidecar only reads")
        editor.picture("restricted-refusal")
        editor.do("press", keys=["Escape"])
        choose(editor, "Branch against its base")
        choose(editor, "Working tree")
        counts = look_until(lambda: (badge(editor), sum(row.startswith("Comment on") for row in rows(editor))), same)
        assert counts[0] >= 1
        assert not trap.exists()
        editor.do("runCommand", "Workspaces: Manage Workspace Trust")
        editor.do("click", selector=".workspace-trust-editor .monaco-button", text="Trust")
        editor.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")


def seeded(folder: Path, state: Path, count: int) -> None:
    """Comments of an earlier session, kept in the folder's own database: one on every tenth line of a file that nobody committed."""
    lines = [f"VALUE_{n} = {n}" for n in range(10 * count)]
    (folder / "many.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    bands: tuple[Band, ...] = ("low", "medium", "high", "critical")
    threads = [
        Thread(
            id=f"seeded-{n}",
            anchor=make("many.py", lines, 10 * n + 5, 10 * n + 5),
            state="open",
            score=0.1 + n % 4 / 5,
            band=bands[n % 4],
            comments=(Comment(f"c{n}", "sidecar", f"**A reviewer** asks about value {n}.", 1.0),),
            created=float(n),
            updated=1.0,
            title=f"Value {n}",
            origin="review",
        )
        for n in range(count)
    ]

    async def save() -> None:
        settings = load({"server.workspace": str(folder), "server.state_dir": str(state)}, {}, None)
        assert settings.state is not None
        database = await Database.open(open_folder(settings.state) / DATABASE)
        await ThreadStore(database).save(str(folder), threads)
        await database.aclose()

    asyncio.run(save())


def test_two_hundred_comments_are_no_burden(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path
) -> None:
    """All are there, in the tree, the badge and the gutter; an edit above them moves them, and typing goes on meanwhile."""
    seeded(tally, tmp_path / "state", 200)
    with at_the_editor(rig, clean_environment, tally, tmp_path) as editor:
        editor.do("waitForStatus", r"20\d open comments")
        editor.do("runCommand", "Sidecar: Show Review")
        until(editor, lambda seen: any("many.py" in row and "200 open comments" in row for row in seen))
        look_until(lambda: badge(editor), lambda now: now >= 200)
        editor.do("runCommand", "Comments: Focus on Comments View")
        editor.do("waitFor", selector=".comments-panel .monaco-list-row", text="many.py")
        editor.picture("many-comments")
        editor.do("openFile", "many.py")
        editor.do("goToLine", 5)
        look_until(lambda: editor.do("threadLines")[:2], lambda lines: lines == [5, 15])
        editor.do("press", keys=["Control+Home"])
        begun = time.monotonic()
        editor.do("type", text="# typed above all of them\n# and one more line\n")
        typed = time.monotonic() - begun
        editor.do("press", keys=["Control+s"])
        until(editor, lambda seen: any(re.match(r"Comment on line \d*7\b", row) for row in seen))
        look_until(lambda: "# and one more line" in (tally / "many.py").read_text(encoding="utf-8"))
        print(f"{typed:.1f} s to type 46 characters")  # figures, no assertion: the machine may be busy
        editor.do("runCommand", "Sidecar: Next Risk")
        editor.do("waitFor", selector=".review-widget", text="Critical severity")


def test_a_folder_without_a_repository_says_what_to_do_and_so_does_no_folder(
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
        editor.do("open", folder="")
        editor.do("click", selector='.activitybar .action-item:has([aria-label^="Sidecar"])')
        editor.do("waitFor", selector=".pane-body", text=r"Open a folder of a git repository[\s\S]*Open Folder")
        assert editor.do("texts", selector=".notification-list-item") == []
        assert not any("Sidecar" in item["label"] for item in editor.do("statusItems"))
