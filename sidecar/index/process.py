"""The indexer: a process of its own that keeps one workspace's index, told what to look at and telling how far it is.

`python -m sidecar.index.process ROOT FOLDER [watch] [mild]`. Requests come in on standard input: a line of JSON, then as many bytes
of paths (NUL between them) as it says. Events go out on standard output, a line of JSON each. It ends with its input,
at once and wherever it is: the index bears that.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from sidecar.core.errors import StoreError
from sidecar.index.build import Builder, Cancelled
from sidecar.index.walk import Folder
from sidecar.mildness import be_mild
from sidecar.store.lock import Lock
from sidecar.store.symbols import INDEX
from sidecar.store.symbolwriter import SymbolWriter
from sidecar.watching import watch

LOCK: Final = "index.lock"
_AGAIN: Final = 2.0
"""Seconds between two tries to become the one who writes."""


class Request(NamedTuple):
    """`do`: `all` (look at everything), `paths`, `rebuild`, `cancel`; `listed` is None where the folder is to be walked."""

    do: str
    number: int = 0
    asked: tuple[str, ...] = ()
    listed: tuple[str, ...] | None = None


class Indexer:
    """The process's one thread that works; another reads its input, a third may watch the files."""

    def __init__(self, root: Path, folder: Path, *, workers: int, mild: bool) -> None:
        self._root = root
        self._where = folder / INDEX
        self._lock = Lock(folder / LOCK)
        self._workers = workers
        self._mild = mild
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._later: list[Request] = []
        self._cancelled = threading.Event()
        self._rest_until = 0.0
        self._writer: SymbolWriter | None = None
        self._builder: Builder | None = None

    def take(self, request: Request) -> None:
        """A request has come in; called from the reading thread."""
        if request.do == "rest":
            self._rest_until = time.monotonic() + request.number / 1000
            return
        if request.do == "cancel":
            self._cancelled.set()
        self._requests.put(request)

    def run(self) -> None:
        """Work until the process ends."""
        self._become_writer()
        while True:
            request = self._later.pop(0) if self._later else self._requests.get()
            self._cancelled.clear()
            try:
                tell("done", number=request.number, changed=self._serve(request))
            except Cancelled:
                tell("done", number=request.number, cancelled=True)
            except StoreError as error:
                tell("fault", number=request.number, note=error.sentence)
                return

    def _become_writer(self) -> None:
        """Wait for the lock: while another process has it, that one keeps the index, for us as well."""
        told = False
        while not self._lock.take():
            if not told:
                tell("role", writer=False, pid=self._lock.holder())
                told = True
            with suppress(queue.Empty):
                request = self._requests.get(timeout=_AGAIN)
                tell("done", number=request.number, other=True)
        self._open(fresh=False)
        tell("role", writer=True, again=told)

    def _open(self, *, fresh: bool) -> None:
        if self._builder is not None and self._writer is not None:
            self._builder.close()
            self._writer.close()
        self._writer = SymbolWriter(self._where, fresh=fresh)
        self._builder = Builder(self._root, self._writer, workers=self._workers, mild=self._mild, rest=self._rest)

    def _serve(self, request: Request) -> int:
        if request.do == "rebuild":
            self._open(fresh=True)
        if self._builder is None or request.do == "cancel":
            return 0
        if request.do == "paths":
            return self._look_at(request)
        listed = Folder(self._root).files() if request.listed is None else request.listed
        return self._builder.look_at_all(listed, self._step)

    def _look_at(self, request: Request) -> int:
        if self._builder is None:
            return 0
        listed = Folder(self._root).among(request.asked) if request.listed is None else request.listed
        return self._builder.look_at(request.asked, listed)

    def _step(self, done: int, total: int) -> None:
        """Between two batches: say how far it is, and look at what was saved meanwhile.

        A worker may have read such a file before it was saved, so it is looked at again at the end.
        """
        tell("progress", done=done, total=total)
        if self._cancelled.is_set():
            raise Cancelled
        with suppress(queue.Empty):
            while True:
                request = self._requests.get_nowait()
                self._later.append(request)
                if request.do == "paths":
                    self._look_at(request)

    def _rest(self) -> None:
        """Before more is given to the workers: make way as long as it is asked for, but look at what is saved meanwhile."""
        while (left := self._rest_until - time.monotonic()) > 0:
            with suppress(queue.Empty):
                request = self._requests.get(timeout=left)
                self._later.append(request)
                if request.do == "paths":
                    self._look_at(request)
            if self._cancelled.is_set():
                raise Cancelled


def tell(event: str, **facts: Any) -> None:
    """Say something to the process that started this one."""
    line = json.dumps({"event": event, **facts}).encode() + b"\n"
    with _TELLING, suppress(OSError):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


_TELLING: Final = threading.Lock()


def _listen(indexer: Indexer) -> None:
    """Hand on what comes in; at its end, end the process."""
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        size = asked.get("size")
        paths = _paths(sys.stdin.buffer.read(size)) if size is not None else None
        indexer.take(Request(asked["do"], asked.get("number", 0), tuple(asked.get("asked", ())), paths))
    os._exit(0)


def _paths(body: bytes) -> tuple[str, ...]:
    return tuple(path for path in body.decode("utf-8", "surrogateescape").split("\0") if path)


def main() -> int:
    """Be the indexer."""
    root, folder = Path(sys.argv[1]), Path(sys.argv[2])
    mild = "mild" in sys.argv[3:]
    if mild:
        be_mild()
    indexer = Indexer(root, folder, workers=min(2, os.cpu_count() or 1), mild=mild)
    threading.Thread(target=_listen, args=(indexer,), name="requests", daemon=True).start()
    if "watch" in sys.argv[3:]:
        threading.Thread(target=watch, args=(root, tell, folder), name="watching", daemon=True).start()
    try:
        indexer.run()
    except (StoreError, OSError) as error:
        tell("fault", number=0, note=getattr(error, "sentence", str(error)))
    return 1


if __name__ == "__main__":
    os._exit(main())  # the reading thread waits for input that may never come
