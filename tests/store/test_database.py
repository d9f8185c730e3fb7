"""The database under good and bad circumstances: modes, damage, newer schemas, full disks, two processes, kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import StoreError
from sidecar.store.database import Database, claim, examine, prepare_file
from sidecar.store.migrations import STEPS

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX modes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sidecar.db"


def put(id_: str):
    return lambda connection: connection.execute("INSERT INTO threads VALUES (x'2f', ?, '{}')", (id_,))


def ids(connection: sqlite3.Connection) -> list[str]:
    return [id_ for (id_,) in connection.execute("SELECT id FROM threads ORDER BY id")]


async def test_what_is_written_is_there_after_opening_again(path):
    first = await Database.open(path)
    assert (first.path, first.reason) == (path, "")
    await first.write(put("a"))
    await first.aclose()
    second = await Database.open(path)
    assert await second.read(ids) == ["a"]
    await second.aclose()


async def test_memory_is_a_database_too():
    database = await Database.open(None)
    await database.write(put("a"))
    assert (await database.read(ids), database.path, database.reason) == (["a"], None, "")
    await database.aclose()


@posix
async def test_only_the_user_can_read_it(path):
    path.parent.mkdir(mode=0o755)
    database = await Database.open(path)
    await database.write(put("a"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files = list(path.parent.iterdir())
    assert {file.name for file in files} >= {"sidecar.db", "sidecar.db-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await database.aclose()


async def test_a_transaction_holds_altogether_or_not_at_all(path):
    database = await Database.open(path)

    def half(connection):
        put("a")(connection)
        put("a")(connection)

    with pytest.raises(StoreError, match="UNIQUE"):
        await database.write(half)
    assert await database.read(ids) == []
    await database.write(put("b"))
    assert await database.read(ids) == ["b"]
    await database.aclose()


async def test_a_write_is_carried_out_though_its_caller_leaves(path):
    database = await Database.open(path)
    task = asyncio.get_running_loop().create_task(database.write(put("a")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.read(ids) == ["a"]
    await database.aclose()


async def test_writes_from_everywhere_are_all_kept(path):
    database = await Database.open(path)
    await asyncio.gather(*(database.write(put(f"{n:03}")) for n in range(100)))
    assert len(await database.read(ids)) == 100
    await database.aclose()


async def test_a_closed_database_says_so(path):
    database = await Database.open(path)
    await database.aclose()
    with pytest.raises(StoreError, match="closed"):
        await database.read(ids)


async def test_a_newer_schema_is_refused_and_left_alone(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.execute("CREATE TABLE later (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version of Sidecar"):
        await Database.open(path)
    with pytest.raises(StoreError, match="newer version of Sidecar"):
        examine(path)
    assert path.read_bytes() == before


async def test_memory_says_why_it_forgets_and_a_file_does_not(path):
    memory = await Database.open(None, "There is no folder.")
    assert memory.forgetful == "There is no folder."
    await memory.aclose()
    kept = await Database.open(path, "There is no folder.")
    assert (kept.forgetful, kept.reason) == ("", "")
    assert examine(path) == "", "looked at while it is open"
    await kept.aclose()
    assert examine(path) == ""


async def test_a_file_without_a_byte_is_kept_aside_and_told(path):
    """It held something once; SQLite would begin it anew, and throw away the log beside it."""
    path.parent.mkdir()
    path.touch()
    path.with_name("sidecar.db-wal").write_bytes(b"what was written last")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert "is damaged; at the next start it is kept aside" in examine(path)
    database = await Database.open(path)
    assert "was damaged" in database.reason
    kept = {file.name.rpartition("Z")[2]: file.read_bytes() for file in path.parent.glob("*.damaged-*")}
    assert kept == {"": b"", "-wal": b"what was written last"}
    await database.write(put("a"))
    await database.aclose()


async def test_a_file_that_another_process_is_just_making_is_not_damaged(path):
    prepare_file(path)
    assert examine(path) == ""
    database = await Database.open(path)
    assert database.reason == ""
    await database.aclose()


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


DAMAGE = {
    "no database at all": lambda path: path.write_bytes(b"hello, this is text\n" * 200),
    "header": lambda path: overwrite(path, 0, os.urandom(100)),
    "schema page": lambda path: overwrite(path, 100, os.urandom(1000)),
    "a page in the middle": lambda path: overwrite(path, 3 * 4096, os.urandom(4096)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(name, path):
    database = await Database.open(path)
    await database.write(
        lambda c: c.executemany("INSERT INTO threads VALUES (x'2f', ?, ?)", [(str(n), "x" * 500) for n in range(200)])
    )
    await database.aclose()
    DAMAGE[name](path)
    damaged = path.read_bytes()
    assert "is damaged; at the next start it is kept aside" in examine(path)
    assert path.read_bytes() == damaged
    database = await Database.open(path)
    assert "was damaged" in database.reason
    assert database.path == path
    kept = [file for file in path.parent.iterdir() if ".damaged-" in file.name]
    assert [file.read_bytes() for file in kept] == [damaged], "nothing of the user's is thrown away"
    saved = await database.read(ids)
    assert len(saved) == (200 if name in {"header", "a page in the middle"} else 0)
    assert f"({len(saved)} rows)" in database.reason or not saved
    await database.write(put("new"))
    await database.aclose()
    again = await Database.open(path)
    assert (sorted(await again.read(ids)), again.reason) == (sorted([*saved, "new"]), ""), "the warning is said once"
    await again.aclose()


def folder_is_a_file(path: Path) -> None:
    path.parent.write_text("in the way")


def file_is_a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def file_is_a_link(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("/nowhere/else")


@posix
@pytest.mark.parametrize("spoil", [folder_is_a_file, file_is_a_folder, file_is_a_link])
async def test_where_nothing_can_be_written_memory_serves(spoil, path):
    spoil(path)
    if path.parent.is_dir():  # else the folder itself is what `doctor` tells of
        with pytest.raises(StoreError, match="cannot be used"):
            examine(path)
    database = await Database.open(path)
    assert database.path is None
    assert database.forgetful == database.reason
    assert database.reason.startswith("Review threads and tasks are kept in memory only: ")
    await database.write(put("a"))
    assert await database.read(ids) == ["a"]
    await database.aclose()


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_folder_means_memory(path):
    path.parent.mkdir(mode=0o500)
    database = await Database.open(path)
    assert database.path is None
    await database.aclose()


async def test_two_processes_write_in_turn(path):
    one, other = await asyncio.gather(Database.open(path), Database.open(path))
    await asyncio.gather(*(db.write(put(f"{name}{n}")) for n in range(20) for name, db in (("a", one), ("b", other))))
    assert len(await one.read(ids)) == len(await other.read(ids)) == 40
    await one.aclose()
    await other.aclose()


async def test_a_full_disk_is_an_error_in_a_sentence_and_passes(path):
    database = await Database.open(path)
    pages = (await database.read(lambda c: c.execute("PRAGMA page_count").fetchone()))[0]
    await database.read(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    with pytest.raises(StoreError, match="see that its disk has room"):
        await database.write(lambda c: c.execute("INSERT INTO threads VALUES (x'2f', 'big', ?)", ("x" * 100_000,)))
    await database.read(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    await database.write(put("a"))
    assert await database.read(ids) == ["a"]
    await database.aclose()


WRITER = """
import asyncio, sys
from pathlib import Path
from sidecar.store.database import Database, claim, prepare_file

async def main():
    database = await Database.open(Path(sys.argv[1]))
    n = 0
    while True:
        await database.write(lambda c: c.execute("INSERT INTO threads VALUES (x'2f', ?, '{}')", (f"{n:06}",)))
        print(n, flush=True)
        n += 1

asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_that_it_acknowledged(path):
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=subprocess.PIPE, cwd=root
    )
    for _ in range(50):
        await process.stdout.readline()
    process.kill()
    said = await process.stdout.read()
    await process.wait()
    last = 49 + len(said.split())
    database = await Database.open(path)
    found = await database.read(ids)
    assert found[: last + 1] == [f"{n:06}" for n in range(last + 1)]
    assert await database.read(lambda c: c.execute("PRAGMA integrity_check").fetchone()) == ("ok",)
    await database.aclose()


def test_a_file_that_somebody_else_is_about_to_claim_is_not_taken_for_a_strangers(tmp_path):
    file = tmp_path / "half.db"
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA auto_vacuum = FULL")  # writes the first page: its next step would be the mark
    assert file.stat().st_size > 0
    claim(file, 7)
    claim(file, 7)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (7,)
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.DatabaseError, match="not a database that was made here"):
        claim(file, 8)


def test_looking_after_a_file_lets_no_lock_of_this_process_go(tmp_path):
    file = tmp_path / "locked.db"
    claim(file, 7)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        prepare_file(file)
        tried = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import sqlite3; sqlite3.connect({str(file)!r}, timeout=0).execute('BEGIN EXCLUSIVE')",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "database is locked" in tried.stderr
