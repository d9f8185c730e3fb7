"""The indexer makes way while many answers are under way: what streams then needs the processors, and is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

MANY: Final = 8
"""Answers at once from which the indexer rests: fewer leave a processor free now and then."""

LOOK: Final = 0.1
"""Seconds between two looks at how many there are, while something is indexed."""

LONGEST: Final = 20.0
"""Seconds after which it has a turn all the same, of so many seconds as `TURN` says."""

TURN: Final = 2.0


class Resting(Protocol):
    """An index that can make way."""

    @property
    def failed(self) -> bool:
        """Whether the indexer was given up."""

    def state(self) -> str:
        """Why it may not be whole, in a sentence; empty when it is."""

    def subscribe(self, listener: Callable[[int, int], None]) -> Callable[[], None]:
        """Hear how many files of how many are indexed; the result ends it."""

    async def rest(self, milliseconds: int) -> None:
        """Parse nothing more for so long."""


async def make_way(index: Resting, running: Callable[[], int]) -> None:
    """Let it rest while `running` tells of many answers; until this is cancelled. Nothing is looked at while nothing is indexed."""
    under_way = asyncio.Event()
    end = index.subscribe(lambda _done, _total: under_way.set())
    try:
        while True:
            await under_way.wait()
            rested = 0.0
            while index.state() and not index.failed:
                if running() < MANY:
                    rested = 0.0
                elif rested < LONGEST:
                    await index.rest(round(3000 * LOOK))
                    rested += LOOK
                else:
                    await asyncio.sleep(TURN)
                    rested = 0.0
                await asyncio.sleep(LOOK)
            under_way.clear()
    finally:
        end()
