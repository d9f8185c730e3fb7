"""One program in a group of its own: heard line by line, bounded in time and output, ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from sidecar.core.errors import SetupError

MOST_OUTPUT: Final = 4 * 1024 * 1024
_CHUNK: Final = 65_536
_GRACE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. `status` is its exit status, negative for a signal; `output` both of its streams, in order.

    Past the limit the beginning or the end is missing, and `cut` says so.
    """

    status: int
    output: bytes
    seconds: float
    timed_out: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one run: seconds, bytes of output, and which end of it is worth keeping."""

    seconds: float
    output: int = MOST_OUTPUT
    keep_end: bool = True


async def run(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    bounds: Bounds,
    hear: Callable[[bytes], None] = lambda _: None,
) -> Ended:
    """Run a program to its end; `hear` gets its output as it comes. Raises SetupError when it cannot be started.

    Cancelling ends it. Nothing that it started outlives this call, but what left its group and hid its parent.
    """
    began = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=sys.platform != "win32",
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SetupError(f"{argv[0]!r} could not be started ({reason}); check that it is installed.") from None
    kept = _Kept(bounds)
    timed_out = False
    try:
        async with asyncio.timeout(bounds.seconds):
            await _listen(process, kept, hear)
            await process.wait()
    except TimeoutError:
        timed_out = True
    finally:
        await _end(process)
    status = process.returncode if process.returncode is not None else -1
    return Ended(status, kept.output(), time.monotonic() - began, timed_out, kept.cut)


class _Kept:
    """The beginning or the end of an output."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._data = bytearray()
        self.cut = False

    def add(self, chunk: bytes) -> bool:
        """Keep what may be kept; False when no more is wanted."""
        self._data += chunk
        over = len(self._data) - self._bounds.output
        if over <= 0:
            return True
        self.cut = True
        if self._bounds.keep_end:
            del self._data[:over]
            return True
        del self._data[self._bounds.output :]
        return False

    def output(self) -> bytes:
        return bytes(self._data)


async def _listen(process: asyncio.subprocess.Process, kept: _Kept, hear: Callable[[bytes], None]) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    while chunk := await process.stdout.read(_CHUNK):
        hear(chunk)
        if not kept.add(chunk):
            return


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the program and all that it started; first those that a search finds, then its group."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    if process.returncode is None or sys.platform != "win32":
        _kill_group(process.pid)
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await process.wait()
    transport = getattr(process, "_transport", None)
    if transport is not None:  # its pipe may be held open by somebody who is gone from the group
        transport.close()


def _kill_group(number: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(number, signal.SIGKILL)
