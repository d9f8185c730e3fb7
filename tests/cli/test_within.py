"""One thing done with a workspace's parts, and their end."""

from pathlib import Path

import pytest

from sidecar.cli.within import settings_for, within
from sidecar.core.errors import SetupError
from tests.fakes.repository import Repository


def test_parts_are_opened_and_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    repo = Repository.create(tmp_path / "repo", {"a.py": "a = 1\n"})
    settings = settings_for(str(repo.root), "offline")
    assert not settings.index.enabled

    async def act(sidecar) -> str:
        return sidecar.status().provider

    assert within(settings, act) == "offline"


def test_settings_are_checked_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        settings_for(str(tmp_path), "databricks")
