"""The short way knows what the parser knows, and takes nothing that the parser would take otherwise."""

import inspect
from typing import get_type_hints

import pytest

from sidecar.cli import COMMANDS, quick, run, serve
from sidecar.cli.parser import parse_and_run
from sidecar.cli.quick import plain


def declared(name):
    """Option as the parser has it → parameter, for values and for switches."""
    hints = get_type_hints(getattr(serve, name), include_extras=True)
    options = {p: hints[p].__metadata__[0] for p in inspect.signature(getattr(serve, name)).parameters}
    spelled = {mark: p for p, option in options.items() for mark in (option.default, *(option.param_decls or ()))}
    switches = {p for p in options if hints[p].__args__[0] is bool}
    return (
        {mark: p for mark, p in spelled.items() if p not in switches},
        {mark: p for mark, p in spelled.items() if p in switches},
    )


@pytest.mark.parametrize("name", sorted(quick.COMMANDS))
def test_knows_the_options_of_the_parser(name):
    known = quick.COMMANDS[name]
    ours = tuple({m: p for m, p in table.items() if p in known} for table in (quick.VALUES, quick.SWITCHES))
    assert ours == declared(name)


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["serve", "--port", "0", "--json", "-q"],
        ["serve", "--port=1", "--port", "2", "--workspace", "a b", "--until-eof"],
        ["serve", "--host=", "--provider", ""],
        ["lsp", "-v", "--verbose", "--auth=token"],
    ],
)
def test_reads_as_the_parser_does(monkeypatch, words):
    seen = {}
    monkeypatch.setattr(f"sidecar.cli.serving.{words[0]}", lambda **given: seen.update(given) or 0)
    assert parse_and_run(words, COMMANDS) == 0
    assert plain(words) == {name: value for name, value in seen.items() if value not in {None, False}}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["doctor"],
        ["serve", "--help"],
        ["serve", "--prot", "1"],
        ["serve", "--port"],
        ["serve", "--port", "-1"],
        ["serve", "--port=-1"],
        ["serve", "-qv"],
        ["serve", "--json=1"],
        ["serve", "here"],
        ["serve", "--"],
        ["-q", "serve"],
        ["lsp", "--json"],
        ["lsp", "--workspace", "."],
        ["lsp", "--until-eof"],
    ],
)
def test_leaves_the_rest_to_the_parser(words):
    assert plain(words) is None


def test_a_mistake_is_told_by_the_parser(capsys):
    assert run(["serve", "--prot", "1"]) == 2
    assert "--port" in capsys.readouterr().err
