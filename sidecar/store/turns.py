"""One row for each request: when, which model, how many tokens, how long, what became of it. Never what was said.

Notes are gathered in memory and written in batches on the database's thread, so a request never waits for the disk.
What was noted is in the file after at most a second; a clean stop writes all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from sidecar.core.errors import StoreError
from sidecar.store.database import Connection, Database
from sidecar.trace import get_logger

log = get_logger("store")

Outcome = Literal["done", "error", "left"]
"""Answered to the end; failed; or the client left before the end."""

BATCH: Final = 0.5
"""Seconds that notes are gathered before they are written."""

_MOST_WAITING: Final = 10_000
_PRUNED_EVERY: Final = 500
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """What is known of one request afterwards.

    `id` is ours, `upstream` the provider's own; `started` is UTC seconds; `ms` and `first_ms` (None: no byte came)
    count from there. Tokens are the provider's (of an answer given again: those of the first time); None where it told
    none. `cache_write` are all tokens written to the provider's cache, `cache_write_1h` those among them that stay for
    an hour. `cost` and `saved` (by our own prompt cache) are dollars, None where the model's price is not known. `status` is the HTTP status of a failure, or 200.
    """

    id: str
    started: float
    session: str = ""
    agent: str = ""
    provider: str = ""
    asked: str = ""
    served: str = ""
    stream: bool = False
    outcome: Outcome = "done"
    status: int | None = None
    error: str = ""
    stop_reason: str = ""
    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    cost: float | None = None
    saved: float | None = None
    ms: float = 0.0
    first_ms: float | None = None
    tools: tuple[str, ...] = ()
    cache: str = ""
    retries: int = 0
    changes: tuple[str, ...] = ()
    upstream: str = ""


_NAMES: Final = tuple(field.name for field in fields(TurnRecord))
_INSERT: Final = f"INSERT OR REPLACE INTO turns ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 - the names are ours
_SINCE: Final = "SELECT * FROM turns WHERE started >= ? AND (? = '' OR session = ?) ORDER BY started"
_NEWEST: Final = "SELECT * FROM turns ORDER BY started DESC LIMIT ?"
_FIND: Final = "SELECT * FROM turns WHERE id = ? OR upstream = ? LIMIT 1"

Draft = Callable[[], TurnRecord]
"""Makes a record; called on the database's thread, where there is time to decode what was only kept."""


class TurnJournal:
    """Takes notes of requests; the database is opened with the first of them.

    `keep_days` and `keep_count` bound what stays in the file.
    """

    def __init__(self, database: Callable[[], Awaitable[Database]], *, keep_days: int, keep_count: int) -> None:
        self._database = database
        self._keep_days = keep_days
        self._keep_count = keep_count
        self._waiting: list[Draft] = []
        self._unpruned = _PRUNED_EVERY
        self._closing = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._failed = False

    def add(self, draft: Draft) -> None:
        """Note a request; returns at once. Past `_MOST_WAITING` unwritten notes the oldest is let go."""
        self._waiting.append(draft)
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[0]
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_soon(), name="turns")

    async def flush(self) -> None:
        """Write what waits. A database that cannot be used costs the notes, not the requests; it is told once."""
        drafts, self._waiting = self._waiting, []
        if not drafts:
            return
        prune = self._unpruned + len(drafts) >= _PRUNED_EVERY
        try:
            database = await self._database()
            await database.write(lambda connection: self._act(connection, drafts, prune=prune))
        except StoreError as error:
            if not self._failed:
                log.warning("turns_not_noted", reason=error.sentence)
            self._failed = True
            return
        self._unpruned = 0 if prune else self._unpruned + len(drafts)

    async def aclose(self) -> None:
        """Write everything; to be called when no more requests come."""
        self._closing.set()
        if self._writer is not None:
            await self._writer
        await self.flush()

    async def _write_soon(self) -> None:
        """Gather for a moment, write, and go on while more came."""
        while self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BATCH):
                    await self._closing.wait()
            await self.flush()

    def _act(self, connection: Connection, drafts: Sequence[Draft], *, prune: bool) -> None:
        connection.executemany(_INSERT, [_row(draft()) for draft in drafts])
        if prune:
            connection.execute("DELETE FROM turns WHERE started < ?", (time.time() - self._keep_days * _DAY,))
            connection.execute(
                "DELETE FROM turns WHERE rowid IN (SELECT rowid FROM turns ORDER BY started DESC LIMIT -1 OFFSET ?)",
                (self._keep_count,),
            )


class TurnStore:
    """Reads what was noted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, moment: float, *, session: str = "") -> list[TurnRecord]:
        """Requests begun at `moment` (UTC seconds) or later, oldest first; only a session's where one is named.

        Raises StoreError.
        """
        return await self._records(_SINCE, moment, session, session)

    async def newest(self, limit: int) -> list[TurnRecord]:
        """The last requests, the newest first. Raises StoreError."""
        return await self._records(_NEWEST, limit)

    async def find(self, ident: str) -> TurnRecord | None:
        """The request with this id of ours, or of the provider. Raises StoreError."""

        def ask(connection: Connection) -> TurnRecord | None:
            rows = connection.execute(_FIND, (ident, ident))
            row = rows.fetchone()
            return _record([column[0] for column in rows.description], row) if row else None

        return await self._database.read(ask)

    async def _records(self, statement: str, *values: object) -> list[TurnRecord]:
        def ask(connection: Connection) -> list[TurnRecord]:
            rows = connection.execute(statement, values)
            names = [column[0] for column in rows.description]
            return [_record(names, row) for row in rows]

        return await self._database.read(ask)


def _row(record: TurnRecord) -> tuple[Any, ...]:
    values = (getattr(record, name) for name in _NAMES)
    return tuple(",".join(value) if isinstance(value, tuple) else value for value in values)


def _record(names: Sequence[str], row: Sequence[Any]) -> TurnRecord:
    values = {name: value for name, value in zip(names, row, strict=True) if name in _NAMES}
    for name in ("tools", "changes"):
        values[name] = tuple(part for part in values[name].split(",") if part)
    return TurnRecord(**values | {"stream": bool(values["stream"])})
