"""The index as a source of symbols: opens it when first asked, reads it on a thread of its own, says whether it is whole."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from sidecar.core.errors import BadInput, StoreError
from sidecar.core.symbols import Answer, AnswerStatus, Call, Item, Operation, Query
from sidecar.index import walk
from sidecar.index.answers import KNOWN, items, parts
from sidecar.index.leftout import lacking
from sidecar.index.resolve import Resolver
from sidecar.store.symbols import SymbolReader

NAME: Final = "index"
_OTHERS: Final = "Files were changed and are being looked at ({done} of {total}); ask again in a moment."
_UNFINISHED: Final = "The workspace was not indexed to its end yet; run `sidecar index`."
_NO_GRAMMAR: Final = "The index knows {path} by its name only: it has no grammar for such files; search for text, or install a language server."
_NOT_READ: Final = "The index passes {path} over ({reason}); search for text instead."
_LATE: Final = "The index did not answer in time; ask again."
_WIDE: Final = frozenset({"references", "callers", "implementations", "workspace_symbols"})
_GONE: Final = 2
_SLACK: Final = 0.8
"""The share of a deadline after which what has been found is handed over."""


class IndexSource:
    """Implements `core.ports.SymbolSource` for one workspace.

    `where` is the index's file, `root` the folder that its paths are relative to; `state` says why the index may not be
    whole (a sentence; empty when nothing is known against it), and is asked with each question.
    """

    def __init__(self, where: Path, root: Path, state: Callable[[], str] = lambda: "") -> None:
        self._where = where
        self._root = root
        self._state = state
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index")
        self._reader: SymbolReader | None = None
        self._resolver: Resolver | None = None
        self._seen = (-1, -1)
        self._texts = lru_cache(maxsize=256)(self._text)

    @property
    def name(self) -> str:
        """As an answer's `source` says it."""
        return NAME

    def knows(self, operation: Operation, path: str) -> bool:
        """Whether the index answers such questions at all: it is the last resort for any file."""
        return operation in KNOWN

    async def ask(self, query: Query) -> Answer:
        """The answer, within the query's deadline. Raises BadInput for a place that is none; faults are an answer's note."""
        if query.operation not in KNOWN:
            return Answer("unsupported", NAME, note=f"The index cannot answer {query.operation.replace('_', ' ')}.")
        end = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._worker, self._answer, query, end)
        try:
            return await asyncio.wait_for(asyncio.shield(future), query.deadline)
        except TimeoutError:
            return Answer("partial", NAME, ms=query.deadline * 1000, note=_LATE)
        finally:
            end.set()

    async def aclose(self) -> None:
        """Let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._close)
        self._worker.shutdown(wait=False)

    # ── on the thread ───────────────────────────────────────────────────────────────────────────────
    def _answer(self, query: Query, end: threading.Event) -> Answer:
        started = time.perf_counter()
        complete = True
        try:
            resolver, revision, complete = self._opened()
            found, truncated, late = _taken(resolver, query, started + query.deadline * _SLACK, end)
        except BadInput:
            if complete and not self._state():
                raise
            return Answer("warming", NAME, note=self._state() or _UNFINISHED)  # it may yet come into the index
        except StoreError as error:
            self._close()
            return Answer("warming" if self._state() else "unsupported", NAME, note=self._state() or error.sentence)
        if not found and (why := _unread(resolver, query.path)):
            return Answer("unsupported", NAME, version=revision, note=why)
        changed = {path: self._changed(resolver, path) for path in {query.path, *map(_path_of, found)}}
        there = tuple(item for item in found if changed[_path_of(item)] != _GONE)
        status, note = self._standing(complete=complete, stale=any(changed.values()), late=late)
        if query.operation in _WIDE and (lacks := self._lacking(resolver, query, there)):
            status, note = "partial" if status == "ready" else status, f"{note} {lacks}".strip()
        ms = (time.perf_counter() - started) * 1000
        return Answer(status, NAME, there, truncated, revision, round(ms, 3), note)

    def _standing(self, *, complete: bool, stale: bool, late: bool) -> tuple[AnswerStatus, str]:
        if not complete:
            return "warming", self._state() or _UNFINISHED
        if late:
            return "partial", "Time ran out before all uses were looked at; ask with a longer deadline."
        if stale:
            return "partial", "Files were changed since they were indexed, a moment ago; ask again."
        if self._notes.get("done") != self._notes.get("total"):  # by whoever keeps the index
            return "partial", self._state() or _OTHERS.format(**self._notes)
        return ("partial", state) if (state := self._state()) else ("ready", "")

    def _opened(self) -> tuple[Resolver, int, bool]:
        """What answers for the index's present state, its revision, and whether it was ever made to its end."""
        if self._reader is None:
            self._reader = SymbolReader(self._where)
        facts = self._where.stat()
        now = (self._reader.changed(), facts.st_ino)
        if now[1] != self._seen[1] and self._seen[1] != -1:  # begun anew: the old file lives on for us alone
            self._close()
            self._reader = SymbolReader(self._where)
            now = (self._reader.changed(), facts.st_ino)
        if self._resolver is None or now != self._seen:
            self._seen = now
            self._resolver = Resolver(self._reader, self._lines)
            self._notes, self._left_out = self._reader.notes(), self._reader.left_out()
        return self._resolver, int(self._notes.get("revision", 0)), bool(self._notes.get("complete"))

    def _lacking(self, resolver: Resolver, query: Query, found: Sequence[Item]) -> str:
        """What files that are left out may add to an answer about a name; a search that found just this name needs no more."""
        if not self._left_out:
            return ""
        name, language = (parts(query.name) or [""])[-1], ""
        if query.position is not None and (file := resolver.file(query.path)) is not None:
            name, _, meant = resolver.meaning(file.path, query.position.line, query.position.column)
            name, language = "" if meant.local is not None else name, file.language
        if query.operation == "workspace_symbols" and any(getattr(item, "name", "") == name for item in found):
            return ""
        return lacking(self._root, self._left_out, name, language)

    def _changed(self, resolver: Resolver, path: str) -> int:
        """Whether a file is another one than when it was indexed, or is gone."""
        file = resolver.file(path) if path else None
        if file is None:
            return 0
        try:
            facts = (self._root / path).lstat()
        except OSError:
            return _GONE
        return (facts.st_size, facts.st_mtime_ns) != (file.size, file.modified)

    def _lines(self, path: str) -> Sequence[str]:
        try:
            facts = (self._root / path).stat()
        except OSError:
            return ()
        return self._texts(path, facts.st_mtime_ns, facts.st_size)

    def _text(self, path: str, _modified: int, _size: int) -> Sequence[str]:
        try:
            source, _ = walk.read(self._root / path)
        except (OSError, walk.Skipped):
            return ()
        return source.decode("utf-8", "replace").split("\n")

    def _close(self) -> None:
        if self._reader is not None:
            with contextlib.suppress(StoreError):
                self._reader.close()
        self._reader = self._resolver = None
        self._seen = (-1, -1)


def _path_of(item: Item) -> str:
    """The file that an item of the index speaks of."""
    span = item.symbol.span if isinstance(item, Call) else getattr(item, "span", None)
    return span.path if span is not None else ""


def _unread(resolver: Resolver, path: str) -> str:
    """Why the index can say nothing of what stands in a file; empty where it can."""
    from sidecar.index.grammars import BY_NAME  # noqa: PLC0415 - the parser: only where nothing was found

    file = resolver.file(path) if path else None
    if file is None or (file.language in BY_NAME and not file.skipped):
        return ""
    return _NOT_READ.format(path=path, reason=file.skipped) if file.skipped else _NO_GRAMMAR.format(path=path)


def _taken(resolver: Resolver, query: Query, until: float, end: threading.Event) -> tuple[list[Item], bool, bool]:
    """Items up to the limit; whether there are more, and whether time ran out before."""
    if query.limit < 1:
        raise BadInput("The limit must be at least 1.")
    resolver.begin(lambda: end.is_set() or time.perf_counter() > until)
    found: list[Item] = []
    asked = items(resolver, query)
    for item in islice(asked, query.limit):
        found.append(item)
        if resolver.leaves_off():
            return found, False, True
    return found, next(asked, None) is not None, resolver.late
