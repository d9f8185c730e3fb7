"""The lock file: its form, its mode, its end."""

from __future__ import annotations

import json
import os
import stat

import pytest

from sidecar.core.errors import StoreError
from sidecar.endpoint.ide.lock import announced


def test_it_is_there_as_long_as_the_context_is_open(tmp_path):
    with announced(tmp_path / "claude", port=4711, token="t0ken", folders=[tmp_path], name="Sidecar") as path:
        assert path == tmp_path / "claude" / "ide" / "4711.lock"
        assert json.loads(path.read_text()) == {
            "pid": os.getpid(),
            "workspaceFolders": [str(tmp_path)],
            "ideName": "Sidecar",
            "transport": "ws",
            "runningInWindows": False,
            "authToken": "t0ken",
        }
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


def test_a_folder_that_others_could_read_is_closed_to_them(tmp_path):
    folder = tmp_path / "ide"
    folder.mkdir(mode=0o755)
    with announced(tmp_path, port=1, token="t", folders=[], name="Sidecar"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_lock_that_somebody_took_away_does_no_harm(tmp_path):
    with announced(tmp_path, port=1, token="t", folders=[], name="Sidecar") as path:
        path.unlink()


def test_a_place_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "ide").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="ide"), announced(tmp_path, port=1, token="t", folders=[], name="S"):
        pass
