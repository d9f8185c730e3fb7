"""Open the review of one repository, with whoever answers in its threads; only an editor pays for these imports."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from sidecar.core.errors import SidecarError
from sidecar.core.ports import Asker, SymbolIndex, TestsSeen
from sidecar.core.review import Scope
from sidecar.history.kept import KeptTraces
from sidecar.review.buffers import Buffers
from sidecar.review.callers import Callers
from sidecar.review.desk import Among, ReviewDesk
from sidecar.review.dismissed import Dismissed
from sidecar.review.grounds import Grounds
from sidecar.review.places import MANNERS, Manners
from sidecar.review.reply import Answering, FactsWriter, ReplyWriter
from sidecar.review.scorer import RiskScorer
from sidecar.review.settled import Keeping
from sidecar.review.views import View
from sidecar.store.database import Database
from sidecar.store.dismissals import DismissalStore
from sidecar.store.threads import ThreadStore
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import resolve

__all__ = ["Git", "Manners", "open_desk", "writer_for"]

MOST_DESKS = 8
"""Reviews that are held at once: who looks at one commit after the other does not keep them all."""


def open_desk(
    git: Git,
    database: Database,
    writer: Answering,
    state: Path | None,
    manners: Manners = MANNERS,
    tests: TestsSeen | None = None,
    index: Callable[[], SymbolIndex | None] = lambda: None,
) -> tuple[ReviewDesk, Callable[[], None]]:
    """The review of a repository's working tree, its threads kept in the database; and what ends it.

    What is read of the history is kept in `state`. The first time that takes a while: until then scores do without,
    then the review looks again. `manners` say how much is told, `tests` which lines tests touched; `index` knows who calls what.
    To be called on the event loop.
    """
    loop = asyncio.get_running_loop()
    dismissed = Dismissed(DismissalStore(database), str(git.root), time.time)
    grounds = Grounds(git, Callers(git.root, index))
    keeping = Keeping(ThreadStore(database), dismissed, grounds=grounds)
    buffers = Buffers(git)
    desks: dict[Scope, ReviewDesk] = {}
    looks: set[asyncio.Task[None]] = set()

    async def look() -> None:
        for desk in tuple(desks.values()):
            with contextlib.suppress(SidecarError):  # who asks next is told
                await desk.refresh()

    def again() -> None:
        task = loop.create_task(look())
        looks.add(task)
        task.add_done_callback(looks.discard)

    def learned() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody looks any more
            loop.call_soon_threadsafe(again)

    def made(scope: Scope) -> ReviewDesk:
        if scope not in desks:
            among = Among(View(git, scope), turn, buffers)
            desks[scope] = ReviewDesk(git, keeping, scorer, writer, manners=manners, among=among)
        return desks[scope]

    async def turn(scope: Scope) -> ReviewDesk:
        if scope.kind == "commit":
            scope = Scope("commit", await resolve(git, scope.ref))
        desk = made(scope)
        desks[scope] = desks.pop(scope)
        for other in [each for each in desks if each != Scope()][:-MOST_DESKS]:
            del desks[other]
        return desk

    scorer = RiskScorer(git, traces=KeptTraces(state) if state else None, learned=learned, tests=tests)

    return made(Scope()), scorer.close


def writer_for(ask: Asker | None, model: str | None) -> Answering:
    """Who answers in threads: the model that is asked, or our own facts where there is none."""
    if ask is None:
        return FactsWriter()
    return ReplyWriter(ask, model) if model else ReplyWriter(ask)


async def open_repository(folder: Path) -> Git:
    """The folder's repository. Raises NotARepository, GitError."""
    return await Git.open(folder)
