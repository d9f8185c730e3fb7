"""A database of every earlier version comes up to date and keeps what it held."""

import sqlite3

import pytest

from sidecar.store.database import Database
from sidecar.store.migrations import STEPS


def database_of(path, version: int) -> None:
    connection = sqlite3.connect(path)
    for statements in STEPS[:version]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    if version >= 1:
        connection.execute("INSERT INTO threads VALUES (x'2f', 'a', '{}')")
        connection.execute("INSERT INTO reviews VALUES (x'2f', 7)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("version", range(len(STEPS) + 1))
async def test_every_version_comes_up_to_date(version, tmp_path):
    path = tmp_path / "sidecar.db"
    database_of(path, version)
    database = await Database.open(path)
    try:
        assert database.reason == ""
        assert await database.read(lambda c: c.execute("PRAGMA user_version").fetchone()) == (len(STEPS),)
        held = await database.read(lambda c: c.execute("SELECT id FROM threads").fetchall())
        assert held == ([("a",)] if version >= 1 else [])
    finally:
        await database.aclose()


async def test_all_ways_lead_to_the_same_schema(tmp_path):
    schemas = set()
    for version in range(len(STEPS) + 1):
        database_of(tmp_path / f"{version}.db", version)
        database = await Database.open(tmp_path / f"{version}.db")
        rows = await database.read(lambda c: c.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall())
        schemas.add(tuple(rows))
        await database.aclose()
    assert len(schemas) == 1
