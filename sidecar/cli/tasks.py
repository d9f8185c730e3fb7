"""`sidecar tasks`: the tasks of this workspace, by hand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.cli.toolcall import call_tool
from sidecar.core.tool import ToolResult
from sidecar.settings import from_machine

Title = Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done.")]
Id = Annotated[int, typer.Argument(metavar="ID", help="The task's number.")]
StatusOption = Annotated[str | None, typer.Option("--status", metavar="STATUS", help="todo, doing, done, blocked, …")]
Priority = Annotated[int | None, typer.Option("--priority", metavar="N", help="Larger for what matters more.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; may be given again.")]
Files = Annotated[
    list[str] | None, typer.Option("--file", metavar="FILE", help="A file that it is about; may be given again.")
]
Body = Annotated[str | None, typer.Option("--body", metavar="TEXT", help="More about it.")]


def add(  # noqa: PLR0913 - one parameter an option
    title: Title,
    *,
    status: StatusOption = None,
    priority: Priority = None,
    tag: Tags = None,
    file: Files = None,
    body: Body = None,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Note a task."""
    fields = {"title": title, "status": status, "priority": priority, "tags": tag, "files": file, "body": body}
    return _say(_call("tasks_create", fields, workspace), json=json)


def show_all(
    *,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="STATUS", help="Only those that stand so.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only those with this tag.")] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="Only those about this file.")] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="Only those that say this.")] = None,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """List the tasks, the most important first; exit code 1 when there is none."""
    result = _call("tasks_list", {"status": status, "tag": tag, "file": file, "text": text, "limit": 500}, workspace)
    if json or result.value["tasks"]:
        _say(result, json=json)
    else:
        Output().say(result.text)
    return 0 if result.value["tasks"] else 1


def show(number: Id, *, workspace: Workspace = None, json: Json = False) -> int:
    """Show a task."""
    return _say(_call("tasks_get", {"id": number}, workspace), json=json)


def update(  # noqa: PLR0913 - one parameter an option
    number: Id,
    *,
    title: Annotated[str | None, typer.Option("--title", metavar="TITLE", help="The new title.")] = None,
    status: StatusOption = None,
    priority: Priority = None,
    tag: Tags = None,
    file: Files = None,
    body: Body = None,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Change a task; what is not given stays."""
    fields = {"title": title, "status": status, "priority": priority, "tags": tag, "files": file, "body": body}
    return _say(_call("tasks_update", {"id": number, **fields}, workspace), json=json)


def done(number: Id, *, workspace: Workspace = None, json: Json = False) -> int:
    """Say that a task is done."""
    return _say(_call("tasks_set_status", {"id": number, "status": "done"}, workspace), json=json)


def delete(number: Id, *, workspace: Workspace = None, json: Json = False, quiet: Quiet = False) -> int:
    """Forget a task for good."""
    result = _call("tasks_delete", {"id": number}, workspace)
    out = Output(json, quiet)
    if json:
        out.record({"deleted": number})
    out.say(result.text)
    return 0


def _call(name: str, fields: dict[str, Any], workspace: str | None) -> ToolResult:
    return call_tool(from_machine({"server.workspace": workspace}), name, fields)


def _say(result: ToolResult, *, json: bool) -> int:
    Output(json).tell(result.value, result.text)
    return 0
