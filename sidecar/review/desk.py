"""The review of one working tree: looks at the change, keeps its threads, tells listeners what differs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.errors import BadInput, NotFound, NotSupported, SidecarError, StoreError
from sidecar.core.listeners import enlisted
from sidecar.core.ports import ReviewState, Scorer
from sidecar.core.review import (
    Comment,
    Dismissal,
    DismissalScope,
    FileOutline,
    LineEdit,
    RiskReport,
    Scope,
    Staging,
    Thread,
    ThreadState,
    Viewed,
)
from sidecar.core.suggestion import suggestion_of
from sidecar.review import mends
from sidecar.review.answering import Answers
from sidecar.review.buffers import Buffers
from sidecar.review.foresight import foresee, weigh
from sidecar.review.grounds import Grounds
from sidecar.review.handover import handover
from sidecar.review.outline import gist, outline
from sidecar.review.places import MANNERS, Manners
from sidecar.review.reply import Answer, Answering, Matter
from sidecar.review.settled import Keeping
from sidecar.review.sight import Eyes, Sight
from sidecar.review.silence import kind_of, silenced
from sidecar.review.threads import ASLEEP, LOST, Look, losing, reconcile, talked
from sidecar.review.views import View, choices, stood
from sidecar.trace import get_logger
from sidecar.vcs.revisions import text_blocking
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import working_tree

log = get_logger("review")

MOST_COMMENT = 20_000
"""Characters of a user's comment."""

MOST_REMOVED = 1_000
"""Closed threads that are remembered; who asks for older ones gets everything."""

LONGEST = 3.0
"""Seconds for which a look is put off because files are being written."""

Listener = Callable[[ReviewState], None]
Turn = Callable[[Scope], Awaitable["ReviewDesk"]]


@dataclass(frozen=True, slots=True)
class Among:
    """Which diff a review is of, how to get at the reviews of the others, and the unsaved texts, which they share."""

    view: View
    turn: Turn
    buffers: Buffers


class ReviewDesk:
    """Implements `core.ports.Desk` for one diff of a repository (`view`). All of it runs on one event loop.

    What is shown is what is stored; where the store fails, the review goes on in memory and the log says so once.
    """

    def __init__(
        self,
        git: Git,
        keeping: Keeping,
        scorer: Scorer,
        answer: Answering,
        clock: Callable[[], float] = time.time,
        *,
        manners: Manners = MANNERS,
        among: Among | None = None,
    ) -> None:
        """Without `among` this is the review of the working tree, and the only one."""
        self._git = git
        self._view = among.view if among else View(git)
        self._turn = among.turn if among else None
        self._change: Change | None = None
        self._store = keeping.threads
        self._scorer = scorer
        self._answer = answer
        self._clock = clock
        self._manners = manners
        self._dismissed, self._settled = keeping.dismissed, keeping.settled
        self._buffers = among.buffers if among else Buffers(git)
        self._threads: dict[str, Thread] = {}
        self._removed: dict[str, int] = {}
        self._forgotten = 0
        self._revision = 0
        self._report: RiskReport | None = None
        self._grounds = keeping.grounds or Grounds(git)
        self._grounding: asyncio.Task[None] | None = None
        self._calls: asyncio.Task[bool] | None = None
        self._looks = 0
        self._answers = Answers()
        self._eyes = Eyes(git, self._view, self._buffers, self._grounds, self._standing)
        self._hunks: Mapping[str, Sequence[Hunk]] = {}
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

    @property
    def viewed(self) -> Viewed:
        """Which diff this is the review of, as the last look found it."""
        return self._view.viewed

    def outline(self) -> tuple[FileOutline, ...]:
        """The files of the change with their risk, the riskiest first."""
        return outline(self._change, self._report)

    async def at(self, scope: Scope) -> ReviewDesk:
        """The review of another diff of the same repository. Raises BadInput when there is none."""
        if scope == self._view.scope:
            return self
        if self._turn is None:
            raise NotSupported("Only this one diff is reviewed here.")
        return await self._turn(scope)

    async def choices(self) -> tuple[Viewed, ...]:
        """The diffs that can be reviewed here. Raises GitError."""
        return await choices(self._git)

    async def text(self, path: str, side: str) -> str:
        """A file's text on a side of a diff; empty where the side has none. Raises BadInput, GitError."""
        return await asyncio.to_thread(text_blocking, self._git, side, path)

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
        # An opened or reloaded file has nothing unsaved, and must not hide what is written to it next.
        if text is not None:
            asyncio.get_running_loop().run_in_executor(None, self._buffers.settle_blocking, path)

    def state(self, since: int = 0) -> ReviewState:
        """What changed after revision `since`; everything when it is 0, too old, or not a revision of this review."""
        if since <= 0 or since < self._forgotten or since > self._revision:
            return ReviewState(self._revision, _sorted(self._awake()), report=self._report)
        changed = _sorted(thread for thread in self._awake() if thread.revision > since)
        removed = tuple(id_ for id_, revision in self._removed.items() if revision > since)
        return ReviewState(self._revision, changed, removed, full=False, report=self._report)

    async def reply(self, thread_id: str, body: str) -> Thread:
        """Add the user's comment and the answer to it.

        The comment is shown and kept before the provider is asked; the answer is shown as it comes, and kept when it is
        whole. Resolving or dismissing the thread stops it. Raises NotFound, BadInput for an empty or
        overlong body.
        """
        text = body.strip()
        if not text:
            raise BadInput("The comment is empty; write something, or resolve the thread.")
        if len(text) > MOST_COMMENT:
            raise BadInput(f"The comment has more than {MOST_COMMENT:,} characters; shorten it.")
        await self._load()
        asked = Comment(uuid4().hex, "user", text, self._clock())
        thread = await self._put(self._thread(thread_id), asked)
        path = thread.anchor.path
        lines = await asyncio.to_thread(self._eyes.lines_blocking, path)
        matter = Matter(lines, self._hunks.get(path, ()), self._report, self.root)
        draft = Comment(uuid4().hex, "model", "", self._clock(), self._answer.name, partial=True)
        try:
            answer, so_far = await self._answers.give(
                thread_id,
                lambda tell: self._answer.answer(thread, matter, tell),
                lambda text: self._show(thread_id, replace(draft, body=text)),
            )
        except asyncio.CancelledError:
            self._unsay(thread_id, draft.id)
            raise
        if answer is None:
            if thread_id not in self._threads or not so_far.strip():
                self._unsay(thread_id, draft.id)
                return self._threads.get(thread_id, thread)
            answer = Answer(f"{so_far}\n\n*Stopped: the thread was resolved.*", "model", self._answer.name)
        said = Comment(draft.id, answer.author, answer.body, self._clock(), answer.name)
        said = replace(said, suggestion=suggestion_of(thread, said) if answer.author == "model" else None)
        # The thread may have moved meanwhile, or even be closed: then the words belong to what it was.
        return await self._put(self._threads.get(thread_id, thread), said)

    async def set_state(self, thread_id: str, state: ThreadState) -> Thread:
        """Resolve a thread or open it again. Raises NotFound."""
        await self._load()
        thread = self._thread(thread_id)
        if state == "resolved":
            self._answers.stop(thread_id)
        if thread.state == state:
            return thread
        tags = tuple(tag for tag in thread.tags if tag != LOST)  # now it is the user's own word
        settled = replace(thread, state=state, tags=tags, updated=self._clock())
        self._settled.note(self._view.key, settled)
        await self._apply([settled])
        return self._threads[thread_id]

    async def suggest(self, make: Callable[[Sequence[Thread]], Sequence[Thread]]) -> tuple[Thread, ...]:
        """Add the threads that `make` makes, given those that there are.

        Those that have an id already stay as they are; where such comments were dismissed, there is none.
        """
        await self._load()
        silent = self._dismissed.all()
        made = [
            thread
            for thread in make(_sorted(self._threads.values()))
            if thread.id not in self._threads and not silenced(kind_of(thread), thread.anchor.place, silent)
        ]
        await self._apply(made)
        return tuple(self._threads[thread.id] for thread in made if thread.id in self._threads)

    async def dismiss(self, thread_id: str, reason: str, scope: DismissalScope) -> Dismissal:
        """Take a thread away, and keep others of its kind silent where `scope` reaches.

        Threads in which the user wrote stay, but for the one that is named. Raises NotFound, BadInput for a bad reason.
        """
        await self._load()
        made = await self._dismissed.add(self._thread(thread_id), reason, scope)
        gone = [
            thread.id
            for thread in self._threads.values()
            if thread.id == thread_id
            or (not talked(thread) and silenced(kind_of(thread), thread.anchor.place, (made,)))
        ]
        self._answers.stop(thread_id)
        await self._apply((), removed=gone)
        return made

    async def dismissals(self) -> tuple[Dismissal, ...]:
        """What was dismissed in this repository, the newest first."""
        await self._load()
        return self._dismissed.all()

    async def undismiss(self, dismissal_id: str) -> Dismissal:
        """Undo a dismissal: its thread comes back with all that was said in it. Raises NotFound, GitError."""
        await self._load()
        found = await self._dismissed.take(dismissal_id)
        await self._apply([replace(found.thread, updated=self._clock())])
        await self.refresh()
        return found

    async def handover(self, thread_id: str) -> str:
        """The thread as a task for Claude Code, in plain text that no terminal acts on. Raises NotFound."""
        await self._load()
        thread = self._thread(thread_id)
        return handover(thread, await asyncio.to_thread(self._eyes.lines_blocking, thread.anchor.path))

    async def stage(self, thread_id: str) -> Staging:
        """Stage the hunks that a thread stands on, as they are on the disk; a file that git does not know yet as a whole.

        Raises NotFound, Conflict where the text moved on, NotSupported for files that are not staged by lines, GitError.
        """
        thread, file = await self._acted_on(thread_id)
        return await asyncio.to_thread(mends.stage, self._git, thread, file)

    async def revert(self, thread_id: str, text: str) -> tuple[LineEdit, ...]:
        """The edits of `text` (the file in the editor) that take back the hunks that a thread stands on. Raises as `stage`."""
        thread, file = await self._acted_on(thread_id)
        return await asyncio.to_thread(mends.revert, self._git, thread, file, text)

    async def suggested(self, thread_id: str, comment_id: str, text: str) -> LineEdit:
        """The edit of `text` that a comment suggests. Raises NotFound, Conflict where the text moved on."""
        await self._load()
        return await asyncio.to_thread(mends.suggested, self._git, self._thread(thread_id), comment_id, text)

    async def foresee(self, path: str, text: str) -> tuple[Thread, ...]:
        """The comments that a file would get for what `text` adds to it; none of them is kept. Raises GitError."""
        await self._load()
        return await foresee(self._git, self._scorer, path, text, self._manners, self._dismissed.all())

    async def weigh(self, path: str, before: str | None, after: str) -> RiskReport:
        """The risk of an edit by itself, which leads from `before` (None for a new file) to `after`. Raises GitError."""
        return await weigh(self._git, self._scorer, path, before, after)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear each change (as a delta) on the event loop; the result ends it."""
        return enlisted(self._listeners, listener)

    async def _look(self) -> None:
        await self._load()
        sight = await self._sight()
        # Nothing is awaited from here until the new threads stand, so no reply can fall between.
        old = dict(self._threads)
        look = sight.look(self._clock())
        # Only the working tree moves what was dismissed for good.
        dismissals, strayed = self._dismissed.follow(look, for_good=self._view.scope == Scope())
        look = replace(look, dismissals=dismissals)
        found = reconcile(_sorted(old.values()), look, lambda: uuid4().hex, manners=self._manners)
        found = self._settled.over(self._view.key, found, old, look)
        threads = tuple(stood(thread, sight.beside) for thread in found)
        new = {thread.id: thread for thread in threads}
        self._eyes.remember(sight, {thread.anchor.path for thread in threads} | self._dismissed.paths())
        self._hunks = look.hunks
        scored = gist(sight.change, sight.report) != gist(self._change, self._report)
        self._change, self._report = sight.change, sight.report
        changed = [thread for id_, thread in new.items() if old.get(id_) is not thread]
        self._looks += 1
        await self._apply(changed, removed=old.keys() - new.keys(), tell=scored)
        await self._dismissed.note(strayed)
        if self._grounds.lacking:
            if self._calls is not None:
                self._calls.cancel()
            self._grounding = asyncio.get_running_loop().create_task(self._ground(look, sight.change, self._looks))

    async def _sight(self) -> Sight:
        """What a look sees, once no file that loses threads by it is being written; in the end it is believed all the same."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST
        while True:
            sight = await self._eyes.see(self._scorer)
            old = _sorted(self._threads.values())
            found = reconcile(old, sight.look(self._clock()), lambda: "", manners=self._manners)
            if not await self._eyes.half_written(sight, losing(old, found)) or loop.time() >= end:
                return sight

    async def _ground(self, look: Look, change: Change, number: int) -> None:
        """Tell what this look had no time for, if it is still the last one: what can be opened beside its comments."""
        if await self._grounds.learn():
            await self._tell_grounds(look, change, number)
        calls = self._calls = asyncio.get_running_loop().create_task(self._grounds.learn_calls())
        await asyncio.wait({calls})  # a later look, which asks anew, may end it
        if not calls.cancelled() and calls.result():
            await self._tell_grounds(look, change, number)

    async def _tell_grounds(self, look: Look, change: Change, number: int) -> None:
        report = await asyncio.to_thread(self._grounds.under, change, look.report, dict(look.texts))
        if self._looks != number:
            return
        old = dict(self._threads)
        still = replace(look, report=report, edits=dict.fromkeys(look.texts, ()), renames={}, seen={})
        found = reconcile(_sorted(old.values()), still, lambda: uuid4().hex, manners=self._manners)
        self._report = report
        await self._apply([thread for thread in found if old.get(thread.id, thread) is not thread])

    def _standing(self) -> set[str]:
        """The files in which threads stand, or lines that were dismissed."""
        return {thread.anchor.path for thread in tuple(self._threads.values())} | self._dismissed.paths()

    async def _load(self) -> None:
        async with self._loading:
            if self._loaded:
                return
            try:
                await self._dismissed.load()
                await self._settled.load(self._store, self.root)
                threads = await self._store.all(self._view.key)
                self._revision = self._forgotten = await self._store.revision(self._view.key)
                self._threads = {thread.id: thread for thread in threads}
            except StoreError as error:
                self._store_lost(error)
            self._loaded = True

    async def _acted_on(self, thread_id: str) -> tuple[Thread, FileDiff | None]:
        """A thread, and how its file differs from what was committed."""
        await self._load()
        thread = self._thread(thread_id)
        if self._view.scope != Scope():
            raise NotSupported("Only hunks of the working tree can be staged or reverted; choose it for the review.")
        change = await working_tree(self._git, {thread.anchor.path})
        return thread, next(iter(change.files), None)

    def _awake(self) -> list[Thread]:
        return [thread for thread in self._threads.values() if ASLEEP not in thread.tags]

    def _thread(self, thread_id: str) -> Thread:
        if thread_id not in self._threads or ASLEEP in self._threads[thread_id].tags:
            raise NotFound(f"There is no thread {thread_id!r}; it may have been closed by an edit.")
        return self._threads[thread_id]

    async def _put(self, thread: Thread, comment: Comment) -> Thread:
        """The thread with this comment, in the place of a draft of it."""
        await self._apply([thread.saying(comment)])
        return self._threads[thread.id]

    def _show(self, thread_id: str, draft: Comment) -> None:
        """Show a comment that is still being written; it is not kept."""
        if thread_id in self._threads:
            self._tell([self._threads[thread_id].saying(draft)])

    def _unsay(self, thread_id: str, comment_id: str) -> None:
        thread = self._threads.get(thread_id)
        if thread is not None and any(comment.id == comment_id for comment in thread.comments):
            self._tell([replace(thread, comments=tuple(c for c in thread.comments if c.id != comment_id))])

    async def _apply(self, changed: Iterable[Thread], *, removed: Collection[str] = (), tell: bool = False) -> None:
        """Make these threads the current ones under a new revision, tell the listeners, then store."""
        changed = list(changed)
        if not (changed or removed or tell):
            return
        stamped = [
            replace(thread, comments=tuple(comment for comment in thread.comments if not comment.partial))
            for thread in self._tell(changed, removed)
        ]
        try:
            await self._store.save(self._view.key, stamped, removed=removed, revision=self._revision)
        except StoreError as error:
            self._store_lost(error)

    def _tell(self, changed: Iterable[Thread], removed: Collection[str] = ()) -> list[Thread]:
        """Make these threads the current ones under a new revision and tell the listeners; what they are now."""
        self._revision += 1
        revision = self._revision
        stamped = [replace(thread, revision=revision) for thread in changed]
        gone = [*removed, *(thread.id for thread in stamped if ASLEEP in thread.tags)]
        shown = [thread for thread in stamped if ASLEEP not in thread.tags]
        for id_ in removed:
            self._threads.pop(id_, None)
        for id_ in gone:
            self._removed[id_] = revision
        for thread in stamped:
            self._threads[thread.id] = thread
        for thread in shown:
            self._removed.pop(thread.id, None)
        self._forget()
        delta = ReviewState(revision, _sorted(shown), tuple(gone), full=False, report=self._report)
        for listener in tuple(self._listeners):
            listener(delta)
        return stamped

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
