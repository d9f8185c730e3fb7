"""A command is loaded by its name only when it is wanted."""

import pytest

from sidecar.cli.command import Command


def test_loads_what_it_names():
    assert Command("command:Command").load() is Command


def test_a_name_that_leads_nowhere():
    with pytest.raises(ModuleNotFoundError):
        Command("nothing:run").load()
