"""A name that is looked for while the index is still being made: found in the files whose text holds it, if the index has none yet."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from sidecar.core.defined import Defined
from sidecar.core.symbols import Answer, Query, Symbol
from sidecar.index.answers import parts, ranked
from sidecar.index.definitions import defined_in
from sidecar.index.walk import Folder

SECONDS: Final = 0.5
"""So long an answer waits, from the question on: whoever types a name is to have one within a second."""

SOME: Final = 0.15
"""After so long something that bears just this name is enough."""

_STEP: Final = 0.05

_PATIENCE: Final = 10.0
"""So long the texts are looked through: who asks for the name again hears what was found meanwhile."""

_MOST_FILES: Final = 200
_MOST_BYTES: Final = 100_000
"""Of a file that is parsed here, in the process that serves: a larger one would hold up all else."""

_NOTE: Final = "Names that it lacks are looked for in the files' text; ask again in a moment."


class Holding(Protocol):
    """Tells the files that hold a text (as a `whole` word, or anywhere and in any case), as they are found; blocks, and ends in time."""

    def __call__(self, text: str, *, whole: bool, seconds: float) -> Generator[str]:
        """Paths relative to the root, with `/`. Closing it ends the search."""


class Seeker:
    """Looks for one name at a time, the one that was asked for last; `search` gives what tells files, None where nobody can."""

    def __init__(self, root: Path, search: Callable[[], Awaitable[Holding | None]]) -> None:
        self._root = root
        self._search = search
        self._hunt: _Hunt | None = None
        self._task: asyncio.Task[None] | None = None

    async def sought(self, query: Query, answer: Answer, asked: float) -> Answer:
        """A search's answer with what the texts hold, where it lacks just this name; `asked` is when, by the loop's clock."""
        *_, name = parts(query.name) or [""]
        if not name or any(isinstance(item, Symbol) and item.name == name for item in answer.items):
            return answer
        holding = await self._search()
        if self._hunt is None or self._hunt.name != name or self._task is None or self._task.done():
            self._leave()
            hunt = self._hunt = _Hunt(self._root, holding, name)
            self._task = asyncio.get_running_loop().create_task(asyncio.to_thread(hunt.run), name="early search")
        hunt, task = self._hunt, self._task
        await _wait(task, hunt, asked + min(SECONDS, query.deadline))
        items = dict.fromkeys([*ranked(tuple(hunt.found), query.name), *answer.items])
        truncated = answer.truncated or len(items) > query.limit
        note = answer.note if task.done() else f"{answer.note} {_NOTE}".strip()
        return replace(answer, items=tuple(items)[: query.limit], truncated=truncated, note=note)

    async def aclose(self) -> None:
        """Leave off."""
        self._leave()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _leave(self) -> None:
        if self._hunt is not None:
            self._hunt.over.set()


async def _wait(task: asyncio.Task[None], hunt: _Hunt, until: float) -> None:
    """For the end of a hunt, or what it has found after a moment."""
    loop = asyncio.get_running_loop()
    some = loop.time() + SOME
    while not task.done() and (now := loop.time()) < max(until, some):
        if now >= some and any(symbol.name == hunt.name for symbol in tuple(hunt.found)):
            return
        await asyncio.wait({task}, timeout=_STEP)


class _Hunt:
    """The search for one name; `found` grows while `run` runs on a thread, until it is `over`."""

    def __init__(self, root: Path, holding: Holding | None, name: str) -> None:
        self.name = name
        self.found: list[Defined] = []
        self.over = threading.Event()
        self._root = root
        self._holding = holding

    def run(self) -> None:
        """Symbols of files that hold the name as a word, else of those that hold it in any way."""
        until = time.monotonic() + _PATIENCE
        for whole in (True, False) if self._holding is not None else (False,):
            parsed = 0
            with contextlib.closing(self._files(until, whole=whole)) as paths:
                for path in paths:
                    if self.over.is_set() or time.monotonic() > until or parsed >= _MOST_FILES:
                        return
                    parsed += self._look_into(path)
            if self.found:
                return

    def _files(self, until: float, *, whole: bool) -> Generator[str]:
        if self._holding is None:
            return Folder(self._root).files()
        return self._holding(self.name, whole=whole, seconds=max(until - time.monotonic(), 0.01))

    def _look_into(self, path: str) -> bool:
        symbols = defined_in(self._root, path, self.name, most=_MOST_BYTES)
        self.found += [symbol for symbol in symbols or () if self.name.lower() in symbol.name.lower()]
        return symbols is not None
