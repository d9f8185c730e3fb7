"""What was settled in one view of a repository holds in the others: the same finding on the same text has one state there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sidecar.core.review import Thread
from sidecar.review.anchor import find
from sidecar.review.dismissed import Dismissed
from sidecar.review.grounds import Grounds
from sidecar.review.silence import kind_of
from sidecar.review.threads import ASLEEP, LOST, Look
from sidecar.store.threads import ThreadStore


class Settled:
    """The user's last words on threads, by the view in which they were said. All of it runs on one event loop."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Thread] = {}
        self._loaded = False

    async def load(self, store: ThreadStore, repo: str) -> None:
        """Read what is resolved in any view of the repository, once for all who share this. Raises StoreError."""
        if not self._loaded:
            kept = {(view, thread.id): thread for view, thread in await store.resolved(repo) if LOST not in thread.tags}
            self._said = {**kept, **self._said}
            self._loaded = True

    def note(self, view: str, thread: Thread) -> None:
        """The user resolved this thread, or opened it again."""
        self._said[view, thread.id] = thread

    def over(
        self, view: str, threads: Iterable[Thread], before: Mapping[str, Thread], look: Look
    ) -> tuple[Thread, ...]:
        """A look's threads, those with the state that the same finding was given elsewhere since (`before`: as they were)."""
        said = [thread for (where, _), thread in self._said.items() if where != view]
        return tuple(self._agreed(each, said, before.get(each.id), look) for each in threads) if said else (*threads,)

    def _agreed(self, thread: Thread, said: Iterable[Thread], before: Thread | None, look: Look) -> Thread:
        anchor, lines = thread.anchor, look.texts.get(thread.anchor.path)
        if anchor.outdated or not lines or ASLEEP in thread.tags:
            return thread
        since = before.updated if before is not None else 0.0
        same = [
            each
            for each in said
            if each.updated > since
            and (each.anchor.path, each.anchor.text) == (anchor.path, anchor.text)
            and kind_of(each) == kind_of(thread)
            and find(each.anchor, lines).place == anchor.place
        ]
        newest = max(same, key=lambda each: each.updated, default=thread)
        return thread if newest.state == thread.state else replace(thread, state=newest.state, updated=look.now)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the reviews of a repository have in common, and what outlives them. Without `grounds` each has some of its own."""

    threads: ThreadStore
    dismissed: Dismissed
    settled: Settled = field(default_factory=Settled)
    grounds: Grounds | None = None
