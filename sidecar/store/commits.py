"""What was read out of a repository's commits, kept in a SQLite file of its own in the workspace's state folder.

Rows are true for ever and can be made again, so the file may be deleted at any time, and a damaged one is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sidecar.store.database import Connection, Fault, claimed
from sidecar.trace import get_logger

log = get_logger("store")

FILE = "history.db"
"""The file's name in a workspace's state folder."""

_MARK = 0x53444348
_FORM = 1
"""Raised whenever rows of older versions are to be made again."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS commits (id TEXT PRIMARY KEY, trace BLOB NOT NULL, delta BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scores (model TEXT, id TEXT, score REAL NOT NULL, PRIMARY KEY (model, id)) WITHOUT ROWID",
)

Row = tuple[str, bytes, bytes]
"""A commit's full id, its trace and its delta."""


class CommitFile:
    """For any thread; each call opens the file anew. What cannot be read is as good as not kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def traces(self) -> dict[str, bytes]:
        """All traces by commit."""
        return self._read("SELECT id, trace FROM commits")

    def deltas(self) -> dict[str, bytes]:
        """All deltas by commit."""
        return self._read("SELECT id, delta FROM commits")

    def keep(self, rows: Iterable[Row]) -> None:
        """Keep these, altogether or not at all; where the disk refuses they are not kept, which the log tells."""
        self._write("INSERT OR REPLACE INTO commits VALUES (?, ?, ?)", rows)

    def scores(self, model: str) -> dict[str, float]:
        """What a model said of earlier changes, by commit."""
        return self._read("SELECT id, score FROM scores WHERE model = ?", model)

    def keep_scores(self, model: str, scores: Mapping[str, float]) -> None:
        """Keep these too, in the same way."""
        rows = [(model, own, score) for own, score in scores.items()]
        self._write("INSERT OR REPLACE INTO scores VALUES (?, ?, ?)", rows)

    def _write(self, query: str, rows: Iterable[tuple[str | bytes | float, ...]]) -> None:
        try:
            with self._open() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(query, rows)
                connection.execute("COMMIT")
        except (OSError, Fault) as error:
            log.warning("history_not_kept", reason=str(error))

    def _read(self, query: str, *values: str) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        try:
            with self._open() as connection:
                return dict(connection.execute(query, values))
        except (OSError, Fault) as error:
            log.warning("history_not_read", reason=str(error))
            return {}

    @contextlib.contextmanager
    def _open(self) -> Iterator[Connection]:
        with claimed(self._path, _MARK) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] != _FORM:
                connection.execute("DROP TABLE IF EXISTS commits")
                connection.execute("DROP TABLE IF EXISTS scores")
                connection.execute(f"PRAGMA user_version = {_FORM:d}")
            for table in _SCHEMA:
                connection.execute(table)
            yield connection
