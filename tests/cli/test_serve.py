"""The two commands as the parser knows them hand on every option as it was given."""

import inspect

import pytest

from sidecar.cli import serve, serving
from sidecar.cli.command import Command
from sidecar.cli.parser import parse_and_run
from sidecar.settings.whole import paths


@pytest.mark.parametrize("name", ["serve", "lsp"])
def test_has_the_parameters_of_what_it_runs(name):
    declared, run = (inspect.signature(getattr(module, name)).parameters for module in (serve, serving))
    own = {p.name: p.default for p in run.values() if p.kind is p.KEYWORD_ONLY}
    rest = {p.name: p.default for p in declared.values() if p.name not in own}
    assert {p.name: p.default for p in declared.values()} == own | rest
    assert rest == dict.fromkeys(serving._SETTINGS if name == "serve" else set(serving._SETTINGS) - {"workspace"})


@pytest.mark.parametrize("option", serving._SETTINGS)
def test_each_option_sets_a_setting(option):
    assert serving._SETTINGS[option] in paths()
    given = {"workspace": "/w", "host": "h", "port": "7", "auth": "none", "provider": "offline"}
    flags = serving._flags({option: given[option]}, quiet=True, verbose=False)
    assert flags == {serving._SETTINGS[option]: given[option], "server.log_level": "warning"}


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
