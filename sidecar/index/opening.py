"""The index of one workspace with all its parts: the indexer that keeps it and the source that reads it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Operation, Query
from sidecar.index.service import IndexService, Listing, Progress
from sidecar.store.symbols import INDEX

if TYPE_CHECKING:
    from sidecar.index.early import Holding, Seeker

Search = Callable[[], Awaitable["Holding | None"]]
"""Gives what finds the files that hold a text; None where nobody can tell, and the folder is to be walked."""


class Index:
    """Implements `core.ports.SymbolIndex`. Nothing runs and nothing much is loaded before `start`, or the first question.

    `search` finds names in the texts while the index is being made; without it they are not looked for there.
    """

    name = "index"

    def __init__(
        self,
        root: Path,
        folder: Path,
        listing: Listing,
        *,
        search: Search | None = None,
        watch: bool = True,
        mild: bool = True,
    ) -> None:
        self.root = str(root)
        self._search = search
        self._where = folder / INDEX
        self._service = IndexService(root, folder, listing, watch=watch, mild=mild)
        self._source: SymbolSource | None = None
        self._opening = asyncio.Lock()
        self._seeker: Seeker | None = None

    def start(self) -> None:
        """Begin to index; returns at once."""
        self._service.start()

    def knows(self, operation: Operation, path: str) -> bool:
        """It is the last resort for any file; what it cannot answer it says."""
        return operation not in {"type_definition", "rename", "diagnostics", "code_actions"}

    async def ask(self, query: Query) -> Answer:
        """The answer, within the query's deadline. Raises BadInput for a place that is none."""
        asked = asyncio.get_running_loop().time()
        async with self._opening:
            if self._source is None:
                self._source = await asyncio.to_thread(self._make_source)
        answer = await self._source.ask(query)
        if self._search is None or query.operation != "workspace_symbols" or answer.status != "warming":
            return answer
        async with self._opening:
            if self._seeker is None:
                early = await asyncio.to_thread(importlib.import_module, "sidecar.index.early")  # the parser
                self._seeker = early.Seeker(Path(self.root), self._search)
        return await self._seeker.sought(query, answer, asked)

    def moved(self, paths: Collection[str] | None) -> None:
        """These files (relative to the root) may have changed, None: any. Never waits."""
        self._service.moved(paths)

    def subscribe(self, listener: Progress) -> Callable[[], None]:
        """Hear how many files of how many are done; the result ends it."""
        return self._service.subscribe(listener)

    def rebuild(self) -> None:
        """Begin it anew."""
        self._service.rebuild()

    async def cancel(self) -> None:
        """Leave off indexing; what was done stays."""
        await self._service.cancel()

    async def whole(self) -> None:
        """Wait until everything was looked at."""
        await self._service.whole()

    def state(self) -> str:
        """Why it may not be whole, in a sentence; empty when it is."""
        return self._service.state()

    @property
    def note(self) -> str:
        """What is not as it should be, in a sentence; empty when all is well."""
        return self._service.note

    @property
    def failed(self) -> bool:
        """Whether the indexer was given up; `note` says why."""
        return self._service.failed

    async def aclose(self) -> None:
        """End what was started."""
        for part in (self._seeker, self._source):
            if part is not None:
                await part.aclose()
        await self._service.aclose()

    def _make_source(self) -> SymbolSource:
        from sidecar.index.source import IndexSource  # noqa: PLC0415 - only who asks pays for it

        return IndexSource(self._where, Path(self.root), self._service.state)
