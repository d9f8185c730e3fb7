"""The indexer rests while many answers are under way, has a turn after a while, and is left alone where nothing is indexed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sidecar.app import courtesy
from sidecar.app.courtesy import MANY, make_way


class Index:
    """What is asked of an index here; `progress` is its word that something is being indexed."""

    failed = False

    def __init__(self) -> None:
        self.rests: list[int] = []
        self.looks = 0
        self.sentence = "being indexed"
        self.listeners: list[Callable[[int, int], None]] = []

    def state(self) -> str:
        self.looks += 1
        return self.sentence

    def subscribe(self, listener: Callable[[int, int], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def rest(self, milliseconds: int) -> None:
        self.rests.append(milliseconds)

    def progress(self) -> None:
        for listener in self.listeners:
            listener(1, 2)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)


async def test_it_rests_for_many_answers_alone_and_is_not_looked_at_before_and_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courtesy, "LOOK", 0.001)
    index, running = Index(), MANY
    task = asyncio.create_task(make_way(index, lambda: running))
    await until(lambda: index.listeners)
    assert index.looks == 0
    index.progress()
    await until(lambda: len(index.rests) > 2)
    running = MANY - 1
    await asyncio.sleep(0.01)
    rests, looks = len(index.rests), index.looks
    await until(lambda: index.looks > looks + 5)
    assert len(index.rests) == rests
    index.sentence = ""
    looks = index.looks
    await until(lambda: index.looks > looks)
    await asyncio.sleep(0.01)
    assert index.looks <= looks + 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert index.listeners == []


async def test_after_a_while_it_has_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def at_once(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(courtesy.asyncio, "sleep", at_once)
    index = Index()
    task = asyncio.create_task(make_way(index, lambda: MANY))
    await sleep(0)
    index.progress()
    async with asyncio.timeout(10):
        while slept.count(courtesy.TURN) < 2:
            await sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    first = slept.index(courtesy.TURN)
    assert first * courtesy.LOOK == pytest.approx(courtesy.LONGEST, abs=2 * courtesy.LOOK)
    assert index.rests[0] > 1000 * courtesy.LOOK, "a rest ends by itself, but not before the next look"


async def test_an_index_that_was_given_up_is_not_looked_at_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "LOOK", 0.001)
    index = Index()
    index.failed = True
    task = asyncio.create_task(make_way(index, lambda: MANY))
    await until(lambda: index.listeners)
    index.progress()
    await until(lambda: index.looks)
    await asyncio.sleep(0.01)
    assert (index.looks, index.rests) == (1, [])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
