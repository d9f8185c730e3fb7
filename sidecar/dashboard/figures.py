"""Whoever asks for the dashboard, by its addresses: the page's files, and `/api/…` as JSON. Implements `core.ports.Dashboard`.

Nothing is kept between questions: each reads what the store, the review and the index know now, off the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from sidecar.assistant.prices import PriceTable
from sidecar.core.errors import BadInput, NotFound, SidecarError, StoreError
from sidecar.core.messages import encode
from sidecar.core.ports import Desk, Document, EndpointStatus, SymbolIndex
from sidecar.dashboard.page import FILES, read_file
from sidecar.dashboard.review import figures_of_review, no_review
from sidecar.dashboard.runs import figures_of_coverage, figures_of_tests
from sidecar.dashboard.usage import figures_of_turn, figures_of_usage
from sidecar.dashboard.values import Figure, IndexFigures, StatusFigures, TurnsFigures, UsageFigures, plain
from sidecar.settings import Settings
from sidecar.store.database import Database
from sidecar.store.runs import Coverage, RunStore
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.store.turns import TurnStore
from sidecar.testruns.runs import TestRuns

JSON: Final = "application/json"
LOOKED_AT: Final = 20
"""Runs whose tests are compared, at most."""
_MOST_RUNS: Final = 50
_MOST_DAYS: Final = 90
_MOST_TURNS: Final = 200

Query = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from; each is opened when it is first needed. `desk` raises NotARepository."""

    settings: Settings
    name: str
    version: str
    status: Callable[[], EndpointStatus]
    database: Callable[[], Awaitable[Database]]
    desk: Callable[[], Awaitable[Desk]]
    index: Callable[[], SymbolIndex | None]
    state: Path | None


@dataclass(frozen=True, slots=True)
class _Wish:
    """A number that may be asked for, with its default and its bounds."""

    default: int
    least: int
    most: int


class Figures:
    """The dashboard of one workspace."""

    def __init__(self, sources: Sources) -> None:
        self._of = sources
        self._prices = PriceTable(sources.settings.records.prices)
        self._api: Mapping[str, tuple[Callable[[Query], Awaitable[Figure]], Mapping[str, _Wish]]] = {
            "/api/status": (self._status, {}),
            "/api/usage": (self._usage, {"days": _Wish(30, 1, _MOST_DAYS)}),
            "/api/turns": (self._turns, {"limit": _Wish(25, 1, _MOST_TURNS)}),
            "/api/tests": (self._tests, {"limit": _Wish(_MOST_RUNS, 1, 200)}),
            "/api/coverage": (self._coverage, {}),
            "/api/review": (self._review, {}),
        }

    async def get(self, target: str) -> Document:
        """What stands at an address. Raises NotFound, BadInput (a query that is none), StoreError, GitError."""
        path, _, query = target.partition("?")
        if path in FILES:
            return await asyncio.to_thread(read_file, path)
        if path not in self._api:
            raise NotFound(f"The dashboard has nothing at {path[:100]}; it has {', '.join(self._api)}.")
        answer, wishes = self._api[path]
        return Document(JSON, encode(await answer(_asked(query, wishes))))

    # ── one for each address ────────────────────────────────────────────────────────────────────────
    async def _status(self, _query: Query) -> StatusFigures:
        status = self._of.status()
        settings = self._of.settings
        last = await TurnStore(await self._of.database()).newest(1)
        served = plain(last[0].served or last[0].asked) if last else ""
        return StatusFigures(
            name=self._of.name,
            version=self._of.version,
            state=status.state,
            message=plain(status.message),
            provider=status.provider,
            model=settings.provider.model_default or served,
            port=status.port,
            base_url=status.base_url,
            workspace=plain(status.workspace),
            index=await self._index(),
            recorded=settings.records.enabled and self._of.state is not None,
            now=time.time(),
        )

    async def _usage(self, query: Query) -> UsageFigures:
        today = datetime.now().astimezone().date()
        first = today - timedelta(days=query["days"] - 1)
        since = datetime(first.year, first.month, first.day).astimezone().timestamp()
        turns = await TurnStore(await self._of.database()).since(since)
        return await asyncio.to_thread(figures_of_usage, turns, self._prices, today, query["days"])

    async def _turns(self, query: Query) -> TurnsFigures:
        turns = await TurnStore(await self._of.database()).newest(query["limit"])
        return TurnsFigures([figures_of_turn(turn, self._prices) for turn in turns])

    async def _tests(self, query: Query) -> Figure:
        store = RunStore(await self._of.database())
        lines, runs = await store.lines(query["limit"]), await store.list(LOOKED_AT)
        return await asyncio.to_thread(figures_of_tests, lines, runs)

    async def _coverage(self, _query: Query) -> Figure:
        store = RunStore(await self._of.database())
        lines, run = await store.lines(_MOST_RUNS), await store.covered()
        found = run.coverage if run is not None else await asyncio.to_thread(self._lying)
        changed = await self._changed() if found is not None else ()
        return await asyncio.to_thread(figures_of_coverage, found, run, lines, changed)

    async def _review(self, _query: Query) -> Figure:
        try:
            desk = await self._of.desk()
        except SidecarError as error:
            return no_review(error.sentence)
        state = await desk.refresh()
        return await asyncio.to_thread(figures_of_review, desk.viewed.title, state, desk.outline())

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    def _lying(self) -> Coverage | None:
        """The newest report in the workspace, whoever wrote it."""
        tests = self._of.settings.tests
        folder = Path(self._of.settings.server.workspace)
        runs = TestRuns(folder, {}, command=None, seconds=0.0, coverage_files=tests.coverage_files)
        with contextlib.suppress(OSError):
            return runs.coverage_now()
        return None

    async def _changed(self) -> Collection[str]:
        """The files of the uncommitted change, relative to the workspace; none where there is no review."""
        try:
            desk = await self._of.desk()
            await desk.refresh()
        except SidecarError:
            return ()
        prefix = await asyncio.to_thread(_inside, Path(self._of.settings.server.workspace), Path(desk.root))
        paths = [file.path for file in desk.outline()]
        return {path.removeprefix(prefix) for path in paths if path.startswith(prefix)}

    async def _index(self) -> IndexFigures:
        if not self._of.settings.index.enabled:
            return IndexFigures("off", "The index is switched off (SIDECAR_INDEX).", 0, 0)
        index = self._of.index()
        if index is None or self._of.state is None:
            return IndexFigures("none", "Nothing is indexed here yet; `sidecar index` makes the index.", 0, 0)
        why = index.state()
        try:
            files, symbols = await asyncio.to_thread(_counted, self._of.state / INDEX)
        except StoreError as error:
            return IndexFigures("building" if why else "none", why or error.sentence, 0, 0)
        return IndexFigures("building" if why else "ready", plain(why), files, symbols)


def _asked(query: str, wishes: Mapping[str, _Wish]) -> Query:
    """The numbers of a query, with defaults. Raises BadInput that says what may be asked."""
    found = {name: wish.default for name, wish in wishes.items()}
    for name, text in parse_qsl(query, keep_blank_values=True, max_num_fields=20):
        wish = wishes.get(name)
        if wish is None:
            raise BadInput(f"There is no {name[:40]!r} to ask for here{_list(wishes)}.")
        if not (text.isascii() and text.isdigit() and len(text) < 10 and wish.least <= int(text) <= wish.most):
            raise BadInput(f"{name} takes a number from {wish.least} to {wish.most}.")
        found[name] = int(text)
    return found


def _list(wishes: Mapping[str, _Wish]) -> str:
    return f"; only {', '.join(wishes)}" if wishes else ""


def _inside(workspace: Path, root: Path) -> str:
    """Where the workspace lies in the repository, with `/` at the end; empty at its top."""
    workspace, root = workspace.resolve(), root.resolve()
    if workspace == root or not workspace.is_relative_to(root):
        return ""
    return f"{workspace.relative_to(root).as_posix()}/"


def _counted(where: Path) -> tuple[int, int]:
    """Files and symbols of the index. Raises StoreError."""
    with contextlib.closing(SymbolReader(where)) as reader:
        return reader.counts()
