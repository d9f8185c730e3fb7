"""`sidecar test`: run the workspace's tests as the assistant would, and keep the results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.cli.toolcall import call_tool
from sidecar.settings import from_machine

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
    hear = out.say if sys.stderr.isatty() else out.detail
    result = call_tool(settings, "tests_run", {"scope": scope, "files": files or []}, hear)
    out.tell(result.value, result.text)
    return 0 if result.value["outcome"] == "passed" else 1
