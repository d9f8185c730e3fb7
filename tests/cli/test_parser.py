"""Only the command that is named is loaded; without a name, all of them."""

import pytest
import typer

from sidecar.cli import COMMANDS
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
