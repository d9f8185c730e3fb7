"""Tasks as they are kept, and that what was acknowledged survives a kill."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import NotFound
from sidecar.store.database import Database
from sidecar.store.tasks import Task, TaskStore

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def store(tmp_path: Path):
    database = await Database.open(tmp_path / "s" / "sidecar.db")
    yield TaskStore(database)
    await database.aclose()


async def test_tasks_come_and_go(store: TaskStore) -> None:
    first = await store.add(Task("One", priority=1, tags=("bug",), files=("a.py",), body="about"))
    second = await store.add(Task("Two'; DROP TABLE tasks; --", status="doing", priority=5))
    assert (first.id, second.id) == (1, 2)
    assert await store.get(1) == first
    assert [task.id for task in await store.list()] == [2, 1]
    assert [task.id for task in await store.list(["todo"])] == [1]
    assert [task.id for task in await store.list(tag="bug")] == [1]
    assert [task.id for task in await store.list(file="a.py")] == [1]
    assert [task.id for task in await store.list(text="ABOUT")] == [1]
    assert [task.id for task in await store.list(order="created", limit=1)] == [1]
    changed = await store.change(1, status="done", tags=("x", "y"))
    assert changed.title == "One"
    assert (await store.get(1)).tags == ("x", "y")
    assert changed.updated >= first.updated
    assert (await store.delete(2)).title.startswith("Two'")
    for act in (store.get, store.delete):
        with pytest.raises(NotFound):
            await act(2)
    with pytest.raises(NotFound):
        await store.change(2, title="x")
    assert (await store.add(Task("Three"))).id == 3


WRITER = """
import asyncio, sys
from pathlib import Path
from sidecar.store.database import Database
from sidecar.store.tasks import Task, TaskStore
async def main():
    store = TaskStore(await Database.open(Path(sys.argv[1])))
    print("ready", flush=True)
    for n in range(100000):
        task = await store.add(Task(f"task {n}"))
        print(task.id, task.title, flush=True)
asyncio.run(main())
"""


def acknowledged(writer: subprocess.Popen[str], count: int) -> set[tuple[int, str]]:
    """What the writer said that it had kept, up to its being killed after `count` tasks."""
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    lines = [writer.stdout.readline() for _ in range(count)]
    writer.send_signal(signal.SIGKILL)
    lines += writer.stdout.read().splitlines(keepends=True)
    return {(int(a), b) for a, _, b in (line[:-1].partition(" ") for line in lines if line.endswith("\n"))}


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "sidecar.db"
    told: set[tuple[int, str]] = set()
    chance = random.Random(5)
    for _ in range(8):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ)) as writer:
            told |= acknowledged(writer, chance.randint(1, 40))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = connection.execute("SELECT id, title FROM tasks").fetchall()
    connection.close()
    assert len(kept) == len(set(kept))
    assert told <= set(kept)
    assert len(told) > 8
