"""The parts of one workspace, built, started and stopped in order.

Parts open in the order state, provider, endpoint, review and are closed in reverse. The editor's door and all that
only the review and the analyst need are imported when they open: `serve` answers sooner without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from sidecar.app.board import Board
from sidecar.app.knowledge import Knowledge, shortly
from sidecar.app.toolbench import Parts, Toolbench
from sidecar.assistant.breakpoints import add_breakpoints
from sidecar.assistant.caching import PromptCache
from sidecar.assistant.calibration import Calibration
from sidecar.assistant.loop import Limits, ToolLoop
from sidecar.assistant.prices import PriceTable
from sidecar.assistant.recording import Recorder
from sidecar.assistant.tracing import Tracer
from sidecar.assistant.turn import AnswerTurn, Step
from sidecar.core import ports
from sidecar.core.errors import NotARepository, SetupError, SidecarError, StoreError
from sidecar.core.listeners import enlisted
from sidecar.core.tool import ToolBox
from sidecar.endpoint.dashboard import DashboardDoor
from sidecar.endpoint.hooks import Hooks
from sidecar.endpoint.metrics import Metrics
from sidecar.endpoint.server import Access, Endpoint, Identity, Offering, PortPolicy
from sidecar.providers import answering, create_provider
from sidecar.providers.unready import UnreadyProvider
from sidecar.settings import Settings
from sidecar.settings.values import header_pairs
from sidecar.store import runtime
from sidecar.store.answers import REVIEWS, Answers, AnswerStore, CacheLimits, kept_answers
from sidecar.store.database import DATABASE, Database
from sidecar.store.notes import TOKENS, learned_notes
from sidecar.store.traces import TRACES, TraceFolder
from sidecar.store.turns import TurnJournal
from sidecar.telemetry.meter import Meter
from sidecar.tools.late import LateAnalyst
from sidecar.trace import get_logger

if TYPE_CHECKING:
    from sidecar.core.shelf import Shelf
    from sidecar.endpoint.ide.server import IdeServer

_NAME = "claude-sidecar"
_NO_FOLDER = "There is no state folder; set SIDECAR_STATE_DIR."
_REVIEWS_KEPT = CacheLimits(entries=1_000, ttl=90 * 86_400.0)

log = get_logger("app")


class Sidecar:
    """One workspace's parts, open as long as its context. Implements `core.ports.Services`.

    For an editor (`editor=True`) a fault of one part does not take the others down: it is told in the status.
    Otherwise entering raises SetupError or Conflict with the mend. `listening=False` leaves the endpoint out, and so
    does `restricted`: an editor whose user does not trust the folder, where nothing is started and nobody is let in.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        version: str,
        editor: bool = False,
        listening: bool = True,
        restricted: bool = False,
    ) -> None:
        self._listening = listening and not restricted
        self._settings = settings
        self._version = version
        self._editor = editor
        self._stack = AsyncExitStack()
        self._desk: ports.Desk | None = None
        self._knowledge = Knowledge(settings, self._answering, trusted=not restricted and (editor or settings.trusted))
        self._endpoint: Endpoint | None = None
        self._ide: IdeServer | None = None
        self._provider: ports.Provider | None = None
        self._asker: AnswerTurn | None = None
        self._reviewer: ports.Reviewer | None = None
        self._reviewing = Lock()
        self._problem = ""
        self._meter = Meter()
        self._database: Database | None = None
        self._opening = asyncio.Lock()
        self._desk_of_tools: ports.Desk | None = None
        self._desking = asyncio.Lock()
        self._state: Path | None = None
        self._listeners: list[Callable[[ports.EndpointStatus], None]] = []
        self._board = Board(self._sources)

    # ── core.ports.Services ─────────────────────────────────────────────────────────────────────────
    @property
    def desk(self) -> ports.Desk | None:
        """The review; None where there is no git repository, and in `serve`."""
        return self._desk

    @property
    def reviewer(self) -> ports.Reviewer:
        """Who reviews a change in words, made when first asked for; from facts alone with the offline provider."""
        with self._reviewing:  # it may be asked for in several threads, since it loads much
            if self._reviewer is None:
                self._reviewer = self._make_reviewer()
            return self._reviewer

    @property
    def symbols(self) -> ports.Symbols | None:
        """Who knows symbols here, made when first asked for: `serve` alone does without."""
        return self._knowledge.symbols

    @property
    def index(self) -> ports.SymbolIndex | None:
        """The index of symbols; None where it is switched off, cannot be kept, or is not opened yet."""
        return self._knowledge.index

    @property
    def dashboard(self) -> ports.Dashboard:
        """The figures of this workspace, for either door."""
        return self._board

    def _answering(self) -> int:
        return self._endpoint.running if self._endpoint is not None else 0

    async def quiet(self, span: float, most: float) -> None:
        """Wait until nothing was asked over HTTP for `span` seconds; `most` seconds at most."""
        await (self._endpoint.quiet if self._endpoint is not None else shortly)(span, most)

    def status(self) -> ports.EndpointStatus:
        """How the endpoint stands now."""
        endpoint = self._endpoint
        listening = endpoint is not None and endpoint.port != 0
        return ports.EndpointStatus(
            state="degraded" if self._problem else "ready" if listening or not self._listening else "starting",
            provider=self._settings.provider.name,
            port=endpoint.port if endpoint is not None else 0,
            requested_port=self._settings.server.port,
            base_url=endpoint.base_url if endpoint is not None and listening else "",
            workspace=str(self._settings.server.workspace),
            message=self._problem,
            companion_port=self._ide.port if self._ide is not None else 0,
        )

    @property
    def companion(self) -> ports.Companion | None:
        """The Claude Code CLI as it connects to its IDE; None where it cannot."""
        return self._ide

    def lend(self, window: ports.Window) -> Callable[[], None]:
        """Let the CLI use the editor's window; the result ends it."""
        return self._ide.lend(window) if self._ide is not None else lambda: None

    def subscribe_status(self, listener: Callable[[ports.EndpointStatus], None]) -> Callable[[], None]:
        """Hear each change of the status; the result ends it."""
        return enlisted(self._listeners, listener)

    # ── life ────────────────────────────────────────────────────────────────────────────────────────
    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            state = self._state = self._open_state()
            self._provider = self._make_provider(state)
            stack.push_async_callback(self._provider.aclose)
            stack.push_async_callback(self._close_database)
            self._late = await stack.enter_async_context(AsyncExitStack())
            self._bench = self._make_bench(state, self._late)
            answer = self._make_turn(stack, state)
            if self._listening:
                await self._listen(stack, state, answer)
            if self._editor:
                self._desk = await self._open_desk(stack, state)
                if self._listening:
                    await self._open_ide(stack)
            await self._knowledge.start(stack, state, None if self._editor else self.quiet)
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

    def _make_provider(self, state: Path | None) -> ports.Provider:
        try:
            self._settings.check_provider()
            notes = learned_notes(state, Path(self._settings.server.workspace))
            return create_provider(self._settings, LateAnalyst(self._make_analyst), notes)
        except SetupError as error:
            if not self._editor:
                raise
            self._fail(error)
            return UnreadyProvider(self._settings.provider.name, error)

    def _make_analyst(self) -> ports.Analyst:
        from sidecar.tools.analyst import WorkspaceAnalyst  # noqa: PLC0415 - git, grammars and the risk model: 0.1 s

        return WorkspaceAnalyst(
            Path(self._settings.server.workspace), self.status, lambda: self._knowledge.index, self._settings.state
        )

    def _make_bench(self, state: Path | None, late: AsyncExitStack) -> Toolbench:
        parts = Parts(
            database=lambda: self._opened_database(state),
            desk=self._tools_desk,
            knowledge=self._knowledge,
            reviewer=lambda: self.reviewer,
            asker=lambda: self._asker,
            state=state,
            version=self._version,
        )
        return Toolbench(self._settings, parts, late)

    def _make_turn(self, stack: AsyncExitStack, state: Path | None) -> AnswerTurn:
        provider = self._made_provider
        notes = learned_notes(state, Path(self._settings.server.workspace), TOKENS)
        calibration = Calibration(provider.name, notes)
        stack.push_async_callback(calibration.aclose)
        observing = self._observing(stack, state)
        steps = [*observing, *self._caching(stack, state)]
        if provider.name != "offline":  # what it tells of tokens is no count
            steps.append(calibration)
            # What Sidecar asks by itself: the same turn without our tools, and with a memory of its own.
            self._asker = AnswerTurn(provider, [*observing, *self._marks(), calibration], calibration.ratio)
        return AnswerTurn(provider, steps, calibration.ratio)

    def _make_reviewer(self) -> ports.Reviewer:
        from sidecar.critique import opening  # noqa: PLC0415 - the risk model, git, prompts: who serves needs none

        folder = Path(self._settings.server.workspace)
        kept = kept_answers(self._state, folder, _REVIEWS_KEPT, REVIEWS)
        self._late.push_async_callback(kept.aclose)
        return opening.open_reviewer(
            folder, self._asker, self._settings, who=answering(self._settings), kept=kept, desk=self._tools_desk
        )

    def _marks(self) -> list[Step]:
        """The step that lets the provider keep prompts, where it can."""
        wanted = self._settings.cache.breakpoints and self._made_provider.capabilities.cache_control
        return [add_breakpoints] if wanted else []

    def _observing(self, stack: AsyncExitStack, state: Path | None) -> list[Step]:
        """The steps that count, note and trace what the others do. Without a state folder it is only counted."""
        self._export(stack)
        records, tracing = self._settings.records, self._settings.tracing
        name, prices = self._made_provider.name, PriceTable(records.prices)
        if state is None:
            return [Recorder(name, self._meter.soon, prices)]
        traces = TraceFolder(state / TRACES, keep_days=tracing.keep_days, keep_count=tracing.keep_count)
        tracer = Tracer(traces, tracing.level, self._settings.secrets())
        stack.push_async_callback(tracer.aclose)
        if not records.enabled:
            return [Recorder(name, self._meter.soon, prices), tracer]
        journal = TurnJournal(
            lambda: self._opened_database(state), keep_days=records.keep_days, keep_count=records.keep_count
        )
        stack.push_async_callback(journal.aclose)
        return [Recorder(name, self._meter.before(journal.add), prices), tracer]

    def _export(self, stack: AsyncExitStack) -> None:
        """Report to the user's collector, where one is named. Left after everything that is counted."""
        telemetry = self._settings.telemetry
        if telemetry.otlp_endpoint is None:
            return
        from sidecar.telemetry.exporter import Exporter  # noqa: PLC0415 - only who has a collector pays for it

        headers = header_pairs(telemetry.otlp_headers.get_secret_value()) if telemetry.otlp_headers else {}
        exporter = Exporter(telemetry.otlp_endpoint, headers, self._meter, self._version)
        stack.push_async_callback(exporter.aclose)

    def _looping(self) -> list[Step]:
        """The step that lets the model use our tools; behind the cache, which keeps no answer that a tool ran for."""
        policy = self._settings.policy
        if self._made_provider.name == "offline":
            return []  # it calls no tools: its answers come from the same analysers
        limits = Limits(policy.max_steps, policy.max_tool_calls, float(policy.max_seconds))
        return [ToolLoop(self._bench.toolbox, limits, policy.tools, only_reads=not self._settings.trusted)]

    async def offered(self) -> tuple[ToolBox, Shelf]:
        """The tools, documents and prompts that are offered over MCP."""
        return await self._bench.offered()

    async def reviewing_tools(self) -> ToolBox:
        """The tools of the family *review* alone, for a command that needs no other."""
        return await self._bench.family("review")

    async def _tools_desk(self) -> ports.Desk:
        """The editor's review, or one of our own where there is no editor. Raises NotARepository."""
        async with self._desking:
            if self._desk is None and self._desk_of_tools is None:
                self._desk_of_tools = await self._open_desk(self._late, self._state)
        desk = self._desk or self._desk_of_tools
        if desk is None:
            raise NotARepository("This folder is not in a git repository, so there is nothing to review.")
        return desk

    def _sources(self) -> dict[str, Any]:
        """What the dashboard reads, by the names of `dashboard.figures.Sources`."""
        return {
            "settings": self._settings,
            "name": _NAME,
            "version": self._version,
            "status": self.status,
            "database": lambda: self._opened_database(self._state),
            "desk": self._tools_desk,
            "index": lambda: self._knowledge.index,
            "state": self._state,
        }

    def _caching(self, stack: AsyncExitStack, state: Path | None) -> list[Step]:
        """The steps that give an answer again and let the provider keep prompts, as far as there is anything to keep."""
        cache, provider = self._settings.cache, self._made_provider
        loop = self._looping()
        marks = self._marks()
        if provider.name == "offline" or not (cache.enabled and cache.ttl_ms and cache.max_entries):
            return [*loop, *marks]  # what the offline provider says depends on the working tree
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
        """One in memory where the file may not be touched (a newer version wrote it); it knows why, for whoever asks it."""
        try:
            database = await Database.open(state / DATABASE if state is not None else None, _NO_FOLDER)
        except StoreError as error:
            log.warning("database", note=error.sentence)
            self._fail(error)
            return await Database.open(None, error.sentence)
        if database.reason and state is not None:
            log.warning("database", note=database.reason)
        return database

    async def _close_database(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            await database.aclose()

    async def _listen(self, stack: AsyncExitStack, state: Path | None, answer: AnswerTurn) -> None:
        server = self._settings.server
        try:
            token = runtime.keep_token(state, server.token)
        except StoreError as error:  # a full disk: whoever needs no token of ours is answered all the same
            if server.auth == "token" and server.token is None:
                raise
            log.warning("token", note=error.sentence)
            token = runtime.keep_token(None, server.token)
        endpoint = Endpoint(
            answer,
            identity=Identity(_NAME, self._version, str(server.workspace)),
            access=Access(server.auth, token.get_secret_value()),
            host=server.host,
            port=server.port,
            port_policy=self._port_policy,
        )
        endpoint.add(Hooks(self._bench).routes())
        endpoint.add(DashboardDoor(self._board, token.get_secret_value()).routes())
        endpoint.add(Metrics(self._meter, version=self._version, provider=self._made_provider.name).routes())
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

    async def _open_desk(self, stack: AsyncExitStack, state: Path | None) -> ports.Desk | None:
        from sidecar.review import opening  # noqa: PLC0415 - the risk model, git, anchors: only an editor pays for them
        from sidecar.testruns.seen import LastReport  # noqa: PLC0415 - as above

        try:
            git = await opening.open_repository(Path(self._settings.server.workspace))
        except NotARepository:
            return None
        except SidecarError as error:
            self._fail(error)
            return None
        writer = opening.writer_for(self._asker, self._settings.provider.model_default)
        review = self._settings.review
        manners = opening.Manners(review.budget, review.floor, review.findings)
        tests = LastReport(git.root, Path(self._settings.server.workspace), self._settings.tests.coverage_files)
        desk, close = opening.open_desk(
            git, await self._opened_database(state), writer, state, manners, tests, lambda: self._knowledge.index
        )
        stack.push_async_callback(asyncio.to_thread, close)
        return desk

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

    @property
    def _made_provider(self) -> ports.Provider:
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
