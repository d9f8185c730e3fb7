"""What can still be read of a damaged database, row by row, copied into the one that takes its place."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
_PAGE: Final = 4096


def salvage(damaged: Path, fresh: sqlite3.Connection) -> int:
    """Copy rows of tables that both know; how many there were. The damaged file, with its `-wal`, is left as it is."""
    count = 0
    with tempfile.TemporaryDirectory(dir=damaged.parent) as folder:
        copy = Path(folder) / "copy"
        for tail in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(damaged.with_name(damaged.name + tail), copy.with_name(copy.name + tail))
        _mend_header(copy)
        with contextlib.closing(sqlite3.connect(copy)) as old:
            for (table,) in fresh.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                count += _copied(table, old, fresh)
    return count


def _mend_header(path: Path) -> None:
    """Give a file whose first bytes are lost those of an empty database of the same size: all other pages may be whole."""
    with path.open("r+b") as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            return
        size = path.stat().st_size // _PAGE
        with contextlib.closing(sqlite3.connect(":memory:")) as empty:
            empty.execute("CREATE TABLE x (y)")
            head = bytearray(empty.serialize()[:_HEADER])
        head[18:20] = b"\2\2" if path.with_name(path.name + "-wal").exists() else b"\1\1"
        head[28:32] = size.to_bytes(4, "big")
        file.seek(0)
        file.write(head)


def _copied(table: str, old: sqlite3.Connection, fresh: sqlite3.Connection) -> int:
    before = fresh.total_changes
    with contextlib.suppress(sqlite3.Error):
        known = {name for _, name, *_ in old.execute(f"PRAGMA table_info({table})")}  # our own schema's names
        columns = [name for _, name, *_ in fresh.execute(f"PRAGMA table_info({table})") if name in known]
        places = ", ".join("?" * len(columns))
        act = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608
        for row in _rows(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY rowid", old):  # noqa: S608
            with contextlib.suppress(sqlite3.Error):
                fresh.execute(act, row)
    return fresh.total_changes - before


def _rows(ask: str, old: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Up to what cannot be read, from the front and from the back."""
    for way in ("", " DESC"):
        with contextlib.suppress(sqlite3.Error):
            yield from (row for row in old.execute(ask + way) if all(_sound(value) for value in row))
            return


def _sound(value: object) -> bool:
    """Whether a text is none that began as JSON and is broken."""
    if not isinstance(value, str) or value[:1] not in {"{", "["}:
        return True
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True
