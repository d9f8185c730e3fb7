"""State is announced late, once, and never faster than the editor reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidecar.editor.announcer import Announcer


class World:
    """A number that counts up, an editor that reads or does not, and what it heard."""

    def __init__(self) -> None:
        self.state = 0
        self.heard: asyncio.Queue[int] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.fault: Exception | None = None
        self.announcer = Announcer(
            self.compose, lambda _method, params: self.heard.put_nowait(params["state"]), self.reads.wait, 0.0
        )

    def compose(self) -> list[tuple[str, dict[str, Any]]]:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        return [("state", {"state": self.state})]

    def move(self) -> None:
        self.state += 1
        self.announcer.mark()

    async def next(self) -> int:
        return await asyncio.wait_for(self.heard.get(), 10)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    task = asyncio.create_task(world.announcer.run())
    yield world
    task.cancel()


async def test_many_changes_are_one_message(world: World) -> None:
    for _ in range(100):
        world.move()
    assert await world.next() == 100
    assert world.heard.empty()


async def test_an_editor_that_does_not_read_gets_only_the_newest(world: World) -> None:
    world.reads.clear()
    for _ in range(5):
        world.move()
        for _ in range(5):
            await asyncio.sleep(0)
    assert world.heard.empty()
    world.reads.set()
    assert await world.next() == 5
    assert world.heard.empty()


async def test_a_fault_does_not_end_the_announcements(world: World) -> None:
    world.fault = ValueError("broken")
    world.move()
    while world.fault is not None:
        await asyncio.sleep(0)
    world.move()
    assert await world.next() == 2
