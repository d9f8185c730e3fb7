"""The world that a desk looks at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.repository import Repository
from tests.review.desks import TEXT, World


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    made = World(Repository.create(tmp_path / "repo", {"a.py": TEXT}), tmp_path / "state" / "sidecar.db")
    yield made
    if made.database is not None:
        await made.database.aclose()
