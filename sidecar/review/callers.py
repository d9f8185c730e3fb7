"""Who calls a function that a comment speaks of, as far as the workspace's index knows: a sentence beside the score, no part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.core.errors import SidecarError
from sidecar.core.ports import SymbolIndex
from sidecar.core.review import Evidence, Reason
from sidecar.core.symbols import Call, Position, Query, Span
from sidecar.risk.explain import plural
from sidecar.risk.paths import classify

FEATURE: Final = "callers"
"""The name of the reason; its effect is 0."""

MARK: Final = " (calls "
"""How the label of a caller's evidence goes on behind its path."""

_MOST_SHOWN: Final = 2
_MOST_COUNTED: Final = 100
_SECONDS: Final = 2.0
"""How long the index may look for callers, and be waited for where it reads what was just saved."""
_PATIENCE: Final = 120.0
"""Seconds that the first look of the index is waited for."""


@dataclass(frozen=True, slots=True)
class Called:
    """What the index knows of the calls of one function."""

    reason: Reason | None = None
    evidence: tuple[Evidence, ...] = ()


class Callers:
    """The calls of functions of one repository, by the index that is there when it is asked; nobody where there is none."""

    def __init__(self, root: Path, index: Callable[[], SymbolIndex | None] = lambda: None) -> None:
        """Paths are relative to `root`."""
        self._root = root.resolve()
        self._index = index

    async def of(self, path: str, name: str, line: int, head: str) -> Called | None:
        """Who calls the function whose head stands on a line (from 1); None where that cannot be told now. Waits for the index.

        It knows the files on disk: where this line is another one there, it is not asked. An answer that is not whole is none.
        """
        index = self._index()
        column = head.find(name) + 1
        if index is None or not column or name.startswith("__"):
            return None
        own = _relative(self._root / path, Path(index.root))
        if own is None or not await asyncio.to_thread(_stands, self._root / path, line, head):
            return None
        try:
            await asyncio.wait_for(index.whole(), _PATIENCE)
            await index.settled(_SECONDS)
            answer = await index.ask(
                Query("callers", own, Position(line, column), limit=_MOST_COUNTED, deadline=_SECONDS)
            )
        except (SidecarError, TimeoutError):
            return None
        if answer.status != "ready":
            return None
        places = [place for each in answer.items if isinstance(each, Call) for place in each.places]
        return self._told(name, places, Path(index.root), more=answer.truncated or answer.unresolved > 0)

    def _told(self, name: str, places: Collection[Span], top: Path, *, more: bool) -> Called:
        if not places:
            return Called()
        files = {place.path for place in places}
        across = f" of {plural(len(files), 'file')}" if len(files) > 1 else ""
        least = "at least " if more else ""
        text = f"By the index, the function {name} is called in {least}{plural(len(places), 'place')}{across}."
        named = {path: each for each in places if (path := _relative(top / each.path, self._root)) is not None}
        shown = [path for path in sorted(named) if classify(path) != "test"][:_MOST_SHOWN]
        evidence = (Evidence("file", f"{path}{MARK}{name})", path, named[path].start.line) for path in shown)
        return Called(Reason(FEATURE, float(len(places)), 0.0, text), tuple(evidence))


def _relative(path: Path, top: Path) -> str | None:
    """A path below a folder, with `/`; None for one elsewhere."""
    try:
        return path.relative_to(top).as_posix()
    except ValueError:
        return None


def _stands(path: Path, line: int, head: str) -> bool:
    """Whether a line of a file on disk is this one; blocks."""
    try:
        if not path.is_file():
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file, 1):
                if number == line:
                    return text.rstrip("\r\n") == head.rstrip("\r\n")
    except OSError:
        pass
    return False
