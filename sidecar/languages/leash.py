"""Runs a program of somebody else's on a leash: when we are gone, it is ended with all that it started.

Started as a script of its own (`python -I -S leash.py LIFELINE PROGRAM…`), before anything else is loaded. `LIFELINE` is
the number of a pipe's reading end whose other end only we hold: its end of file means that we are gone, however that came.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main(lifeline: int, command: list[str]) -> None:
    """Start the command in this process group and end the group with us, or when the command has ended."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.fork()
    if child == 0:
        _run(command)
    for standard in (0, 1):
        os.close(standard)
    while lifeline not in select.select([lifeline, woken], [], [])[0]:
        os.read(woken, 512)
        if os.waitpid(child, os.WNOHANG)[0]:
            break
    os.killpg(0, signal.SIGKILL)


def _run(command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execv(command[0], command)  # noqa: S606 - that is what a leash is for
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
        os._exit(127)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
