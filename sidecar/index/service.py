"""The indexer as the serving process has it: started, fed with what changed, asked how far it is, started again, ended.

Nothing here waits for the index: requests go down a pipe, events come up another, and queries read the file by themselves.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sidecar.core.listeners import enlisted
from sidecar.trace import get_logger

Listing = Callable[[Collection[str] | None], Awaitable[bytes | None]]
"""The files of the workspace that belong into an index, or those at and below some paths: relative, NUL after each.
None where nobody can tell, and the folder is to be walked."""

Progress = Callable[[int, int], None]

MANY: Final = 500
"""More changed paths than this are looked at as a whole."""

_RESCAN: Final = 30.0
_GIVES_UP: Final = 5
_STANDS: Final = 1.0
"""Seconds within which files are mostly watched: what is changed before that, and after it was listed, nobody tells."""

_ENDING: Final = 2.0
_LINE: Final = 8 << 20
_WHOLE: Final = frozenset({".gitignore", ".git"})
_BEHIND: Final = "Files were changed and are being looked at; ask again in a moment."

log = get_logger("index")


class IndexService:
    """Keeps the index of `root` in `folder` up to date, from `start` to `aclose`.

    `listing` says which files there are; `watch` lets the indexer watch them; `mild` lets it make way for others, where
    nobody waits for its end.
    """

    def __init__(self, root: Path, folder: Path, listing: Listing, *, watch: bool = True, mild: bool = True) -> None:
        self._root = root
        self._folder = folder
        self._listing = listing
        self._watch = watch
        self._mild = mild
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[Progress] = []
        self._wanted = asyncio.Event()
        self._paths: set[str] = set()
        self._all = False
        self._rebuild = False
        self._answered: asyncio.Future[dict[str, Any]] | None = None
        self._number = 0
        self._fails = 0
        self._sending = asyncio.Lock()
        self._whole = asyncio.Event()
        self._still = asyncio.Event()
        self._behind = True
        self._since = 0.0
        self._done = (0, 0)
        self._sentence = "The workspace is being indexed."
        self._standing = ""
        self._watched = asyncio.Event()
        self._listed = False
        self.note = ""
        """What is not as it should be, in a sentence."""
        self.failed = False
        """Whether the indexer was given up."""

    def start(self) -> None:
        """Begin to index; returns at once."""
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._keep(), name="sidecar indexer")]
            self.moved(None)

    def moved(self, paths: Collection[str] | None) -> None:
        """These files (relative to the root, with `/`) may have changed, None: any. Never waits."""
        if (
            paths is None
            or len(self._paths) + len(paths) > MANY
            or _WHOLE & {path.rpartition("/")[2] for path in paths}
            or any(path.startswith(".git/") for path in paths)
        ):
            self._all = True
        else:
            self._paths.update(paths)
        if self._all or self._paths:
            self._fall_behind()
            self._wanted.set()

    def _fall_behind(self) -> None:
        if self._still.is_set():
            self._since = time.monotonic()
        self._behind = True
        self._still.clear()

    def rebuild(self) -> None:
        """Begin the index anew."""
        self._rebuild = True
        self.moved(None)

    async def rest(self, milliseconds: int) -> None:
        """Parse nothing more for so long, while others need the processors; what is saved is looked at all the same."""
        await self._send({"do": "rest", "number": milliseconds})

    async def cancel(self) -> None:
        """Leave off what is being done; what was done stays."""
        await self._send({"do": "cancel"})

    async def whole(self) -> None:
        """Wait until everything was looked at once, here or by another process that keeps this index."""
        await self._whole.wait()

    async def settled(self, seconds: float) -> None:
        """Wait for a look that is under way, until so long after it was wanted; not for the first one of all."""
        left = self._since + seconds - time.monotonic()
        if left > 0 and self._whole.is_set() and not self._still.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._still.wait(), left)

    def state(self) -> str:
        """Why the index may not be whole, in a sentence; empty when it is."""
        if self._whole.is_set():
            return _BEHIND if self._behind else ""
        return self._sentence

    def subscribe(self, listener: Progress) -> Callable[[], None]:
        """Hear how many files of how many are done; the result ends it."""
        return enlisted(self._listeners, listener)

    async def aclose(self) -> None:
        """End the indexer, wherever it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._end()

    # ── the process ─────────────────────────────────────────────────────────────────────────────────
    async def _keep(self) -> None:
        """Keep the process running; one that dies again and again is left alone."""
        while self._fails < _GIVES_UP:
            try:
                await self._live()
            except OSError as error:
                self.note = f"The indexer could not be started ({error.strerror})."
            finally:
                await self._end()
            self._fails += 1
            self.moved(None)
            await asyncio.sleep(min(2.0 ** (self._fails - 1), 30.0))
        self.note = self._sentence = self.note or "The indexer ended again and again; `sidecar index` says why."
        self._whole.clear()
        self.failed = True
        log.warning("index", note=self.note)

    async def _live(self) -> None:
        """One process's life: feed it and hear it until it ends."""
        how = [*(["watch"] if self._watch else []), *(["mild"] if self._mild else [])]
        # -P: we may stand in the workspace, whose `json.py` is no module of ours
        command = ["-P", "-m", "sidecar.index.process", str(self._root), str(self._folder), *how]
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=pipe, stdout=pipe, stderr=null, limit=_LINE
        )
        self._listed = False
        self._watched.clear()
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feed())
            rescanning = group.create_task(self._rescan())
            self._standing = "" if self._watch else "rescan"
            await self._hear(self._process)
            feeding.cancel()
            rescanning.cancel()

    async def _feed(self) -> None:
        """One look at a time, the next with all that moved meanwhile; the first when files are watched."""
        self._wanted.set()
        if self._watch:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._watched.wait(), _STANDS)
        self._listed = True
        while True:
            await self._wanted.wait()
            whole, rebuild, paths = self._all, self._rebuild, sorted(self._paths)
            self._wanted.clear()
            self._paths.clear()
            self._all = self._rebuild = False
            body = await self._listing(None if whole else paths)
            self._number += 1
            self._answered = asyncio.get_running_loop().create_future()
            do = "rebuild" if rebuild else "all" if whole else "paths"
            head: dict[str, Any] = {"do": do, "number": self._number, "asked": [] if whole else paths}
            await self._send(head, body)
            answer = await self._answered
            self._progress_ended()
            self._all |= bool(answer.get("cancelled"))  # what was left off is looked at with the next change
            if not self._wanted.is_set():
                self._behind = self._all
                self._still.set()
            if whole and not answer.get("cancelled") and not answer.get("other"):
                self._fails = 0
                self._whole.set()

    async def _send(self, head: dict[str, Any], body: bytes | None = None) -> None:
        stream = self._process.stdin if self._process is not None else None
        if stream is None:
            return
        async with self._sending:  # nothing else may come between a head and its body
            with suppress(ConnectionError, RuntimeError):
                size = {} if body is None else {"size": len(body)}
                stream.write(json.dumps({**head, **size}).encode() + b"\n")
                for start in range(0, len(body or b""), 1 << 16):
                    stream.write((body or b"")[start : start + (1 << 16)])
                    await stream.drain()

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stdout
        while stream is not None and (line := await stream.readline()):
            told = json.loads(line)
            event = told.pop("event")
            if event == "progress":
                self._progress(told["done"], told["total"])
            elif event == "changed":
                self.moved(told["paths"])
            elif event == "blind":
                self._fall_behind()
            elif event == "done" and self._answered is not None and told["number"] == self._number:
                if not self._answered.done():
                    self._answered.set_result(told)
            elif event == "role":
                self._role(told)
            elif event == "watching":
                self._watched.set()
                if self._listed:
                    self.moved(None)
            elif event == "unwatched":
                self._watched.set()
                self._standing = "rescan"
                self.note = f"Files cannot be watched ({told['note']}); they are looked at every {_RESCAN:g} s instead."
                log.warning("index", note=self.note)
            elif event == "fault":
                self.note = told["note"]
                log.warning("index", note=self.note)

    def _role(self, told: dict[str, Any]) -> None:
        if told["writer"]:
            if told.get("again"):  # the other one is gone: what happened since is for us to see
                self.moved(None)
            return
        self.note = f"Process {told['pid']} keeps the index of this workspace; it is used as it is."
        self._whole.set()

    def _progress(self, done: int, total: int) -> None:
        self._done = (done, total)
        self._sentence = f"The workspace is being indexed: {done} of {total} files."
        for listener in tuple(self._listeners):
            listener(done, total)

    def _progress_ended(self) -> None:
        done, self._done = self._done, (0, 0)
        if done[1]:
            for listener in tuple(self._listeners):
                listener(done[1], done[1])

    async def _rescan(self) -> None:
        """Where nothing can be watched: look at everything now and then."""
        while True:
            await asyncio.sleep(_RESCAN)
            if self._standing == "rescan":
                self.moved(None)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _ENDING)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
