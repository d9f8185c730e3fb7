"""Commands for the model: a shell line, a program, or Python code in the workspace. Off unless the user switched it on."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from sidecar.core.errors import BadInput, Refused
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.hooks.guards import GitGuard
from sidecar.testruns.process import Bounds, run
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define

_MOST: Final = 1024 * 1024


class Command(Input):
    """What to run: `command` or `code`."""

    command: str | list[str] = also(
        "command", default="", about="A shell line, or a program with its arguments as a list."
    )
    args: list[str] = also("args", default=[], about="More arguments.", max_length=1_000)
    code: str = also(
        "code", "script", "input", default="", about="Python code, in place of a command.", max_length=200_000
    )
    cwd: str = also("cwd", default=".", about="Where to run it, relative to the workspace.")
    timeout_ms: int = also("timeout_ms", default=60_000, about="Its limit, in milliseconds.", ge=1, le=900_000)
    env: dict[str, str] = also("env", default={}, about="More environment variables.", max_length=100)
    sandbox: Literal["auto", "never"] = also(
        "sandbox", default="auto", about="There is none: commands run as the user."
    )


class CommandTools:
    """The family; nothing is offered unless `POLICY_ALLOW_COMMANDS` is on."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._guard = GitGuard(bench.fence.root, bench.rules, bench.gate)

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        if self._bench.commands:
            yield define("command_run", "run", self.run)

    async def run(self, given: Command, caller: Caller) -> ToolResult:
        """Run a command (or Python code) in the workspace, and tell its output and exit status.

        It runs as the user, without a terminal and without the provider's keys. The rules for git hold here as well.
        """
        self._bench.need_trust("Running commands")
        argv = _argv(given)
        place = await asyncio.to_thread(self._bench.fence.place, given.cwd)
        folder = self._bench.fence.root.joinpath(*place.parts)
        await self._judge(argv, folder)
        environment = {**self._bench.environment, **given.env}
        ended = await run(argv, folder, environment, Bounds(given.timeout_ms / 1000, _MOST))
        output = ended.output.decode("utf-8", "replace")
        how = (
            f"timed out after {given.timeout_ms / 1000:g} s" if ended.timed_out else f"ended with status {ended.status}"
        )
        cut = "[the beginning is left out]\n" if ended.cut else ""
        value = {"status": ended.status, "timed_out": ended.timed_out, "seconds": round(ended.seconds, 3)}
        return ToolResult(value=value, text=f"{cut}{output}\n[{how}]", error=ended.timed_out)

    async def _judge(self, argv: list[str], folder: Path) -> None:
        payload = {"hook_event_name": "PreToolUse", "tool_input": {"command": shlex.join(argv)}, "cwd": str(folder)}
        answer = await self._guard.judge(payload)
        if answer:
            raise Refused(str(answer["hookSpecificOutput"]["permissionDecisionReason"]))


def _argv(given: Command) -> list[str]:
    if bool(given.command) == bool(given.code):
        raise BadInput("Give either a command or code.")
    if given.code:
        return ["python3", "-c", given.code, *given.args]
    if isinstance(given.command, list):
        return [*given.command, *given.args]
    return ["bash", "-c", given.command if not given.args else f"{given.command} {shlex.join(given.args)}"]
