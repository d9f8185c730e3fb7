"""The index of one workspace with all its parts: the indexer that keeps it and the source that reads it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Operation, Query
from sidecar.index.service import IndexService, Listing
from sidecar.store.symbols import INDEX

if TYPE_CHECKING:
    from sidecar.index.early import Holding, Seeker

_PATIENCE: Final = 0.3
"""So long a question waits for what was saved a moment ago."""

Search = Callable[[], Awaitable["Holding | None"]]
"""Gives what finds the files that hold a text; None where nobody can tell, and the folder is to be walked."""


class Index(IndexService):
    """Implements `core.ports.SymbolIndex`. Nothing runs and nothing much is loaded before `start`, or the first question.

    `search` finds names in the texts while the index is being made; without it they are not looked for there.
    """

    name = "index"

    def __init__(
        self, root: Path, folder: Path, listing: Listing, *, search: Search | None = None, **how: bool
    ) -> None:
        super().__init__(root, folder, listing, **how)
        self.root = str(root)
        self._search = search
        self._source: SymbolSource | None = None
        self._opening = asyncio.Lock()
        self._seeker: Seeker | None = None

    def knows(self, operation: Operation, path: str) -> bool:
        """It is the last resort for any file; what it cannot answer it says."""
        return operation not in {"type_definition", "rename", "diagnostics", "code_actions"}

    async def ask(self, query: Query) -> Answer:
        """The answer, within the query's deadline. Raises BadInput for a place that is none."""
        asked = asyncio.get_running_loop().time()
        await self.settled(min(_PATIENCE, query.deadline / 4))
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

    async def aclose(self) -> None:
        """End what was started."""
        for part in (self._seeker, self._source):
            if part is not None:
                await part.aclose()
        await super().aclose()

    def _make_source(self) -> SymbolSource:
        from sidecar.index.source import IndexSource  # noqa: PLC0415 - only who asks pays for it

        return IndexSource(self._folder / INDEX, Path(self.root), self.state)
