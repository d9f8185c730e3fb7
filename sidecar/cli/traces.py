"""`sidecar traces`: list, show and remove what was traced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import orjson
import typer

from sidecar.cli.options import Json, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import BadInput, NotFound
from sidecar.settings import Settings, from_machine
from sidecar.store.traces import TRACES, TraceFile, TraceFolder
from sidecar.trace import neutralise

_ACTIONS: Final = ("list", "show", "clear")

Action = Annotated[str, typer.Argument(metavar="[list|show|clear]", help="What to do.")]
Ident = Annotated[str | None, typer.Argument(metavar="[ID]", help="The request's id, or its beginning, for `show`.")]


def traces(action: Action = "list", ident: Ident = None, *, workspace: Workspace = None, json: Json = False) -> int:
    """List the traced requests, show one, or remove all.

    Requests are traced with SIDECAR_TRACE=headers or =full, or one by one with the header `x-sidecar-trace`.
    """
    if action not in _ACTIONS:
        raise BadInput(f"`sidecar traces` takes {', '.join(_ACTIONS)}, not {action}.")
    if (ident is None) == (action == "show"):
        raise BadInput("`sidecar traces show ID` shows one request; `sidecar traces list` tells the ids.")
    out = Output(json)
    folder = _folder(from_machine({"server.workspace": workspace}))
    if action == "show":
        _show(out, folder, ident or "")
    elif action == "clear":
        count = folder.clear() if folder is not None else 0
        if json:
            out.record({"removed": count})
        out.say(f"{count} traces were removed.")
    else:
        _list(out, folder.all() if folder is not None else [])
    return 0


def _folder(settings: Settings) -> TraceFolder | None:
    return TraceFolder(settings.state / TRACES) if settings.state is not None else None


def _list(out: Output, found: list[TraceFile]) -> None:
    if out.json:
        out.record([{"id": t.id, "time": _time(t), "bytes": t.size, "file": str(t.path)} for t in found])
        return
    for trace in found:
        out.data(f"{_time(trace)}  {trace.id}  {trace.size:>9,} bytes")
    if not found:
        out.say("Nothing is traced; start with SIDECAR_TRACE=full, or send the header x-sidecar-trace: full.")


def _show(out: Output, folder: TraceFolder | None, ident: str) -> None:
    if folder is None:
        raise NotFound("There is no folder for state, so nothing is traced; set SIDECAR_STATE_DIR.")
    for line in folder.read(ident):
        if out.json:
            out.record(line)
            continue
        head = f"{line.get('kind', '?')}" + (f"  {line['ms']} ms" if "ms" in line else "")
        rest = {key: value for key, value in line.items() if key not in {"kind", "ms"}}
        out.data(f"── {neutralise(head)}")
        text = orjson.dumps(rest, option=orjson.OPT_INDENT_2).decode()
        out.data("\n".join(neutralise(part) for part in text.split("\n")))


def _time(trace: TraceFile) -> str:
    return datetime.fromtimestamp(trace.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
