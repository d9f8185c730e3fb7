"""Keeps the editor told of the state: late enough to say many changes in one message, never faster than it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sidecar.editor.wire import log_fault

GATHER: Final = 0.05


class Announcer:
    """Sends what `compose` gives, each time after `mark` was called.

    `compose` returns the notifications that the editor needs to catch up, method and parameters. It is asked at most
    once in `gather` seconds, and not before `ready` returns (the writer has nothing unsent), so that a state that
    is outdated before the editor reads is never sent: an editor that stalls costs one message, not a queue.
    """

    def __init__(
        self,
        compose: Callable[[], list[tuple[str, dict[str, Any]]]],
        send: Callable[[str, dict[str, Any]], None],
        ready: Callable[[], Awaitable[None]],
        gather: float = GATHER,
    ) -> None:
        self._compose = compose
        self._send = send
        self._ready = ready
        self._gather = gather
        self._marked = asyncio.Event()

    def mark(self) -> None:
        """Something changed."""
        self._marked.set()

    async def run(self) -> None:
        """Announce until cancelled."""
        while True:
            await self._marked.wait()
            await asyncio.sleep(self._gather)
            await self._ready()
            self._marked.clear()
            try:
                messages = self._compose()
            except Exception as error:  # noqa: BLE001  # a door: one failed announcement must not end all others
                log_fault("announcement failed", error)
                continue
            for method, params in messages:
                self._send(method, params)
