"""Who knows symbols in one workspace: the index, which runs by itself, and the sources before it, made when first asked."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from sidecar.core.errors import SidecarError
from sidecar.core.ports import SymbolIndex, Symbols
from sidecar.core.symbols import Answer, Operation, Query
from sidecar.settings import Settings, environment
from sidecar.trace import get_logger

INDEX_AFTER: Final = 1.0
"""Seconds that `serve` gives its first requests before it begins to index, unless somebody asks for a symbol."""

log = get_logger("app")


class Knowledge:
    """The index and the chain of sources; `trusted` folders may have language servers started for them."""

    def __init__(self, settings: Settings, *, trusted: bool) -> None:
        self._settings = settings
        self._trusted = trusted
        self._symbols: Symbols | None = None
        self._opening: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.index: SymbolIndex | None = None

    @property
    def symbols(self) -> Symbols:
        """All sources as one; blocks while it loads what they are made of."""
        if self._symbols is None:
            opening = importlib.import_module("sidecar.languages.opening")
            made: Symbols = opening.open_symbols(self._settings, environment(), trusted=self._trusted)
            self._symbols = made
            if self._opening is not None:
                made.attach(_Coming(self), last=True)
        return self._symbols

    async def start(self, stack: AsyncExitStack, state: Path | None, *, at_once: bool) -> None:
        """Begin to index, now or when the first requests were answered; all ends with the stack."""
        stack.push_async_callback(self._close_symbols)
        if state is None or not self._settings.index.enabled:
            return
        if at_once:
            self._wanted.set()
        opening = self._opening = asyncio.get_running_loop().create_task(self._open(state), name="index")
        stack.push_async_callback(self._close, opening)
        if at_once:
            await opening

    @property
    def coming(self) -> bool:
        """Whether the index is yet to be opened."""
        return self._opening is not None and not self._opening.done()

    async def opened(self) -> SymbolIndex | None:
        """The index, now rather than later; None where it is not to be had."""
        self._wanted.set()
        if self._opening is not None:
            await asyncio.wait({self._opening})
        return self.index

    async def _open(self, state: Path) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), INDEX_AFTER)
        indexing = await asyncio.to_thread(importlib.import_module, "sidecar.tools.indexing")
        try:
            index = indexing.open_index(Path(self._settings.server.workspace), state, watch=self._settings.index.watch)
        except SidecarError as error:
            log.warning("index", note=error.sentence)
            return
        index.start()
        self.index = index

    async def _close_symbols(self) -> None:
        if self._symbols is not None:
            await self._symbols.aclose()

    async def _close(self, opening: asyncio.Task[None]) -> None:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        index, self.index = self.index, None
        if index is not None:
            await index.aclose()


class _Coming:
    """Implements `core.ports.SymbolSource`: the index, which the first question brings."""

    name = "index"

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def knows(self, operation: Operation, path: str) -> bool:
        """As the index says it; before it is there it is worth asking."""
        index = self._knowledge.index
        return self._knowledge.coming if index is None else index.knows(operation, path)

    async def ask(self, query: Query) -> Answer:
        """Its answer. Raises BadInput for a place that is none."""
        index = await self._knowledge.opened()
        if index is None:
            return Answer("unsupported", self.name, note="There is no index of this workspace.")
        return await index.ask(query)

    async def aclose(self) -> None:
        """Whoever opened the index closes it."""
