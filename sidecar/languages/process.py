"""A helper process: started apart, on a leash, its memory counted, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from sidecar import leash

_LEASH: Final = str(Path(leash.__file__))
_LAST_WORDS: Final = 2_000
_LIMIT: Final = 1 << 16


def find_program(name: str, outside: Path) -> str | None:
    """The absolute path of a program on PATH; one that the workspace brings along does not count."""
    fences = {outside.absolute(), Path(os.path.realpath(outside))}
    for entry in os.get_exec_path():
        found = shutil.which(name, path=entry) if Path(entry).is_absolute() else None
        if found is None:
            continue
        lies = (Path(found), Path(os.path.realpath(found)))
        if not any(place.is_relative_to(fence) for place in lies for fence in fences if fence != fence.parent):
            return found
    return None


class Child:
    """A running program with pipes for input and output. `last_words` is the end of what it said on standard error."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: int | None) -> None:
        self._process = process
        self._lifeline = lifeline
        self._said = bytearray()
        self._listener = asyncio.get_running_loop().create_task(self._listen())
        self.reader, self.writer = process.stdout, process.stdin

    @classmethod
    async def start(
        cls, command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, limit: int = _LIMIT
    ) -> Child:
        """Start a program (by its absolute path). Raises OSError when that cannot be. `limit` is the longest line."""
        pipes: dict[str, Any] = {
            "stdin": asyncio.subprocess.PIPE,
            "stdout": asyncio.subprocess.PIPE,
            "stderr": asyncio.subprocess.PIPE,
            "limit": limit,
        }
        if sys.platform == "win32":
            return cls(await asyncio.create_subprocess_exec(*command, cwd=cwd, env=env, **pipes), None)
        held, lifeline = os.pipe()
        try:
            held_by = (sys.executable, "-I", "-S", _LEASH, str(held))
            process = await asyncio.create_subprocess_exec(
                *held_by, *command, cwd=cwd, env=env, pass_fds=(held,), start_new_session=True, **pipes
            )
        except BaseException:
            os.close(lifeline)
            raise
        finally:
            os.close(held)
        return cls(process, lifeline)

    @property
    def pid(self) -> int:
        """The process at the top; what it started stands below it."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    @property
    def last_words(self) -> str:
        """The last line that it said on standard error, on one line."""
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""

    def memory(self) -> int:
        """Bytes that it and all that it started hold; blocks for some milliseconds."""
        total = 0
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self.pid)
            for process in (top, *top.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    async def end(self) -> None:
        """End it and all that it started, now."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self.alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    os.killpg(self.pid, signal.SIGKILL)
        if self.writer is not None:
            self.writer.close()
        # asyncio waits for the end of each pipe, which may be full, or held open by somebody who left the group; to close
        # the transport before the process has ended takes that end away from who waits for it, and asyncio complains
        transport = self._process._transport  # type: ignore[attr-defined]  # noqa: SLF001
        for number in (0, 1, 2):
            transport.get_pipe_transport(number).close()
        await self._process.wait()
        transport.close()
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener

    async def _listen(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (chunk := await stderr.read(_LIMIT)):
            self._said += chunk
            del self._said[:-_LAST_WORDS]
