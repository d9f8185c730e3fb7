"""The workspace's index, put together with git, which tells it what files there are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sidecar.core.errors import GitError, NotARepository, NotSupported, SetupError, StoreError
from sidecar.core.ports import SymbolIndex
from sidecar.index.opening import Index
from sidecar.index.summary import summarize
from sidecar.store.database import Database
from sidecar.store.runs import RunStore
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import listing

_TOO_WIDE = "Sidecar does not index {folder}: it is no project of its own. Open the project's folder."


def open_index(workspace: Path, state: Path, *, watch: bool = True, mild: bool = True) -> Index:
    """The index of a folder, kept in its state folder; nothing runs before `start`. Not `mild` where somebody waits for it.

    Raises SetupError for the home folder and the root of the file system, where they are no git repository.
    """
    root = workspace.resolve()
    if root in {Path.home(), Path(root.anchor)} and not (root / ".git").exists():
        raise SetupError(_TOO_WIDE.format(folder=root))
    return Index(root, state, GitListing(root), watch=watch, mild=mild)


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
        notes = await told_of_tests(self._database)
        return await asyncio.to_thread(self._summarize, self._state / INDEX, notes)

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
    """Which files of a folder git knows or does not ignore; None where it is no repository, or git cannot tell."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._git: Git | None = None
        self._asked = False
        self._opening = asyncio.Lock()

    async def __call__(self, paths: Collection[str] | None) -> bytes | None:
        """Those paths, or all, relative to the folder, NUL after each."""
        async with self._opening:
            if not self._asked or paths is None:  # `git init` may have happened meanwhile
                self._asked = True
                try:
                    self._git = self._git or await Git.open(self._root)
                except NotARepository:
                    return None
        if self._git is None or self._git.bare:
            return None
        try:
            return await listing(self._git, self._root, paths)
        except GitError:
            return None
