"""Build, start and stop the parts of one workspace: the only place that knows everybody, and decides nothing.

Parts open in the order state, provider, endpoint, review and are closed in reverse. The editor's door is imported
only when it opens, since LSP's types are slow to load.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Self

from sidecar import trace
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import NotARepository, SetupError, SidecarError, StoreError
from sidecar.core.ports import Desk, EndpointStatus, Provider, Services
from sidecar.endpoint.server import Access, Endpoint, Identity, PortPolicy
from sidecar.providers import create_provider
from sidecar.providers.unready import UnreadyProvider
from sidecar.review.desk import ReviewDesk
from sidecar.review.reply import Answering, FactsWriter, ReplyWriter
from sidecar.review.scorer import RiskScorer
from sidecar.settings import Settings
from sidecar.store import runtime
from sidecar.store.database import Database
from sidecar.store.threads import ThreadStore
from sidecar.tools.analyst import WorkspaceAnalyst
from sidecar.trace import get_logger
from sidecar.vcs.runner import Git

_NAME = "claude-sidecar"

log = get_logger("app")


class Sidecar:
    """One workspace's parts, open as long as its context. Implements `core.ports.Services`.

    For an editor (`editor=True`) a fault of one part does not take the others down: it is told in the status.
    Otherwise entering raises SetupError or Conflict with the mend.
    """

    def __init__(self, settings: Settings, *, version: str, editor: bool = False) -> None:
        self._settings = settings
        self._version = version
        self._editor = editor
        self._stack = AsyncExitStack()
        self._desk: Desk | None = None
        self._endpoint: Endpoint | None = None
        self._provider: Provider | None = None
        self._problem = ""
        self._listeners: list[Callable[[EndpointStatus], None]] = []

    # ── core.ports.Services ─────────────────────────────────────────────────────────────────────────
    @property
    def desk(self) -> Desk | None:
        """The review; None where there is no git repository, and in `serve`."""
        return self._desk

    def status(self) -> EndpointStatus:
        """How the endpoint stands now."""
        endpoint = self._endpoint
        listening = endpoint is not None and endpoint.port != 0
        return EndpointStatus(
            state="degraded" if self._problem else "ready" if listening else "starting",
            provider=self._settings.provider.name,
            port=endpoint.port if endpoint is not None else 0,
            requested_port=self._settings.server.port,
            base_url=endpoint.base_url if endpoint is not None and listening else "",
            workspace=str(self._settings.server.workspace),
            message=self._problem,
        )

    def subscribe_status(self, listener: Callable[[EndpointStatus], None]) -> Callable[[], None]:
        """Hear each change of the status; the result ends it."""
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    # ── life ────────────────────────────────────────────────────────────────────────────────────────
    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            state = self._open_state()
            self._provider = self._make_provider()
            stack.push_async_callback(self._provider.aclose)
            await self._listen(stack, state)
            if self._editor:
                self._desk = await self._open_desk(stack, state)
            self._stack = stack.pop_all()
        self._tell()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def _open_state(self) -> Path | None:
        """The state folder, or None (all is kept in memory then, and said once)."""
        for warning in self._settings.warnings:
            log.warning("setting", note=warning)
        if self._settings.state is None:
            log.warning("no_state_folder", note="threads are kept in memory; set SIDECAR_STATE_DIR")
            return None
        try:
            return runtime.open_folder(self._settings.state)
        except StoreError as error:
            log.warning("no_state_folder", note=error.sentence)
            return None

    def _make_provider(self) -> Provider:
        try:
            self._settings.check_provider()
            analyst = WorkspaceAnalyst(Path(self._settings.server.workspace), self.status)
            return create_provider(self._settings, analyst)
        except SetupError as error:
            if not self._editor:
                raise
            self._fail(error)
            return UnreadyProvider(self._settings.provider.name, error)

    async def _listen(self, stack: AsyncExitStack, state: Path | None) -> None:
        server = self._settings.server
        token = runtime.keep_token(state, server.token)
        endpoint = Endpoint(
            AnswerTurn(self._made_provider),
            identity=Identity(_NAME, self._version, str(server.workspace)),
            access=Access(server.auth, token.get_secret_value()),
            host=server.host,
            port=server.port,
            port_policy=self._port_policy,
        )
        try:
            self._endpoint = await stack.enter_async_context(endpoint)
        except SidecarError as error:
            if not self._editor:
                raise
            self._fail(error)
            return
        if state is not None:
            with suppress(StoreError):  # then `sidecar claude` starts one of its own
                runtime.announce(
                    state,
                    base_url=endpoint.base_url,
                    port=endpoint.port,
                    provider=self._made_provider.name,
                    workspace=Path(server.workspace),
                )
                stack.callback(runtime.withdraw, state)

    async def _open_desk(self, stack: AsyncExitStack, state: Path | None) -> Desk | None:
        try:
            git = await Git.open(Path(self._settings.server.workspace))
        except NotARepository:
            return None
        except SidecarError as error:
            self._fail(error)
            return None
        database = await self._open_database(state)
        stack.push_async_callback(database.aclose)
        return ReviewDesk(git, ThreadStore(database), RiskScorer(git), self._writer())

    async def _open_database(self, state: Path | None) -> Database:
        """The workspace's database; one in memory where its file may not be touched (a newer version wrote it)."""
        try:
            database = await Database.open(state / "sidecar.db" if state is not None else None)
        except StoreError as error:
            self._fail(error)
            return await Database.open(None)
        if database.reason:
            log.warning("threads_in_memory", note=database.reason)
        return database

    def _writer(self) -> Answering:
        choice = self._settings.provider
        if choice.name == "offline":
            return FactsWriter()
        return (
            ReplyWriter(self._made_provider, choice.model_default)
            if choice.model_default
            else ReplyWriter(self._made_provider)
        )

    @property
    def _made_provider(self) -> Provider:
        if self._provider is None:
            raise RuntimeError("the sidecar is not open")
        return self._provider

    @property
    def _port_policy(self) -> PortPolicy:
        return "next-free" if self._editor else "exact"

    def _fail(self, error: SidecarError) -> None:
        self._problem = self._problem or error.sentence
        self._tell()

    def _tell(self) -> None:
        status = self.status()
        for listener in tuple(self._listeners):
            listener(status)


# ── the two doors ─────────────────────────────────────────────────────────────────────────────────
def run_serve(settings: Settings, *, version: str, on_ready: Callable[[EndpointStatus], None]) -> int:
    """Serve HTTP until a signal ends it; the exit code. Raises SetupError or Conflict when it cannot start."""
    stop_trace = start_trace(settings)
    try:
        return asyncio.run(_serve(settings, version, on_ready))
    finally:
        stop_trace()


async def _serve(settings: Settings, version: str, on_ready: Callable[[EndpointStatus], None]) -> int:
    with _until_signalled() as stopped:
        async with Sidecar(settings, version=version) as sidecar:
            on_ready(sidecar.status())
            await stopped.wait()
    return 0


def run_lsp(load: Callable[[Path | None], Settings], *, version: str) -> int:
    """Serve an editor on standard input and output, and HTTP beside it; ends the process with its exit code.

    `load` gives the settings for the editor's folder (None where it has none open).
    """
    door = importlib.import_module("sidecar.editor.server")
    stops: list[Callable[[], None]] = []

    @asynccontextmanager
    async def services(folder: Path | None) -> AsyncIterator[Services]:
        settings = load(folder)
        stops.append(start_trace(settings))
        async with Sidecar(settings, version=version, editor=True) as sidecar:
            yield sidecar

    def stop_traces() -> None:
        for stop in stops:
            stop()

    door.run_editor(lambda workspace: services(workspace.folder), version=version, last_acts=(stop_traces,))
    return 1  # not reached: the door ends the process


def start_trace(settings: Settings) -> Callable[[], None]:
    """Begin to log as the settings say; the result writes what is queued and ends it."""
    return trace.configure(settings.server.log_level, settings.log_file, secrets=settings.secrets())


@contextmanager
def _until_signalled() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal ends the process at once, as by default."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    former = {}

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stopped.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        former[number] = signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
