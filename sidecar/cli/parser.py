"""From words to a call: the commands as typer parses them, each loaded only when it is named."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import Any, Final

import typer

from sidecar.cli.command import Command
from sidecar.cli.options import Quiet, Verbose
from sidecar.cli.output import patience, voice

_LONG: Final = frozenset({"risk", "notes", "definition", "references", "doctor"})
"""Commands that may take seconds and do not tell by themselves how far they are."""
_VOICE: Final = {"quiet": Quiet, "verbose": Verbose}


def parse_and_run(arguments: Sequence[str], commands: Mapping[str, Command]) -> int:
    """Run the named command; its exit code. Usage errors are raised as typer raises them."""
    with patience(arguments) if {*arguments[:1]} & _LONG else nullcontext():
        result = application(arguments, commands)(list(arguments), prog_name="sidecar", standalone_mode=False)
    return result if isinstance(result, int) else 0


def application(arguments: Sequence[str], commands: Mapping[str, Command]) -> typer.Typer:
    """The commands for these arguments: only the one that is named, or all where help or completion needs them."""
    app = typer.Typer(
        help="Claude Code's backend for Databricks, Azure and other providers, with risk review.",
        epilog="Example: sidecar serve",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    named = next((word for word in arguments if not word.startswith("-")), None)
    for name, command in commands.items():
        if named not in commands or name == named:
            _add(app, name, command)
    return app


def _add(app: typer.Typer, name: str, command: Command) -> None:
    if command.parts:
        first = next(iter(command.parts.values()))
        epilog = f"Example: {first.example}"
        family = typer.Typer(help=command.about, epilog=epilog, no_args_is_help=True, rich_markup_mode=None)
        for part, inner in command.parts.items():
            _add(family, part, inner)
        app.add_typer(family, name=name)
    else:
        app.command(name, short_help=command.about, epilog=f"Example: {command.example}")(_heard(command.load()))


def _heard(function: Callable[..., Any]) -> Callable[..., Any]:
    """The command with `-q` and `-v` among its options, whether it takes them itself or not."""
    signature = inspect.signature(function, eval_str=True)
    more = {name: kind for name, kind in _VOICE.items() if name not in signature.parameters}
    if not more:
        return function

    @wraps(function)
    def heard(**given: Any) -> Any:
        asked = {name: bool(given.pop(name)) for name in more}
        with voice(quiet=asked.get("quiet", False), verbose=asked.get("verbose", False)):
            return function(**given)

    added = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=k) for n, k in more.items()]
    heard.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]
    heard.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()} | more
    return heard


def _root() -> None:
    """Claude Code's backend for Databricks, Azure and other providers, with risk review."""
