"""Build, start and stop the parts of one workspace: the only place that knows everybody, and decides nothing.

Parts open in the order state, provider, endpoint, review and are closed in reverse. The editor's door and all that
only the review and the analyst need are imported when they open: `serve` answers sooner without them.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sidecar import trace
from sidecar.assistant.breakpoints import add_breakpoints
from sidecar.assistant.caching import PromptCache
from sidecar.assistant.calibration import Calibration
from sidecar.assistant.loop import Limits, ToolLoop
from sidecar.assistant.prices import PriceTable
from sidecar.assistant.recording import Recorder
from sidecar.assistant.tracing import Tracer
from sidecar.assistant.turn import AnswerTurn, Step
from sidecar.core.errors import NotARepository, SetupError, SidecarError, StoreError
from sidecar.core.ports import (
    Analyst,
    Companion,
    Desk,
    EndpointStatus,
    HookJudge,
    Provider,
    Services,
    SymbolIndex,
    Symbols,
    Window,
)
from sidecar.core.shelf import Shelf
from sidecar.core.tool import ToolBox
from sidecar.endpoint.hooks import Hooks
from sidecar.endpoint.server import Access, Endpoint, Identity, Offering, PortPolicy
from sidecar.providers import answering, create_provider
from sidecar.providers.unready import UnreadyProvider
from sidecar.settings import Settings, environment
from sidecar.store import runtime
from sidecar.store.answers import Answers, AnswerStore, CacheLimits, kept_answers
from sidecar.store.database import DATABASE, Database
from sidecar.store.notes import TOKENS, learned_notes
from sidecar.store.traces import TRACES, TraceFolder
from sidecar.store.turns import TurnJournal
from sidecar.tools.late import LateAnalyst
from sidecar.trace import get_logger

if TYPE_CHECKING:
    from sidecar.endpoint.ide.server import IdeServer

_NAME = "claude-sidecar"
_SETTLED = 0.5
"""Seconds after the start by when whoever started it has had an answer."""
_KEPT = 16 * 1024 * 1024
"""Bytes of freed memory that are kept."""
_OWN_PAGES = 8 * 1024 * 1024
"""Bytes of a block that has pages of its own."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_INDEX_AFTER = 1.0

log = get_logger("app")


class Sidecar:
    """One workspace's parts, open as long as its context. Implements `core.ports.Services`.

    For an editor (`editor=True`) a fault of one part does not take the others down: it is told in the status.
    Otherwise entering raises SetupError or Conflict with the mend. `listening=False` leaves the endpoint out.
    """

    def __init__(self, settings: Settings, *, version: str, editor: bool = False, listening: bool = True) -> None:
        self._listening = listening
        self._late = AsyncExitStack()
        self._settings = settings
        self._version = version
        self._editor = editor
        self._stack = AsyncExitStack()
        self._desk: Desk | None = None
        self._index: SymbolIndex | None = None
        self._endpoint: Endpoint | None = None
        self._ide: IdeServer | None = None
        self._provider: Provider | None = None
        self._problem = ""
        self._database: Database | None = None
        self._opening = asyncio.Lock()
        self._boxing = asyncio.Lock()
        self._box: ToolBox | None = None
        self._guard: HookJudge | None = None
        self._desk_of_tools: Desk | None = None
        self._state: Path | None = None
        self._symbols: Symbols | None = None
        self._listeners: list[Callable[[EndpointStatus], None]] = []

    # ── core.ports.Services ─────────────────────────────────────────────────────────────────────────
    @property
    def desk(self) -> Desk | None:
        """The review; None where there is no git repository, and in `serve`."""
        return self._desk

    @property
    def symbols(self) -> Symbols | None:
        """Who knows symbols here, made when first asked for: `serve` alone does without."""
        if self._symbols is None:
            from sidecar.languages.opening import open_symbols  # noqa: PLC0415 - see above

            self._symbols = open_symbols(self._settings, environment(), trusted=self._editor)
            if self._index is not None:
                self._symbols.attach(self._index, last=True)
        return self._symbols

    @property
    def index(self) -> SymbolIndex | None:
        """The index of symbols; None where it is switched off, cannot be kept, or is not opened yet."""
        return self._index

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
            companion_port=self._ide.port if self._ide is not None else 0,
        )

    @property
    def companion(self) -> Companion | None:
        """The Claude Code CLI as it connects to its IDE; None where it cannot."""
        return self._ide

    def lend(self, window: Window) -> Callable[[], None]:
        """Let the CLI use the editor's window; the result ends it."""
        return self._ide.lend(window) if self._ide is not None else lambda: None

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
            state = self._state = self._open_state()
            self._provider = self._make_provider(state)
            stack.push_async_callback(self._provider.aclose)
            stack.push_async_callback(self._close_database)
            stack.push_async_callback(self._close_symbols)
            answer = self._make_turn(stack, state)
            self._late = await stack.enter_async_context(AsyncExitStack())
            if self._listening:
                await self._listen(stack, state, answer)
            if self._editor:
                self._desk = await self._open_desk(state)
                await self._open_ide(stack)
            if state is not None and self._settings.index.enabled:
                opening = asyncio.get_running_loop().create_task(self._open_index(state), name="sidecar index")
                stack.push_async_callback(self._close_index, opening)
                if self._editor:
                    await opening
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

        return WorkspaceAnalyst(Path(self._settings.server.workspace), self.status, lambda: self._index)

    def _make_turn(self, stack: AsyncExitStack, state: Path | None) -> AnswerTurn:
        provider = self._made_provider
        notes = learned_notes(state, Path(self._settings.server.workspace), TOKENS)
        calibration = Calibration(provider.name, notes)
        stack.push_async_callback(calibration.aclose)
        steps = [*self._observing(stack, state), *self._caching(stack, state)]
        if provider.name != "offline":  # what it tells of tokens is no count
            steps.append(calibration)
        return AnswerTurn(provider, steps, calibration.ratio)

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

    def _looping(self, state: Path | None) -> list[Step]:
        """The step that lets the model use our tools; behind the cache, which keeps no answer that a tool ran for."""
        policy = self._settings.policy
        if self._made_provider.name == "offline":
            return []  # it calls no tools: its answers come from the same analysers
        limits = Limits(policy.max_steps, policy.max_tool_calls, float(policy.max_seconds))
        return [ToolLoop(lambda: self._toolbox(state), limits, policy.tools, only_reads=not self._settings.trusted)]

    async def _toolbox(self, state: Path | None) -> ToolBox:
        """Our tools, made when they are first needed: starting does not wait for them."""
        async with self._boxing:
            if self._box is not None:
                return self._box
            opening = await asyncio.to_thread(importlib.import_module, "sidecar.tools.opening")
            bench = opening.bench_of(
                self._settings,
                lambda: self._opened_database(state),
                provider=self._made_provider,
                desk=self._tools_desk,
            )
            box = await asyncio.to_thread(opening.open_box, self._settings, bench)
            families = await asyncio.to_thread(importlib.import_module, "sidecar.tools.extras")
            # Ended after the endpoint, so that calls on their way are still answered.
            await self._late.enter_async_context(families.extras(box, self._settings, state, self._version))
            self._box = box
            return self._box

    async def offered(self) -> tuple[ToolBox, Shelf]:
        """The tools, documents and prompts that are offered over MCP."""
        box = await self._toolbox(self._state)
        shelves = await asyncio.to_thread(importlib.import_module, "sidecar.tools.shelf")
        shelf: Shelf = await asyncio.to_thread(shelves.WorkspaceShelf, box)
        return box, shelf

    async def _tools_desk(self) -> Desk:
        """The editor's review, or one of our own where there is no editor. Raises NotARepository."""
        if self._desk is None:
            self._desk_of_tools = self._desk_of_tools or await self._open_desk(self._state)
        desk = self._desk or self._desk_of_tools
        if desk is None:
            raise NotARepository("This folder is not in a git repository, so there is nothing to review.")
        return desk

    async def judge(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Implements `core.ports.HookJudge`: the guard is made when a hook first asks."""
        if self._guard is None:
            opening = await asyncio.to_thread(importlib.import_module, "sidecar.tools.opening")
            self._guard = opening.guard_of(self._settings, lambda: self._opened_database(self._state))
        answer: dict[str, Any] = await self._guard.judge(payload)
        return answer

    def _caching(self, stack: AsyncExitStack, state: Path | None) -> list[Step]:
        """The steps that give an answer again and let the provider keep prompts, as far as there is anything to keep."""
        cache, provider = self._settings.cache, self._made_provider
        loop = self._looping(state)
        marks: list[Step] = [add_breakpoints] if cache.breakpoints and provider.capabilities.cache_control else []
        if provider.name == "offline" or not (cache.enabled and cache.ttl_ms and cache.max_entries):
            return [
                *loop,
                *marks,
            ]  # the offline provider's answers depend on the working tree, of which no request tells
        own = kept_answers(state, Path(self._settings.server.workspace), CacheLimits.of(cache))
        answers: AnswerStore = own if cache.url is None else self._share(own)
        prompts = PromptCache(
            answers, answering(self._settings) + self._settings.policy.tools, everywhere=answers is not own
        )
        stack.push_async_callback(prompts.aclose)
        return [prompts, *loop, *marks]

    def _share(self, own: Answers) -> AnswerStore:
        from sidecar.store.shared import shared_answers  # noqa: PLC0415 - only a team pays for it

        try:
            return shared_answers(own, self._settings.cache)
        except SetupError as error:
            if not self._editor:
                raise
            self._fail(error)
            return own

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

    async def _close_symbols(self) -> None:
        if self._symbols is not None:
            await self._symbols.aclose()

    async def _listen(self, stack: AsyncExitStack, state: Path | None, answer: AnswerTurn) -> None:
        server = self._settings.server
        token = runtime.keep_token(state, server.token)
        endpoint = Endpoint(
            answer,
            identity=Identity(_NAME, self._version, str(server.workspace)),
            access=Access(server.auth, token.get_secret_value()),
            host=server.host,
            port=server.port,
            port_policy=self._port_policy,
        )
        endpoint.add(Hooks(self).routes())
        endpoint.offer(Offering(self.offered, self._version))
        try:
            self._endpoint = await stack.enter_async_context(endpoint)
        except SidecarError as error:
            if not self._editor:
                raise
            self._fail(error)
            return
        if state is not None:
            former = runtime.noted(state)
            with suppress(StoreError):  # then `sidecar claude` starts one of its own
                await asyncio.to_thread(
                    runtime.announce,
                    state,
                    base_url=endpoint.base_url,
                    port=endpoint.port,
                    provider=self._made_provider.name,
                    workspace=Path(server.workspace),
                )
                stack.callback(runtime.withdraw, state, former)

    async def _open_desk(self, state: Path | None) -> Desk | None:
        from sidecar.review import opening  # noqa: PLC0415 - the risk model, git, anchors: only an editor pays for them

        try:
            git = await opening.open_repository(Path(self._settings.server.workspace))
        except NotARepository:
            return None
        except SidecarError as error:
            self._fail(error)
            return None
        writer = opening.writer_for(self._made_provider, self._settings.provider.model_default)
        return opening.open_desk(git, await self._opened_database(state), writer)

    async def _open_ide(self, stack: AsyncExitStack) -> None:
        """The door by which the CLI finds its IDE. Without it everything else goes on, and the log says why."""
        from sidecar.endpoint.ide.server import IdeServer  # noqa: PLC0415 - only an editor needs it

        ide = self._settings.ide
        if not ide.enabled:
            return
        folder = Path(self._settings.server.workspace)
        try:
            config = ide.config_dir.expanduser()
            server = IdeServer(version=self._version, config=config, folders=(folder,), desk=self._desk, port=ide.port)
            self._ide = await stack.enter_async_context(server)
        except (SidecarError, OSError, RuntimeError) as error:
            log.warning("no_ide", note=error.sentence if isinstance(error, SidecarError) else str(error))

    async def _open_index(self, state: Path) -> None:
        """Begin to index; `serve` gives its first requests the time that this takes."""
        if not self._editor:
            await asyncio.sleep(_INDEX_AFTER)
        indexing = await asyncio.to_thread(importlib.import_module, "sidecar.tools.indexing")
        watch = self._settings.index.watch
        try:
            index = indexing.open_index(Path(self._settings.server.workspace), state, watch=watch)
        except SidecarError as error:
            log.warning("index", note=error.sentence)
            return
        index.start()
        self._index = index
        if self._symbols is not None:
            self._symbols.attach(index, last=True)

    async def _close_index(self, opening: asyncio.Task[None]) -> None:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        index, self._index = self._index, None
        if index is not None:
            await index.aclose()

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
            asyncio.get_running_loop().call_later(_SETTLED, _settle)
            await stopped.wait()
    return 0


def run_mcp(settings: Settings, *, version: str) -> int:
    """Serve MCP on standard input and output until its end or a signal; the exit code."""
    stop_trace = start_trace(settings)
    try:
        signalled = asyncio.run(_serve_mcp(settings, version))
    finally:
        stop_trace()
    if signalled:
        os._exit(0)  # a thread of the library still waits for input, and would be waited for
    return 0


async def _serve_mcp(settings: Settings, version: str) -> bool:
    """Whether a signal ended it."""
    serving = await asyncio.to_thread(importlib.import_module, "sidecar.mcp.serving")
    with _until_signalled() as stopped:
        async with Sidecar(settings, version=version, listening=False) as sidecar:
            box, shelf = await sidecar.offered()
            loop = asyncio.get_running_loop()
            session = loop.create_task(serving.over_stdio(box, shelf, version=version), name="mcp")
            signalled = loop.create_task(stopped.wait(), name="signal")
            await asyncio.wait({session, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if session.done():
            signalled.cancel()
            session.result()
    return not session.done()


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
            asyncio.get_running_loop().call_later(_SETTLED, _keep_memory)
            yield sidecar

    def stop_traces() -> None:
        for stop in stops:
            stop()

    door.run_editor(lambda workspace: services(workspace.folder), version=version, last_acts=(stop_traces,))
    return 1  # not reached: the door ends the process


def _settle() -> None:
    """Make the process one that answers, when the first answers are out: this would hold them up for some 20 ms."""
    _spare_collector()
    _keep_memory()


def _keep_memory() -> None:
    """Keep the memory of a request for the next one.

    glibc gives freed memory back at once where much of it is free (128 KB), and takes blocks of that size from the
    kernel each time: with a conversation of 1 MB, copied on its way in and out, half of the work was making pages again.
    What is kept is bounded, and blocks beyond `_OWN_PAGES` still go back.
    """
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - the start does without it

    with suppress(OSError, AttributeError):  # another C library has no such switch
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES)


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
