"""An analyst that is made when the first question comes, so that whoever asks none does not wait for its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sidecar.core.ports import Analyst


class LateAnalyst:
    """Implements `core.ports.Analyst` with what `make` gives; it is called once, in a thread, since it may import much."""

    def __init__(self, make: Callable[[], Analyst]) -> None:
        self._make = make
        self._made: Analyst | None = None
        self._making = asyncio.Lock()

    async def summarize_diff(self) -> str:
        """What the uncommitted change does, file by file, with its risk."""
        return await (await self._analyst()).summarize_diff()

    async def review_diff(self) -> str:
        """The uncommitted change's risky places with reasons."""
        return await (await self._analyst()).review_diff()

    async def find_symbol(self, name: str) -> str:
        """Where a symbol is defined."""
        return await (await self._analyst()).find_symbol(name)

    async def status(self) -> str:
        """Branch, changed files, provider, workspace."""
        return await (await self._analyst()).status()

    async def _analyst(self) -> Analyst:
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made
