"""A real repository and a real database for whoever judges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.store.database import Database
from tests.fakes.repository import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repo", {"a.py": "one\ntwo\nthree\n", "src/b.py": "def b():\n    return 1\n"})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "state" / "sidecar.db")
    yield opened
    await opened.aclose()
