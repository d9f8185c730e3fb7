"""Test runs and passed trees as they are kept."""

from pathlib import Path

from sidecar.store.database import Database
from sidecar.store.runs import MOST_KEPT, Case, Coverage, PassedTrees, Run, RunLine, RunStore


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


async def test_lines_leave_the_tests_out_and_the_newest_coverage_is_found(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "sidecar.db")
    store = RunStore(database)
    assert await store.covered() is None
    case = Case("a", "failed", 0.5)
    await store.add(Run(1.0, 2.0, "pytest", "pytest", "failed", (case,), coverage=Coverage(0.5, {"a": 0.5})))
    await store.add(Run(3.0, 4.0, "go", "go test", "passed", (Case("b", "passed"), Case("c", "skipped"))))
    assert await store.lines() == (
        RunLine(2, 3.0, 4.0, "go", "go test", "passed", 1, 0, 1, None),
        RunLine(1, 1.0, 2.0, "pytest", "pytest", "failed", 0, 1, 0, 0.5),
    )
    assert [line.id for line in await store.lines(1)] == [2]
    covered = await store.covered()
    assert covered is not None
    assert (covered.id, covered.coverage) == (1, Coverage(0.5, {"a": 0.5}))
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
