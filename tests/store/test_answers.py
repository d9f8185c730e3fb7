"""Kept answers as the house uses them: memory first, the disk on a thread of its own, and no fault that gets out."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from sidecar.store import answers as module
from sidecar.store.answers import Answers, CacheLimits, CacheStats, Counts, kept_answers


class SetClock:
    """Both clocks, set by hand."""

    def __init__(self) -> None:
        self.walls = 1_700_000_000.0
        self.steadies = 500.0

    def wall(self) -> float:
        return self.walls

    def steady(self) -> float:
        return self.steadies

    def pass_(self, seconds: float) -> None:
        self.walls += seconds
        self.steadies += seconds


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
async def make(tmp_path, clock):
    """Opens answers over one folder; closes them in the end."""
    made = []

    def open_(folder: Path | None = tmp_path / "cache", **limits) -> Answers:
        made.append(Answers(folder, CacheLimits(**limits), clock))
        return made[-1]

    yield open_
    for answers in made:
        await answers.aclose()


@pytest.mark.parametrize("disk", [True, False])
async def test_what_was_put_is_there(make, tmp_path, disk):
    answers = make(tmp_path / "cache" if disk else None)
    assert await answers.get("k") is None
    await answers.put("k", b"answer")
    assert await answers.get("k") == b"answer"
    told = await answers.stats()
    assert (told.entries, told.counts.hits, told.counts.misses) == (1, 1, 1)
    assert bool(told.folder) == disk
    assert await answers.clear() == 1
    assert await answers.get("k") is None
    assert (await answers.stats()).entries == 0


async def test_it_outlives_the_process_with_its_numbers(make):
    first = make()
    await first.put("k", b"answer")
    await first.get("k")
    await first.aclose()
    second = make()
    assert await second.get("k") == b"answer"
    told = await second.stats()
    assert (told.entries, told.counts.hits, told.counts.misses) == (1, 2, 0)


async def test_a_hit_in_memory_waits_for_nothing(make):
    answers = make()
    await answers.put("k", b"answer")
    asked = answers.get("k")
    with pytest.raises(StopIteration) as done:
        asked.send(None)  # it ends at once: no thread, no turn of the loop
    assert done.value.value == b"answer"


@pytest.mark.parametrize("disk", [True, False])
@pytest.mark.parametrize(
    ("wall", "steady", "there"),
    [
        (9.9, 9.9, True),
        (10.0, 10.0, False),
        (50.0, 0.1, False),  # slept, or set forward
        (-50.0, 0.1, False),  # set back: from the future now
        (1.0, 10.0, False),  # set back a little while it ran out
    ],
)
async def test_time_runs_out_by_either_clock(make, clock, tmp_path, disk, wall, steady, there):
    answers = make(tmp_path / "cache" if disk else None, ttl=10.0)
    await answers.put("k", b"answer")
    clock.walls += wall
    clock.steadies += steady
    found = await answers.get("k")
    if wall == 1.0 and disk:
        return  # by the wall clock, the only one that the disk has, it is fresh
    assert (found is not None) == there


async def test_a_fresh_answer_from_disk_keeps_its_age_in_memory(make, clock):
    first = make(ttl=10.0)
    await first.put("k", b"answer")
    await first.aclose()
    clock.pass_(6)
    second = make(ttl=10.0)
    assert await second.get("k") == b"answer"
    clock.pass_(5)
    assert await second.get("k") is None


async def test_memory_is_bounded_by_number_and_bytes_and_keeps_what_was_used(make):
    answers = make(None, entries=3)
    for key in "abc":
        await answers.put(key, b"1")
    await answers.get("a")
    await answers.put("d", b"1")
    assert [key for key in "abcd" if await answers.get(key)] == ["a", "c", "d"]
    small = make(None, memory_bytes=100)
    for key in "abc":
        await small.put(key, bytes(40))
    assert [key for key in "abc" if await small.get(key)] == ["b", "c"]


@pytest.mark.parametrize("disk", [True, False])
async def test_a_miss_says_why_as_far_as_this_process_knows(make, tmp_path, clock, disk):
    answers = make(tmp_path / "cache" if disk else None, entries=2, ttl=10.0)

    async def missed(key: str) -> str:
        assert await answers.get(key) is None
        return answers.why(key)

    assert await missed("a") == "new"
    for key in "abc":
        await answers.put(key, b"1")
    assert await missed("a") == "evicted"
    clock.pass_(11)
    assert await missed("c") == "expired"
    await answers.clear()
    assert await missed("c") == "new"


async def test_keys_that_went_do_not_fill_the_memory(make):
    answers = make(None, entries=2)
    for number in range(100):
        await answers.put(f"k{number}", b"1")
    assert len(answers._went) == 8
    assert answers.why("k0") == "new"


async def test_when_another_process_clears_a_miss_is_new(make):
    mine, other = make(entries=1), make()
    await mine.put("k", b"answer")
    await mine.put("l", b"answer")
    await other.clear()
    assert await mine.get("k") is None
    assert mine.why("k") == "new"


@pytest.mark.parametrize("disk", [True, False])
async def test_what_only_the_asker_knows_is_counted_too(make, tmp_path, disk):
    answers = make(tmp_path / "cache" if disk else None)
    await answers.get("k")
    answers.credit(Counts(misses=-1, joins=1, tokens=40))
    answers.credit(Counts(tokens=2))
    assert (await answers.stats()).counts == Counts(joins=1, tokens=42)


async def test_what_was_used_in_memory_is_not_the_next_to_go_on_disk(make):
    answers = make(entries=3)
    for key in "abc":
        await answers.put(key, b"1")
    await answers.get("a")
    await answers.put("d", b"1")
    await answers.aclose()
    again = make(entries=3)
    assert [key for key in "abcd" if await again.get(key)] == ["a", "c", "d"]


async def test_an_answer_past_the_limit_is_not_kept(make):
    answers = make(total_bytes=8000)
    await answers.put("k", bytes(1001))
    assert await answers.get("k") is None
    await answers.put("k", bytes(1000))
    assert await answers.get("k") is not None


async def test_when_another_process_clears_memory_forgets(make):
    mine, other = make(), make()
    await mine.put("k", b"answer")
    assert await mine.get("k") == b"answer"
    assert await other.clear() == 1
    assert await mine.get("k") is None
    await mine.put("k", b"again")
    await mine.get("k")
    assert await mine.get("k") == b"again"


def _file_in_place(folder: Path) -> None:
    folder.write_text("no folder")


def _foreign_folder_above(folder: Path) -> None:
    folder.parent.joinpath("elsewhere").write_text("")
    folder.symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("spoil", [_file_in_place, _foreign_folder_above])
async def test_without_a_usable_folder_memory_goes_on_and_says_so_once(make, tmp_path, spoil, caplog):
    spoil(tmp_path / "cache")
    answers = make()
    for _ in range(3):
        await answers.get("k")
        await answers.put("k", b"answer")
        assert await answers.get("k") == b"answer"
    await answers.clear()
    assert [r.msg["event"] for r in caplog.records] == ["cache_in_memory_only"]


async def test_a_file_that_breaks_while_it_is_open_is_put_aside_and_begun_anew(make, tmp_path, caplog):
    answers = make(entries=1)
    for number in range(3):
        await answers.put(f"k{number}", bytes(60_000))
    database = tmp_path / "cache" / "cache.db"
    for path in (database, database.with_name("cache.db-wal")):
        path.write_bytes(b"\xff" * path.stat().st_size)
    for number in range(4):
        await answers.put(f"n{number}", bytes(60_000))
        assert await answers.get(f"n{number}") == bytes(60_000)
    await answers.aclose()
    # When SQLite sees the damage depends on what it still has in memory; a miss at worst, and then all is well.
    again = make(entries=1)
    assert await again.get("n3") in {None, bytes(60_000)}
    await again.put("later", b"answer")
    await again.aclose()
    assert await make(entries=1).get("later") == b"answer"
    assert {r.msg["event"] for r in caplog.records} <= {"cache_put_aside", "cache_in_memory_only"}
    assert (tmp_path / "cache" / "cache.db.damaged").exists()


async def test_when_the_folder_is_deleted_nothing_fails(make, tmp_path, clock):
    answers = make()
    await answers.put("k", b"answer")
    folder = tmp_path / "cache"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    for number in range(3):
        await answers.put(f"k{number}", b"answer")
        await answers.get("nothing")
        assert await answers.get("k") == b"answer"
    clock.pass_(100)
    await answers.put("k9", b"answer")
    assert await answers.get("k9") == b"answer"


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX's")
async def test_a_full_disk_costs_nothing_but_the_keeping(make, clock, caplog):
    answers = make()
    await answers.put("before", b"answer")
    import resource
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        for number in range(5):
            await answers.put(f"k{number}", bytes(10_000))
            assert await answers.get(f"k{number}") == bytes(10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert [r.msg["event"] for r in caplog.records] == ["cache_in_memory_only"]
    clock.pass_(61)
    await answers.put("after", b"answer")
    await answers.aclose()
    again = make()
    assert await again.get("before") == b"answer"
    assert await again.get("after") == b"answer"


async def test_a_disk_that_does_not_answer_is_not_waited_for_long(make, monkeypatch, clock, caplog):
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    answers = make()
    await answers.put("k", b"answer")
    go_on = threading.Event()
    answers._worker.submit(go_on.wait)
    try:
        assert await answers.get("elsewhere") is None
        assert await answers.get("k") == b"answer"
        monkeypatch.setattr(module, "_PATIENCE", 60)
        assert await answers.get("elsewhere") is None  # left alone for a while
    finally:
        go_on.set()
    assert [r.msg["event"] for r in caplog.records] == ["cache_in_memory_only"]
    clock.pass_(61)
    assert (await answers.stats()).entries == 1


async def test_answers_do_not_pile_up_before_a_slow_disk(make, monkeypatch):
    monkeypatch.setattr(module, "_WAITING", 2)
    answers = make()
    await answers.put("k", b"answer")
    go_on = threading.Event()
    answers._worker.submit(go_on.wait)
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(answers.put(f"k{number}", b"answer"))
        await asyncio.sleep(0)
        assert answers._waiting == 2
        go_on.set()
    assert [await answers.get(f"k{number}") for number in range(5)] == [b"answer"] * 5
    assert (await answers.stats()).entries == 3


async def test_many_at_once_on_one_folder_lose_nothing(make):
    one, two = make(entries=500), make(entries=500)
    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(one.put(f"a{number}", b"a%d" % number))
            group.create_task(two.put(f"b{number}", b"b%d" % number))
    assert (await one.stats()).entries == 60
    assert [await two.get(f"a{n}") for n in range(30)] == [b"a%d" % n for n in range(30)]


@pytest.mark.parametrize(("inside", "on_disk"), [("state", False), ("../state", True), (None, False)])
async def test_a_state_folder_that_the_workspace_could_bring_is_not_believed(tmp_path, inside, on_disk):
    workspace = tmp_path / "project"
    workspace.mkdir()
    state = None if inside is None else workspace / inside
    if state is not None:
        state.mkdir()
    answers = kept_answers(state, workspace, CacheLimits())
    await answers.put("k", b"answer")
    assert bool((await answers.stats()).folder) == on_disk
    await answers.aclose()


def test_limits_follow_the_settings():
    from sidecar.settings.groups import Cache

    limits = CacheLimits.of(Cache(ttl_ms=1500, max_entries=7, max_bytes=80_000))
    assert (limits.ttl, limits.entries, limits.total_bytes, limits.answer_bytes) == (1.5, 7, 80_000, 10_000)


async def test_nothing_is_opened_before_something_is_asked(make, tmp_path):
    answers = make()
    assert isinstance(await Answers(None).stats(), CacheStats)
    await answers.aclose()
    assert not (tmp_path / "cache").exists()
