"""Test runs and passed trees as they are kept."""

from pathlib import Path

from sidecar.store.database import Database
from sidecar.store.runs import MOST_KEPT, Case, Coverage, Covered, PassedTrees, Run, RunStore


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


async def test_the_newest_run_tells_what_it_missed_to_who_does_not_know_it_yet() -> None:
    database = await Database.open(None)
    store = RunStore(database)
    assert await store.covered() is None
    await store.add(Run(1.0, 2.0, "pytest", "pytest", "passed", coverage=Coverage(0.5, {}, {"a.py": [3, 4]}, "lcov")))
    assert await store.covered() == Covered(1, 1.0, {"a.py": [3, 4]})
    assert await store.covered(after=1) is None
    await store.add(Run(5.0, 2.0, "pytest", "pytest", "passed"))
    assert await store.covered(after=1) == Covered(2, 5.0, {})
    await database.aclose()


def test_a_file_is_known_by_the_folder_that_a_report_begins_in() -> None:
    covered = Covered(
        1, 1.0, {"a.py": [1], "web/b.ts": [2], "example.org/mod/c/d.go": [3], "x/e.py": [4], "y/e.py": [5]}
    )
    assert [covered.of(path) for path in ("a.py", "src/a.py", "b.ts", "c/d.go")] == [[1], [1], [2], [3]]
    assert [covered.of(path) for path in ("ba.py", "d.py", "e.py")] == [[], [], []]
