"""Only the command that is named is loaded; without a name, all of them."""

from contextlib import nullcontext

import pytest
import typer

from sidecar.cli import COMMANDS, parser
from sidecar.cli.command import Command
from sidecar.cli.parser import application, parse_and_run


def names(arguments):
    return set(typer.main.get_command(application(arguments, COMMANDS)).commands)


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["env"], {"env"}),
        (["-q", "env"], {"env"}),
        (["config", "show"], {"config"}),
        (["--help"], set(COMMANDS)),
        (["frob"], set(COMMANDS)),
        ([], set(COMMANDS)),
    ],
)
def test_loads(arguments, loaded):
    assert names(arguments) == loaded


def answer() -> int:
    """A command for these tests."""
    return 7


def nothing() -> None:
    """A command that returns nothing."""


@pytest.mark.parametrize(("name", "code"), [("answer", 7), ("nothing", 0)])
def test_the_exit_code_is_the_functions(monkeypatch, name, code):
    monkeypatch.setattr(Command, "load", lambda command: {"answer": answer, "nothing": nothing}[command.target])
    assert parse_and_run([name], {name: Command(name)}) == code


@pytest.mark.parametrize(("arguments", "told"), [(["risk"], ["risk"]), (["env"], []), ([], [])])
def test_only_what_may_take_long_is_told_of(monkeypatch, arguments, told):
    seen = []

    monkeypatch.setattr(parser, "patience", lambda given: seen.extend(given) or nullcontext())
    monkeypatch.setattr(parser, "application", lambda _given, _commands: lambda *_args, **_more: 0)
    assert parse_and_run(arguments, COMMANDS) == 0
    assert seen == told
