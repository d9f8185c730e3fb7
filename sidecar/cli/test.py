"""`sidecar test`: run the workspace's tests as the assistant would, and keep the results."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import BadInput
from sidecar.core.tool import Caller, ToolResult
from sidecar.settings import Settings, from_machine
from sidecar.store.database import DATABASE, Database
from sidecar.store.runtime import open_folder
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.opening import bench_of
from sidecar.tools.tests import TestTools

Files = Annotated[list[str] | None, typer.Argument(metavar="[FILES…]", help="Only these test files.")]
Changed = Annotated[bool, typer.Option("--changed", help="Only tests that belong to changed files.")]
Failed = Annotated[bool, typer.Option("--failed", help="Only what failed last time.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Trust this workspace for this run: its tests are its own programs.")
]


def run_tests(
    files: Files = None,
    *,
    changed: Changed = False,
    failed: Failed = False,
    trust: Trust = False,
    workspace: Workspace = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run the tests; exit code 1 when they fail. Never in a workspace that is not trusted."""
    scope = "files" if files else "changed" if changed else "failed" if failed else "all"
    flags: dict[str, object] = {"server.workspace": workspace}
    if trust:
        flags["server.trusted_folders"] = [str(Path(workspace or ".").resolve())]
    settings = from_machine(flags)
    out = Output(json, quiet)
    result = asyncio.run(_run(settings, {"scope": scope, "files": files or []}, out))
    if json:
        out.record(result.value)
    else:
        out.data(result.text)
    return 0 if result.value["outcome"] == "passed" else 1


async def _run(settings: Settings, given: dict[str, Any], out: Output) -> ToolResult:
    folder = open_folder(settings.state) if settings.state is not None else None
    database = await Database.open(folder / DATABASE if folder is not None else None)

    async def opened() -> Database:
        return database

    def progress(_done: float, _total: float | None, line: str) -> None:
        if sys.stderr.isatty():
            out.say(line)

    try:
        box = WorkspaceToolBox()
        box.put("tests", TestTools(bench_of(settings, opened)).tools())
        result = await box.call("tests_run", given, Caller(road="command", progress=progress))
    finally:
        await database.aclose()
    if result.error:
        raise BadInput(result.text)
    return result
