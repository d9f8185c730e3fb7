"""A repository and an environment with state and Claude settings of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import environment
from tests.fakes.repository import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "project", {"a.py": "x\n"})


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "state", CLAUDE_CONFIG_DIR=str(tmp_path / "claude"))
