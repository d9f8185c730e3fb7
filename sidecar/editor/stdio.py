"""Standard input and output as the protocol's pipes: claimed from everybody else, read and written off the loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from sidecar.core.errors import SetupError, TooLarge
from sidecar.trace import get_logger

CHUNK: Final = 64 * 1024
MAX_FRAME: Final = 64 * 1024 * 1024
MAX_UNSENT: Final = 32 * 1024 * 1024
LAST_ACTS: Final = 2.0
CLOSED: Final = (
    "`sidecar lsp` speaks to an editor over standard input and output, but one of them is closed. "
    "Let the editor start it, or use `sidecar serve` in a terminal."
)

log = get_logger("editor")


@dataclass(frozen=True, slots=True)
class Pipes:
    """Descriptors that only the protocol knows: `incoming` is the editor's voice, `outgoing` its ear."""

    incoming: int
    outgoing: int


def claim_stdio() -> Pipes:
    """Take standard input and output for the protocol.

    Afterwards descriptor 1 is standard error and descriptor 0 reads nothing, for this process and its children, so
    that a stray `print` ends in the log and not between two frames. Raises SetupError where they are closed.
    """
    if sys.stdin is None or sys.stdout is None:
        raise SetupError(CLOSED)  # the descriptors may be anybody's by now, the event loop's own among them
    try:
        pipes = Pipes(incoming=os.dup(0), outgoing=os.dup(1))
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing if sys.stderr is None else 2, 1)
        os.close(nothing)
    except OSError as error:
        raise SetupError(CLOSED) from error
    if sys.platform == "win32":  # pragma: no cover
        import msvcrt  # noqa: PLC0415  # exists on Windows only

        for descriptor in (pipes.incoming, pipes.outgoing):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return pipes


def leave(code: int, *last_acts: Callable[[], None]) -> NoReturn:
    """End the process at once with `code`, after `last_acts` and after what was logged or printed is written.

    The thread that reads standard input cannot be interrupted; an ordinary exit could wait for it, or for a worker
    that hangs, until the editor closes the pipe. Everything that must be closed in order is closed before. The last
    acts get two seconds in all, for nobody may read our standard error any more.
    """
    finishing = threading.Thread(target=_finish, args=last_acts, name="sidecar-lsp-leaving", daemon=True)
    finishing.start()
    finishing.join(LAST_ACTS)
    os._exit(code)


def _finish(*last_acts: Callable[[], None]) -> None:
    for act in (*last_acts, logging.shutdown, *(s.flush for s in (sys.stdout, sys.stderr) if s is not None)):
        with contextlib.suppress(OSError, ValueError):  # closed or broken: there is nobody left to tell
            act()


class PipeReader:
    """Reads a descriptor on a thread of its own and offers it to the loop as pygls wants it (`readline`, `readexactly`).

    A daemon thread, so that nothing waits for it. It pauses while the loop has enough to do, and while the loop has
    not yet taken what was read last (back pressure): a busy loop leaves the rest in the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._stream = asyncio.StreamReader(limit=CHUNK)
        self._valve = _Valve()
        self._stream.set_transport(self._valve)
        self._ended = False
        threading.Thread(target=self._pump, name="sidecar-lsp-reader", daemon=True).start()

    async def readline(self) -> bytes:
        """The next line with its end; empty at the end of input."""
        try:
            return await self._stream.readline()
        except ValueError:
            raise TooLarge(f"The editor sent a header line of more than {CHUNK} bytes; that is not LSP.") from None

    async def readexactly(self, n: int) -> bytes:
        """The next `n` bytes; empty when the input ends before. Raises TooLarge for a frame over the limit."""
        if n > MAX_FRAME:
            raise TooLarge(f"The editor sent a message of {n} bytes; at most {MAX_FRAME} are read.")
        try:
            return await self._stream.readexactly(n)
        except asyncio.IncompleteReadError:
            return b""

    def end(self) -> None:
        """Let the reading side see the end of input now, whatever the pipe says."""
        if not self._ended:
            self._ended = True
            self._stream.feed_eof()
            self._valve.resume_reading()

    def _pump(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, CHUNK)
            except OSError:
                data = b""
            try:
                self._valve.taken.clear()
                self._loop.call_soon_threadsafe(self._feed, data)
            except RuntimeError:  # the loop is gone: so is everybody who would read
                return
            if not data:
                return
            self._valve.wait()

    def _feed(self, data: bytes) -> None:
        if not self._ended and data:
            self._stream.feed_data(data)
        elif not self._ended:
            self.end()
        self._valve.taken.set()


class _Valve(asyncio.ReadTransport):
    """What a StreamReader closes while its buffer is full, and the reading thread waits for."""

    def __init__(self) -> None:
        super().__init__()
        self._open = threading.Event()
        self._open.set()
        self.taken = threading.Event()

    def pause_reading(self) -> None:
        self._open.clear()

    def resume_reading(self) -> None:
        self._open.set()

    def wait(self) -> None:
        self.taken.wait()
        self._open.wait()


class PipeWriter:
    """Writes frames to a descriptor on a thread of its own, so that an editor that stops reading never stops the loop.

    Frames are never dropped or reordered. Unsent bytes are bounded: when they pass `max_unsent`, the connection is
    given up and `on_broken` hears why (once, on the loop), as it does when the editor closes its end. A single frame
    may be larger than the bound. Notifications of state should wait for `idle()`, so that none piles up here.
    """

    def __init__(self, descriptor: int, *, on_broken: Callable[[str], None], max_unsent: int = MAX_UNSENT) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._max_unsent = max_unsent
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque()
        self._unsent = 0
        self._broken = False
        self._stalled = False
        self._work = threading.Condition()
        self._idle = asyncio.Event()
        self._idle.set()
        threading.Thread(target=self._pump, name="sidecar-lsp-writer", daemon=True).start()

    @property
    def unsent(self) -> int:
        """Bytes that the editor has not taken yet (those that the system buffers do not count)."""
        return self._unsent

    @property
    def stalled(self) -> bool:
        """Whether the connection was given up because the editor did not read."""
        return self._stalled

    def write(self, data: bytes) -> None:
        """Send a frame when its turn comes. Never waits, never fails; after a break it does nothing."""
        with self._work:
            if self._broken:
                return
            overfull = bool(self._unsent) and self._unsent + len(data) > self._max_unsent
            if not overfull:
                self._frames.append(data)
                self._unsent += len(data)
                self._idle.clear()
                self._work.notify()
        if overfull:
            self._stalled = True
            self._break(f"the editor stopped reading: {self._unsent} bytes wait for it")

    def close(self) -> None:
        """Nothing to do: the descriptor ends with the process, but pygls wants it."""

    async def idle(self) -> None:
        """Return once nothing waits to be written."""
        await self._idle.wait()

    async def flush(self, seconds: float) -> bool:
        """Wait until all is written, but not longer than `seconds`; false when something is left."""
        try:
            async with asyncio.timeout(seconds):
                await self.idle()
        except TimeoutError:
            return False
        return not self._broken

    def _pump(self) -> None:
        while True:
            with self._work:
                while not self._frames:
                    self._work.wait()
                data = self._frames[0]
            try:
                _write_all(self._descriptor, data)
            except OSError as error:
                self._tell(self._break, f"the editor closed the pipe ({error.strerror})")
                return
            with self._work:
                self._frames.popleft()
                self._unsent -= len(data)
                done = not self._frames
            if done:
                self._tell(self._settle)

    def _settle(self) -> None:
        if not self._unsent:
            self._idle.set()

    def _break(self, reason: str) -> None:
        if self._broken:
            return
        self._broken = True
        self._idle.set()
        log.warning("connection given up", reason=reason)
        self._on_broken(reason)

    def _tell(self, act: Callable[..., None], *args: str) -> None:
        try:
            self._loop.call_soon_threadsafe(act, *args)
        except RuntimeError:  # the loop is gone
            return


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
