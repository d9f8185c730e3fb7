"""A name that is looked for while the index is still being made: found in the files whose text holds it, if the index has none yet."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from sidecar.core.defined import Defined
from sidecar.core.symbols import Answer, Query, Symbol
from sidecar.index.answers import parts, ranked
from sidecar.index.definitions import defined_in
from sidecar.index.walk import Folder

SECONDS: Final = 0.45
"""So long the texts are looked through: whoever types a name is to have an answer within a second."""

_MOST_FILES: Final = 200
_MOST_BYTES: Final = 100_000
"""Of a file that is parsed here, in the process that serves: a larger one would hold up all else."""

_NOTE: Final = "Until then names that it lacks are looked for in the files' text, for a moment."


class Holding(Protocol):
    """Tells the files that hold a text (as a `whole` word, or anywhere and in any case), as they are found; blocks, and ends in time."""

    def __call__(self, text: str, *, whole: bool, seconds: float) -> Generator[str]:
        """Paths relative to the root, with `/`. Closing it ends the search."""


async def sought(root: Path, holding: Holding | None, query: Query, answer: Answer) -> Answer:
    """A search's answer with what the texts hold, where it lacks just this name. `holding` is None where nobody can tell."""
    *_, name = parts(query.name) or [""]
    if not name or any(isinstance(item, Symbol) and item.name == name for item in answer.items):
        return answer
    seconds = min(SECONDS, query.deadline)
    found = await asyncio.to_thread(_looked_through, root, holding, name, time.monotonic() + seconds)
    items = dict.fromkeys([*ranked(found, query.name), *answer.items])
    truncated = answer.truncated or len(items) > query.limit
    note = f"{answer.note} {_NOTE}".strip()
    return replace(answer, items=tuple(items)[: query.limit], truncated=truncated, note=note)


def _looked_through(root: Path, holding: Holding | None, name: str, until: float) -> list[Defined]:
    """Symbols of files that hold the name as a word, else of those that hold it in any way."""
    searches: list[Callable[[], Generator[str]]] = [Folder(root).files]
    if holding is not None:
        searches = [_by(holding, name, until, whole=whole) for whole in (True, False)]
    for search in searches:
        found: list[Defined] = []
        parsed = 0
        with contextlib.closing(search()) as paths:
            for path in paths:
                if time.monotonic() > until or parsed >= _MOST_FILES:
                    break
                symbols = defined_in(root, path, name, most=_MOST_BYTES)
                parsed += symbols is not None
                found += [symbol for symbol in symbols or () if name.lower() in symbol.name.lower()]
        if found:
            return found
    return []


def _by(holding: Holding, name: str, until: float, *, whole: bool) -> Callable[[], Generator[str]]:
    return lambda: holding(name, whole=whole, seconds=max(until - time.monotonic(), 0.01))
