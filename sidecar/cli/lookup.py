"""`sidecar definition` and `sidecar references`: ask about a symbol by its place or its name."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sidecar import signals
from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import BadInput
from sidecar.core.symbols import Answer, Location, Operation, Position, Query
from sidecar.languages.files import Files
from sidecar.settings import environment, from_machine
from sidecar.tools.indexing import ask_once
from sidecar.trace import neutralise

Target = Annotated[
    str, typer.Argument(metavar="FILE:LINE:COL|NAME", help="A place (both counted from 1), or a name (`Cart.add`).")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show at most so many.")]
Deadline = Annotated[float, typer.Option("--deadline", metavar="SECONDS", min=0.1, help="Wait at most so long.")]


def definition(
    target: Target,
    *,
    limit: Limit = 200,
    deadline: Deadline = 15.0,
    workspace: Workspace = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show where a symbol is defined; exit code 1 when that is not found."""
    return _look("definition", target, (limit, deadline), workspace, Output(json, quiet))


def references(
    target: Target,
    *,
    limit: Limit = 200,
    deadline: Deadline = 15.0,
    workspace: Workspace = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show where a symbol is used, and where it is defined; exit code 1 when nothing is found."""
    return _look("references", target, (limit, deadline), workspace, Output(json, quiet))


def _look(operation: Operation, target: str, bounds: tuple[int, float], workspace: str | None, out: Output) -> int:
    settings = from_machine({"server.workspace": workspace})
    query = _query(operation, target, Path(settings.server.workspace), bounds)
    answer = signals.run(ask_once(settings, environment(), query))
    if out.json:
        out.record(asdict(answer))
    else:
        _print(answer, out)
    return 0 if answer.items else 1


def _query(operation: Operation, target: str, root: Path, bounds: tuple[int, float]) -> Query:
    limit, deadline = bounds
    place = re.fullmatch(r"(.+):(\d+):(\d+)", target, re.DOTALL)
    if place is None:
        if re.search(r":\d*$", target):
            raise BadInput(f"{target!r} is no place; write FILE:LINE:COL, both counted from 1, or a name.")
        return Query(operation, name=target, limit=limit, deadline=deadline)
    file, line, column = place.groups()
    files = Files(root)
    path = files.shown(files.locate(str(Path(file).absolute())))
    return Query(operation, path, Position(int(line), int(column)), limit=limit, deadline=deadline)


def _print(answer: Answer, out: Output) -> None:
    for item in answer.items:
        if isinstance(item, Location):
            out.data(_line(item))
    for place in answer.maybe:
        out.say(f"? {_line(place)}")
    count = len(answer.items)
    more = " or more" if answer.truncated else ""
    maybe = f" ({answer.unresolved} more may belong to them)" if answer.unresolved else ""
    places = f"{count}{more} {'place' if count == 1 else 'places'}{maybe}"
    out.say(f"{places}, {answer.status}, by {answer.source} in {answer.ms:.0f} ms")
    if not answer.items:
        out.complain(neutralise(answer.note) or "There is nothing that this place or name leads to.")
    elif answer.note:
        out.say(neutralise(answer.note))


def _line(place: Location) -> str:
    start = place.span.start
    text = f": {place.text}" if place.text else ""
    return neutralise(f"{place.span.path}:{start.line}:{start.column}{text}")
