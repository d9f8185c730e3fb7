"""Kept answers on disk: diskcache, contained so that nothing is ever unpickled. Everything here blocks.

diskcache unpickles what it reads (CVE-2025-69872, no fix) unless its `Disk` is replaced, so ours takes text keys and
bytes as values, refuses every row that says otherwise, and keys are never iterated. Values lie inside the database:
SQLite's transactions alone decide what a killed process leaves behind. Each value carries its own time and a digest
over key and content, so a damaged or exchanged row is a miss.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import time
from collections.abc import Collection
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, Self

import diskcache
import orjson

from sidecar.store.answers import CacheLimits, CacheStats, Counts
from sidecar.store.database import Fault, claim, is_damaged
from sidecar.trace import get_logger

log = get_logger("store")

FAULTS: Final = (
    OSError, Fault, diskcache.Timeout,
    # What diskcache raises over a row or a setting of a kind that it did not write.
    ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip
"""Whatever the disk, another process or a damaged file can make of a call; none of it may reach a turn."""

_MARK: Final = 0x53434131  # "SCA1", the application id of our files
_FILE: Final = diskcache.core.DBNAME
_COUNTS: Final = "counts.json"
_COUNTED: Final = tuple(field.name for field in fields(Counts))
_CLEARED: Final = "cleared"
_RAW: Final = diskcache.core.MODE_RAW
_SEAL: Final = struct.Struct(">4sd16s")
_MAGIC: Final = b"SCA1"
_BUSY: Final = 2.0
_WAITS: Final = (0.02, 0.05, 0.1, 0.2, 0.4)  # seconds between tries to open what another process holds
_NO_EVICTION: Final = "none"
_LRU: Final = "least-recently-used"


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """Text keys and bytes values as they are. Nothing is pickled, unpickled or written to files of its own."""

    def __init__(self, directory: str, **_settings: object) -> None:
        super().__init__(directory)

    def put(self, key: object) -> tuple[str, bool]:
        """A key as the table holds it."""
        if type(key) is not str:
            raise TypeError("a key is text")
        return key, True

    def get(self, key: object, raw: object) -> str:
        """A key from the table; one that was not written as text is refused."""
        if not raw or type(key) is not str:
            raise OSError("this row was not written here")
        return key

    def store(self, value: object, read: object, key: object = None) -> tuple[int, int, None, memoryview]:
        """A value as the table holds it: size, mode, file, bytes."""
        if read or type(value) is not bytes:
            raise TypeError("a value is bytes")
        return len(value), _RAW, None, memoryview(value)

    def fetch(self, mode: object, filename: object, value: object, read: object) -> bytes:
        """A value from the table; OSError, which diskcache takes for a miss, for any other kind of row."""
        if mode != _RAW or filename is not None or type(value) is not bytes:
            raise OSError("this row was not written here")
        return value

    def remove(self, file_path: object) -> None:
        """Nothing: no value has a file, and a row that names one is not believed."""


class DiskAnswers:
    """Answers in one folder, for one thread. Another process may use the same folder at the same time.

    Every method may raise one of `FAULTS`; then close it and open anew.
    """

    def __init__(self, cache: Any, folder: Path, limits: CacheLimits) -> None:
        self._cache = cache
        self._folder = folder
        self._limits = limits

    @classmethod
    def open(cls, folder: Path, limits: CacheLimits) -> Self:
        """Open the folder, which is ours alone already. A damaged or foreign file is put aside with a warning.

        Another process that opens it at the same moment holds it for a little while: that is waited for.
        """
        for wait in (*_WAITS, 0.0):
            try:
                return cls(_ready(folder), folder, limits)
            except FAULTS as error:
                if wait and "locked" in str(error):
                    time.sleep(wait)
                    continue
                if not spoilt(error):
                    raise
                put_aside(folder, error)
                break
        return cls(_ready(folder), folder, limits)

    def get(self, key: str, now: float) -> tuple[bytes, float] | None:
        """The answer and when it was stored (UTC seconds); None when there is none that is whole and fresh."""
        sealed = self._cache.get(key)
        return _opened(key, sealed, now, self._limits.ttl) if type(sealed) is bytes else None

    def put(self, key: str, answer: bytes, now: float, used: Collection[str] = ()) -> None:
        """Keep an answer; `used` are keys whose answers were given out of memory, so are not the next to go."""
        sealed = _sealed(key, answer, now)
        with self._writing() as cache:
            self._mark_used(used)
            cache.expire()
            cache.delete(key)
            excess = self._excess(1, len(sealed))
            while True:
                # Left to itself diskcache only bounds bytes; with a bound of none it drops as many rows as we say.
                cache.reset("cull_limit", excess, update=False)
                cache.set(key, sealed, expire=self._limits.ttl)
                excess = self._excess(0, 0)
                if not excess:
                    break

    def note(self, counts: Counts, used: Collection[str] = ()) -> None:
        """Add to the numbers that outlive the process."""
        with self._writing():
            self._mark_used(used)
            self._write_counts(self._read_counts() + counts)

    def clear(self) -> int:
        """Forget all answers and numbers; how many answers there were. Other processes hear of it by a mark."""
        count = int(self._cache.clear())
        with self._writing():
            self._write_counts(Counts())
        mark = self._folder / _CLEARED
        mark.touch(mode=0o600)
        os.utime(mark)
        return count

    def stats(self) -> CacheStats:
        """What is kept here."""
        size = int(self._cache.reset("size"))
        return CacheStats(len(self._cache), size, self._read_counts(), self._limits, str(self._folder))

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(*FAULTS):
            self._cache.close()

    @contextlib.contextmanager
    def _writing(self) -> Any:
        """A transaction in which what was used longest ago goes first. Outside of it, reading writes nothing."""
        self._cache.reset("eviction_policy", _LRU, update=False)
        try:
            with self._cache.transact():
                yield self._cache
        finally:
            self._cache.reset("eviction_policy", _NO_EVICTION, update=False)

    def _mark_used(self, used: Collection[str]) -> None:
        for key in used:
            self._cache.get(key)

    def _excess(self, more: int, coming: int) -> int:
        """How many answers must go so that `more` of them with `coming` bytes find room."""
        count, size = len(self._cache), int(self._cache.reset("size"))
        over = size + coming - self._limits.total_bytes
        by_size = -(-over * count // size) if over > 0 and size > 0 else 0
        return max(0, count + more - self._limits.entries, by_size)

    def _read_counts(self) -> Counts:
        try:
            told = orjson.loads((self._folder / _COUNTS).read_bytes())
            return Counts(**{name: int(told.get(name, 0)) for name in _COUNTED})
        except (OSError, ValueError, AttributeError, TypeError):
            return Counts()

    def _write_counts(self, counts: Counts) -> None:
        """Replace the file whole; the transaction around it keeps other processes out."""
        new = self._folder / f"{_COUNTS}.new"
        new.touch(mode=0o600)
        new.write_bytes(orjson.dumps(asdict(counts)))
        new.replace(self._folder / _COUNTS)


def spoilt(error: BaseException) -> bool:
    """Whether the file itself is at fault, not the disk or another process."""
    if isinstance(error, Fault):
        return is_damaged(error) or "no such column" in str(error)
    return not isinstance(error, OSError | diskcache.Timeout)


def put_aside(folder: Path, error: BaseException) -> None:
    """Rename a spoilt file and what belongs to it. Only the last one is kept, since nothing in it is the user's."""
    kept = folder / f"{_FILE}.damaged"
    for tail in ("", "-wal", "-shm"):
        beside = folder / (_FILE + tail)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + tail))
    log.warning("cache_put_aside", kept=str(kept), reason=str(error))


def _ready(folder: Path) -> Any:
    claim(folder / _FILE, _MARK)
    cache = diskcache.Cache(
        str(folder),
        timeout=_BUSY,
        disk=BytesDisk,
        eviction_policy=_LRU,
        statistics=0,
        size_limit=0,
        cull_limit=0,
        sqlite_mmap_size=0,  # a file that shrinks under a mapping would kill the process
        sqlite_cache_size=512,
    )
    cache.reset("eviction_policy", _NO_EVICTION, update=False)
    return cache


def _sealed(key: str, answer: bytes, now: float) -> bytes:
    return _SEAL.pack(_MAGIC, now, _digest(key, now, answer)) + answer


def _opened(key: str, sealed: bytes, now: float, ttl: float) -> tuple[bytes, float] | None:
    if len(sealed) < _SEAL.size:
        return None
    magic, stored, digest = _SEAL.unpack_from(sealed)
    answer = sealed[_SEAL.size :]
    # An answer from the future was kept before the clock was set back: how old it is, nobody knows.
    if magic != _MAGIC or not 0 <= now - stored < ttl or digest != _digest(key, stored, answer):
        return None
    return answer, stored


def _digest(key: str, stored: float, answer: bytes) -> bytes:
    digest = hashlib.blake2b(struct.pack(">d", stored) + key.encode(), digest_size=16)
    digest.update(answer)
    return digest.digest()
