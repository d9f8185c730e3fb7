"""Bring the index to what the files are now: compare by date, size and content, parse what differs, write in batches.

It runs in the indexer's process. Whatever ends it, the next look goes on where it stopped: a batch is written whole or
not at all, and a file whose entry is as it was read is not read again.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, cast

from sidecar.core.errors import StoreError
from sidecar.index.reading import Job, Read, is_same, read_entry, receive, send
from sidecar.store.symbolwriter import Entry, FileState, SymbolWriter

FEW: Final = 8
"""So many files are parsed here; more are handed to workers."""

_BATCH_FILES: Final = 500
_BATCH_SECONDS: Final = 1.0
_FIRST_SECONDS: Final = 0.1
"""The first batch is a small one: so soon a search has something to find, however large the tree."""

_CHUNK_FILES: Final = 24
_CHUNK_BYTES: Final = 300_000
_AHEAD: Final = 6
"""So many chunks each worker has to do, and so much room (bytes) for its answers: it goes on while a batch is written."""

_AHEAD_MILD: Final = 2
"""The same where it makes way for others: so little is still parsed once it rests."""

_ROOM: Final = 1 << 20
_RACY: Final = 2_000_000_000
"""A file that was changed so shortly (ns) before it was read may have been changed again without a newer date."""

Step = Callable[[int, int], None]
"""Told after each batch how many files of how many are done; it may raise `Cancelled`."""


class Cancelled(Exception):
    """Whoever asked for the look wants it no longer."""


class Builder:
    """Looks at the files of one folder for one index; `mild`: its workers make way for everybody else."""

    def __init__(
        self,
        root: Path,
        writer: SymbolWriter,
        *,
        workers: int = 2,
        mild: bool = False,
        rest: Callable[[], object] = bool,
    ) -> None:
        self._root = root
        self._writer = writer
        self._count = workers
        self._mild = mild
        self._rest = rest
        inner = writer.path.parent.is_relative_to(root) and writer.path.parent.relative_to(root).as_posix()
        self._own = f"{inner}/" if inner else "\0"
        self._workers: list[_Worker] = []

    def look_at_all(self, listing: Iterable[str], step: Step | None = None) -> int:
        """Make the index say what these files say, and nothing else; the number of files that differed."""
        if any(worker.given for worker in self._workers):  # of a look that was cancelled: it says what was then
            self.close()
        known = self._writer.known()
        listed = {shown(path): path for path in listing if not path.startswith(self._own)}
        gone = [path for path in known if path not in listed]
        self._writer.note(total=len(listed), done=0)
        if gone:
            self._writer.write([], gone)
        jobs = [job for name, path in listed.items() if (job := self._job(path, known.get(name))) is not None]

        def far(count: int) -> None:
            self._writer.note(done=len(listed) - len(jobs) + count)
            if step is not None:
                step(len(listed) - len(jobs) + count, len(listed))

        changed = self._take(jobs, known, far)
        self._writer.note(complete=1, done=len(listed), total=len(listed))
        if len(jobs) > FEW:
            self._writer.settle()
        return changed + len(gone)

    def look_at(self, asked: Iterable[str], listed: Iterable[str]) -> int:
        """The same for some paths only: `listed` are those files, at or below `asked`, that belong into the index."""
        known = self._writer.state_of(asked)
        wanted = {shown(path): path for path in listed if not path.startswith(self._own)}
        gone = [path for path in known if path not in wanted]
        if gone:
            self._writer.write([], gone)
        states = {**known, **self._writer.state_of(path for path in wanted if path not in known)}
        jobs = [(path, states[name].hash if name in states else b"") for name, path in wanted.items()]
        return self._take(jobs, states) + len(gone)

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def _job(self, path: str, state: FileState | None) -> Job | None:
        """What there is to do for a file; None when nothing of it can have changed."""
        if state is None:
            return path, b""
        try:
            facts = os.lstat(self._root / path)
        except (OSError, ValueError):
            return path, b""
        same = facts.st_size == state.size and facts.st_mtime_ns == state.modified
        return None if same and state.modified < state.looked - _RACY else (path, state.hash)

    def _take(self, jobs: Sequence[Job], known: dict[str, FileState], step: Callable[[int], object] = bool) -> int:
        """Read the files and write what differs, a batch at a time."""
        changed, done, since = 0, 0, time.monotonic()
        enough, patience = min(_CHUNK_FILES, _BATCH_FILES), _FIRST_SECONDS
        batch: list[Read] = []
        names: list[str] = []
        for job, read in self._read(jobs):
            batch.append(read)
            names.append(shown(job[0]))
            if len(batch) >= enough or time.monotonic() - since > patience:
                changed += self._write(names, batch, known)
                done += len(batch)
                batch, names, since = [], [], time.monotonic()
                # less and less towards the end, so that little is left to write after the last one is read
                enough, patience = min(_BATCH_FILES, max(_CHUNK_FILES, (len(jobs) - done) // 2)), _BATCH_SECONDS
                step(done)
        return changed + self._write(names, batch, known)

    def _write(self, names: Sequence[str], batch: Sequence[Read], known: dict[str, FileState]) -> int:
        entries: list[Entry] = []
        same: list[tuple[str, int, int, int]] = []
        gone: list[str] = []
        for name, read in zip(names, batch, strict=True):
            state = known.get(name)
            if read is None:
                gone += [name] if state is not None else []
            elif is_same(read) or (
                state is not None and not read[4] and (read[1], read[2], b"") == state[1:3] + state[4:]
            ):
                same.append((name, *read[1:4]))
            else:
                entries.append(Entry(name, *read[1:]))
        if same:
            self._writer.touch(same)
        if entries or gone:
            self._writer.write(entries, gone)
        return len(entries) + len(gone)

    def _read(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Read]]:
        if len(jobs) <= FEW or any(worker.given for worker in self._workers):  # workers have one look's files at a time
            for path, known in jobs:
                yield (path, known), read_entry(self._root, path, known)
            return
        while len(self._workers) < self._count:
            self._workers.append(_Worker(self._root, mild=self._mild))
        ahead = _AHEAD_MILD if self._mild else _AHEAD
        yield from _shared_out(self._chunks(jobs), [*self._workers] * ahead, self._rest)

    def _chunks(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """Jobs in portions of about the same work."""
        chunk: list[Job] = []
        size = 0
        for job in jobs:
            with suppress(OSError, ValueError):
                size += os.lstat(f"{self._root}/{job[0]}").st_size
            chunk.append(job)
            if len(chunk) >= _CHUNK_FILES or size > _CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk


class _Worker:
    """One process that reads files; it is started again when it dies over one."""

    def __init__(self, root: Path, *, mild: bool) -> None:
        self._root = root
        self._words = ["mild"] if mild else []
        self.given: deque[list[Job]] = deque()
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", __name__.replace("build", "reading"), str(self._root), *self._words]
        process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with suppress(ImportError, AttributeError, OSError):  # only Linux can, and each user has a share of it
            (fcntl := import_module("fcntl")).fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _ROOM)
        return process

    @property
    def answers(self) -> IO[bytes]:
        return cast(IO[bytes], self._process.stdout)

    def give(self, chunk: list[Job]) -> None:
        self.given.append(chunk)
        self._send(chunk)

    def take(self) -> list[tuple[Job, Read]]:
        """What has become of the oldest chunk."""
        chunk = self.given.popleft()
        reads = self._receive()
        if reads is not None:
            return list(zip(chunk, reads, strict=True))
        # it died over one of these files: each is tried alone, and whichever kills it again is left out
        rest, self.given = list(self.given), deque()
        self._restart()
        results = [(job, self._alone(job)) for job in chunk]
        for other in rest:
            self.give(other)
        return results

    def _alone(self, job: Job) -> Read:
        self._send([job])
        reads = self._receive()
        if reads is not None:
            return cast("Read", reads[0])
        self._restart()
        facts = os.lstat(self._root / job[0])
        return (job[0], facts.st_size, facts.st_mtime_ns, time.time_ns(), b"", "", "its parser failed")

    def _send(self, chunk: list[Job]) -> None:
        with suppress(BrokenPipeError):  # told by the answer that does not come
            send(cast(IO[bytes], self._process.stdin), chunk)

    def _receive(self) -> list[Any] | None:
        try:
            return cast(list[Any], receive(self.answers))
        except EOFError:
            return None

    def _restart(self) -> None:
        self.end()
        self._process = self._start()
        self._send([])
        if self._receive() is None:  # then it was no file's fault
            raise StoreError("The indexer's worker processes cannot be started; `sidecar doctor` may say why.")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def _shared_out(
    chunks: Iterator[list[Job]], workers: Sequence[_Worker], rest: Callable[[], object]
) -> Iterator[tuple[Job, Read]]:
    """Give each worker a chunk as often as it is named, and a new one for each that it is done with; `rest` in between."""
    for worker in workers:
        if chunk := next(chunks, None):
            worker.give(chunk)
    while busy := {worker for worker in workers if worker.given}:
        with selectors.DefaultSelector() as ready:
            for worker in busy:
                ready.register(worker.answers, selectors.EVENT_READ, worker)
            answered = [cast(_Worker, key.data) for key, _ in ready.select()]
        for worker in answered:
            results = worker.take()
            if chunk := next(chunks, None):
                worker.give(chunk)
            yield from results
        rest()


def shown(path: str) -> str:
    """A path as it can be written anywhere: bytes that are no UTF-8 as escapes."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
