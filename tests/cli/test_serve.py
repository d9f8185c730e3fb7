"""The two commands as the parser knows them hand on every option as it was given."""

import inspect

import pytest

from sidecar.cli import serve, serving
from sidecar.cli.command import Command
from sidecar.cli.parser import parse_and_run


@pytest.mark.parametrize("name", ["serve", "lsp"])
def test_has_the_parameters_of_what_it_runs(name):
    declared, run = (inspect.signature(getattr(module, name)).parameters for module in (serve, serving))
    assert [(p.name, p.default) for p in declared.values()] == [(p.name, p.default) for p in run.values()]


@pytest.mark.parametrize("name", ["serve", "lsp"])
def test_hands_on_what_was_given(monkeypatch, name):
    seen = {}

    def run(**given):
        seen.update(given)
        return 5

    monkeypatch.setattr(serving, name, run)
    words = [name, "--port", "7", "--host=::1", "-q", "--auth", "token"]
    assert parse_and_run(words, {name: Command(f"serve:{name}")}) == 5
    assert {key: value for key, value in seen.items() if value} == {
        "port": "7", "host": "::1", "quiet": True, "auth": "token",
    }  # fmt: skip
