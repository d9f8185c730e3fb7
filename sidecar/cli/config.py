"""`sidecar config`: what the settings are, where they come from, and what may stand in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from sidecar.cli.options import Json, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import NotFound
from sidecar.core.secret import SecretStr
from sidecar.settings import from_machine, schema, user_file

Origin = Annotated[bool, typer.Option("--origin", help="Tell where each value comes from.")]


def show(*, workspace: Workspace = None, origin: Origin = False, json: Json = False) -> int:
    """Show every setting as it holds here; keys are masked."""
    settings = from_machine({"server.workspace": workspace})
    out = Output(json)
    for warning in settings.warnings:
        out.complain(warning)
    rows = [(name, plain(value), where) for name, value, where in settings.rows()]
    if json:
        out.record({name: {"value": value, "origin": where} if origin else value for name, value, where in rows})
        return 0
    width = max(len(name) for name, _, _ in rows)
    for name, value, where in rows:
        line = f"{name:<{width}}  {orjson.dumps(value).decode() if value is not None else '-'}"
        out.data(f"{line}  ({where})" if origin else line)
    return 0


def path(*, json: Json = False) -> int:
    """Print where your settings file stands, whether or not it exists yet."""
    file = user_file()
    if file is None:
        raise NotFound("There is no home folder for a settings file; use the environment instead.")
    Output(json).tell({"path": str(file), "exists": file.is_file()}, str(file))
    return 0


def print_schema(*, json: Json = False) -> int:  # noqa: ARG001 - it is JSON in any case
    """Print the JSON schema of the settings file, for editors that complete TOML."""
    Output().data(orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode())
    return 0


def plain(value: object) -> object:
    """A setting's value as JSON can show it; a secret is only told to be set."""
    if isinstance(value, SecretStr):
        return "**********"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value
