"""The dismissals of one repository: kept, listed, undone, and followed to where their lines stand."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from sidecar.core.errors import BadInput, NotFound, StoreError
from sidecar.core.review import Dismissal, DismissalScope, Thread
from sidecar.review.silence import dismissal
from sidecar.review.threads import Look, followed
from sidecar.store.dismissals import DismissalStore
from sidecar.trace import get_logger

log = get_logger("review")

MOST_REASON = 500
"""Characters of a reason."""

MOST_KEPT = 2_000
"""Dismissals of one repository; the oldest give way."""


class Dismissed:
    """What a repository's people dismissed. All of it runs on one event loop."""

    def __init__(self, store: DismissalStore, repo: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._repo = repo
        self._clock = clock
        self._kept: dict[str, Dismissal] = {}
        self._loaded = False

    async def load(self) -> None:
        """Read what was kept, once for all who share this. Raises StoreError."""
        if not self._loaded:
            kept = {each.id: each for each in await self._store.all(self._repo)}
            self._kept = {**kept, **self._kept}
            self._loaded = True

    def all(self) -> tuple[Dismissal, ...]:
        """The dismissals, the newest first."""
        return tuple(sorted(self._kept.values(), key=lambda each: (-each.created, each.id)))

    def paths(self) -> set[str]:
        """The files whose lines must be looked at to know where dismissed ones stand."""
        return {each.thread.anchor.path for each in self._kept.values() if each.scope == "lines"}

    async def add(self, thread: Thread, reason: str, scope: DismissalScope) -> Dismissal:
        """Dismiss a thread. Raises BadInput for a reason that is missing or too long."""
        text = " ".join(reason.split())
        if not text:
            raise BadInput("A dismissal needs a reason, so that it can be understood later; write a few words.")
        if len(text) > MOST_REASON:
            raise BadInput(f"The reason has more than {MOST_REASON} characters; shorten it.")
        made = dismissal(thread, scope, text, uuid4().hex, self._clock())
        self._kept[made.id] = made
        gone = [each.id for each in self.all()[MOST_KEPT:]]
        for id_ in gone:
            del self._kept[id_]
        await self._save([made], gone)
        return made

    async def take(self, id_: str) -> Dismissal:
        """Undo a dismissal: it is forgotten, and returned. Raises NotFound."""
        if id_ not in self._kept:
            raise NotFound(f"There is no dismissal {id_!r}; it may have been undone before.")
        found = self._kept.pop(id_)
        await self._save([], [id_])
        return found

    def follow(self, look: Look, *, for_good: bool = True) -> tuple[tuple[Dismissal, ...], list[Dismissal]]:
        """All dismissals where their lines stand at this look, and, where they are to stay there, those that moved."""
        if not for_good:
            return tuple(followed(each, look) for each in self.all()), []
        before = self._kept
        self._kept = {id_: followed(each, look) for id_, each in before.items()}
        return tuple(self._kept.values()), [each for id_, each in self._kept.items() if before[id_] is not each]

    async def note(self, moved: list[Dismissal]) -> None:
        """Keep where these stand now; those undone meanwhile stay undone."""
        await self._save([each for each in moved if each.id in self._kept], [])

    async def _save(self, changed: list[Dismissal], removed: list[str]) -> None:
        if not (changed or removed):
            return
        try:
            await self._store.save(self._repo, changed, removed=removed)
        except StoreError as error:
            log.warning("dismissal_not_stored", error=error)
