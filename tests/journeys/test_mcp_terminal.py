"""An interactive session of the real CLI that asks its user before it calls a tool of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from sidecar.cli.claude import Reached, _wake
from sidecar.core.secret import SecretStr
from tests.journeys.conftest import NATIVE, Serve
from tests.journeys.plays import message, text
from tests.journeys.processes import LIMIT, Terminal
from tests.journeys.test_mcp_claude import TOOL, calling, config, names, result_of
from tests.journeys.upstream import Asked, Say, Upstream


def seen(terminal: Terminal, number: int) -> set[str]:
    """Which of the two outcomes of a question stands on the screen."""
    return {words for words in ("Doyouwanttoproceed?", f"Notyet,{number}.") if words in terminal.text}


async def test_a_person_allows_the_call(
    upstream: Upstream, serve: Serve, environment: Mapping[str, str], tally: Path, claude: str
) -> None:
    model = calling("There are six skills.")
    titled = Say(message(text('{"title": "Skills"}')))  # the old release also asks, without tools, for a title
    asked: list[Asked] = []

    def answer(question: Asked) -> Say:
        if not question.body.get("tools"):
            return titled
        asked.append(question)
        # A session begins before its servers are connected: until then the model has nothing to call.
        return model(question) if TOOL in names(question) else Say(message(text(f"Not yet, {len(asked)}.")))

    upstream.beside = answer
    sidecar = await serve(**NATIVE.set_for(upstream))
    await asyncio.to_thread(_wake, Reached(sidecar.base_url, SecretStr("of-no-account")))
    more = {
        "ANTHROPIC_BASE_URL": sidecar.base_url,
        "ANTHROPIC_AUTH_TOKEN": "of-no-account",
        "SIDECAR_TOKEN_OF_THE_TEST": "of-no-account",
        "ENABLE_TOOL_SEARCH": "false",
    }
    command = (claude, f"--mcp-config={config(sidecar.base_url)}", "--permission-mode", "default")
    async with Terminal.open(*command, cwd=tally, environment={**environment, **more}) as terminal:
        await terminal.shows("? for shortcuts")
        async with asyncio.timeout(LIMIT):
            while "Doyouwanttoproceed?" not in terminal.text:
                number = len(asked) + 1
                terminal.type(f"Which skills are there, {number}?")
                await terminal.shows(f"Which skills are there, {number}?")
                terminal.type("\r")
                while not seen(terminal, number):
                    await asyncio.sleep(0.02)  # between two looks at the screen
        await terminal.shows("What skills there are: instructions for tasks")
        async with asyncio.timeout(LIMIT):
            while "Doyouwanttoproceed?" in terminal.text:  # a key that comes too soon after the question is passed over
                terminal.type("\r")
                await asyncio.sleep(0.3)
        await terminal.shows("There are six skills.")
    told = result_of(asked[-1].body)
    assert not told.get("is_error"), told
    assert "review-diff" in json.dumps(told["content"])
    assert TOOL in json.dumps(asked[-1].body["messages"])
