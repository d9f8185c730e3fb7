"""The workspace's index, put together with git, which tells it what files there are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.briefing.summary import summarize
from sidecar.core.errors import GitError, NotSupported, SetupError, StoreError
from sidecar.core.ports import SymbolIndex
from sidecar.core.symbols import Answer, Query
from sidecar.index.opening import Index
from sidecar.settings import Settings
from sidecar.store.database import Database
from sidecar.store.runs import RunStore
from sidecar.store.runtime import open_folder
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import holding, listing

if TYPE_CHECKING:
    from sidecar.index.early import Holding

_PATIENCE = 10.0
"""Seconds that a summary waits for what is looked at anew."""

_TOO_WIDE = "Sidecar does not index {folder}: it is no project of its own. Open the project's folder."


def open_index(workspace: Path, state: Path, *, watch: bool = True, mild: bool = True) -> Index:
    """The index of a folder, kept in its state folder; nothing runs before `start`. Not `mild` where somebody waits for it.

    Raises SetupError for the home folder and the root of the file system, where they are no git repository.
    """
    root = workspace.resolve()
    if root in {Path.home(), Path(root.anchor)} and not (root / ".git").exists():
        raise SetupError(_TOO_WIDE.format(folder=root))
    files = GitListing(root)
    return Index(root, state, files, search=files.search, watch=watch, mild=mild)


async def ask_once(settings: Settings, env: Mapping[str, str], query: Query) -> Answer:
    """One question to all sources of symbols of the settings' workspace, which are opened for it and ended.

    Half of the deadline at most goes into bringing the index up to date. Raises BadInput for a question that is none.
    """
    from sidecar.languages.opening import open_symbols  # noqa: PLC0415 - who keeps an index needs no other source

    symbols, began = open_symbols(settings, env, trusted=False), time.monotonic()
    async with _index_in_time(settings, query.deadline / 2) as index, contextlib.aclosing(symbols):
        if index is not None:
            symbols.attach(index, last=True)
        return await symbols.ask(replace(query, deadline=max(query.deadline - (time.monotonic() - began), 0.1)))


@asynccontextmanager
async def _index_in_time(settings: Settings, seconds: float) -> AsyncIterator[Index | None]:
    """The index, up to date as far as that comes in time; None where none is kept."""
    index = None
    with contextlib.suppress(SetupError):
        if settings.index.enabled and settings.state is not None:
            state = open_folder(settings.state)
            index = open_index(Path(settings.server.workspace), state, watch=False, mild=False)
    if index is None:
        yield None
        return
    index.start()
    async with contextlib.aclosing(index):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(index.whole(), seconds)
        yield index


class IndexSummary:
    """Implements `tools.bench.Summarizer`: what kind of project this is, by the index. `index` is None while there is none."""

    def __init__(
        self,
        workspace: Path,
        state: Path | None,
        index: Callable[[], SymbolIndex | None],
        database: Callable[[], Awaitable[Database]],
    ) -> None:
        self._workspace = workspace
        self._state = state
        self._index = index
        self._database = database

    async def summary(self, *, refresh: bool) -> str:
        """The block for CLAUDE.md. Raises NotSupported where nothing is indexed yet, or nothing is kept."""
        index = self._index()
        if self._state is None or index is None:
            raise NotSupported("Nothing is indexed here yet; try again in a moment, or run `sidecar index`.")
        if refresh:
            index.moved(None)
            await index.settled(_PATIENCE)
        notes, lacks = await told_of_tests(self._database), index.state()
        text = await asyncio.to_thread(self._summarize, self._state / INDEX, notes)
        return f"{text}\n[index, partial: {lacks}]" if lacks else text

    def _summarize(self, where: Path, notes: Sequence[str]) -> str:
        with contextlib.closing(SymbolReader(where)) as reader:
            return summarize(reader, self._workspace, notes)


async def told_of_tests(database: Callable[[], Awaitable[Database]]) -> list[str]:
    """How the last run of the tests ended and what it covered, a line each; nothing where none is known."""
    try:
        run = await RunStore(await database()).last()
    except StoreError:
        return []
    if run is None:
        return []
    counts = [f"{run.count(kind)} {kind}" for kind in ("passed", "failed", "skipped") if run.count(kind)]
    day = datetime.fromtimestamp(run.started, UTC).date().isoformat()
    lines = [f"- last run ({day}): `{run.command}` {run.outcome}" + (f", {', '.join(counts)}" if counts else "")]
    if run.coverage is not None:
        lines.append(f"- coverage: {round(100 * run.coverage.total)} % of lines")
    return lines


class GitListing:
    """Which files of a folder git knows or does not ignore; None where it is no repository, or git cannot tell or is not there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._git: Git | None = None
        self._asked = False
        self._opening = asyncio.Lock()

    async def __call__(self, paths: Collection[str] | None) -> bytes | None:
        """Those paths, or all, relative to the folder, NUL after each."""
        git = await self._opened(again=paths is None)  # `git init` may have happened meanwhile
        try:
            return await listing(git, self._root, paths) if git is not None else None
        except GitError:
            return None

    async def search(self) -> Holding | None:
        """What finds the files that hold a text; None where it is no repository."""
        git = await self._opened(again=False)
        return partial(holding, git, self._root) if git is not None else None

    async def _opened(self, *, again: bool) -> Git | None:
        async with self._opening:
            if not self._asked or again:
                self._asked = True
                try:
                    self._git = self._git or await Git.open(self._root)
                except GitError:  # without a git that can be used the folder is walked
                    return None
        return None if self._git is None or self._git.bare else self._git
