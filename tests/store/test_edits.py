"""Edits as they are kept."""

from pathlib import Path

import pytest

from sidecar.core.errors import NotFound
from sidecar.store.database import Database
from sidecar.store.edits import MOST_BEFORE, MOST_KEPT, Edit, EditStore


async def test_edits_newest_first_bounded_and_large_ones_without_content(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "sidecar.db")
    store = EditStore(database)
    await store.add(Edit("a", "x", "y", b"old", existed=True, session="s", tool="t", diff="d"))
    await store.add(Edit("b", "", "y", None, existed=False))
    await store.add(Edit("c", "x", "y", b"x" * (MOST_BEFORE + 1), existed=True))
    assert [edit.path for edit in await store.list()] == ["c", "b", "a"]
    assert [edit.path for edit in await store.list(session="s")] == ["a"]
    assert [edit.id for edit in await store.list("b")] == [2]
    first = await store.get(1)
    assert (first.before, first.kept, first.diff) == (b"old", True, "d")
    assert (await store.get(2)).kept
    assert not (await store.get(3)).kept
    for _ in range(MOST_KEPT):
        await store.add(Edit("x", "", "", None, existed=False))
    with pytest.raises(NotFound):
        await store.get(1)
    await database.aclose()
