"""The workspace's services while an editor is connected: opened once, held by one task, left in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from sidecar.core.errors import NotSupported, Refused, SidecarError
from sidecar.core.ports import Companion, Dashboard, Desk, EndpointStatus, Reviewer, Services
from sidecar.editor import protocol
from sidecar.editor.documents import Refresher, touched
from sidecar.editor.host import HostSource
from sidecar.editor.places import Places
from sidecar.editor.review import NOTHING, Review, status_of
from sidecar.editor.symbols import Symbols, chosen
from sidecar.editor.window import EditorWindow
from sidecar.editor.wire import log_fault
from sidecar.trace import get_logger

CLOSING: Final = 5.0
CANCELLING: Final = 1.0
OPENING: Final = "Sidecar could not open this workspace"
RESTRICTED: Final = (
    "This folder is open in Restricted Mode, where Sidecar only reads. Trust it (Workspaces: Manage Workspace Trust) "
    "to answer, resolve or change anything."
)
LOOKING: Final = "Sidecar could not look at the change"

log = get_logger("editor")


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the editor opened: its first folder (None without one), all of them, and what it said at `initialize`."""

    folder: Path | None = None
    folders: tuple[Path, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    client: str = ""

    @property
    def restricted(self) -> bool:
        """Whether the editor says that its user does not trust the folder."""
        return self.options.get("restricted") is True


OpenServices = Callable[[Workspace], AbstractAsyncContextManager[Services]]


class Ear(Protocol):
    """What a session can say to the editor."""

    def changed(self) -> None:
        """The state moved: announce it soon."""

    def complain(self, sentence: str) -> None:
        """Put a sentence for a person into the editor's log."""

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification now."""

    async def watch(self, places: Places) -> None:
        """Ask for events of the repository's files."""

    async def ask(self, method: str, params: Any) -> Any:
        """The editor's answer to a request of ours. Raises JsonRpcException, TimeoutError; cancelling it tells the editor."""

    def indexing(self, done: int, total: int) -> None:
        """So many files of so many are indexed."""


class Session:
    """One workspace's services from `initialized` to the end of the connection.

    If they cannot be opened, the session lives on: the status is `degraded` and says why, and the review is empty.
    """

    def __init__(self, open_services: OpenServices, version: str) -> None:
        self.version = version
        self._open_services = open_services
        self._workspace = Workspace()
        self._services: Services | None = None
        self._review: Review | None = None
        self._refresher: Refresher | None = None
        self._window: EditorWindow | None = None
        self._symbols: Symbols | None = None
        self._hearing: Callable[[], None] = _nothing
        self._ear: Ear | None = None
        self._problem = ""
        self._opened = asyncio.Event()
        self._leaving = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None
        self._told_status: protocol.Status | None = None
        self._told_revision: int | None = None
        self._early: dict[str, str | None] = {}
        self._unsaved: set[str] = set()

    # ── life ────────────────────────────────────────────────────────────────────────────────────────
    def open(self, workspace: Workspace, group: asyncio.TaskGroup, ear: Ear) -> None:
        """Begin to open the services for a workspace; only the first call counts."""
        if self._holder is None and not self._leaving.is_set():
            self._workspace = workspace
            self._holder = group.create_task(self._hold(ear), name="sidecar services")

    def leave(self) -> None:
        """Begin to close. An opening that is not done is given up."""
        self._leaving.set()
        if self._holder is not None and not self._opened.is_set():
            self._holder.cancel()

    async def left(self, seconds: float) -> bool:
        """Wait until all is closed, at most so long; whether it is."""
        if self._holder is not None:
            await asyncio.wait({self._holder}, timeout=seconds)
        return self._holder is None or self._holder.done()

    async def close(self) -> None:
        """Close in order; what does not close in time is cancelled, and left behind if even that does not help."""
        self.leave()
        if not await self.left(CLOSING) and self._holder is not None:
            log.warning("services do not close", seconds=CLOSING)
            self._holder.cancel()
            await self.left(CANCELLING)

    async def _hold(self, ear: Ear) -> None:
        try:
            async with self._open_services(self._workspace) as services:
                await self._serve(services, ear)
        except Exception as error:  # noqa: BLE001  # a door: the editor is told, and keeps its language server
            self._fail(error, ear)
        finally:
            self._services = self._review = self._refresher = self._window = self._symbols = None
            self._opened.set()

    async def _serve(self, services: Services, ear: Ear) -> None:
        desk = services.desk
        self._services = services
        self._window = EditorWindow(ear.tell, lambda: self._review.places if self._review else None)
        ends = [services.subscribe_status(lambda _: ear.changed()), services.lend(self._window)]
        symbols = await asyncio.to_thread(getattr, services, "symbols")  # it may have to load what it is made of
        if symbols is not None and self._workspace.folder is not None:
            ends.append(symbols.attach(HostSource(self._workspace.folder, ear.ask)))
        index, folder = services.index, self._workspace.folder
        if index is not None:
            languages = chosen(self._workspace.options)
            self._symbols = await asyncio.to_thread(Symbols, index, folder, languages)
            ends.append(index.subscribe(ear.indexing))
        try:
            async with asyncio.TaskGroup() as group:
                tasks: list[asyncio.Task[None]] = []
                if desk is not None:
                    places = await asyncio.to_thread(Places.of, desk.root, self._workspace.folder)
                    self._ear = ear
                    self._show(Review(desk, places))
                    self._refresher = Refresher(self._look, lambda error: ear.complain(_sentence(error, LOOKING)))
                    ends.append(self._unhear)
                    tasks += [group.create_task(self._refresher.run()), group.create_task(ear.watch(places))]
                    for uri, text in self._early.items():
                        self.typed(uri, text, news=False)
                    self._refresher.want(None)
                self._opened.set()
                ear.changed()
                await self._leaving.wait()
                for task in tasks:
                    task.cancel()
        finally:
            for end in ends:
                end()

    def _show(self, review: Review) -> None:
        """Make this the review that the editor sees; it gets everything anew."""
        self._unhear()
        self._hearing = review.desk.subscribe(lambda _: self._news())
        self._review, self._told_revision = review, None
        self._news()

    def _unhear(self) -> None:
        self._hearing()
        self._hearing = _nothing

    def _news(self) -> None:
        if self._ear is not None:
            self._ear.changed()

    async def _look(self, paths: Collection[str] | None) -> None:
        """Look at what is shown, and at the working tree, which the assistant's client hears of."""
        desks: list[Desk | None] = [self._review.desk if self._review else None]
        desks.append(self._services.desk if self._services else None)
        for desk in dict.fromkeys(desk for desk in desks if desk is not None):
            await desk.refresh(paths)

    def _fail(self, error: Exception, ear: Ear) -> None:
        if self._leaving.is_set():
            log_fault("services closed badly", error)
            return
        self._problem = _sentence(error, OPENING)
        ear.complain(self._problem)
        ear.changed()

    # ── answers ─────────────────────────────────────────────────────────────────────────────────────
    async def review(self) -> Review:
        """The review, once the services are open. Raises NotSupported where there is none, saying why."""
        await self._opened.wait()
        if self._review is None:
            raise NotSupported(
                self._problem
                or "There is no review here: open a folder of a git repository, or run `git init` and reload."
            )
        return self._review

    async def reviewer(self) -> Reviewer:
        """Who reviews in words, once the services are open. Raises NotSupported where there is no review."""
        await self.review()
        services = self._services
        # it may have to load what it is made of
        reviewer = await asyncio.to_thread(lambda: services.reviewer if services is not None else None)
        if reviewer is None:
            raise NotSupported("There is nobody here to review a change.")
        return reviewer

    async def dashboard(self) -> Dashboard:
        """The figures, once the services are open. Raises NotSupported where they could not be opened."""
        await self._opened.wait()
        if self._services is None:
            raise NotSupported(self._problem or "Sidecar could not open this workspace, so there are no figures.")
        return self._services.dashboard

    async def look(self, params: protocol.ReviewParams) -> protocol.ReviewResult:
        """Look again, at another diff where one is named. Raises NotSupported, BadInput, GitError; then the review stays."""
        review = await self.review()
        if params.scope is not None:
            turned = await review.turn(params.scope)
            if turned is not review:
                self._show(turned)
                return turned.summary()
        return await review.look(params)

    def permit(self, method: str) -> None:
        """Raise Refused for what changes something or asks somebody, where the user does not trust the folder."""
        if self._workspace.restricted and method not in protocol.READS:
            raise Refused(RESTRICTED)

    async def threads(self, since: int) -> protocol.ThreadsChanged:
        """The threads, once the services are open; none where there is no review."""
        await self._opened.wait()
        return self._review.changes(since) if self._review else NOTHING

    def window(self) -> EditorWindow:
        """The window that is lent to the assistant's client. Raises NotSupported while the services are not open."""
        if self._window is None:
            raise NotSupported(self._problem or "Sidecar is still opening this workspace; try again in a moment.")
        return self._window

    @property
    def companion(self) -> Companion | None:
        """The assistant's client; None where it cannot connect."""
        return self._services.companion if self._services else None

    async def symbols(self) -> Symbols | None:
        """The workspace's symbols, once the services are open; None where nothing is indexed."""
        await self._opened.wait()
        return self._symbols

    async def leave_off_indexing(self) -> None:
        """Somebody wants no index now."""
        if self._symbols is not None:
            await self._symbols.index.cancel()

    def status(self) -> protocol.Status:
        """How all stands now."""
        endpoint = self._services.status() if self._services else self._closed_status()
        return status_of(endpoint, self.version, self._review)

    def moved(self, uris: list[str]) -> None:
        """Files were saved, or changed on the disk."""
        if self._review is not None and self._refresher is not None:
            self._refresher.want(touched(uris, self._review.places))
        if self._symbols is not None and (paths := touched(uris, self._symbols.places)) != set():
            self._symbols.index.moved(paths)

    def typed(self, uri: str, text: str | None, *, news: bool = True) -> None:
        """A document has this text, which may not be saved yet; None when it was saved or closed.

        The review looks when the user has stopped for a moment. It is no `news` that a document was opened or saved.
        """
        if self._review is None or self._refresher is None:
            self._early[uri] = text
            return
        path = self._review.places.relative(uri)
        if path is None or ".git" in path.split("/"):
            return
        self._review.desk.hold(path, text)
        dropped = text is None and path in self._unsaved
        if news and text is not None:
            self._unsaved.add(path)
        elif text is None:
            self._unsaved.discard(path)
        if news and (text is not None or dropped):
            self._refresher.want_soon({path})

    def news(self) -> list[tuple[str, dict[str, Any]]]:
        """What the editor was not told yet, as notifications; calling it counts as telling."""
        messages: list[tuple[str, dict[str, Any]]] = []
        status = self.status()
        if status != self._told_status:
            self._told_status = status
            messages.append((protocol.STATUS_CHANGED, status.model_dump(by_alias=True)))
        if self._review is not None:
            changes = self._review.changes(self._told_revision or 0)
            # Everything, though it is nothing: the editor may have asked meanwhile for what is gone by now.
            anew = changes.full and changes.revision != self._told_revision
            if anew or changes.upserts or changes.removes:
                messages.append((protocol.THREADS_CHANGED, changes.model_dump(by_alias=True)))
            self._told_revision = changes.revision
        return messages

    def _closed_status(self) -> EndpointStatus:
        folder = self._workspace.folder
        return EndpointStatus(
            state="degraded" if self._problem else "starting",
            provider="",
            port=0,
            requested_port=0,
            base_url="",
            workspace=str(folder) if folder else "",
            message=self._problem,
        )


def _nothing() -> None:
    """There is nothing to end."""


def _sentence(error: Exception, doing: str) -> str:
    if isinstance(error, SidecarError):
        log.warning("told the editor", reason=error.sentence)
        return error.sentence
    log_fault(doing, error)
    return f"{doing} ({type(error).__name__}); its log says more."
