"""The review of one working tree: looks at the change, keeps its threads, tells listeners what differs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from sidecar.core.diff import Change, Hunk
from sidecar.core.errors import BadInput, NotFound, SidecarError, StoreError
from sidecar.core.ports import ReviewState, Scorer
from sidecar.core.review import Author, Comment, RiskReport, Thread, ThreadState
from sidecar.review.anchor import compare
from sidecar.review.buffers import Buffers
from sidecar.review.foresight import foresee
from sidecar.review.places import MANNERS, Manners
from sidecar.review.reply import Answering
from sidecar.review.threads import Look, reconcile
from sidecar.risk.hazards.secret import veiled
from sidecar.store.threads import ThreadStore
from sidecar.trace import get_logger
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import working_tree

log = get_logger("review")

MOST_COMMENT = 20_000
"""Characters of a user's comment."""

MOST_REMOVED = 1_000
"""Closed threads that are remembered; who asks for older ones gets everything."""

Listener = Callable[[ReviewState], None]


class ReviewDesk:
    """Implements `core.ports.Desk` for one repository. All of it runs on one event loop.

    What is shown is what is stored; where the store fails, the review goes on in memory and the log says so once.
    """

    def __init__(
        self,
        git: Git,
        store: ThreadStore,
        scorer: Scorer,
        answer: Answering,
        clock: Callable[[], float] = time.time,
        *,
        manners: Manners = MANNERS,
    ) -> None:
        self._git = git
        self._store = store
        self._scorer = scorer
        self._answer = answer
        self._clock = clock
        self._manners = manners
        self._buffers = Buffers(git)
        self._threads: dict[str, Thread] = {}
        self._removed: dict[str, int] = {}
        self._forgotten = 0
        self._revision = 0
        self._report: RiskReport | None = None
        self._seen: dict[str, Sequence[str]] = {}
        self._listeners: list[Listener] = []
        self._loaded = False
        self._store_failed = False
        self._loading = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._asked = 0
        self._covered = 0
        self._failure: SidecarError | None = None

    @property
    def root(self) -> str:
        """The repository's top folder, absolute; thread paths are relative to it."""
        return str(self._git.root)

    async def refresh(self, paths: Collection[str] | None = None) -> ReviewState:
        """Look at the change again and return the whole state.

        A score is that of the whole change, so `paths` is only a hint that they changed; nothing is left out. While
        one look runs, those who ask meanwhile share the next one. Raises GitError when git cannot answer; threads
        stay as they were.
        """
        self._asked += 1
        mine = self._asked
        async with self._looking:
            if self._covered < mine:
                covers = self._asked
                try:
                    await self._look()
                    self._failure = None
                except SidecarError as error:
                    self._failure = error
                self._covered = covers
            if self._failure is not None:
                raise self._failure
        return self.state()

    def hold(self, path: str, text: str | None) -> None:
        """A file's text as the editor has it and has not saved; None when it is saved or closed. The next look sees it."""
        self._buffers.hold(path, text)

    def state(self, since: int = 0) -> ReviewState:
        """What changed after revision `since`; everything when it is 0, too old, or not a revision of this review."""
        if since <= 0 or since < self._forgotten or since > self._revision:
            return ReviewState(self._revision, _sorted(self._threads.values()), report=self._report)
        changed = _sorted(thread for thread in self._threads.values() if thread.revision > since)
        removed = tuple(id_ for id_, revision in self._removed.items() if revision > since)
        return ReviewState(self._revision, changed, removed, full=False, report=self._report)

    async def reply(self, thread_id: str, body: str) -> Thread:
        """Add the user's comment and the answer to it.

        The comment is shown and kept before the provider is asked. Raises NotFound, BadInput for an empty or
        overlong body.
        """
        text = body.strip()
        if not text:
            raise BadInput("The comment is empty; write something, or resolve the thread.")
        if len(text) > MOST_COMMENT:
            raise BadInput(f"The comment has more than {MOST_COMMENT:,} characters; shorten it.")
        await self._load()
        thread = await self._say(self._thread(thread_id), "user", text, "")
        lines = await asyncio.to_thread(self._lines, thread.anchor.path)
        answer = await self._answer.answer(thread, lines, workspace=self.root, report=self._report)
        # The thread may have moved meanwhile, or even be closed: then the words belong to what it was.
        return await self._say(self._threads.get(thread_id, thread), answer.author, answer.body, answer.name)

    async def set_state(self, thread_id: str, state: ThreadState) -> Thread:
        """Resolve a thread or open it again. Raises NotFound."""
        await self._load()
        thread = self._thread(thread_id)
        if thread.state == state:
            return thread
        await self._apply([replace(thread, state=state, updated=self._clock())])
        return self._threads[thread_id]

    async def foresee(self, path: str, text: str) -> tuple[Thread, ...]:
        """The comments that a file would get for what `text` adds to it; none of them is kept. Raises GitError."""
        return await foresee(self._git, self._scorer, path, text, self._manners)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear each change (as a delta) on the event loop; the result ends it."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    async def _look(self) -> None:
        await self._load()
        change = await self._buffers.over(await working_tree(self._git))
        report = await self._scorer.score(change) if change.files else None
        texts, edits = await asyncio.to_thread(self._read, change, report)
        renames = {file.old_path: file.path for file in change.files if file.old_path and file.status == "renamed"}
        # Nothing is awaited from here until the new threads stand, so no reply can fall between.
        old = dict(self._threads)
        look = Look(report, texts, self._clock(), edits, renames)
        threads = reconcile(_sorted(old.values()), look, lambda: uuid4().hex, manners=self._manners)
        new = {thread.id: thread for thread in threads}
        self._seen = {path: lines for path, lines in texts.items() if lines is not None and _needs(path, threads)}
        scored = _gist(report) != _gist(self._report)
        self._report = report
        changed = [thread for id_, thread in new.items() if old.get(id_) is not thread]
        await self._apply(changed, removed=old.keys() - new.keys(), tell=scored)

    def _read(
        self, change: Change, report: RiskReport | None
    ) -> tuple[dict[str, Sequence[str] | None], dict[str, tuple[Hunk, ...]]]:
        """The texts that threads and risks stand in, and how they differ from those of the last look; blocks."""
        paths = {thread.anchor.path for thread in tuple(self._threads.values())}
        paths |= {hunk.file for hunk in report.hunks} | {one.file for one in report.findings} if report else set()
        paths |= {file.path for file in change.files if file.old_path in paths}
        texts: dict[str, Sequence[str] | None] = {path: self._lines(path) for path in paths}
        edits = {
            path: compare(self._seen[path], lines) for path, lines in texts.items() if lines and path in self._seen
        }
        return texts, edits

    def _lines(self, path: str) -> list[str] | None:
        """A file's lines with its secrets veiled: what anchors and answers keep of them gives none away; blocks."""
        lines = self._buffers.lines_blocking(path)
        return None if lines is None else veiled(lines)

    async def _load(self) -> None:
        async with self._loading:
            if self._loaded:
                return
            try:
                threads = await self._store.all(self.root)
                self._revision = self._forgotten = await self._store.revision(self.root)
                self._threads = {thread.id: thread for thread in threads}
            except StoreError as error:
                self._store_lost(error)
            self._loaded = True

    def _thread(self, thread_id: str) -> Thread:
        if thread_id not in self._threads:
            raise NotFound(f"There is no thread {thread_id!r}; it may have been closed by an edit.")
        return self._threads[thread_id]

    async def _say(self, thread: Thread, author: Author, body: str, name: str) -> Thread:
        now = self._clock()
        comment = Comment(id=uuid4().hex, author=author, body=body, created=now, name=name)
        await self._apply([replace(thread, comments=(*thread.comments, comment), updated=now)])
        return self._threads[thread.id]

    async def _apply(self, changed: Iterable[Thread], *, removed: Collection[str] = (), tell: bool = False) -> None:
        """Make these threads the current ones under a new revision, tell the listeners, then store."""
        changed = list(changed)
        if not (changed or removed or tell):
            return
        self._revision += 1
        revision = self._revision
        stamped = [replace(thread, revision=revision) for thread in changed]
        for thread in stamped:
            self._threads[thread.id] = thread
            self._removed.pop(thread.id, None)
        for id_ in removed:
            self._threads.pop(id_, None)
            self._removed[id_] = revision
        self._forget()
        delta = ReviewState(revision, _sorted(stamped), tuple(removed), full=False, report=self._report)
        for listener in tuple(self._listeners):
            listener(delta)
        try:
            await self._store.save(self.root, stamped, removed=removed, revision=revision)
        except StoreError as error:
            self._store_lost(error)

    def _forget(self) -> None:
        while len(self._removed) > MOST_REMOVED:
            oldest = next(iter(self._removed))
            self._forgotten = max(self._forgotten, self._removed.pop(oldest))

    def _store_lost(self, error: StoreError) -> None:
        if not self._store_failed:
            self._store_failed = True
            log.warning("threads_not_stored", error=error)


def _sorted(threads: Iterable[Thread]) -> tuple[Thread, ...]:
    return tuple(
        sorted(threads, key=lambda thread: (thread.anchor.path, thread.anchor.start, thread.created, thread.id))
    )


def _gist(report: RiskReport | None) -> tuple[object, ...]:
    """What of a report is worth telling when it differs; a score creeps with the time since the last commit."""
    return () if report is None else (report.band, round(report.score, 2), tuple(file.file for file in report.files))


def _needs(path: str, threads: Iterable[Thread]) -> bool:
    return any(thread.anchor.path == path for thread in threads)
