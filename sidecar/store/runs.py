"""Test runs as they are kept, and the trees whose tests passed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import orjson

from sidecar.store.database import Connection, Database

MOST_KEPT = 200
"""Runs that are kept of one workspace."""

Outcome = Literal["passed", "failed", "timed out", "error"]
CaseOutcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """One test and what became of it. `id` is as its runner names it, `file` where known; `message` why it failed."""

    id: str
    outcome: CaseOutcome
    seconds: float = 0.0
    file: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of covered lines (0..1) of the whole and of each file, and the covered and missed lines where known."""

    total: float
    files: dict[str, float] = field(default_factory=dict)
    missed: dict[str, list[int]] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the tests. `started` is UTC seconds; `tail` the end of the output; `cases` are empty where no report was."""

    started: float
    seconds: float
    runner: str
    command: str
    outcome: Outcome
    cases: tuple[Case, ...] = ()
    tail: str = ""
    coverage: Coverage | None = None
    id: int = 0

    def count(self, outcome: CaseOutcome) -> int:
        """How many tests came out so."""
        return sum(case.outcome == outcome for case in self.cases)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run without its tests: counts, and the share of covered lines (0..1), None where it left no report."""

    id: int
    started: float
    seconds: float
    runner: str
    command: str
    outcome: Outcome
    passed: int
    failed: int
    skipped: int
    covered: float | None


_LINES: Final = (
    "SELECT id, started, seconds, runner, command, outcome, passed, failed, skipped,"
    " json_extract(document, '$.coverage.total') FROM test_runs ORDER BY id DESC LIMIT ?"
)
_COVERED: Final = (
    "SELECT id, document FROM test_runs WHERE json_extract(document, '$.coverage') IS NOT NULL ORDER BY id DESC LIMIT 1"
)


class RunStore:
    """The runs of one workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, run: Run) -> int:
        """Keep a run; its number. Raises StoreError."""
        counts = (run.count("passed"), run.count("failed"), run.count("skipped"))
        row = (
            run.started,
            run.seconds,
            run.runner,
            run.command,
            run.outcome,
            *counts,
            orjson.dumps(asdict(run)).decode(),
        )

        def act(connection: Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO test_runs (started, seconds, runner, command, outcome, passed, failed, skipped, document)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            number = int(cursor.lastrowid or 0)
            connection.execute("DELETE FROM test_runs WHERE id <= ?", (number - MOST_KEPT,))
            return number

        return await self._database.write(act)

    async def list(self, limit: int = 20) -> tuple[Run, ...]:
        """The newest runs first. Raises StoreError."""
        statement = "SELECT id, document FROM test_runs ORDER BY id DESC LIMIT ?"

        def ask(connection: Connection) -> tuple[Run, ...]:
            # read into values here, too: some runs have thousands of tests, and the loop is not to wait for them
            return tuple(_run(number, document) for number, document in connection.execute(statement, (limit,)))

        return await self._database.read(ask)

    async def lines(self, limit: int = MOST_KEPT) -> tuple[RunLine, ...]:
        """The newest runs first, without their tests. Raises StoreError."""
        rows = await self._database.read(lambda connection: connection.execute(_LINES, (limit,)).fetchall())
        return tuple(RunLine(*row) for row in rows)

    async def covered(self) -> Run | None:
        """The newest run that left a coverage report; None where none did. Raises StoreError."""

        def ask(connection: Connection) -> Run | None:
            row = connection.execute(_COVERED).fetchone()
            return _run(*row) if row is not None else None

        return await self._database.read(ask)

    async def last(self) -> Run | None:
        """The newest run; None before the first. Raises StoreError."""
        found = await self.list(1)
        return found[0] if found else None


class PassedTrees:
    """Which trees of files passed which tests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def holds(self, tree: str, command: str) -> bool:
        """Whether the tests passed on this tree. Raises StoreError."""
        ask = "SELECT 1 FROM passed_trees WHERE tree = ? AND command = ?"
        found = await self._database.read(lambda connection: connection.execute(ask, (tree, command)).fetchone())
        return found is not None

    async def add(self, tree: str, command: str) -> None:
        """Note that they did. Raises StoreError."""
        note = "INSERT OR REPLACE INTO passed_trees (tree, command, at) VALUES (?, ?, ?)"
        await self._database.write(lambda connection: connection.execute(note, (tree, command, time.time())))


def _run(number: int, document: str) -> Run:
    data: dict[str, Any] = orjson.loads(document)
    coverage = data.pop("coverage")
    cases = tuple(Case(**case) for case in data.pop("cases"))
    return Run(**data | {"id": number, "cases": cases, "coverage": Coverage(**coverage) if coverage else None})
