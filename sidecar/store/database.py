"""Open the workspace database; one writer.

All access runs on one thread of its own, so the event loop never waits for the disk and writes never meet. What
goes wrong is said once: a damaged file is kept aside, a folder that cannot be written means memory only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from sidecar.core.errors import StoreError
from sidecar.store.migrations import STEPS
from sidecar.store.salvage import salvage

T = TypeVar("T")

Connection = sqlite3.Connection
"""What a function given to `read` or `write` gets; its statements take bound parameters only."""

Fault = sqlite3.Error
"""Whatever SQLite raises; for those beside us whose library keeps a SQLite file of its own."""

DATABASE = "sidecar.db"
"""The file's name in a workspace's state folder."""

BUSY = 5.0
"""Seconds to wait for another process that writes."""


class Database:
    """One SQLite file, or memory alone.

    `path` is None in memory. `reason` is a sentence about what is not as it should be (why nothing will be
    remembered, or that a damaged file was put aside), empty when all is well.
    """

    def __init__(self, connection: Connection, worker: ThreadPoolExecutor, path: Path | None, reason: str) -> None:
        self.path = path
        self.reason = reason
        self._connection = connection
        self._worker = worker

    @property
    def forgetful(self) -> str:
        """Why nothing that is written here outlives the process, as a sentence; empty where it does, or was never meant to."""
        return self.reason if self.path is None else ""

    @classmethod
    async def open(cls, path: Path | None, why: str = "") -> Self:
        """Open the file, making it and its folder (readable by the user alone) if need be; None for memory, for the reason `why`.

        Raises StoreError for a file that a newer version wrote: it is left untouched.
        """
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            connection, place, reason = await asyncio.get_running_loop().run_in_executor(worker, _open, path)
        except BaseException:
            worker.shutdown(wait=False)
            raise
        return cls(connection, worker, place, reason or (why if place is None else ""))

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """What `ask` returns, run on the database's thread. Raises StoreError when SQLite cannot answer."""
        return await self._run(ask)

    async def write(self, act: Callable[[Connection], T]) -> T:
        """As `read`, inside a transaction that holds altogether or not at all.

        It is carried out even when the caller is cancelled while it waits. Raises StoreError.
        """

        def transaction(connection: Connection) -> T:
            with _transaction(connection):
                return act(connection)

        return await self._run(transaction)

    async def aclose(self) -> None:
        """Finish what was asked for and close the file."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._connection.close)
        self._worker.shutdown(wait=False)

    async def _run(self, act: Callable[[Connection], T]) -> T:
        try:
            future = self._worker.submit(act, self._connection)
        except RuntimeError:
            raise StoreError("The database is closed.") from None
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except sqlite3.Error as error:
            raise StoreError(f"The database could not be used ({error}); see that its disk has room.") from error


def claim(path: Path, mark: int) -> None:
    """Make a file an empty database that bears `mark` (its application id), or see to it that it is one and whole.

    For a library that opens SQLite files by itself. Raises OSError where the file cannot be used, `Fault` where
    it is damaged or somebody else's (then it is left as it was).
    """
    prepare_file(path)
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY, isolation_level=None)) as connection:
        if path.stat().st_size == 0:
            # Takes effect only before the first page is written, which it does.
            connection.execute("PRAGMA auto_vacuum = FULL")
        if connection.execute("PRAGMA application_id").fetchone()[0] != mark:
            with _transaction(connection):  # somebody else may be about to do the same
                (found,) = connection.execute("PRAGMA application_id").fetchone()
                if found != mark and (found or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()):
                    raise sqlite3.DatabaseError("the file is not a database that was made here")
                connection.execute(f"PRAGMA application_id = {mark:d}")
        _refuse_damaged(connection)


@contextlib.contextmanager
def claimed(path: Path, mark: int) -> Iterator[Connection]:
    """A connection to such a file, for rows that can be made again: a damaged file is begun anew. Raises as `claim`."""
    try:
        claim(path, mark)
    except Fault:
        path.unlink(missing_ok=True)
        claim(path, mark)
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY, isolation_level=None)) as connection:
        yield connection


def _open(path: Path | None) -> tuple[Connection, Path | None, str]:
    """A ready connection, the path it belongs to (None: memory) and what is not as it should be."""
    if path is None:
        return _ready(":memory:"), None, ""
    try:
        _refuse_emptied(path)
        prepare_file(path)
        return _ready(str(path)), path, ""
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            return _ready(":memory:"), None, _forgetful(path, str(error))
    except OSError as error:
        return _ready(":memory:"), None, _forgetful(path, error.strerror or str(error))
    try:
        kept = _put_aside(path)
        prepare_file(path)
        connection = _ready(str(path))
    except (OSError, sqlite3.DatabaseError) as error:
        return _ready(":memory:"), None, _forgetful(path, str(error))
    saved = 0
    with contextlib.suppress(OSError, sqlite3.Error):
        saved = salvage(kept, connection)
    begun = f"a new one was begun with what could be read of it ({saved} rows)" if saved else "a new one was begun"
    return connection, path, f"The database was damaged; it was kept as {kept} and {begun}."


def examine(path: Path) -> str:
    """What is about to happen to a workspace's file, as a sentence; empty when all is well, or it is not there yet. It is only read.

    Raises StoreError where it cannot be used, so that a Sidecar would keep everything in memory.
    """
    if path.is_symlink():
        raise StoreError(f"The database {path} cannot be used: it is a symbolic link.")
    if not path.exists():
        return ""
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        _refuse_emptied(path)
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY)) as connection:
            _refuse_newer(connection, str(path))
            _refuse_damaged(connection)
    except sqlite3.Error as error:
        if is_damaged(error):
            return f"The database {path} is damaged; at the next start it is kept aside and a new one is begun with what can be read of it."
        raise StoreError(f"The database {path} cannot be used ({error}).") from error
    return ""


def _forgetful(path: Path, why: str) -> str:
    return f"Review threads and tasks are kept in memory only: {path} cannot be used ({why})."


def prepare_file(path: Path) -> None:
    """The folder (0700) and the file (0600), before SQLite would make them with wider permissions."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.name == "posix":
        path.parent.chmod(0o700)
    with contextlib.suppress(FileExistsError):
        # One that is there is not opened: closing it would drop the locks that this process holds on it by SQLite.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if os.name == "posix":
        path.chmod(0o600)


def _ready(name: str) -> Connection:
    """A connection whose schema is ours. Raises StoreError for a newer one, sqlite3.DatabaseError for a damaged file."""
    connection = sqlite3.connect(name, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        _refuse_newer(connection, name)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        _refuse_damaged(connection)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_newer(connection: Connection, name: str) -> None:
    if int(connection.execute("PRAGMA user_version").fetchone()[0]) > len(STEPS):
        raise StoreError(
            f"The database {name} was written by a newer version of Sidecar; update Sidecar to use it again."
        )


def _refuse_emptied(path: Path) -> None:
    """A file without a byte has lost what it held, unless another process is just making it; SQLite would begin it anew."""
    if path.is_file() and (facts := path.lstat()).st_size == 0 and time.time() - facts.st_mtime > BUSY:
        raise sqlite3.DatabaseError("malformed: the file is empty")


def _refuse_damaged(connection: Connection) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("database disk image is malformed")


def _migrate(connection: Connection) -> None:
    """Take the steps that are missing, each in a transaction with its number; another process may do so as well."""
    for number, statements in enumerate(STEPS, start=1):
        with _transaction(connection):
            if int(connection.execute("PRAGMA user_version").fetchone()[0]) >= number:
                continue
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")


@contextlib.contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault, not the disk or another process."""
    text = str(error)
    return "malformed" in text or "not a database" in text or "corrupt" in text


def _put_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; nothing is deleted, since threads are the user's."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = path.with_name(f"{path.name}.damaged-{stamp}")
    path.rename(kept)
    for tail in ("-wal", "-shm"):
        beside = path.with_name(path.name + tail)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + tail))
    return kept
