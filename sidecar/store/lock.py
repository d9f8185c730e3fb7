"""A file that one process at a time holds: whoever has it writes. The system lets go of it when its holder dies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_FAR: Final = 1 << 20
"""Where Windows' lock lies: behind the note, which stays readable."""


class Lock:
    """A lock between processes, with a note of who has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; it stays so until `release` or the process's end. Never waits."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            _lock(file)
        except OSError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return True

    def holder(self) -> int | None:
        """The process that said last that it has it; None where nobody did."""
        with suppress(OSError, ValueError):
            return int(self._path.read_bytes()[:20])
        return None

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - of one system only

        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl  # noqa: PLC0415 - of other systems only

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
