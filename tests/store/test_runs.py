"""Test runs and passed trees as they are kept."""

from pathlib import Path

from sidecar.store.database import Database
from sidecar.store.runs import MOST_KEPT, Case, Coverage, PassedTrees, Run, RunStore


async def test_runs_come_back_whole_and_are_bounded(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "sidecar.db")
    store = RunStore(database)
    assert await store.last() is None
    case = Case("a", "failed", 0.5, "a.py", "why")
    run = Run(1.0, 2.0, "pytest", "pytest", "failed", (case,), "tail", Coverage(0.5, {"a": 0.5}, {"a": [1]}, "lcov"))
    assert await store.add(run) == 1
    found = await store.last()
    assert found is not None
    assert found == Run(**{name: getattr(run, name) for name in ("started", "seconds", "runner", "command", "outcome", "cases", "tail", "coverage")}, id=1)  # fmt: skip
    for _ in range(MOST_KEPT + 5):
        await store.add(Run(1.0, 2.0, "x", "x", "passed"))
    assert len(await store.list(1000)) == MOST_KEPT
    await database.aclose()


async def test_passed_trees(tmp_path: Path) -> None:
    database = await Database.open(None)
    trees = PassedTrees(database)
    await trees.add("t", "pytest")
    await trees.add("t", "pytest")
    assert await trees.holds("t", "pytest")
    assert not await trees.holds("t", "other")
    assert not await trees.holds("u", "pytest")
    await database.aclose()
