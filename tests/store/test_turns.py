"""Notes of requests: batched, bounded, whole after a clean stop, and never in the way."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.errors import StoreError
from sidecar.store import turns as module
from sidecar.store.database import Database
from sidecar.store.turns import TurnJournal, TurnRecord, TurnStore

FULL = TurnRecord(
    id="req_1", started=1_700_000_000.5, session="s", agent="a", provider="databricks", asked="claude-x",
    served="databricks-claude-x", stream=True, outcome="error", status=529, error="overloaded_error",
    stop_reason="end_turn", input=1, output=2, cache_read=3, cache_write=4, cache_write_1h=5, cost=0.5, saved=0.25,
    ms=12.5, first_ms=3.5, tools=("Read", "mcp__a__b"), cache="miss", retries=2, changes=("model", "thinking"), upstream="u",
)  # fmt: skip


class Opening:
    """Opens one database, once; counts how often it was asked for."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.asked = 0
        self.database: Database | None = None

    async def __call__(self) -> Database:
        self.asked += 1
        if self.database is None:
            self.database = await Database.open(self.path)
        return self.database

    async def aclose(self) -> None:
        if self.database is not None:
            await self.database.aclose()


@pytest.fixture
async def opening(tmp_path: Path):
    made = Opening(tmp_path / "sidecar.db")
    yield made
    await made.aclose()


def journal(opening: Opening, days: int = 36_500, count: int = 1000) -> TurnJournal:
    return TurnJournal(opening, keep_days=days, keep_count=count)


async def everything(opening: Opening) -> list[TurnRecord]:
    return await TurnStore(await opening()).since(0)


async def test_the_newest_come_first_and_no_more_than_asked(opening: Opening):
    notes = journal(opening)
    for number in range(5):
        notes.add(lambda number=number: replace(FULL, id=f"req_{number}", started=float(number)))
    await notes.aclose()
    newest = await TurnStore(await opening()).newest(2)
    assert [turn.id for turn in newest] == ["req_4", "req_3"]
    assert newest[0] == replace(FULL, id="req_4", started=4.0)


async def test_what_is_noted_is_read_again_as_it_was(opening: Opening):
    notes = journal(opening)
    plain = TurnRecord(id="req_2", started=1_700_000_001.0)
    for record in (FULL, plain):
        notes.add(lambda record=record: record)
    assert opening.asked == 0, "the database is not opened while somebody waits for an answer"
    await notes.aclose()
    assert await everything(opening) == [FULL, plain]
    store = TurnStore(await opening())
    assert await store.since(0, session="s") == [FULL]
    assert await store.since(1_700_000_000.6) == [plain]
    assert await store.find("req_1") == await store.find("u") == FULL
    assert await store.find("req_9") is None


async def test_notes_are_written_by_themselves_within_a_second(opening: Opening):
    notes = journal(opening)
    await opening()
    began = time.monotonic()
    notes.add(lambda: FULL)
    while not await everything(opening):
        assert time.monotonic() - began < 5
        await asyncio.sleep(0.01)
    assert module.BATCH < 1
    notes.add(lambda: replace(FULL, id="req_later"))
    await notes.aclose()
    assert len(await everything(opening)) == 2


async def test_many_notes_are_one_transaction(opening: Opening):
    notes = journal(opening)
    for number in range(300):
        notes.add(lambda number=number: replace(FULL, id=f"req_{number}"))
    await notes.aclose()
    assert opening.asked == 1
    assert len(await everything(opening)) == 300


async def test_what_is_too_old_or_too_many_goes(opening: Opening):
    now = time.time()
    notes = journal(opening, days=1, count=3)
    for number in range(5):
        notes.add(lambda number=number: replace(FULL, id=f"req_{number}", started=now - number))
    notes.add(lambda: replace(FULL, id="req_old", started=now - 90_000))
    await notes.aclose()
    assert [turn.id for turn in await everything(opening)] == ["req_2", "req_1", "req_0"]


async def test_a_database_that_cannot_be_used_costs_the_notes_only():
    async def unusable() -> Database:
        raise StoreError("no")

    notes = TurnJournal(unusable, keep_days=1, keep_count=1)
    notes.add(lambda: FULL)
    await notes.flush()
    notes.add(lambda: FULL)
    await notes.aclose()


async def test_notes_that_nobody_writes_do_not_fill_the_memory(opening: Opening, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_MOST_WAITING", 3)
    notes = journal(opening)
    for number in range(5):
        notes.add(lambda number=number: replace(FULL, id=f"req_{number}"))
    await notes.aclose()
    assert {turn.id for turn in await everything(opening)} == {"req_2", "req_3", "req_4"}


async def test_a_later_versions_column_does_no_harm(opening: Opening):
    notes = journal(opening)
    notes.add(lambda: FULL)
    await notes.aclose()
    database = await opening()
    await database.write(lambda connection: connection.execute("ALTER TABLE turns ADD COLUMN later TEXT"))
    assert await everything(opening) == [FULL]
    notes = journal(opening)
    notes.add(lambda: replace(FULL, id="req_2"))
    await notes.aclose()
    assert len(await everything(opening)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
async def test_what_was_written_survives_kill_9(tmp_path: Path):
    script = f"""
import asyncio, os, signal
from dataclasses import replace
from pathlib import Path
from tests.store.test_turns import FULL, Opening, everything, journal
async def main():
    opening = Opening(Path({str(tmp_path / "sidecar.db")!r}))
    notes = journal(opening)
    for number in range(50):
        notes.add(lambda number=number: replace(FULL, id=f"req_{{number}}"))
    while len(await everything(opening)) < 50:
        await asyncio.sleep(0.01)
    notes.add(lambda: replace(FULL, id="req_lost_perhaps"))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=root)
    assert await process.wait() == -9
    opening = Opening(tmp_path / "sidecar.db")
    assert len(await everything(opening)) in {50, 51}
    await opening.aclose()
