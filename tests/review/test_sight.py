"""What a look sees while files are being written, with real writers: no thread is closed because a file was half-written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.review.desk import ReviewDesk
from sidecar.vcs.stamps import written
from tests.review.desks import CHANGED, TEXT, World, places

LONG = 600.0

HALVES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda file: file.write_text(""),
    "half of it": lambda file: file.write_text(CHANGED[: len(CHANGED) // 2]),
    "gone": lambda file: file.unlink(),
    "put aside": lambda file: file.rename(file.with_name("a.py~")),
}


def fill(file: Path, text: str) -> None:
    file.write_text(text)
    file.with_name("a.py~").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Writers may take as long as this machine lets them."""
    monkeypatch.setattr("sidecar.review.sight.MOMENT", LONG)
    monkeypatch.setattr("sidecar.review.desk.LONGEST", LONG)


async def begun(world: World) -> ReviewDesk:
    """A desk with three threads: in one the user spoke, one is resolved, of one nobody said anything."""
    desk = await world.desk()
    world.write(a_py=CHANGED.replace("line 28\n", "risky 28\n"))
    first, second, third = (await desk.refresh()).threads
    await desk.reply(first.id, "why?")
    await desk.set_state(second.id, "resolved")
    assert (third.state, third.anchor.start) == ("open", 28)
    world.heard.clear()
    world.scorer.started.clear()
    return desk


def doubting(monkeypatch) -> asyncio.Event:
    """Set when a look has read everything, has seen no writer, and now waits for one."""
    waits = asyncio.Event()

    async def told(root, stamps, seconds):
        before = await written(root, stamps, 0.0)
        waits.set()
        return before or (seconds > 0 and await written(root, stamps, seconds))

    monkeypatch.setattr("sidecar.review.sight.written", told)
    return waits


@pytest.mark.parametrize("half", HALVES)
async def test_a_file_that_is_half_written_when_it_is_read_keeps_its_threads(world, monkeypatch, half):
    desk = await begun(world)
    before, file = desk.state(), world.repository.path("a.py")
    whole, waits = file.read_text(), doubting(monkeypatch)
    HALVES[half](file)
    look = asyncio.create_task(desk.refresh())
    await waits.wait()
    fill(file, "above\n" + whole)
    after = await look
    stood = [(thread.id, thread.state, thread.anchor.start + 1) for thread in before.threads]
    assert [(thread.id, thread.state, thread.anchor.start) for thread in after.threads] == stood
    assert [delta.removed for delta in world.heard] == [()], "they moved, and that is all that was told"


@pytest.mark.parametrize("half", ["emptied", "gone"])
async def test_so_does_one_that_is_half_written_when_the_editor_starts(world, monkeypatch, half):
    """The threads come from the store, and nobody knows what the file was before."""
    before = (await begun(world)).state().threads
    desk, file = await world.desk(), world.repository.path("a.py")
    whole, waits = file.read_text(), doubting(monkeypatch)
    HALVES[half](file)
    look = asyncio.create_task(desk.refresh())
    await asyncio.wait({look, asyncio.create_task(waits.wait())}, return_when=asyncio.FIRST_COMPLETED)
    fill(file, whole)
    assert [(each.id, each.state) for each in (await look).threads] == [(each.id, each.state) for each in before]


@pytest.mark.parametrize("half", HALVES)
async def test_a_file_that_is_filled_while_it_is_read_keeps_its_threads(world, half):
    """git saw the half of it, the review the whole."""
    desk = await begun(world)
    before, file = desk.state(), world.repository.path("a.py")
    whole = file.read_text()
    world.scorer.gate = asyncio.Event()
    HALVES[half](file)
    look = asyncio.create_task(desk.refresh())
    await world.scorer.started.wait()
    fill(file, whole)
    world.scorer.gate.set()
    assert (await look).threads == before.threads


async def test_a_file_that_others_rewrite_all_the_time_keeps_its_threads(world):
    """A writer as most programs are, that empties the file and then fills it, while one look follows the other."""
    desk = await begun(world)
    stood, file = [thread.id for thread in desk.state().threads], world.repository.path("a.py")
    whole, ended = file.read_text(), threading.Event()

    def rewrite() -> None:
        for turn in range(300):
            with file.open("w") as into:
                into.flush()
                for part in ("above\n" * (turn % 3), whole[:100], whole[100:]):
                    into.write(part)
                    into.flush()
        ended.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    while not ended.is_set():
        await desk.refresh()
    await asyncio.to_thread(writer.join)
    last = await desk.refresh()
    assert [thread.id for thread in last.threads] == stood
    assert not any(delta.removed for delta in world.heard)
    assert places(last) == [("a.py", line, line) for line in (12, 22, 30)]


async def test_a_file_that_stays_empty_loses_its_threads(world, monkeypatch):
    monkeypatch.setattr("sidecar.review.sight.MOMENT", 0.05)
    desk = await begun(world)
    spoken, resolved, silent = (thread.id for thread in desk.state().threads)
    world.write(a_py="")
    after = await desk.refresh()
    assert [(thread.id, thread.state, thread.anchor.outdated) for thread in after.threads] == [
        (spoken, "resolved", True)
    ]
    assert {id_ for delta in world.heard for id_ in delta.removed} == {resolved, silent}


async def test_a_file_that_is_written_without_end_is_believed_at_last(world, monkeypatch):
    async def always(*_):
        return True

    monkeypatch.setattr("sidecar.review.sight.written", always)
    monkeypatch.setattr("sidecar.review.desk.LONGEST", 0.05)
    desk = await begun(world)
    world.write(a_py="")
    assert [thread.state for thread in (await desk.refresh()).threads] == ["resolved"]


@pytest.mark.parametrize("how", ["committed", "typed", "mended", "taken out"])
async def test_what_nobody_can_be_in_the_middle_of_is_believed_at_once(world, how):
    """Were it waited for, this test would take ten minutes."""
    desk = await begun(world)
    async with asyncio.timeout(LONG / 10):
        if how == "committed":
            world.repository.commit("Do it")
        if how == "typed":
            desk.hold("a.py", TEXT)
        text = world.repository.path("a.py").read_text()
        if how == "mended":
            world.write(a_py=text.replace("risky 28\n", "line 28\n"))
        if how == "taken out":
            world.write(a_py=text.replace("risky 28\n", ""))
        await desk.refresh()
    assert len(desk.state().threads) < 3
    assert world.heard
