"""Build, start and stop the parts of one workspace: the only place that knows everybody, and decides nothing.

Parts open in the order state, provider, endpoint, review and are closed in reverse. The editor's door and all that
only the review and the analyst need are imported when they open: `serve` answers sooner without them.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Self

from sidecar import trace
from sidecar.assistant.breakpoints import add_breakpoints
from sidecar.assistant.caching import PromptCache
from sidecar.assistant.prices import PriceTable
from sidecar.assistant.recording import Recorder
from sidecar.assistant.tracing import Tracer
from sidecar.assistant.turn import AnswerTurn, Step
from sidecar.core.errors import NotARepository, SetupError, SidecarError, StoreError
from sidecar.core.ports import Analyst, Desk, EndpointStatus, Provider, Services
from sidecar.endpoint.server import Access, Endpoint, Identity, PortPolicy
from sidecar.providers import create_provider
from sidecar.providers.unready import UnreadyProvider
from sidecar.settings import Settings
from sidecar.store import runtime
from sidecar.store.answers import CacheLimits, kept_answers
from sidecar.store.database import DATABASE, Database
from sidecar.store.notes import learned_notes
from sidecar.store.traces import TRACES, TraceFolder
from sidecar.store.turns import TurnJournal
from sidecar.tools.late import LateAnalyst
from sidecar.trace import get_logger

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
        self._database: Database | None = None
        self._opening = asyncio.Lock()
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
            self._provider = self._make_provider(state)
            stack.push_async_callback(self._provider.aclose)
            stack.push_async_callback(self._close_database)
            steps = [*self._observing(stack, state), *self._caching(stack, state)]
            await self._listen(stack, state, steps)
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

    def _make_provider(self, state: Path | None) -> Provider:
        try:
            self._settings.check_provider()
            notes = learned_notes(state, Path(self._settings.server.workspace))
            return create_provider(self._settings, LateAnalyst(self._make_analyst), notes)
        except SetupError as error:
            if not self._editor:
                raise
            self._fail(error)
            return UnreadyProvider(self._settings.provider.name, error)

    def _make_analyst(self) -> Analyst:
        from sidecar.tools.analyst import WorkspaceAnalyst  # noqa: PLC0415 - git, grammars and the risk model: 0.1 s

        return WorkspaceAnalyst(Path(self._settings.server.workspace), self.status, self._settings.state)

    def _observing(self, stack: AsyncExitStack, state: Path | None) -> list[Step]:
        """The steps that note and trace what the others do. Without a state folder there is no place for it."""
        if state is None:
            return []
        records, tracing = self._settings.records, self._settings.tracing
        traces = TraceFolder(state / TRACES, keep_days=tracing.keep_days, keep_count=tracing.keep_count)
        tracer = Tracer(traces, tracing.level, self._settings.secrets())
        stack.push_async_callback(tracer.aclose)
        if not records.enabled:
            return [tracer]
        journal = TurnJournal(
            lambda: self._opened_database(state), keep_days=records.keep_days, keep_count=records.keep_count
        )
        stack.push_async_callback(journal.aclose)
        return [Recorder(self._made_provider.name, journal.add, PriceTable(records.prices)), tracer]

    def _caching(self, stack: AsyncExitStack, state: Path | None) -> list[Step]:
        """The steps that give an answer again and let the provider keep prompts, as far as there is anything to keep."""
        cache, provider = self._settings.cache, self._made_provider
        if cache.url is not None:
            log.warning("setting", note="SIDECAR_CACHE_URL has no effect yet: answers are kept on this machine only.")
        marks: list[Step] = [add_breakpoints] if cache.breakpoints and provider.capabilities.cache_control else []
        if provider.name == "offline" or not (cache.enabled and cache.ttl_ms and cache.max_entries):
            return marks  # what the offline provider says depends on the working tree, which no request tells of
        answers = kept_answers(state, Path(self._settings.server.workspace), CacheLimits.of(cache))
        prompts = PromptCache(answers, self._settings.model_dump_json(include={"provider", provider.name}))
        stack.push_async_callback(prompts.aclose)
        return [prompts, *marks]

    async def _opened_database(self, state: Path | None) -> Database:
        """The workspace's database, opened when it is first needed: starting does not wait for it."""
        async with self._opening:
            if self._database is None:
                self._database = await self._open_database(state)
            return self._database

    async def _open_database(self, state: Path | None) -> Database:
        """One in memory where the file may not be touched (a newer version wrote it)."""
        try:
            database = await Database.open(state / DATABASE if state is not None else None)
        except StoreError as error:
            self._fail(error)
            return await Database.open(None)
        if database.reason:
            log.warning("database", note=database.reason)
        return database

    async def _close_database(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            await database.aclose()

    async def _listen(self, stack: AsyncExitStack, state: Path | None, steps: Sequence[Step]) -> None:
        server = self._settings.server
        token = runtime.keep_token(state, server.token)
        endpoint = Endpoint(
            AnswerTurn(self._made_provider, steps),
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
        from sidecar.review import opening  # noqa: PLC0415 - the risk model, git, anchors: only an editor pays for them

        try:
            git = await opening.open_repository(Path(self._settings.server.workspace))
        except NotARepository:
            return None
        except SidecarError as error:
            self._fail(error)
            return None
        writer = opening.writer_for(self._made_provider, self._settings.provider.model_default)
        desk, close = opening.open_desk(git, await self._opened_database(state), writer, state)
        stack.push_async_callback(asyncio.to_thread, close)
        return desk

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
            _spare_collector()
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


def _spare_collector() -> None:
    """What was imported lives as long as the process: looking through it again and again holds up answers.

    A request of the CLI alone makes hundreds of objects and drops them all: the youngest are looked at less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


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
