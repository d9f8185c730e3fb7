"""Test runs as they are kept, and the trees whose tests passed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

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
class Covered:
    """Which lines the newest run of the tests missed, by file; `run` is its number, `started` UTC seconds."""

    run: int
    started: float
    missed: dict[str, list[int]]

    def of(self, path: str) -> list[int]:
        """The lines of a file that were missed, by its path in the repository: reports name files from a folder of their own.

        None where the report does not name it, or several that it may be.
        """
        named = [n for n in self.missed if n == path or path.endswith(f"/{n}") or n.endswith(f"/{path}")]
        return self.missed[named[0]] if len(named) == 1 else []


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
        ask = "SELECT id, document FROM test_runs ORDER BY id DESC LIMIT ?"
        rows = await self._database.read(lambda connection: connection.execute(ask, (limit,)).fetchall())
        return tuple(_run(number, document) for number, document in rows)

    async def covered(self, after: int = 0) -> Covered | None:
        """What the newest run missed; None where there is no run newer than the one of this number. Raises StoreError.

        Without a report of coverage nothing is missed.
        """
        ask = "SELECT id, started, json_extract(document, '$.coverage.missed') FROM test_runs WHERE id > ? ORDER BY id DESC LIMIT 1"
        row = await self._database.read(lambda connection: connection.execute(ask, (after,)).fetchone())
        return None if row is None else Covered(row[0], row[1], orjson.loads(row[2]) if row[2] else {})

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
