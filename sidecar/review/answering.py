"""Answers that are under way: shown as they come but not too often, and given up when nobody wants them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from sidecar.review.reply import Answer, Tell

EVERY: Final = 0.1
"""Seconds between two showings of an answer that grows."""


class Answers:
    """The answers that are being given, by thread. All of it runs on one event loop."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._running: dict[str, set[asyncio.Task[Answer]]] = {}

    async def give(
        self, thread_id: str, work: Callable[[Tell], Awaitable[Answer]], show: Tell
    ) -> tuple[Answer | None, str]:
        """Run `work`, which tells what there is so far; the answer, or None where it was stopped, and what was told last.

        Cancelling this ends the work, too.
        """
        told = Told(show, self._every)
        task = asyncio.get_running_loop().create_task(_awaited(work(told)))
        self._running.setdefault(thread_id, set()).add(task)
        try:
            await asyncio.wait({task})
            return (None if task.cancelled() else task.result()), told.text
        finally:
            told.close()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            running = self._running[thread_id]
            running.discard(task)
            if not running:
                del self._running[thread_id]

    def stop(self, thread_id: str) -> None:
        """Nobody wants the answers in this thread any more."""
        for task in self._running.get(thread_id, ()):
            task.cancel()


class Told:
    """Passes on the newest of many texts: the first at once, further ones no oftener than each `every` seconds."""

    def __init__(self, show: Tell, every: float) -> None:
        self.text = ""
        self._show = show
        self._every = every
        self._timer: asyncio.TimerHandle | None = None
        self._shown = ""

    def __call__(self, text: str) -> None:
        """Hear the newest text."""
        self.text = text
        if self._timer is None:
            self._pass_on()

    def close(self) -> None:
        """Show nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _pass_on(self) -> None:
        self._timer = None
        if self.text != self._shown:
            self._shown = self.text
            self._timer = asyncio.get_running_loop().call_later(self._every, self._pass_on)
            self._show(self.text)


async def _awaited(work: Awaitable[Answer]) -> Answer:
    return await work
