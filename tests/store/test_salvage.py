"""Rows that outlive damage: those in front of it and behind it, never half of one, and the damaged file as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sidecar.store.salvage import salvage

SCHEMA = "CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, tags TEXT NOT NULL{more})"


def made(path: Path, rows: int, more: str = "") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(SCHEMA.format(more=more))
    connection.executemany(
        "INSERT INTO tasks (id, title, tags) VALUES (?, ?, '[]')", [(n, f"task {n} " + "x" * 900) for n in range(rows)]
    )
    return connection


def titles(connection: sqlite3.Connection) -> list[str]:
    return [title.split(" x")[0] for (title,) in connection.execute("SELECT title FROM tasks ORDER BY id")]


@pytest.fixture
def fresh(tmp_path: Path) -> sqlite3.Connection:
    return made(tmp_path / "fresh", 0, ", more TEXT")


def test_rows_before_and_behind_a_broken_page_are_copied(tmp_path: Path, fresh: sqlite3.Connection) -> None:
    path = tmp_path / "old"
    made(path, 400).close()
    with path.open("r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 4096)
    damaged = path.read_bytes()
    count = salvage(path, fresh)
    saved = titles(fresh)
    assert len(saved) == count
    assert 390 < count < 400
    assert {"task 0", "task 399"} <= set(saved)
    assert path.read_bytes() == damaged
    assert sorted(one.name for one in tmp_path.iterdir()) == ["fresh", "old"]


def test_a_lost_header_loses_no_row(tmp_path: Path, fresh: sqlite3.Connection) -> None:
    path = tmp_path / "old"
    made(path, 50).close()
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
    assert salvage(path, fresh) == 50
    assert titles(fresh) == [f"task {n}" for n in range(50)]


def test_what_is_only_in_the_log_is_copied_too(tmp_path: Path, fresh: sqlite3.Connection) -> None:
    path = tmp_path / "old"
    writing = made(path, 3)
    writing.execute("PRAGMA journal_mode = WAL")
    writing.execute("INSERT INTO tasks VALUES (7, 'late', '[]')")
    assert salvage(path, fresh) == 4
    assert titles(fresh)[-1] == "late"
    writing.close()


def test_broken_json_and_rows_that_do_not_fit_stay_behind(tmp_path: Path, fresh: sqlite3.Connection) -> None:
    path = tmp_path / "old"
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, tags TEXT)")
    old.execute("CREATE TABLE others (a)")
    old.executemany("INSERT INTO tasks VALUES (?, ?, ?)", [(1, "a", "[1"), (2, None, "[]"), (3, "c", '["x"]')])
    old.close()
    assert salvage(path, fresh) == 1
    assert titles(fresh) == ["c"]


def test_of_what_is_no_database_nothing_is_read(tmp_path: Path, fresh: sqlite3.Connection) -> None:
    path = tmp_path / "old"
    for content in (b"", b"hello" * 3000, b"SQLite format 3\0" + b"\xff" * 9000):
        path.write_bytes(content)
        assert salvage(path, fresh) == 0
