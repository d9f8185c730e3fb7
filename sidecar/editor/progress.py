"""Work that takes long, shown in the editor with a way to leave off (`$/progress`)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from sidecar.trace import get_logger

TITLE: Final = "Sidecar: indexing"

log = get_logger("editor")


class Progress:
    """One bar at a time, from the first step that is not the last one until that one; nothing where the editor shows none."""

    def __init__(self, server: LanguageServer, group: asyncio.TaskGroup, cancel: Callable[[], Awaitable[None]]) -> None:
        self._server = server
        self._group = group
        self._cancel = cancel
        self._moved = asyncio.Event()
        self._state = (0, 0)
        self._task: asyncio.Task[None] | None = None

    def step(self, done: int, total: int) -> None:
        """So many of so many are done. Never waits."""
        self._state = (done, total)
        self._moved.set()
        window = self._server.client_capabilities.window
        shown = window is not None and window.work_done_progress
        if shown and done < total and (self._task is None or self._task.done()):
            self._task = self._group.create_task(self._show(), name="sidecar progress")

    def close(self) -> None:
        """Show nothing any more."""
        if self._task is not None:
            self._task.cancel()

    async def _show(self) -> None:
        progress, token = self._server.work_done_progress, str(uuid.uuid4())
        try:
            await progress.create_async(token)
        except Exception as error:  # noqa: BLE001  # a door: whatever the editor answers, indexing goes on
            log.debug("no progress", reason=str(error))
            return
        progress.begin(token, types.WorkDoneProgressBegin(TITLE, cancellable=True, percentage=0))
        cancelled = progress.tokens[token]
        while not cancelled.cancelled():
            self._moved.clear()
            done, total = self._state
            if done >= total:
                break
            report = types.WorkDoneProgressReport(message=f"{done} of {total} files", percentage=100 * done // total)
            progress.report(token, report)
            await self._next(cancelled)
        else:
            await self._cancel()
        progress.end(token, types.WorkDoneProgressEnd())

    async def _next(self, cancelled: object) -> None:
        """Wait for the next step; look now and then whether the person left off."""
        while not self._moved.is_set() and not getattr(cancelled, "cancelled", bool)():
            try:
                await asyncio.wait_for(self._moved.wait(), 0.25)
            except TimeoutError:
                continue
