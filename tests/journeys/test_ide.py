"""Sidecar as the CLI's IDE: the real interactive CLI connects by the lock file, asks for diagnostics and consent, and is told of both."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.editor.client import Editor
from tests.journeys.conftest import NATIVE
from tests.journeys.plays import call, message, text
from tests.journeys.processes import Terminal, free_port
from tests.journeys.upstream import Asked, Say, Upstream

LSP = ("-m", "sidecar", "lsp", "--port", "0")


class Window:
    """The editor made of raw frames, and what a person does in it."""

    def __init__(self, editor: Editor, status: Mapping[str, Any]) -> None:
        self.editor = editor
        self.status = status

    async def ask(self, method: str, params: Any = None) -> Any:
        return await asyncio.to_thread(self.editor.ask, method, params)

    async def told(self, method: str) -> Any:
        return await asyncio.to_thread(self.editor.told, method)

    async def closed(self, name: Any) -> None:
        """Wait until the window was told that a proposal is settled, before or after whatever else it was told."""
        async with asyncio.timeout(30):
            while not any(
                m.get("method") == "sidecar/proposal/closed" and m["params"] == name for m in self.editor.heard
            ):
                await asyncio.sleep(0.02)  # between two looks at a state


@pytest.fixture
def environment_of_all(environment: Mapping[str, str], upstream: Upstream) -> dict[str, str]:
    return {**environment, **NATIVE.set_for(upstream), "SIDECAR_IDE_PORT": str(free_port())}


@pytest.fixture
def window(environment_of_all: Mapping[str, str], tally: Path) -> Iterator[Window]:
    """`sidecar lsp` on the sample repository, its services open and its first look done."""
    with Editor(*LSP, environment=environment_of_all) as editor:
        editor.open(tally)
        editor.ask("sidecar/review", {})
        yield Window(editor, editor.ask("sidecar/status"))
        assert editor.leave() == 0, editor.log.decode()
    assert list((Path(environment_of_all["CLAUDE_CONFIG_DIR"]) / "ide").glob("*.lock")) == []


def session(
    claude: str, window: Window, environment: Mapping[str, str], folder: Path, mode: str = "default"
) -> AbstractAsyncContextManager[Terminal]:
    """The CLI in a terminal that belongs to the window."""
    own = {
        "ANTHROPIC_BASE_URL": window.status["baseUrl"],
        "ANTHROPIC_AUTH_TOKEN": "of-no-account",
        "CLAUDE_CODE_SSE_PORT": str(window.status["companionPort"]),
        "ENABLE_IDE_INTEGRATION": "true",
    }
    return Terminal.open(claude, "--permission-mode", mode, cwd=folder, environment={**environment, **own})


async def connected(window: Window, terminal: Terminal, file: Path) -> None:
    """Wait until the CLI listens: it is told what was selected before it came, and shows it."""
    place = {
        "uri": file.as_uri(),
        "text": "x = 1",
        "startLine": 0,
        "startCharacter": 0,
        "endLine": 1,
        "endCharacter": 0,
    }
    await window.ask("sidecar/selection", place)
    await terminal.shows("⧉")


async def say(terminal: Terminal, words: str) -> None:
    terminal.type(words)
    await terminal.shows(words)
    terminal.type("\r")


def without_titles(upstream: Upstream) -> None:
    upstream.beside = lambda asked: None if asked.body.get("tools") else Say(message(text('{"title": "Sums"}')))


RISKY = "".join(
    f"    for item in amount.items({n}):\n        if rate(item.minor, {n})[{n % 3}] > limits[{n}] and fee > item.share(fee, {n}):\n"
    f"            fee = fee - round(percent(item, {n}) * weights[{n}], {n % 4})\n"
    for n in range(14)
)


def edit(file: Path, number: int) -> dict[str, Any]:
    """A call of the CLI's own Edit that puts risky code behind the file's last line."""
    last = file.read_text(encoding="utf-8").rstrip().splitlines()[-1]
    risky = f"{last}\n\n\ndef discount(fee: int, amount: Money) -> int:\n{RISKY}    return fee"
    return call("Edit", number, file_path=str(file), old_string=last, new_string=risky)


async def test_a_proposal_is_shown_with_its_risk_and_taken(
    upstream: Upstream, window: Window, environment_of_all: Mapping[str, str], tally: Path, claude: str
) -> None:
    """The model edits, the window shows the proposal with comments, the user changes and takes it; the model is told of the finding."""
    file = tally / "tally" / "fees.py"
    without_titles(upstream)
    asked: list[Asked] = []

    def note(line: Asked) -> Say:
        asked.append(line)
        return Say(message(text("All done here.")))

    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), edit(file, 2))),
        note,
    ]
    async with session(claude, window, environment_of_all, tally) as terminal:
        await connected(window, terminal, file)
        await say(terminal, "Add discounts please")
        name = await window.told("sidecar/proposal/opened")
        proposal = await window.ask("sidecar/proposal/get", name)
        assert proposal["uri"] == file.as_uri()
        assert "def discount" in proposal["text"]
        assert [thread["band"] for thread in proposal["threads"]], proposal
        assert all(thread["startLine"] > 10 for thread in proposal["threads"])
        taken = proposal["text"] + "# seen by a person\n"
        assert await window.ask("sidecar/proposal/decide", {**name, "accepted": True, "text": taken}) == {"heard": True}
        await terminal.shows("All done here.")
    assert file.read_text(encoding="utf-8").endswith("# seen by a person\n")
    assert findings(asked[0])


def findings(asked: Asked) -> list[str]:
    """What the messages after the model's last words tell it of new diagnostics."""
    told = asked.body["messages"]
    last = max(number for number, one in enumerate(told) if one["role"] == "assistant")
    said = [one for one in told[last + 1 :] if "new-diagnostics" in json.dumps(one)]
    return re.findall(r"risk: [^\"\\]*", json.dumps(said))


async def test_a_rejected_proposal_leaves_the_file(
    upstream: Upstream, window: Window, environment_of_all: Mapping[str, str], tally: Path, claude: str
) -> None:
    file = tally / "tally" / "fees.py"
    before = file.read_text(encoding="utf-8")
    without_titles(upstream)
    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), edit(file, 2))),
    ]
    async with session(claude, window, environment_of_all, tally) as terminal:
        await connected(window, terminal, file)
        await say(terminal, "Add discounts please")
        name = await window.told("sidecar/proposal/opened")
        assert await window.ask("sidecar/proposal/decide", {**name, "accepted": False}) == {"heard": True}
        await terminal.shows("reject")
        await window.closed(name)
        assert await window.ask("sidecar/proposal/decide", {**name, "accepted": True}) == {"heard": False}
    assert file.read_text(encoding="utf-8") == before


async def test_the_terminal_may_answer_first(
    upstream: Upstream, window: Window, environment_of_all: Mapping[str, str], tally: Path, claude: str
) -> None:
    """Yes in the terminal: the window is told that the question is settled, and the edit is made as it was proposed."""
    file = tally / "tally" / "fees.py"
    without_titles(upstream)
    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), edit(file, 2))),
        Say(message(text("All done here."))),
    ]
    async with session(claude, window, environment_of_all, tally) as terminal:
        await connected(window, terminal, file)
        await say(terminal, "Add discounts please")
        name = await window.told("sidecar/proposal/opened")
        await terminal.shows("Do you want to make this edit")
        await terminal.press("1", until="All done here.")
        await window.closed(name)
        refusal = await asyncio.to_thread(window.editor.refusal, "sidecar/proposal/get", name)
        assert "settled" in refusal["message"]
    assert "def discount" in file.read_text(encoding="utf-8")


async def test_the_model_mends_what_it_reads_and_the_finding_goes(
    upstream: Upstream, window: Window, environment_of_all: Mapping[str, str], tally: Path, claude: str
) -> None:
    """Edits flow without asking: the model hears of its own risk once, takes it back, and nothing of it is left to hear."""
    file = tally / "tally" / "fees.py"
    before = file.read_text(encoding="utf-8")
    without_titles(upstream)
    talk: list[Asked] = []

    def then(answer: Say) -> Callable[[Asked], Say]:
        def line(asked: Asked) -> Say:
            talk.append(asked)
            return answer

        return line

    risky = edit(file, 2)
    back = {"old_string": risky["input"]["new_string"], "new_string": risky["input"]["old_string"]}
    harmless = {"old_string": '"""What a merchant', "new_string": '"""Tells what a merchant'}
    upstream.script = [
        Say(message(text("I look."), call("Read", 1, file_path=str(file)))),
        Say(message(text("I edit."), risky, id="msg_2")),
        then(Say(message(text("I mend."), call("Edit", 3, file_path=str(file), **back), id="msg_3"))),
        then(Say(message(text("And a word."), call("Edit", 4, file_path=str(file), **harmless), id="msg_4"))),
        then(Say(message(text("All done here."), id="msg_5"))),
    ]
    async with session(claude, window, environment_of_all, tally, mode="acceptEdits") as terminal:
        await connected(window, terminal, file)
        await say(terminal, "Add discounts please")
        await terminal.shows("All done here.")
        review = await window.ask("sidecar/threads/snapshot", {})
    assert [bool(findings(asked)) for asked in talk] == [True, False, False]
    assert file.read_text(encoding="utf-8") == before.replace('"""What', '"""Tells what')
    assert [item for item in review["upserts"] if item["uri"] == file.as_uri()] == []


async def test_lines_are_mentioned_in_the_prompt(
    upstream: Upstream, window: Window, environment_of_all: Mapping[str, str], tally: Path, claude: str
) -> None:
    without_titles(upstream)
    file = tally / "tally" / "fees.py"
    async with session(claude, window, environment_of_all, tally) as terminal:
        await connected(window, terminal, file)
        place = {"uri": file.as_uri(), "startLine": 7, "endLine": 12}
        assert await window.ask("sidecar/mention", place) == {"heard": True}
        await terminal.shows("@tally/fees.py#L8-13")
