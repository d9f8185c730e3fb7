"""One git process: started apart, read within limits, killed with its children. It knows nothing of repositories."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from sidecar.core.errors import GitError, GitTimeout

if sys.platform == "win32":
    import psutil

CHUNK = 1 << 16
MOST_ERRORS = 1 << 16
"""Bytes of standard error that are kept; the rest is read and dropped."""

Begin = Callable[[Sequence[str], BinaryIO | None, Mapping[str, str]], Any]
"""Starts a command in a group of its own, with pipes for its output. The result holds the `subprocess.Popen` in `proc`
and may end the process when it is let go of, so it is kept for as long as the process runs."""


class Process:
    """A git command that runs once. `status` and `errors` hold after `chunks` has come to its end."""

    def __init__(
        self,
        argv: Sequence[str],
        begin: Begin,
        *,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        timeout: float | None = 20.0,
        limit: int | None = None,
    ) -> None:
        self.status = 0
        self.errors = b""
        self._argv = argv
        self._begin = begin
        self._env = env
        self._stdin = stdin
        self._timeout = timeout
        self._limit = limit
        self._held: Any = None
        self._lock = threading.Lock()
        self._over = False
        self._expired = False
        self._killed = False

    def chunks(self) -> Iterator[bytes]:
        """Standard output as it comes; blocks. Raises GitTimeout, or GitError past the limit or when killed.

        Leaving the iteration early kills the process.
        """
        with contextlib.ExitStack() as stack:
            popen = self._start(stack)
            reader = threading.Thread(target=self._read_errors, args=(popen.stderr,), name="git-errors", daemon=True)
            reader.start()
            stack.callback(self._end, popen, reader)
            if self._timeout is not None:
                timer = threading.Timer(self._timeout, self._expire)
                timer.daemon = True
                timer.start()
                stack.callback(timer.cancel)
            yield from self._read(popen.stdout)
            reader.join()
            self.status = popen.wait()
            self._check()

    def kill(self) -> None:
        """End the process and its children now; may be called from any thread, at any time, and more than once."""
        with self._lock:
            self._killed = True
            if self._held is not None and not self._over:
                _kill_tree(self._held.proc.pid)

    def _start(self, stack: contextlib.ExitStack) -> Any:
        # A file, not a pipe: nothing has to be fed while the answer is read.
        stdin = None if self._stdin is None else stack.enter_context(_as_file(self._stdin))
        with self._lock:
            if self._killed:
                raise GitError("git was stopped before it began.")
            self._held = self._begin(self._argv, stdin, self._env)
        return self._held.proc

    def _read(self, stdout: Any) -> Iterator[bytes]:
        total = 0
        while chunk := stdout.read1(CHUNK):
            total += len(chunk)
            if self._limit is not None and total > self._limit:
                raise GitError(f"git answered with more than {self._limit:,} bytes; that is more than is looked at.")
            yield chunk

    def _read_errors(self, stderr: Any) -> None:
        kept = bytearray()
        with contextlib.suppress(OSError, ValueError):
            while chunk := stderr.read1(CHUNK):
                kept += chunk[: MOST_ERRORS - len(kept)]
        self.errors = bytes(kept)

    def _check(self) -> None:
        if self._expired:
            raise GitTimeout(f"git gave no answer within {self._timeout:g} seconds; try again.")
        if self._killed:
            raise GitError("git was stopped.")

    def _expire(self) -> None:
        self._expired = True
        self.kill()

    def _end(self, popen: Any, reader: threading.Thread) -> None:
        with self._lock:
            if popen.poll() is None:
                _kill_tree(popen.pid)
                popen.wait()
            self._over = True
        reader.join()
        popen.stdout.close()
        popen.stderr.close()


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield cast("BinaryIO", file)


def find_git(outside: Path) -> str:
    """The absolute path of git, as `find_program` finds it. Raises GitError when there is none."""
    found = find_program("git", outside)
    if found is None:
        raise GitError(
            "git was not found on PATH (what a workspace brings along is not used); install git 2.31 or newer."
        )
    return found


def find_program(name: str, outside: Path) -> str | None:
    """The absolute path of a program, from the first entry of PATH that is absolute and not inside `outside`.

    A program that the workspace brings along is never started.
    """
    fence = outside.resolve()
    if fence == fence.parent:  # everything lies inside the root folder: it fences nothing off
        fence = outside = fence / ".git"
    for entry in os.get_exec_path():
        if not Path(entry).is_absolute():
            continue
        found = shutil.which(name, path=entry)
        if found is None:
            continue
        lies = {Path(entry), Path(entry).resolve(), Path(found).resolve()}
        if not any(path.is_relative_to(root) for path in lies for root in (fence, outside)):
            return found
    return None


def _kill_tree(pid: int) -> None:
    """End a process and everything that it started."""
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(pid)
            for process in (*family.children(recursive=True), family):
                with contextlib.suppress(psutil.Error):
                    process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
