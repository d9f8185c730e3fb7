"""Working services in memory: a desk that reviews a folder by one simple rule, and an endpoint that only has a status.

The rule: every line of a file that contains `risky` gets a thread. It is enough to see threads open, move, close,
be answered and be resolved, without git, a database or a provider.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from sidecar.core.critique import Critique, Hear, NamedChange, Remark, Wish
from sidecar.core.errors import BadInput, Conflict, NotFound, NotSupported, UpstreamError
from sidecar.core.ports import Document, EndpointStatus, ReviewState, SymbolIndex, Window
from sidecar.core.review import (
    Anchor,
    Comment,
    Dismissal,
    DismissalScope,
    FileOutline,
    HunkOutline,
    LineEdit,
    RiskReport,
    Scope,
    Staging,
    Thread,
    ThreadState,
    Viewed,
)
from sidecar.languages.chain import Chain

MARK = "risky"


class FakeDesk:
    """A `Desk` over the text files of a folder. `looks` counts what it was asked to look at, in order."""

    def __init__(self, root: Path, *, body: str = "This line is risky.") -> None:
        self._root = root
        self._body = body
        self._threads: dict[str, Thread] = {}
        self._gone: dict[str, int] = {}
        self._revision = 0
        self._dismissed: dict[str, Dismissal] = {}
        self._listeners: list[Callable[[ReviewState], None]] = []
        self._numbers = itertools.count(1)
        self._lock = asyncio.Lock()
        self.looks: list[frozenset[str] | None] = []
        self.fault: Exception | None = None
        self.held: dict[str, str | None] = {}

    @property
    def root(self) -> str:
        return str(self._root)

    @property
    def viewed(self) -> Viewed:
        return Viewed()

    def outline(self) -> tuple[FileOutline, ...]:
        paths = dict.fromkeys(thread.anchor.path for thread in self._threads.values())
        return tuple(
            FileOutline(path, "modified", 1, 0, None, 0.5, "high", "", (HunkOutline(1, 1, 0.5, "high"),))
            for path in paths
        )

    async def at(self, scope: Scope) -> FakeDesk:
        if scope != Scope():
            raise NotSupported("Only this one diff is reviewed here.")
        return self

    async def choices(self) -> tuple[Viewed, ...]:
        return (Viewed(),)

    async def text(self, path: str, side: str) -> str:
        return f"{path} at {side}\n"

    async def refresh(self, paths: Collection[str] | None = None) -> ReviewState:
        async with self._lock:
            self.looks.append(None if paths is None else frozenset(paths))
            if self.fault is not None:
                raise self.fault
            found = await asyncio.to_thread(self._find, paths)
            self._reconcile(found, paths)
        return self.state()

    def state(self, since: int = 0) -> ReviewState:
        threads = tuple(t for t in self._threads.values() if t.revision > since)
        removed = tuple(i for i, revision in self._gone.items() if since and revision > since)
        still = [t for t in self._threads.values() if t.state == "open"]
        report = RiskReport(score=0.5, band="high", base=0.0, model="fake@1") if still else None
        return ReviewState(self._revision, threads, removed, full=since == 0, report=report)

    def hold(self, path: str, text: str | None) -> None:
        self.held[path] = text

    async def reply(self, thread_id: str, body: str) -> Thread:
        thread = self._thread(thread_id)
        if not body.strip():
            raise BadInput("The reply is empty; write something.")
        said = Comment(f"c{next(self._numbers)}", "user", body, 1.0)
        answer = Comment(f"c{next(self._numbers)}", "model", f"You said: {body}", 2.0, "fake")
        return self._put(replace(thread, comments=(*thread.comments, said, answer)))

    async def set_state(self, thread_id: str, state: ThreadState) -> Thread:
        return self._put(replace(self._thread(thread_id), state=state))

    async def dismiss(self, thread_id: str, reason: str, scope: DismissalScope) -> Dismissal:
        thread = self._thread(thread_id)
        if not reason.strip():
            raise BadInput("A dismissal needs a reason; write a few words.")
        del self._threads[thread_id]
        self._revision += 1
        self._gone[thread_id] = self._revision
        made = Dismissal(f"d{next(self._numbers)}", "risk", scope, thread.anchor.path, reason, 1.0, thread)
        self._dismissed[made.id] = made
        self._tell(self._revision - 1)
        return made

    async def dismissals(self) -> Sequence[Dismissal]:
        return tuple(self._dismissed.values())

    async def undismiss(self, dismissal_id: str) -> Dismissal:
        found = self._dismissed.pop(dismissal_id)
        self._put(found.thread)
        return found

    async def handover(self, thread_id: str) -> str:
        anchor = self._thread(thread_id).anchor
        return f"It is about {anchor.path}, line {anchor.start}."

    async def stage(self, thread_id: str) -> Staging:
        self._thread(thread_id)
        return Staging(1)

    async def revert(self, thread_id: str, text: str) -> Sequence[LineEdit]:
        anchor = self._thread(thread_id).anchor
        if text.splitlines()[anchor.start - 1 : anchor.end] != list(anchor.text):
            raise Conflict("The lines of this thread moved on.")
        return [LineEdit(anchor.start, 1, ("safe",))]

    async def suggested(self, thread_id: str, comment_id: str, text: str) -> LineEdit:
        if not any(comment.id == comment_id for comment in self._thread(thread_id).comments):
            raise NotFound("There is no suggestion in this comment.")
        return (await self.revert(thread_id, text))[0]

    async def suggest(self, make: Callable[[Sequence[Thread]], Sequence[Thread]]) -> tuple[Thread, ...]:
        made = make(self.state().threads)
        return tuple(self._put(thread) for thread in made if thread.id not in self._threads)

    async def foresee(self, path: str, text: str) -> tuple[Thread, ...]:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if MARK in line]
        comment = Comment("c", "sidecar", self._body, 0.0)
        return tuple(
            Thread(f"p{n}", Anchor(path, n, n, (line,)), "open", 0.5, "high", (comment,), 0.0, 0.0) for n, line in lines
        )

    async def weigh(self, path: str, before: str | None, after: str) -> RiskReport:
        risky = after.count(MARK) > (before or "").count(MARK)
        return RiskReport(0.5 if risky else 0.01, "high" if risky else "low", base=0.0, model="fake@1")

    def subscribe(self, listener: Callable[[ReviewState], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def touch(self, thread_id: str) -> None:
        """Change a thread's title, as if its score had moved."""
        thread = self._thread(thread_id)
        self._put(replace(thread, title=f"Risk, seen {next(self._numbers)} times"))

    def _thread(self, thread_id: str) -> Thread:
        try:
            return self._threads[thread_id]
        except KeyError:
            raise NotFound(f"There is no thread {thread_id!r} any more.") from None

    def _put(self, thread: Thread) -> Thread:
        before = self._revision
        self._revision += 1
        thread = self._threads[thread.id] = replace(thread, revision=self._revision)
        self._tell(before)
        return thread

    def _tell(self, since: int) -> None:
        delta = self.state(since)
        for listener in list(self._listeners):
            listener(delta)

    def _find(self, paths: Collection[str] | None) -> set[tuple[str, int, str]]:
        files = self._root.rglob("*") if paths is None else (self._root / path for path in paths)
        found = set()
        for file in files:
            if file.is_file() and ".git" not in file.parts:
                name = file.relative_to(self._root).as_posix()
                lines = (self.held.get(name) or file.read_text(encoding="utf-8", errors="replace")).splitlines()
                found |= {(name, number, line) for number, line in enumerate(lines, 1) if MARK in line}
        return found

    def _reconcile(self, found: set[tuple[str, int, str]], paths: Collection[str] | None) -> None:
        before = self._revision
        known = {(t.anchor.path, t.anchor.start, t.anchor.text[0]): t.id for t in self._threads.values()}
        for place, thread_id in known.items():
            if place not in found and (paths is None or place[0] in paths):
                self._revision += 1
                del self._threads[thread_id]
                self._gone[thread_id] = self._revision
        for path, line, text in sorted(found - known.keys()):
            number = next(self._numbers)
            comment = Comment(f"c{number}", "sidecar", self._body, 0.0)
            anchor = Anchor(path, line, line, (text,))
            self._revision += 1
            self._threads[f"t{number}"] = Thread(
                f"t{number}", anchor, "open", 0.5, "high", (comment,), 0.0, 0.0, self._revision, "Risk"
            )
        if self._revision != before:
            self._tell(before)


class FakeReviewer:
    """Reviews by one simple rule: every open thread of the desk gets a comment, and `hang` in the base never ends."""

    def __init__(self, desk: FakeDesk) -> None:
        self._desk = desk
        self.left = 0

    async def review(self, named: NamedChange, wish: Wish, hear: Hear, *, threads: bool = True) -> Critique:
        hear(0, 2, "asking the model")
        if named.base == "hang":
            try:
                await asyncio.Event().wait()
            finally:
                self.left += 1
        if named.base == "away":
            raise UpstreamError("The provider is away; try again later.")
        hear(1, 2, "1 of 2 parts read")
        lines = [(t.anchor.path, t.anchor.start) for t in self._desk.state().threads]
        remarks = tuple(Remark(path, line, line, "high", "Odd", "Why?") for path, line in lines)

        def make(_standing: Sequence[Thread]) -> Sequence[Thread]:
            comment = Comment("m1", "model", "**High.** Odd.", 1.0, "fake")
            return [
                Thread(
                    f"m-{path}-{n}", Anchor(path, n, n, ("",)), "open", 0, "high", (comment,), 1.0, 1.0, origin="review"
                )
                for path, n in lines
            ]

        count = len(await self._desk.suggest(make)) if threads else 0
        return Critique("model", "It is odd.", remarks=remarks, provider="fake", model="m", threads=count)


class FakeDashboard:
    """A `Dashboard` that has one figure and one file."""

    async def get(self, target: str) -> Document:
        if target == "/api/status":
            return Document("application/json", b'{"name":"\xc3\xbc"}')
        raise NotFound(f"Nothing at {target}.")


class FakeServices:
    """`Services` with a desk, or none, and a status that a test can move."""

    def __init__(self, desk: FakeDesk | None, workspace: str = "", port: int = 8080) -> None:
        self._desk = desk
        self._reviewer = FakeReviewer(desk) if desk is not None else None
        self._status = EndpointStatus("ready", "offline", port, port, f"http://127.0.0.1:{port}", workspace)
        self._listeners: list[Callable[[EndpointStatus], None]] = []
        self.chain = Chain([])
        self.index: SymbolIndex | None = None

    @property
    def desk(self) -> FakeDesk | None:
        return self._desk

    @property
    def reviewer(self) -> FakeReviewer | None:
        return self._reviewer

    @property
    def symbols(self) -> Chain | None:
        return self.chain

    @property
    def dashboard(self) -> FakeDashboard:
        return FakeDashboard()

    def status(self) -> EndpointStatus:
        return self._status

    def subscribe_status(self, listener: Callable[[EndpointStatus], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def companion(self) -> None:
        return None

    def lend(self, window: Window) -> Callable[[], None]:
        self.window: Window | None = window
        return lambda: setattr(self, "window", None)

    def become(self, status: EndpointStatus) -> None:
        """Take a new status and tell the listeners."""
        self._status = status
        for listener in list(self._listeners):
            listener(status)


@asynccontextmanager
async def open_fake_services(folder: Path | None, *, body: str = "This line is risky.") -> AsyncIterator[FakeServices]:
    """Services for a folder: with a desk if it has a `.git`, without otherwise."""
    desk = FakeDesk(folder, body=body) if folder is not None and (folder / ".git").exists() else None
    yield FakeServices(desk, str(folder or ""))
