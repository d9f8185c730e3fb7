"""Kept answers, as the rest of the house uses them: five methods, none of which waits for the disk on the event loop.

What was used lately is in memory, so giving it out again needs no other thread. The disk behind it (`store.cache`) is
opened with the first question that could be answered from there, on a thread of its own. Where it cannot be used,
memory goes on alone, and that is said once.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar

from sidecar.core.errors import StoreError
from sidecar.settings.groups import Cache
from sidecar.store.runtime import open_folder
from sidecar.trace import get_logger

log = get_logger("store")

T = TypeVar("T")

FOLDER: Final = "cache"
"""The folder of kept answers within the workspace's state folder."""

REVIEWS: Final = "reviews"
"""The folder of kept reviews beside it."""

_PATIENCE: Final = 4.0  # seconds that a question waits for the disk before it goes to the provider
_REST: Final = 60.0  # seconds that a disk which failed is left alone
_SETTLE: Final = 0.25  # seconds in which numbers are gathered before they are written
_WAITING: Final = 32  # answers that may wait to be written
_GOODBYE: Final = 5.0
_RECALLED: Final = 4  # keys of answers that went are recalled, this many times as many as answers are kept


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How much is kept and how long. `ttl` in seconds; `answer_bytes` is the largest single answer."""

    entries: int = 64
    ttl: float = 300.0
    total_bytes: int = 64 * 1024 * 1024
    memory_bytes: int = 16 * 1024 * 1024

    @classmethod
    def of(cls, settings: Cache) -> Self:
        """The limits that settings say."""
        return cls(settings.max_entries, settings.ttl_ms / 1000, settings.max_bytes)

    @property
    def answer_bytes(self) -> int:
        """The largest answer that is kept."""
        return self.total_bytes // 8


@dataclass(frozen=True, slots=True)
class Counts:
    """How often an answer was asked for and was there, was not, or was shared while it came; `tokens` that spared."""

    hits: int = 0
    misses: int = 0
    joins: int = 0
    tokens: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits + other.hits, self.misses + other.misses, self.joins + other.joins, self.tokens + other.tokens
        )


@dataclass(frozen=True, slots=True)
class SharedStats:
    """How the server stands through which a team shares answers. `entries` is None, and why, where it cannot be asked."""

    server: str
    entries: int | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What is kept now, and what happened since the cache was last cleared. `folder` is empty for memory alone."""

    entries: int
    size: int
    counts: Counts
    limits: CacheLimits
    folder: str = ""
    shared: SharedStats | None = None


class AnswerStore(Protocol):
    """Where answers are kept by a key. No method fails: a store that cannot do its work has nothing."""

    async def get(self, key: str) -> bytes | None:
        """The answer, whole and fresh; None when there is none."""

    def why(self, key: str) -> str:
        """Why there is none: `expired` or `evicted` where one was lately here, else `new`."""

    def credit(self, counts: Counts) -> None:
        """Add what only the asker knows: tokens that were spared, and misses that turned into joins."""

    async def put(self, key: str, answer: bytes) -> None:
        """Keep an answer; what was used longest ago makes room."""

    async def clear(self) -> int:
        """Forget everything; how many answers that were."""

    async def stats(self) -> CacheStats:
        """What is kept."""

    async def aclose(self) -> None:
        """Finish writing and let go."""


class Disk(Protocol):
    """What stands behind memory: `store.cache.DiskAnswers`, whose calls block and may fail."""

    def get(self, key: str, now: float) -> tuple[bytes, float] | None:
        """The answer and when it was stored."""

    def put(self, key: str, answer: bytes, now: float, used: Collection[str] = ()) -> None:
        """Keep an answer."""

    def note(self, counts: Counts, used: Collection[str] = ()) -> None:
        """Add to the numbers."""

    def clear(self) -> int:
        """Forget everything."""

    def stats(self) -> CacheStats:
        """What is kept."""

    def close(self) -> None:
        """Let go."""


class Clock:
    """Wall time, by which answers age across processes, and steady time, which nobody can set back."""

    def wall(self) -> float:
        """UTC seconds."""
        return time.time()

    def steady(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: bytes
    wall: float
    steady: float


class Answers:
    """Implements `AnswerStore` with memory before a folder; with memory alone where `folder` is None."""

    def __init__(self, folder: Path | None, limits: CacheLimits | None = None, clock: Clock | None = None) -> None:
        self._limits = limits or CacheLimits()
        self._clock = clock or Clock()
        self._folder = folder
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._disk: Disk | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._rest_until = 0.0
        self._warned = False
        self._waiting = 0
        self._used: dict[str, None] = {}
        self._counts = Counts()
        self._went: OrderedDict[str, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._cleared = 0

    async def get(self, key: str) -> bytes | None:
        """See `AnswerStore.get`."""
        answer = self._remembered(key)
        if answer is None and self._folder is not None:
            answer = await self._fetched(key)
        if answer is not None:
            self._used[key] = None
        self.credit(Counts(misses=1) if answer is None else Counts(hits=1))
        return answer

    def why(self, key: str) -> str:
        """See `AnswerStore.why`. What this process has kept or found itself is told, up to a number of keys."""
        if self._folder is not None and self._was_cleared(self._folder):
            self._forget()
        stored = self._went.get(key)
        if stored is None:
            return "new"
        return "evicted" if 0 <= self._clock.wall() - stored < self._limits.ttl else "expired"

    def credit(self, counts: Counts) -> None:
        """See `AnswerStore.credit`."""
        self._counts += counts
        self._note_soon()

    async def put(self, key: str, answer: bytes) -> None:
        """See `AnswerStore.put`. In memory it is at once."""
        if len(answer) > self._limits.answer_bytes:
            return
        now = self._clock.wall()
        self._remember(key, _Kept(answer, now, self._clock.steady()))
        if self._folder is not None and self._waiting < _WAITING:
            used = self._take_used()
            self._waiting += 1
            try:
                await self._on_disk(lambda disk: disk.put(key, answer, now, used), None)
            finally:
                self._waiting -= 1

    def remember(self, key: str, answer: bytes, stored: float) -> None:
        """Keep in memory what was stored elsewhere, at `stored` (UTC seconds, not in the future)."""
        age = self._clock.wall() - stored
        self._remember(key, _Kept(answer, stored, self._clock.steady() - age))

    async def clear(self) -> int:
        """See `AnswerStore.clear`."""
        count = len(self._kept)
        self._forget()
        self._take_used()
        self._counts = Counts()
        return await self._on_disk(lambda disk: disk.clear(), count)

    async def stats(self) -> CacheStats:
        """See `AnswerStore.stats`."""
        await self._note()
        own = CacheStats(len(self._kept), self._bytes, self._counts, self._limits)
        return await self._on_disk(lambda disk: disk.stats(), own)

    async def aclose(self) -> None:
        """See `AnswerStore.aclose`."""
        if self._timer is not None:
            self._timer.cancel()
        if self._worker is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await self._note()
                await asyncio.get_running_loop().run_in_executor(self._worker, self._let_go)
        self._worker.shutdown(wait=False)
        self._worker = None

    # ── memory ──────────────────────────────────────────────────────────────────────────────────────────
    def _remembered(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if self._folder is not None and self._was_cleared(self._folder):
            self._forget()
            return None
        # Either clock may have lost time: the wall clock by being set, the steady one while the machine slept.
        age = self._clock.wall() - kept.wall
        if not 0 <= age < self._limits.ttl or self._clock.steady() - kept.steady >= self._limits.ttl:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.answer

    def _remember(self, key: str, kept: _Kept) -> None:
        self._drop(key)
        self._kept[key] = kept
        self._went[key] = kept.wall
        self._went.move_to_end(key)
        if len(self._went) > _RECALLED * self._limits.entries:
            self._went.popitem(last=False)
        self._bytes += len(kept.answer)
        while len(self._kept) > self._limits.entries or self._bytes > self._limits.memory_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self._bytes -= len(kept.answer)

    def _forget(self) -> None:
        self._kept.clear()
        self._went.clear()
        self._bytes = 0

    def _was_cleared(self, folder: Path) -> bool:
        """Whether anybody has cleared the folder since the last look: one `stat`, some microseconds."""
        try:
            now = (folder / "cleared").stat().st_mtime_ns
        except OSError:
            now = 0
        before, self._cleared = self._cleared, now
        return now != before

    # ── disk ────────────────────────────────────────────────────────────────────────────────────────────
    async def _fetched(self, key: str) -> bytes | None:
        now, steady = self._clock.wall(), self._clock.steady()
        found: tuple[bytes, float] | None = None
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._on_disk(lambda disk: disk.get(key, now), None)
        except TimeoutError:
            self._fail(f"the disk did not answer within {_PATIENCE:g} s")
        if found is None:
            return None
        answer, stored = found
        self._remember(key, _Kept(answer, stored, steady - (now - stored)))
        return answer

    async def _on_disk(self, act: Callable[[Disk], T], otherwise: T) -> T:
        """What `act` returns on the disk's thread; `otherwise` where the disk cannot be used."""
        if self._folder is None or self._clock.steady() < self._rest_until:
            return otherwise
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cache")
        folder = self._folder
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, lambda: self._attempt(folder, act, otherwise)
        )

    def _attempt(self, folder: Path, act: Callable[[Disk], T], otherwise: T) -> T:
        # Imported here: diskcache takes 70 ms, and whoever asks nothing that can be kept never needs it.
        cache: Any = importlib.import_module("sidecar.store.cache")
        disk = self._disk
        try:
            if disk is None:
                self._disk = disk = cache.DiskAnswers.open(open_folder(folder), self._limits)
            return act(disk)
        except StoreError as error:
            self._fail(error.sentence)
        except cache.FAULTS as error:
            was_open = self._disk is not None
            self._let_go()
            if was_open and cache.spoilt(error):
                with contextlib.suppress(OSError):
                    cache.put_aside(folder, error)
                    return otherwise
            self._fail(str(error))
        return otherwise

    def _fail(self, reason: str) -> None:
        self._rest_until = self._clock.steady() + _REST
        if not self._warned:
            self._warned = True
            log.warning("cache_in_memory_only", folder=str(self._folder), reason=reason)

    def _let_go(self) -> None:
        if self._disk is not None:
            self._disk.close()
            self._disk = None

    # ── numbers ─────────────────────────────────────────────────────────────────────────────────────────
    def _note_soon(self) -> None:
        if self._folder is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_SETTLE, self._note_now)

    def _note_now(self) -> None:
        self._timer = None
        if self._worker is not None and self._folder is not None and self._clock.steady() >= self._rest_until:
            folder, (counts, used) = self._folder, self._take_notes()
            self._worker.submit(self._attempt, folder, lambda disk: disk.note(counts, used), None)

    async def _note(self) -> None:
        if self._folder is not None and (self._counts != Counts() or self._used):
            counts, used = self._take_notes()
            await self._on_disk(lambda disk: disk.note(counts, used), None)

    def _take_notes(self) -> tuple[Counts, tuple[str, ...]]:
        counts, self._counts = self._counts, Counts()
        return counts, self._take_used()

    def _take_used(self) -> tuple[str, ...]:
        used = tuple(self._used)
        self._used.clear()
        return used


def kept_answers(state: Path | None, workspace: Path, limits: CacheLimits, name: str = FOLDER) -> Answers:
    """The answers of one workspace's state folder; in memory alone where there is none or the workspace could plant it."""
    if state is None:
        return Answers(None, limits)
    folder = state / name
    with contextlib.suppress(OSError, RuntimeError):
        if not folder.resolve().is_relative_to(workspace.resolve()):
            return Answers(folder, limits)
    log.warning("cache_in_memory_only", folder=str(folder), reason="the state folder lies in the workspace")
    return Answers(None, limits)
