"""Our tools and the guards of Claude Code's own, made when they are first needed: starting does not wait for them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.app.knowledge import Knowledge
from sidecar.core.ports import Asker, Desk, HookJudge, Reviewer
from sidecar.core.tool import ToolBox
from sidecar.settings import Settings
from sidecar.store.database import Database

if TYPE_CHECKING:
    from sidecar.core.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Parts:
    """What tools work with that somebody else has opened."""

    database: Callable[[], Awaitable[Database]]
    desk: Callable[[], Awaitable[Desk]]
    knowledge: Knowledge
    reviewer: Callable[[], Reviewer]
    asker: Callable[[], Asker | None]
    state: Path | None
    version: str


class Toolbench:
    """The tools of one workspace; implements `core.ports.HookJudge`. What they start ends with `late`."""

    def __init__(self, settings: Settings, parts: Parts, late: AsyncExitStack) -> None:
        self._settings = settings
        self._parts = parts
        self._late = late
        self._making = asyncio.Lock()
        self._box: ToolBox | None = None
        self._judges: HookJudge | None = None

    async def toolbox(self) -> ToolBox:
        """Our tools."""
        async with self._making:
            if self._box is None:
                self._box = await self._make()
            return self._box

    async def offered(self) -> tuple[ToolBox, Shelf]:
        """The tools, documents and prompts that are offered over MCP."""
        box = await self.toolbox()
        shelves = await asyncio.to_thread(importlib.import_module, "sidecar.tools.shelf")
        shelf: Shelf = await asyncio.to_thread(shelves.WorkspaceShelf, box)
        return box, shelf

    async def family(self, name: str) -> ToolBox:
        """One family alone, without what the others need."""
        opening = await asyncio.to_thread(importlib.import_module, "sidecar.tools.opening")
        parts = self._parts
        reviewer = await asyncio.to_thread(parts.reviewer)
        bench = opening.bench_of(self._settings, parts.database, asker=parts.asker(), reviewer=reviewer)
        box: ToolBox = await asyncio.to_thread(opening.open_box, self._settings, bench, [name])
        return box

    async def judge(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What the rules say of a tool of the CLI, when its hook asks."""
        if self._judges is None:
            opening = await asyncio.to_thread(importlib.import_module, "sidecar.tools.opening")
            if self._judges is None:  # nobody else made them meanwhile
                parts = self._parts
                made = opening.judges_of(self._settings, parts.database, parts.desk, self._moved)
                self._late.push_async_callback(made.aclose)
                self._judges = made
        return await self._judges.judge(payload)

    def _moved(self, paths: Collection[str]) -> None:
        if (index := self._parts.knowledge.index) is not None:
            index.moved(paths)

    async def _make(self) -> ToolBox:
        parts = self._parts
        opening = await asyncio.to_thread(importlib.import_module, "sidecar.tools.opening")
        indexing = await asyncio.to_thread(importlib.import_module, "sidecar.tools.indexing")
        bench = opening.bench_of(
            self._settings,
            parts.database,
            asker=parts.asker(),
            reviewer=await asyncio.to_thread(parts.reviewer),
            desk=parts.desk,
            symbols=await asyncio.to_thread(lambda: parts.knowledge.symbols),
            summarizer=indexing.IndexSummary(
                Path(self._settings.server.workspace), parts.state, lambda: parts.knowledge.index, parts.database
            ),
        )
        box: ToolBox = await asyncio.to_thread(opening.open_box, self._settings, bench)
        families = await asyncio.to_thread(importlib.import_module, "sidecar.tools.extras")
        # Ended after the endpoint, so that calls on their way are still answered.
        await self._late.enter_async_context(families.extras(box, self._settings, parts.state, parts.version))
        return box
