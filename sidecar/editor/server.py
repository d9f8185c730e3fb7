"""The editor's door: `serve_editor` speaks LSP on standard input and output until the editor is gone."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from lsprotocol import types
from pydantic import BaseModel, ValidationError
from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer

from sidecar.core.errors import BadInput, SidecarError
from sidecar.editor import protocol
from sidecar.editor.acts import Answer, Answers, acts
from sidecar.editor.announcer import Announcer
from sidecar.editor.critique import review_in_words
from sidecar.editor.documents import watch_request
from sidecar.editor.places import Places
from sidecar.editor.progress import Progress
from sidecar.editor.review import Review
from sidecar.editor.session import OpenServices, Session, Workspace
from sidecar.editor.stdio import PipeReader, Pipes, PipeWriter, claim_stdio, leave
from sidecar.editor.watchdog import EVERY, parent_death
from sidecar.editor.window import mention, select
from sidecar.editor.wire import WireProtocol, log_fault, quiet_pygls, wire_converter
from sidecar.languages.uris import path_from_uri
from sidecar.trace import get_logger

SHUTDOWN_PATIENCE: Final = 1.5
LAST_WORDS: Final = 1.0

log = get_logger("editor")


def run_editor(
    open_services: OpenServices, *, version: str, last_acts: tuple[Callable[[], None], ...] = ()
) -> NoReturn:
    """Serve an editor and end the process: the whole `main` of `sidecar lsp`.

    `last_acts` run when all is closed (such as the one that writes what is left of the log). No worker thread is
    waited for. Exits with what `serve_editor` returns, or 1 for a fault, which is logged.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        code = loop.run_until_complete(serve_editor(open_services, version=version))
    except SidecarError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"{error.sentence}\n")
        code = 2
    except Exception as error:  # noqa: BLE001  # the last door
        log_fault("editor door failed", error)
        code = 1
    leave(code, *last_acts)


async def serve_editor(open_services: OpenServices, *, version: str, look_every: float = EVERY) -> int:
    """Speak LSP on standard input and output until the editor leaves; the exit code for the process.

    0 after `shutdown` and `exit`, at the end of input, on SIGINT or SIGTERM and when the editor's process died;
    1 for `exit` without `shutdown`, for input that is no LSP and for an editor that stopped reading for good.
    `open_services` is entered when the editor says `initialized` and left before this returns. `look_every` is how
    often, in seconds, the editor's process is looked for. Raises SetupError if standard input or output is closed.
    The caller should end the process with `stdio.leave`, as `run_editor` does.
    """
    quiet_pygls()
    pipes = claim_stdio()
    async with asyncio.TaskGroup() as group:
        door = Door(pipes, Session(open_services, version), group, look_every)
        with _signals(door.end):
            await door.listen()
            await door.close()
    return door.code


class Door:
    """One connection: pygls' server, our reader and writer, and the session behind them."""

    def __init__(self, pipes: Pipes, session: Session, group: asyncio.TaskGroup, look_every: float) -> None:
        self.code = 0
        self.server = EditorServer(session.version)
        self._session = session
        self._group = group
        self._look_every = look_every
        self._stop = threading.Event()
        self._workspace = Workspace()
        self._protocol = self.server.protocol
        self._reader = PipeReader(pipes.incoming)
        self._writer = PipeWriter(pipes.outgoing, on_broken=self.lose)
        self._protocol.set_writer(self._writer)
        self._protocol.on_exit = lambda code: self.end("exit", code)
        self._announcer = Announcer(session.news, self._protocol.notify, self._writer.idle)
        self._progress = Progress(self.server, group, session.leave_off_indexing)
        self._tasks = [group.create_task(self._announcer.run(), name="sidecar announcer")]
        _register(self, session)

    async def listen(self) -> None:
        """Take messages until the end of input or `end`."""
        try:
            await run_async(
                self._stop, self._reader, self._protocol, logging.getLogger("pygls.io_"), self._protocol.refuse_frame
            )
        except SidecarError as error:
            log.warning("connection given up", reason=error.sentence)
            self.code = 1
        log.debug("listening ended")

    async def close(self) -> None:
        """Close everything in order; within ten seconds whatever happens."""
        self._protocol.abandon()
        self._progress.close()
        await self._session.close()
        await self._writer.flush(LAST_WORDS)
        for task in self._tasks:
            task.cancel()

    def end(self, reason: str, code: int = 0) -> None:
        """End the connection; the first call decides about the exit code."""
        if not self._stop.is_set():
            log.info("editor leaves", reason=reason)
            self.code = code
            self._stop.set()
            self._reader.end()

    def lose(self, reason: str) -> None:
        """The writing side is gone: an editor that closed its end left, one that does not read is given up."""
        self.end(reason, 1 if self._writer.stalled else 0)

    # ── what the editor says about itself ───────────────────────────────────────────────────────────
    def meet(self, params: types.InitializeParams) -> None:
        """`initialize`: learn what is open, and watch the editor's process."""
        self._workspace = workspace_of(params)
        if params.process_id is not None:
            self._tasks.append(self._group.create_task(self._watch_parent(params.process_id), name="sidecar watchdog"))

    def begin(self) -> None:
        """`initialized`: open the workspace."""
        self._announcer.mark()
        self._session.open(self._workspace, self._group, self)

    async def _watch_parent(self, pid: int) -> None:
        await parent_death(pid, self._look_every)
        self.end("the editor's process is dead")

    # ── what the session says to the editor ─────────────────────────────────────────────────────────
    def changed(self) -> None:
        """The state moved: announce it soon."""
        self._announcer.mark()

    def complain(self, sentence: str) -> None:
        """Put a sentence into the editor's log."""
        self.server.window_log_message(types.LogMessageParams(types.MessageType.Warning, sentence))

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification now."""
        self._protocol.notify(method, params)

    def step(self, token: int | str, value: Any) -> None:
        """Tell how far something is that the editor asked for with this token."""
        self._protocol.notify(types.PROGRESS, types.ProgressParams(token=token, value=value))

    async def ask(self, method: str, params: Any) -> Any:
        """The editor's answer to a request of ours."""
        return await self._protocol.send_request_async(method, params)

    def indexing(self, done: int, total: int) -> None:
        """Show how far the index is."""
        self._progress.step(done, total)

    async def watch(self, places: Places) -> None:
        """Ask for events of the repository's files; without them a save in the editor is still seen."""
        request = watch_request(self.server.client_capabilities, places)
        if request is None:
            return
        try:
            await self.server.client_register_capability_async(request)
        except Exception as error:  # noqa: BLE001  # a door: whatever the editor answers, we go on without
            log.warning("files are not watched", reason=str(error))


class EditorServer(LanguageServer):
    """pygls' server with our protocol. It keeps the documents' texts as they are typed."""

    protocol: WireProtocol

    def __init__(self, version: str) -> None:
        super().__init__(
            "sidecar",
            version,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=WireProtocol,
            converter_factory=wire_converter,
        )

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log only: pygls would pop up a box in the editor."""
        log.warning("language server fault", error=type(error).__name__, source=getattr(source, "__name__", ""))


def workspace_of(params: types.InitializeParams) -> Workspace:
    """What the editor opened. Folders that are not on a disk (`vscode-vfs:` and the like) are left out."""
    uris = [folder.uri for folder in params.workspace_folders or ()]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    folders = tuple(Path(path) for uri in uris if (path := path_from_uri(uri)) is not None)
    if not folders and params.root_path and not uris:
        folders = (Path(params.root_path),)
    options = params.initialization_options
    return Workspace(
        folder=folders[0] if folders else None,
        folders=folders,
        options=options if isinstance(options, dict) else {},
        client=params.client_info.name if params.client_info else "",
    )


def _register(door: Door, session: Session) -> None:
    """Tell pygls which function answers which method."""
    feature = door.server.feature

    async def initialize(params: types.InitializeParams) -> None:
        door.meet(params)

    async def initialized(_params: types.InitializedParams) -> None:
        door.begin()

    async def shutdown(_params: None) -> None:
        session.leave()
        await session.left(SHUTDOWN_PATIENCE)

    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        session.typed(params.text_document.uri, None, news=False)
        session.moved([params.text_document.uri])

    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        session.typed(params.text_document.uri, params.text_document.text, news=False)

    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        session.typed(uri, door.server.workspace.get_text_document(uri).source)

    async def did_close(params: types.DidCloseTextDocumentParams) -> None:
        session.typed(params.text_document.uri, None)

    async def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
        session.moved([change.uri for change in params.changes])

    async def document_symbol(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        symbols = await session.symbols()
        return await symbols.outline(params.text_document.uri) if symbols is not None else []

    async def workspace_symbol(params: types.WorkspaceSymbolParams) -> list[types.SymbolInformation]:
        symbols = await session.symbols()
        found, lacks = await symbols.search(params.query) if symbols is not None else ([], "")
        if lacks:
            said = f"Symbols called like {params.query!r}: {lacks}"
            door.server.window_log_message(types.LogMessageParams(types.MessageType.Info, said))
        return found

    feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(document_symbol)
    feature(types.WORKSPACE_SYMBOL)(workspace_symbol)
    feature(types.INITIALIZE)(initialize)
    feature(types.INITIALIZED)(initialized)
    feature(types.SHUTDOWN)(shutdown)
    feature(types.TEXT_DOCUMENT_DID_SAVE)(did_save)
    feature(types.TEXT_DOCUMENT_DID_OPEN)(did_open)
    feature(types.TEXT_DOCUMENT_DID_CHANGE)(did_change)
    feature(types.TEXT_DOCUMENT_DID_CLOSE)(did_close)
    feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(did_change_watched_files)
    _register_requests(door, session)


def _register_requests(door: Door, session: Session) -> None:
    async def status(_params: None) -> protocol.Status:
        return session.status()

    async def model_review(params: protocol.ModelReviewParams) -> protocol.ModelReviewResult:
        return await review_in_words(await session.reviewer(), params, door.step)

    async def dashboard(params: protocol.DashboardParams) -> protocol.DashboardAnswer:
        found = await (await session.dashboard()).get(params.target)
        return protocol.DashboardAnswer(media=found.media, text=found.body.decode())

    def reviewed(ask: Callable[[Review, Any], Awaitable[BaseModel]]) -> Answer:
        async def answer(params: Any) -> BaseModel:
            return await ask(await session.review(), params)

        return answer

    answers: Answers = {
        protocol.STATUS: status,
        protocol.REVIEW: session.look,
        protocol.MODEL_REVIEW: model_review,
        protocol.OUTLINE: reviewed(lambda review, _: review.outline()),
        protocol.SCOPES: reviewed(lambda review, _: review.choices()),
        protocol.TEXT: reviewed(Review.text),
        protocol.SNAPSHOT: lambda params: session.threads(params.since_revision),
        protocol.DASHBOARD: dashboard,
        protocol.REPLY: reviewed(Review.reply),
        protocol.SET_STATE: reviewed(Review.set_state),
        **_of_the_window(session),
        **acts(session.review),
    }
    for method, answer in answers.items():
        door.server.feature(method)(_typed(method, answer, session.permit))


def _of_the_window(session: Session) -> Answers:
    async def proposal(params: protocol.ProposalName) -> protocol.ProposalItem:
        return session.window().proposal(params)

    async def decide(params: protocol.DecideParams) -> protocol.Heard:
        return session.window().decided(params)

    async def selection(params: protocol.SelectionParams) -> protocol.Heard:
        return select(session.companion, params)

    async def mentioned(params: protocol.MentionParams) -> protocol.Heard:
        return mention(session.companion, params)

    return {
        protocol.PROPOSAL: proposal,
        protocol.DECIDE: decide,
        protocol.SELECT: selection,
        protocol.MENTION: mentioned,
    }


def _typed(method: str, answer: Answer, permit: Callable[[str], None]) -> Callable[[Any], Awaitable[dict[str, Any]]]:
    """A handler of plain JSON made of one that takes and gives our types; `permit` may refuse the method."""
    taken, _ = protocol.REQUESTS[method]

    async def handle(params: Any) -> dict[str, Any]:
        permit(method)
        result = await answer(None if taken is None else _parse(method, taken, params))
        return result.model_dump(by_alias=True)

    return handle


def _parse(method: str, taken: type[BaseModel], params: Any) -> BaseModel:
    try:
        return taken.model_validate({} if params is None else params)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "params"
        raise BadInput(f"`{method}`: {where}: {first['msg']}.") from None


@contextmanager
def _signals(end: Callable[[str], None]) -> Iterator[None]:
    """End the connection on the signals that ask a program to end."""
    loop = asyncio.get_running_loop()
    wanted = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before: dict[signal.Signals, Any] = {}
    for number in wanted:
        try:
            loop.add_signal_handler(number, end, number.name)
        except NotImplementedError:  # Windows
            before[number] = signal.signal(number, _deferred(loop, end))
    try:
        yield
    finally:
        for number in wanted:
            if number in before:
                signal.signal(number, before[number])
            else:
                loop.remove_signal_handler(number)


def _deferred(loop: asyncio.AbstractEventLoop, end: Callable[[str], None]) -> Callable[[int, Any], None]:
    def handle(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(end, signal.Signals(number).name)

    return handle
