"""Kept answers on disk: nothing is unpickled, limits hold, damage is put aside, a killed writer leaves whole answers."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import diskcache
import pytest

from sidecar.store.answers import CacheLimits, Counts
from sidecar.store.cache import FAULTS, BytesDisk, DiskAnswers, put_aside

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cache"
    made.mkdir(mode=0o700)
    return made


def opened(folder: Path, **limits: object) -> DiskAnswers:
    return DiskAnswers.open(folder, CacheLimits(**limits))


def now() -> float:
    return time.time()


def change(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "cache.db")) as connection, connection:
        connection.execute(statement, values)


class Bomb:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_what_was_put_is_there_also_when_opened_again(folder):
    disk = opened(folder)
    disk.put("k", b"answer", at := now())
    assert disk.get("k", at + 1) == (b"answer", at)
    disk.close()
    again = opened(folder)
    assert again.get("k", at + 1) == (b"answer", at)
    assert again.get("other", at) is None
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_only_the_user_can_read_the_file(folder):
    old = os.umask(0)
    try:
        disk = opened(folder)
        disk.put("k", b"answer", now())
        modes = {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()}
        disk.close()
    finally:
        os.umask(old)
    assert modes.pop("cache.db") == 0o600
    assert set(modes.values()) <= {0o600}


@pytest.mark.parametrize(
    ("age", "there"), [(0.0, True), (9.9, True), (10.0, False), (1e6, False), (-0.001, False), (-1e6, False)]
)
def test_an_answer_has_its_time_and_one_from_the_future_has_none(folder, age, there):
    disk = opened(folder, ttl=10.0)
    disk.put("k", b"answer", at := now())
    assert (disk.get("k", at + age) is not None) == there
    disk.close()


def test_the_answer_used_longest_ago_goes_first(folder):
    disk = opened(folder, entries=3)
    for key in "abc":
        disk.put(key, key.encode(), now())
    disk.put("d", b"d", now(), used=["a"])
    assert [key for key in "abcd" if disk.get(key, now())] == ["a", "c", "d"]
    disk.put("e", b"e", now(), used=["c"])
    assert [key for key in "abcde" if disk.get(key, now())] == ["c", "d", "e"]
    disk.put("e", b"e2", now())
    assert disk.stats().entries == 3
    disk.close()


def test_all_bytes_together_are_bounded_in_the_table_and_in_the_file(folder):
    disk = opened(folder, entries=1000, total_bytes=200_000)
    for number in range(60):
        disk.put(f"k{number}", os.urandom(20_000), now())
        assert disk.stats().size <= 200_000
    assert disk.get("k59", now()) is not None
    disk.put("large", os.urandom(190_000), now())
    assert disk.get("large", now()) is not None
    assert disk.stats().size <= 200_000
    disk.close()
    assert (folder / "cache.db").stat().st_size < 600_000


def test_answers_whose_time_is_over_take_no_room(folder):
    disk = opened(folder)
    for key in "abc":
        disk.put(key, b"answer", now())
    change(folder, "UPDATE Cache SET expire_time = 1")
    disk.put("d", b"answer", now())
    assert disk.stats().entries == 1
    disk.close()


def test_a_row_that_was_made_to_be_unpickled_is_a_miss_and_runs_nothing(folder, tmp_path):
    mark = tmp_path / "ran"
    disk = opened(folder)
    disk.put("k", b"answer", at := now())
    bomb = pickle.dumps(Bomb(mark))
    change(folder, "UPDATE Cache SET mode = 4, value = ?", bomb)
    assert disk.get("k", at) is None
    (folder / "bomb").write_bytes(bomb)
    change(folder, "UPDATE Cache SET mode = 4, filename = 'bomb', value = NULL")
    assert disk.get("k", at) is None
    change(folder, "UPDATE Cache SET key = ?, raw = 0", bomb)
    assert disk.get("k", at) is None
    assert disk.stats().entries == 1
    assert disk.clear() == 1
    assert not mark.exists()
    disk.close()


@pytest.mark.parametrize(
    "value", [b"", b"short", b"SCA1" + bytes(40), b"x" * 500, "text", 5, 1.5, None], ids=lambda v: repr(v)[:12]
)
def test_a_row_that_is_no_answer_of_ours_is_a_miss(folder, value):
    disk = opened(folder)
    disk.put("k", b"answer", at := now())
    change(folder, "UPDATE Cache SET value = ?", value)
    assert disk.get("k", at) is None
    disk.close()


def test_a_changed_byte_or_an_exchanged_row_is_a_miss(folder):
    disk = opened(folder)
    disk.put("a", b"answer to a", at := now())
    disk.put("b", b"answer to b", at)
    with closing(sqlite3.connect(folder / "cache.db")) as connection, connection:
        (sealed,) = connection.execute("SELECT value FROM Cache WHERE key = 'a'").fetchone()
        connection.execute("UPDATE Cache SET value = ? WHERE key = 'b'", (sealed,))
    assert disk.get("a", at) is not None
    assert disk.get("b", at) is None
    for place in range(len(sealed)):
        bent = bytearray(sealed)
        bent[place] ^= 1
        change(folder, "UPDATE Cache SET value = ? WHERE key = 'a'", bytes(bent))
        assert disk.get("a", at + 5) is None, place
    disk.close()


@pytest.mark.parametrize("key", [1, 1.5, b"k", None, ("k",), object()])
def test_keys_are_text_and_values_bytes(tmp_path, key):
    disk = BytesDisk(str(tmp_path))
    with pytest.raises(TypeError):
        disk.put(key)
    with pytest.raises(TypeError):
        disk.store("text" if key is None else key if not isinstance(key, bytes) else bytearray(key), False)
    with pytest.raises(OSError):
        disk.get(key, 1)
    with pytest.raises(OSError):
        disk.get("k", 0)


def _text(path: Path) -> None:
    path.write_text("this is no database, but it is long enough to be looked at as one\n" * 40)


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE Cache (something TEXT)")
        connection.execute("CREATE TABLE Settings (key TEXT UNIQUE, value)")
        connection.execute("INSERT INTO Settings VALUES ('disk_oops', 1), ('get', 1)")


def _other_cache(path: Path) -> None:
    with closing(diskcache.Cache(str(path.parent))) as cache:
        cache["k"] = "from another program"


def _torn(path: Path) -> None:
    disk = DiskAnswers.open(path.parent, CacheLimits())
    for number in range(50):
        disk.put(f"k{number}", os.urandom(5000), now())
    disk.close()
    data = path.read_bytes()
    path.write_bytes(data[:100] + os.urandom(len(data) // 2) + data[100 + len(data) // 2 :])


@pytest.mark.parametrize("damage", [_text, _foreign, _other_cache, _torn])
def test_a_damaged_or_foreign_file_is_put_aside_whole_and_said_once(folder, damage, caplog):
    path = folder / "cache.db"
    damage(path)
    before = path.read_bytes()
    disk = opened(folder)
    assert disk.get("k", now()) is None
    disk.put("k", b"answer", at := now())
    assert disk.get("k", at) is not None
    disk.close()
    assert (folder / "cache.db.damaged").read_bytes() == before
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    opened(folder).close()
    assert len(caplog.records) == 1


def test_only_the_last_spoilt_file_is_kept(folder):
    for number in range(3):
        (folder / "cache.db").write_bytes(b"%d" % number)
        put_aside(folder, ValueError())
    assert [p.name for p in folder.iterdir()] == ["cache.db.damaged"]


def test_a_setting_in_the_file_that_shadows_a_method_is_a_fault_and_no_crash(folder):
    opened(folder).close()
    change(folder, "INSERT OR REPLACE INTO Settings VALUES ('transact', 'x')")
    disk = opened(folder)
    with pytest.raises(FAULTS):
        disk.put("k", b"answer", now())
    disk.close()


def test_numbers_are_added_up_and_cleared(folder):
    disk = opened(folder)
    disk.note(Counts(2, 2, 0, 70))
    disk.note(Counts(1, -1, 1, 5))
    disk.put("k", b"answer", now())
    told = disk.stats()
    assert (told.counts, told.entries, told.folder) == (Counts(3, 1, 1, 75), 1, str(folder))
    assert told.size > 6
    assert disk.clear() == 1
    told = disk.stats()
    assert (told.counts.hits, told.counts.misses, told.entries, told.size) == (0, 0, 0, 0)
    disk.close()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"hits": "x", "misses": 1}', b"\xff"])
def test_unreadable_numbers_begin_anew(folder, content):
    (folder / "counts.json").write_bytes(content)
    disk = opened(folder)
    disk.note(Counts(1, 1))
    assert disk.stats().counts.hits == 1
    disk.close()


def test_numbers_of_before_joins_were_counted_stay(folder):
    (folder / "counts.json").write_bytes(b'{"hits": 4, "misses": 2}')
    disk = opened(folder)
    assert disk.stats().counts == Counts(4, 2)
    disk.close()


def test_two_processes_may_use_one_folder(folder):
    first, second = opened(folder), opened(folder)
    first.put("k", b"answer", at := now())
    assert second.get("k", at) == (b"answer", at)
    second.clear()
    assert first.get("k", at) is None
    first.close()
    second.close()


def test_the_protected_reader_of_the_house_would_notice_plain_diskcache(folder, tmp_path):
    """The bomb is real: diskcache's own `Disk`, given the same row, sets it off."""
    mark = tmp_path / "ran"
    disk = opened(folder)
    disk.put("k", b"answer", now())
    disk.close()
    change(folder, "UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb(mark)))
    with closing(diskcache.Cache(str(folder))) as plain:
        plain.get("k")
    assert mark.exists()


WRITER = """
import hashlib, sys, time
from pathlib import Path
from sidecar.store.answers import CacheLimits
from sidecar.store.cache import DiskAnswers

disk = DiskAnswers.open(Path(sys.argv[1]), CacheLimits(entries=20))
print("ready", flush=True)
number = int(sys.argv[2])
while True:
    key = f"k{number % 40}"
    disk.put(key, key.encode() + hashlib.sha256(key.encode()).digest() * (1 + number % 2000), time.time())
    number += 1
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_after_kill_9_every_hit_is_whole(folder, caplog):
    found = 0
    for round_ in range(6):
        command = [sys.executable, "-c", WRITER, str(folder), str(round_ * 1000)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        ) as p:
            assert p.stdout is not None
            assert p.stdout.readline() == b"ready\n"
            # Killed wherever it is when it has been seen to write so much.
            for _ in range(1 + 7 * round_):
                assert p.stdout.readline()
            p.send_signal(signal.SIGKILL)
        disk = opened(folder, entries=20)
        for number in range(40):
            key = f"k{number}".encode()
            if (hit := disk.get(key.decode(), now())) is not None:
                found += 1
                body = hit[0].removeprefix(key)
                assert body == hashlib.sha256(key).digest() * (len(body) // 32)
                assert len(body) % 32 == 0
        assert disk.stats().entries <= 20
        disk.close()
    assert found
    assert not caplog.records
