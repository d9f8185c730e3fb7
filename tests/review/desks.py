"""A repository, a store and the desks over both, for all tests of the desk."""

from __future__ import annotations

import time
from pathlib import Path

from sidecar.core.ports import ReviewState
from sidecar.review.desk import ReviewDesk
from sidecar.review.dismissed import Dismissed
from sidecar.review.reply import ReplyWriter
from sidecar.review.settled import Keeping
from sidecar.store.database import Database
from sidecar.store.dismissals import DismissalStore
from sidecar.store.threads import ThreadStore
from sidecar.vcs.runner import Git
from tests.fakes.provider import FakeProvider, says
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
CHANGED = TEXT.replace("line 10\n", "risky 10\n").replace("line 20\n", "risky 20\n")


class World:
    """A repository, a database file, and desks over both."""

    def __init__(self, repository: Repository, path: Path) -> None:
        self.repository = repository
        self.path = path
        self.scorer = WordScorer()
        self.provider = FakeProvider(says("Because."))
        self.heard: list[ReviewState] = []
        self.database: Database | None = None

    async def desk(self) -> ReviewDesk:
        """A new desk, as after a restart."""
        if self.database is not None:
            await self.database.aclose()
        self.database = await Database.open(self.path)
        git = await Git.open(self.repository.root)
        dismissed = Dismissed(DismissalStore(self.database), str(git.root), time.time)
        keeping = Keeping(ThreadStore(self.database), dismissed)
        desk = ReviewDesk(git, keeping, self.scorer, ReplyWriter(self.provider))
        desk.subscribe(self.heard.append)
        return desk

    def write(self, **files: str | bytes | None) -> None:
        self.repository.write({name.replace("_", "."): content for name, content in files.items()})


def places(state: ReviewState) -> list[tuple[str, int, int]]:
    return [(thread.anchor.path, thread.anchor.start, thread.anchor.end) for thread in state.threads]
