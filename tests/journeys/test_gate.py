"""The risk gate in auto mode: the real interactive CLI writes what is harmless by itself, and stops for a person where it is risky."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.editor.client import Editor
from tests.journeys.conftest import NATIVE, Serve, Start
from tests.journeys.plays import call, message, text
from tests.journeys.processes import LIMIT, Terminal, free_port
from tests.journeys.test_ide import LSP, Window, connected, edit, say, session, without_titles
from tests.journeys.upstream import Asked, Say, Upstream
from tests.journeys.wire import JSON


@pytest.fixture
def gated(environment: Mapping[str, str], upstream: Upstream) -> dict[str, str]:
    more = {"SIDECAR_IDE_PORT": str(free_port()), "SIDECAR_GATE_RISK": "high", "SIDECAR_GATE_TIMEOUT_MS": "8000"}
    return {**environment, **NATIVE.set_for(upstream), **more}


@pytest.fixture
def window(gated: Mapping[str, str], tally: Path) -> Iterator[Window]:
    """`sidecar lsp` on the sample repository, its review open."""
    with Editor(*LSP, environment=gated) as editor:
        editor.open(tally)
        editor.ask("sidecar/review", {})
        yield Window(editor, editor.ask("sidecar/status"))
        assert editor.leave() == 0, editor.log.decode()


async def install(start: Start) -> None:
    done = await (await start(sys.executable, "-m", "sidecar", "hooks", "install", "--risk", "--no-bash")).outcome()
    assert done.code == 0, done.err


def opened(window: Window) -> list[str]:
    """The files of the proposals that the window was told of."""
    told = [one for one in window.editor.heard if one.get("method") == "sidecar/proposal/opened"]
    return [str(one["params"]) for one in told]


DENSE = (
    "\n\ndef discount(fee: int, amount: Money, percent: int) -> int:\n"
    "    for item in amount.items(percent):\n        for part in item.parts(fee):\n"
) + "".join(
    f"            if rate(part.minor, {n})[{n % 3}] > limits[{n}] and fee > part.share({n}): fee = fee - round(percent * weights[{n}], {n % 4})\n"
    for n in range(13)
)
"""As risky, and short enough that the question about it fits on the screen."""

HARMLESS = {"old_string": '"""What a merchant', "new_string": '"""Tells what a merchant'}


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "rejected"])
async def test_low_risk_flows_and_high_risk_stops_for_a_person(
    upstream: Upstream, window: Window, start: Start, gated: Mapping[str, str], tally: Path, claude: str, accepted: bool
) -> None:
    """In auto mode no question is asked about an edit; with the gate one is, in the editor, about the risky one alone."""
    await install(start)
    file = tally / "tally" / "fees.py"
    before = file.read_text(encoding="utf-8")
    without_titles(upstream)
    asked: list[Asked] = []

    def note(line: Asked) -> Say:
        asked.append(line)
        assert "Tells what a merchant" in file.read_text(encoding="utf-8")
        assert opened(window) == []
        return Say(message(text("And now this."), edit(file, 3), id="msg_3"))

    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), call("Edit", 2, file_path=str(file), **HARMLESS), id="msg_2")),
        note,
        Say(message(text("All done here."), id="msg_4")),
    ]
    async with session(claude, window, gated, tally, mode="auto") as terminal:
        await connected(window, terminal, file)
        await say(terminal, "Add discounts please")
        name = await window.told("sidecar/proposal/opened")
        assert asked
        proposal = await window.ask("sidecar/proposal/get", name)
        assert "def discount" in proposal["text"]
        (band,) = [thread["band"] for thread in proposal["threads"]]  # the reasons stand on the proposal
        assert band in {"high", "critical"}
        await terminal.shows("Do you want to make this edit")
        await terminal.titled(r"^⚠ (High|Very high) risk: fees\.py, lines \d+-\d+\. \w.*[.…]$")
        decision = {**name, "accepted": accepted, **({"text": proposal["text"]} if accepted else {})}
        assert await window.ask("sidecar/proposal/decide", decision) == {"heard": True}
        await window.closed(name)
        if accepted:
            await terminal.shows("All done here.")
        else:
            await terminal.hides("Do you want to make this edit")
    now = file.read_text(encoding="utf-8")
    assert ("def discount" in now) is accepted
    assert now.startswith(before.split('"""')[0])


def reviewed(state: Path, file: str) -> bool:
    """Whether the workspace's database holds a comment on this file."""
    (path,) = state.glob("*/sidecar.db")
    with contextlib.closing(sqlite3.connect(path)) as database:
        (count,) = database.execute("SELECT count(*) FROM threads WHERE document LIKE ?", (f"%{file}%",)).fetchone()
    return bool(count)


async def test_without_an_editor_the_terminal_asks_and_tells_why(
    upstream: Upstream, serve: Serve, start: Start, environment: Mapping[str, str], tally: Path, claude: str
) -> None:
    """And nobody watches the files there: the hook after the edit has the review look at it."""
    text_before = (tally / "tally" / "fees.py").read_text(encoding="utf-8")
    await install(start)
    file = tally / "tally" / "fees.py"
    without_titles(upstream)
    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), call("Write", 2, file_path=str(file), content=text_before + DENSE), id="msg_2")),
        Say(message(text("All done here."), id="msg_3")),
    ]
    sidecar = await serve(**NATIVE.set_for(upstream), SIDECAR_GATE_RISK="high", SIDECAR_GATE_TIMEOUT_MS="8000")
    own = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
    command = (claude, "--permission-mode", "auto")
    # High enough that nothing of all this leaves the screen again.
    async with Terminal.open(*command, cwd=tally, environment={**environment, **own}, rows=160) as terminal:
        await terminal.shows("auto mode on")
        await say(terminal, "Add discounts please")
        await terminal.shows("Do you want to")
        assert "def discount" not in file.read_text(encoding="utf-8")
        # The CLI's question about an edit leaves the reasons out: while it stands there the terminal's title tells them.
        title = await terminal.titled(r"^⚠ (High|Very high) risk: fees\.py, lines \d+-\d+\. \w.*[.…]$")
        assert "Do you want to".replace(" ", "") in terminal.text
        await terminal.press("1", until="All done here.")
        await terminal.shows("Sidecar asks before this edit: high risk in tally/fees.py")
        assert terminal.title != title
        async with asyncio.timeout(LIMIT):
            while not reviewed(Path(environment["SIDECAR_STATE_DIR"]), "tally/fees.py"):
                await asyncio.sleep(0.05)  # between two looks at a state
    assert "def discount" in file.read_text(encoding="utf-8")


async def test_without_a_person_a_risky_edit_is_refused_with_its_reasons(
    upstream: Upstream, serve: Serve, start: Start, ask: Start, tally: Path, claude: str
) -> None:
    """`claude -p`: nobody can be asked. The first edit flows though the review is only opened for it."""
    await install(start)
    file = tally / "tally" / "fees.py"
    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), call("Edit", 2, file_path=str(file), **HARMLESS))),
        Say(message(text("And now this."), edit(file, 3))),
        Say(message(text("Not done."))),
    ]
    sidecar = await serve(**NATIVE.set_for(upstream), SIDECAR_GATE_RISK="high", SIDECAR_GATE_TIMEOUT_MS="8000")
    done = await (await ask(sidecar, "Add discounts", *JSON, "--permission-mode", "acceptEdits", cli=claude)).outcome()
    assert done.json["result"] == "Not done.", done.out
    assert [denied["tool_name"] for denied in done.json["permission_denials"]] == ["Edit"]
    now = file.read_text(encoding="utf-8")
    assert "Tells what a merchant" in now
    assert "def discount" not in now
    told = json.dumps(upstream.asked[-1].body["messages"][-1])
    assert "Sidecar asks before this edit" in told, told
