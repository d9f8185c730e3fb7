"""A tool called from the command line."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from sidecar.cli.toolcall import call_tool
from sidecar.core.errors import BadInput, SetupError, StoreError
from sidecar.settings import load


def test_what_is_kept_is_there_next_time(tmp_path: Path) -> None:
    settings = load({"server.workspace": str(tmp_path)}, {"SIDECAR_STATE_DIR": str(tmp_path / "state")}, None)
    assert call_tool(settings, "tasks_create", {"title": "One", "body": None}).value["id"] == 1
    assert call_tool(settings, "tasks_list", {}).text == "1. [todo] One"
    with pytest.raises(BadInput, match="There is no task 7"):
        call_tool(settings, "tasks_get", {"id": 7})


def test_without_a_place_for_state_nothing_is_kept(tmp_path: Path) -> None:
    settings = load({"server.workspace": str(tmp_path)}, {}, None)
    settings = settings.told({}, (), None)
    with pytest.raises(SetupError, match="SIDECAR_STATE_DIR"):
        call_tool(settings, "tasks_list", {})


def test_no_task_is_noted_where_it_could_not_be_kept(tmp_path: Path) -> None:
    settings = load({"server.workspace": str(tmp_path)}, {"SIDECAR_STATE_DIR": str(tmp_path / "state")}, None)
    assert settings.state is not None
    file = settings.state / "sidecar.db"
    file.mkdir(parents=True)
    with pytest.raises(StoreError, match="in memory only"):
        call_tool(settings, "tasks_create", {"title": "One"})
    file.rmdir()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 4711")
    with pytest.raises(StoreError, match="newer version of Sidecar"):
        call_tool(settings, "tasks_list", {})
