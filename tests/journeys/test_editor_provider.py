"""The editor with a provider of the person's own: its key comes from the shell, its answers reach the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import Rig
from tests.journeys.conftest import NATIVE
from tests.journeys.plays import message, text
from tests.journeys.robot import at_the_editor
from tests.journeys.upstream import Say, Upstream


async def test_databricks_serves_the_terminal(
    rig: Rig, clean_environment: Mapping[str, str], tally: Path, tmp_path: Path, upstream: Upstream
) -> None:
    """Status item, terminal and provider agree, with nothing set up but what the shell exports."""
    upstream.script = [Say(message(text("It settles several days at once.")))]

    def at_it() -> tuple[str, str]:
        with at_the_editor(rig, clean_environment, tally, tmp_path, **NATIVE.set_for(upstream)) as robot:
            shown = robot.do("waitForStatus", r"Databricks :\d+")["text"]
            robot.do("openTerminal")
            robot.do("typeInTerminal", 'claude -p "What does the change do?"')
            return shown, robot.do("waitForTerminal", r"at once\.\s[\s\S]*tally \$ *$")

    shown, screen = await asyncio.to_thread(at_it)
    assert "Databricks" in shown
    assert "It settles several days at once." in screen
    (asked,) = upstream.asked
    assert (asked.path, asked.headers["authorization"]) == (NATIVE.path, NATIVE.credential[1])
