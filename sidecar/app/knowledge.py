"""Who knows symbols in one workspace: the index, which runs by itself, and the sources before it, made when first asked."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from sidecar.core.errors import SidecarError
from sidecar.core.ports import SymbolIndex, Symbols
from sidecar.settings import Settings, environment
from sidecar.trace import get_logger

_QUIET: Final = 0.5
_PATIENCE: Final = 10.0
"""Seconds without a request after which `serve` begins to index, and how long it waits for them at most: what it loads for
that would hold up answers."""

Quiet = Callable[[float, float], Awaitable[None]]
"""Waits until nothing was asked for so many seconds; at most so many."""

log = get_logger("app")


async def shortly(span: float, most: float) -> None:
    """Wait for `span` seconds: where no requests come over HTTP."""
    await asyncio.sleep(min(span, most))


class Knowledge:
    """The index and the chain of sources; `trusted` folders may have language servers started for them."""

    def __init__(self, settings: Settings, *, trusted: bool) -> None:
        self._settings = settings
        self._trusted = trusted
        self._symbols: Symbols | None = None
        self.index: SymbolIndex | None = None

    @property
    def symbols(self) -> Symbols:
        """All sources as one; blocks while it loads what they are made of."""
        if self._symbols is None:
            opening = importlib.import_module("sidecar.languages.opening")
            made: Symbols = opening.open_symbols(self._settings, environment(), trusted=self._trusted)
            self._symbols = made
            if self.index is not None:
                made.attach(self.index, last=True)
        return self._symbols

    async def start(self, stack: AsyncExitStack, state: Path | None, quiet: Quiet | None) -> None:
        """Begin to index, now or, with `quiet`, when the first requests were answered; all ends with the stack."""
        stack.push_async_callback(self._close_symbols)
        if state is None or not self._settings.index.enabled:
            return
        opening = asyncio.get_running_loop().create_task(self._open(state, quiet), name="index")
        stack.push_async_callback(self._close, opening)
        if quiet is None:
            await opening

    async def _open(self, state: Path, quiet: Quiet | None) -> None:
        if quiet is not None:
            await quiet(_QUIET, _PATIENCE)
        indexing = await asyncio.to_thread(importlib.import_module, "sidecar.tools.indexing")
        try:
            index = indexing.open_index(Path(self._settings.server.workspace), state, watch=self._settings.index.watch)
        except SidecarError as error:
            log.warning("index", note=error.sentence)
            return
        index.start()
        self.index = index
        if self._symbols is not None:
            self._symbols.attach(index, last=True)

    async def _close_symbols(self) -> None:
        if self._symbols is not None:
            await self._symbols.aclose()

    async def _close(self, opening: asyncio.Task[None]) -> None:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        index, self.index = self.index, None
        if index is not None:
            await index.aclose()
