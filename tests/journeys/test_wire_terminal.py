"""An interactive session of the real CLI in a terminal, with Sidecar behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.journeys.conftest import NATIVE, Serve
from tests.journeys.plays import Json, call, message, text, thinking
from tests.journeys.processes import LIMIT, Sidecar, Terminal
from tests.journeys.upstream import Refuse, Say, Upstream
from tests.journeys.wire import blocks


def session(
    claude: str, sidecar: Sidecar, environment: Mapping[str, str], folder: Path
) -> AbstractAsyncContextManager[Terminal]:
    """The CLI in a terminal, as a person starts it."""
    credentials = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
    command = (claude, "--permission-mode", "default")
    return Terminal.open(*command, cwd=folder, environment={**environment, **credentials})


async def test_a_session_in_a_terminal(
    upstream: Upstream, serve: Serve, environment: Mapping[str, str], tally: Path, claude: str
) -> None:
    """A question, an answer, a second question with a tool: what the provider says stands on the screen."""
    file = tally / "tally" / "fees.py"
    upstream.script = [
        Say(message(thinking("Easy.", "c2ln"), text("It is forty-two."))),
        Say(message(text("I look first."), call("Read", 1, file_path=str(file)))),
        Say(message(text("Merchants pay fees."))),
    ]
    # The old release also asks, without tools, for a title.
    upstream.beside = lambda asked: None if asked.body.get("tools") else Say(message(text('{"title": "Sums"}')))
    sidecar = await serve(**NATIVE.set_for(upstream))
    async with session(claude, sidecar, environment, tally) as terminal:
        await terminal.shows("? for shortcuts")
        terminal.type("What is six times seven?")
        await terminal.shows("What is six times seven?")
        terminal.type("\r")
        await terminal.shows("It is forty-two.")
        terminal.type("Who pays fees?")
        await terminal.shows("Who pays fees?")
        terminal.type("\r")
        await terminal.shows("Merchants pay fees.")
    talk = [asked for asked in upstream.asked if asked.body.get("tools")]
    assert [len(upstream.script), len(talk)] == [0, 3]
    assert thinking("Easy.", "c2ln") in blocks(talk[1].body, "assistant")


async def test_escape_hangs_up_at_the_provider(
    upstream: Upstream, serve: Serve, environment: Mapping[str, str], tally: Path, claude: str
) -> None:
    """Whoever interrupts an answer does not pay for the rest of it, and the next question is answered."""
    held = Say(message(text("First words.\n"), text("Never said.")), hold_before=3)
    upstream.script = [held, Say(message(text("Something else.")))]
    upstream.beside = lambda asked: None if asked.body.get("tools") else Say(message(text('{"title": "Sums"}')))
    sidecar = await serve(**NATIVE.set_for(upstream))
    async with session(claude, sidecar, environment, tally) as terminal:
        await terminal.shows("? for shortcuts")
        terminal.type("Speak slowly")
        await terminal.shows("Speak slowly")
        terminal.type("\r")
        await asyncio.wait_for(held.holding.wait(), LIMIT)
        assert not held.left.is_set()
        terminal.type("\x1b")
        await asyncio.wait_for(held.left.wait(), LIMIT)
        await terminal.shows("Interrupted")
        terminal.type("And now?")
        await terminal.shows("And now?")
        terminal.type("\r")
        await terminal.shows("Something else.")


async def test_a_fault_in_a_terminal_ends_one_answer_and_not_the_session(
    upstream: Upstream, serve: Serve, environment: Mapping[str, str], tally: Path, claude: str
) -> None:
    """An overloaded provider: the user reads which it is and by whom, and the next question is answered."""
    busy: Json = {"type": "error", "error": {"type": "overloaded_error", "message": "Of account 4711."}}
    upstream.script = [Refuse(529, busy) for _ in range(4)]
    upstream.beside = lambda asked: None if asked.body.get("tools") else Say(message(text('{"title": "Sums"}')))
    sidecar = await serve(**NATIVE.set_for(upstream))
    few = {**environment, "CLAUDE_CODE_MAX_RETRIES": "1"}
    async with session(claude, sidecar, few, tally) as terminal:
        await terminal.shows("? for shortcuts")
        terminal.type("Are you there?")
        await terminal.shows("Are you there?")
        terminal.type("\r")
        await terminal.shows("The provider is overloaded; please try again shortly.")
        upstream.script = [Say(message(text("Here again.")))]
        terminal.type("And now?")
        await terminal.shows("And now?")
        terminal.type("\r")
        await terminal.shows("Here again.")
        assert "4711" not in terminal.text


async def test_a_command_waits_for_the_users_consent(
    upstream: Upstream, serve: Serve, environment: Mapping[str, str], tally: Path, claude: str
) -> None:
    """The CLI asks before it runs what the provider wants: nothing runs, here or there, before the user says yes."""
    command = call("Bash", 1, command="touch made-by-the-model")
    upstream.script = [Say(message(command)), Say(message(text("Made.")))]
    upstream.beside = lambda asked: None if asked.body.get("tools") else Say(message(text('{"title": "Sums"}')))
    sidecar = await serve(**NATIVE.set_for(upstream))
    async with session(claude, sidecar, environment, tally) as terminal:
        await terminal.shows("? for shortcuts")
        terminal.type("Make a file")
        await terminal.shows("Make a file")
        terminal.type("\r")
        await terminal.shows("Do you want to proceed?")
        assert not (tally / "made-by-the-model").exists()
        assert len([asked for asked in upstream.asked if asked.body.get("tools")]) == 1
        await terminal.press("\r", until="Made.")
    assert (tally / "made-by-the-model").exists()
