"""Settings built from what a test gives, and nothing of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.settings import Settings, load


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def build(here: Path, tmp_path: Path):
    def make(env=(), flags=(), toml: str | None = None, own: str | None = None) -> Settings:
        file = tmp_path / "config.toml"
        if toml is not None:
            file.write_text(toml, encoding="utf-8")
        if own is not None:
            (here / ".sidecar.toml").write_text(own, encoding="utf-8")
        return load(dict(flags), {"SIDECAR_STATE_DIR": str(tmp_path / "state"), **dict(env)}, file, here)

    return make
