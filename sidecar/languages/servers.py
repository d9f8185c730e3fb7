"""Language servers without an editor: started when asked, shared, few at a time, started again with patience, ended with us."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from sidecar.core.symbols import Answer, Operation, Query
from sidecar.languages.client import ServerGone, ServerRefused
from sidecar.languages.files import Files
from sidecar.languages.lsp import METHODS, language_of
from sidecar.languages.process import find_program
from sidecar.languages.rows import ROWS, Row
from sidecar.languages.session import Session
from sidecar.trace import get_logger

_GUARD_EVERY: Final = 2.0
_WINDOW: Final = 180.0
_MOST_FAILURES: Final = 5
_FIRST_PAUSE: Final = 0.25
_IDLE: Final = 900.0
"""Seconds after which a server that nobody asks is ended; the next question starts it again."""


log = get_logger("languages")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many servers run at once, and how many bytes each may hold with all that it started."""

    count: int = 3
    memory: int = 2 << 30


@dataclass
class _Slot:
    """One row's server, now or soon, and when it failed of late."""

    session: Session | None = None
    starting: asyncio.Task[None] | None = None
    failures: deque[float] = field(default_factory=deque)
    reason: str = ""


class Servers:
    """Implements `core.ports.SymbolSource` by whatever server is installed for a file.

    `trusted`: a server may run what the project brings along (build scripts, compilers, plug-ins), so none is started
    for a workspace that is not. `env` is the environment they get; it should hold no key of ours. Open as long as its
    context; whoever leaves it has ended them all.
    """

    def __init__(
        self,
        root: Path,
        *,
        trusted: bool,
        env: Mapping[str, str],
        limits: Limits | None = None,
        rows: Sequence[Row] = ROWS,
        name: str = "server",
    ) -> None:
        self.name = name
        self._files = Files(root)
        self._trusted = trusted
        self._env = dict(env)
        self._limits = limits or Limits()
        self._rows = rows
        self._slots: defaultdict[str, _Slot] = defaultdict(_Slot)
        self._programs: dict[str, str] = {}
        self._guard: asyncio.Task[None] | None = None

    # ── core.ports.SymbolSource ─────────────────────────────────────────────────────────────────────
    def knows(self, operation: Operation, path: str) -> bool:
        """Whether there is a server for this kind of file, installed or not."""
        if operation not in METHODS:
            return False
        if not path:
            return operation == "workspace_symbols"
        suffix = PurePath(path).suffix.lower()
        return any(suffix in row.suffixes for row in self._rows)

    def changed(self, paths: object) -> None:
        """Nothing to do: the disk is looked at before each question."""

    async def ask(self, query: Query) -> Answer:
        """The answer of the file's server; for names, those of the running ones. Raises BadInput for a place that is none."""
        if not query.path:
            return await self._ask_for_name(query)
        await asyncio.to_thread(self._files.locate, query.path)
        suffix = PurePath(query.path).suffix.lower()
        rows = [row for row in self._rows if suffix in row.suffixes]
        if not rows:
            return Answer("unsupported", self.name, note=f"No language server is known for {suffix or 'such'} files.")
        if not self._trusted:
            mend = "no language server is started until you set SIDECAR_LANGUAGE_SERVERS=on for folders that you trust"
            return Answer("unsupported", rows[0].source, note=f"A server may run the project's code: {mend}.")
        row = await asyncio.to_thread(self._installed, rows)
        if row is None:
            install = " or ".join(f"`{row.install}`" for row in rows)
            language = language_of(query.path) or suffix
            note = f"No language server for {language} is installed; install one: {install}."
            return Answer("unsupported", rows[0].source, note=note)
        return await self._ask(row, query)

    async def aclose(self) -> None:
        """End every server."""
        if self._guard is not None:
            self._guard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._guard
            self._guard = None
        for slot in self._slots.values():
            if slot.starting is not None:
                slot.starting.cancel()
                await asyncio.wait({slot.starting})
            await self._end(slot)

    # ── which server ────────────────────────────────────────────────────────────────────────────────
    def _installed(self, rows: Sequence[Row]) -> Row | None:
        """The first of them whose program is there (outside the workspace)."""
        for row in rows:
            if row.name not in self._programs:
                found = row.command[0] if row.own else find_program(row.command[0], self._files.root)
                if found is None:
                    continue
                self._programs[row.name] = found
            return row
        return None

    async def _ask_for_name(self, query: Query) -> Answer:
        rows = [row for row in self._rows if row.own or self._slots[row.name].session is not None]
        for row in rows:
            self._installed([row])
        answers = [await self._ask(row, query) for row in rows]
        ready = [answer for answer in answers if answer.status == "ready"]
        if not answers:
            return Answer("unsupported", self.name, note="No language server runs yet; ask about a file first.")
        best = max(answers, key=lambda answer: len(answer.items))
        items = tuple(dict.fromkeys(item for answer in answers for item in answer.items))
        whole = len(ready) == len(answers)
        status = "ready" if whole else "partial" if items else best.status
        note = "" if whole else next(answer.note for answer in answers if answer.status != "ready")
        truncated = len(items) > query.limit or any(answer.truncated for answer in answers)
        return replace(best, status=status, items=items[: query.limit], truncated=truncated, note=note)

    # ── asking it ───────────────────────────────────────────────────────────────────────────────────
    async def _ask(self, row: Row, query: Query) -> Answer:
        loop = asyncio.get_running_loop()
        began, slot = loop.time(), self._slots[row.name]
        source = row.source
        await self._reap(slot)
        if slot.session is None:
            if slot.starting is None:
                if (refusal := self._refusal(slot)) is not None:
                    return Answer("unsupported", source, note=f"{row.name} {refusal}")
                slot.starting = loop.create_task(self._start(row, slot), name=f"start {row.name}")
            await asyncio.wait({slot.starting}, timeout=query.deadline)
        ms = (loop.time() - began) * 1000
        session = slot.session
        if session is None:
            if slot.starting is not None:
                return Answer(
                    "warming", source, ms=ms, note=f"{row.name} is still starting; ask again in some seconds."
                )
            return Answer("unsupported", source, ms=ms, note=f"{row.name} could not be started: {slot.reason}.")
        left = query.deadline - (loop.time() - began)
        try:
            answer = await session.ask(replace(query, deadline=max(left, 0.05)))
        except ServerGone:
            await self._reap(slot)
            return Answer("partial", source, note=f"{row.name} failed: {slot.reason}; ask again.")
        return replace(answer, ms=(loop.time() - began) * 1000)

    async def _start(self, row: Row, slot: _Slot) -> None:
        """Start a row's server; a failure is noted in its slot."""
        session = Session(row, self._files)
        try:
            await self._make_room()
            await session.start(self._programs[row.name], self._env)
        except (OSError, TimeoutError, ServerGone, ServerRefused, AttributeError, TypeError) as error:
            said = session.child.last_words if session.child else ""
            await session.aclose()
            self._failed(slot, row, said or str(error) or "it does not answer")
        except asyncio.CancelledError:
            await session.aclose()
            raise
        else:
            slot.session = session
            session.used = asyncio.get_running_loop().time()
            if self._guard is None:
                self._guard = asyncio.get_running_loop().create_task(self._watch(), name="language servers")
        finally:
            slot.starting = None

    async def _make_room(self) -> None:
        running = [slot for slot in self._slots.values() if slot.session is not None]
        if len(running) >= self._limits.count:
            oldest = min(running, key=lambda slot: slot.session.used if slot.session else 0.0)
            await self._end(oldest)

    def _refusal(self, slot: _Slot) -> str | None:
        """Why it is not started (again) now; None if it may be."""
        now = asyncio.get_running_loop().time()
        while slot.failures and now - slot.failures[0] > _WINDOW:
            slot.failures.popleft()
        if len(slot.failures) >= _MOST_FAILURES:
            wait = _WINDOW - (now - slot.failures[0])
            return f"failed {len(slot.failures)} times in three minutes ({slot.reason}); it is tried again in {wait:.0f} s."
        pause = _FIRST_PAUSE * 2 ** len(slot.failures) if slot.failures else 0.0
        if slot.failures and now - slot.failures[-1] < pause:
            return f"failed just now ({slot.reason}); ask again in {pause:.0f} s."
        return None

    # ── ending it ───────────────────────────────────────────────────────────────────────────────────
    async def _reap(self, slot: _Slot) -> None:
        """Bury a server that is gone."""
        session = slot.session
        if session is not None and session.gone:
            self._failed(slot, session.row, session.gone)
            await self._end(slot)

    async def _end(self, slot: _Slot) -> None:
        session, slot.session = slot.session, None
        if session is not None:
            await session.aclose()

    def _failed(self, slot: _Slot, row: Row, reason: str) -> None:
        slot.reason = reason.rstrip(".")
        slot.failures.append(asyncio.get_running_loop().time())
        log.warning("language server failed", server=row.name, reason=reason, failures=len(slot.failures))

    async def _watch(self) -> None:
        """End what is gone and what takes too much memory, until cancelled."""
        while True:
            await asyncio.sleep(_GUARD_EVERY)
            for slot in list(self._slots.values()):
                await self._reap(slot)
                if slot.session is not None and asyncio.get_running_loop().time() - slot.session.used > _IDLE:
                    await self._end(slot)
                child = slot.session.child if slot.session else None
                held = await asyncio.to_thread(child.memory) if child else 0
                if held > self._limits.memory and slot.session is not None:
                    most = self._limits.memory >> 20
                    self._failed(slot, slot.session.row, f"it took {held >> 20} MB of memory and {most} are allowed")
                    await self._end(slot)
