"""Who knows symbols in one workspace: the index, which runs by itself, and the sources before it, made when first asked."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sidecar.app.courtesy import make_way
from sidecar.core.errors import SidecarError
from sidecar.core.ports import SymbolIndex, Symbols
from sidecar.settings import Settings, environment
from sidecar.trace import get_logger

if TYPE_CHECKING:
    from sidecar.core.symbols import Answer, Operation, Query

_QUIET: Final = 0.5
_PATIENCE: Final = 10.0
"""Seconds without a request after which `serve` begins to index, and how long it waits for them at most: what it loads for
that would hold up answers. It begins at once when somebody asks for a symbol."""

Quiet = Callable[[float, float], Coroutine[Any, Any, None]]
"""Waits until nothing was asked for so many seconds; at most so many."""

log = get_logger("app")


async def shortly(span: float, most: float) -> None:
    """Wait for `span` seconds: where no requests come over HTTP."""
    await asyncio.sleep(min(span, most))


class Knowledge:
    """The index and the chain of sources; `trusted` folders may have language servers started for them.

    `running` tells how many answers are under way: the index makes way for many.
    """

    def __init__(self, settings: Settings, running: Callable[[], int] = int, *, trusted: bool) -> None:
        self._settings = settings
        self._running = running
        self._way: asyncio.Task[None] | None = None
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

    async def start(self, stack: AsyncExitStack, state: Path | None, quiet: Quiet | None) -> None:
        """Begin to index, now or, with `quiet`, when the first requests were answered; all ends with the stack."""
        stack.push_async_callback(self._close_symbols)
        if state is None or not self._settings.index.enabled:
            return
        opening = self._opening = asyncio.get_running_loop().create_task(self._open(state, quiet), name="index")
        stack.push_async_callback(self._close, opening)
        if quiet is None:
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

    async def _open(self, state: Path, quiet: Quiet | None) -> None:
        if quiet is not None:
            await self._until_asked_or(quiet)
        indexing = await asyncio.to_thread(importlib.import_module, "sidecar.tools.indexing")
        try:
            index = indexing.open_index(Path(self._settings.server.workspace), state, watch=self._settings.index.watch)
        except SidecarError as error:
            log.warning("index", note=error.sentence)
            return
        index.start()
        self.index = index
        self._way = asyncio.get_running_loop().create_task(make_way(index, self._running), name="index makes way")

    async def _until_asked_or(self, quiet: Quiet) -> None:
        async with asyncio.TaskGroup() as group:
            waits = {group.create_task(self._wanted.wait()), group.create_task(quiet(_QUIET, _PATIENCE))}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()

    async def _close_symbols(self) -> None:
        if self._symbols is not None:
            await self._symbols.aclose()

    async def _close(self, opening: asyncio.Task[None]) -> None:
        ending = [task for task in (opening, self._way) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
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
            from sidecar.core.symbols import Answer  # noqa: PLC0415 - `serve` starts without its classes

            return Answer("unsupported", self.name, note="There is no index of this workspace.")
        return await index.ask(query)

    async def aclose(self) -> None:
        """Whoever opened the index closes it."""
