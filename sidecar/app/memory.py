"""Habits of a process that answers: threads take short turns, what is there stays, memory that comes and goes is kept at hand."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress

_KEPT = 16 * 1024 * 1024
"""Bytes of freed memory that are kept."""
_OWN_PAGES = 8 * 1024 * 1024
"""Bytes of a block that has pages of its own."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def take_short_turns() -> None:
    """Let threads hand over the interpreter's lock ten times as often as by default, every half millisecond.

    Soon after the start others import and open what comes next: an answer waited 5 ms for its turn again and again.
    """
    sys.setswitchinterval(0.0005)


def keep_memory() -> None:
    """Keep the memory of a request for the next one.

    glibc gives freed memory back at once where much of it is free (128 KB), and takes blocks of that size from the
    kernel each time: with a conversation of 1 MB, copied on its way in and out, half of the work was making pages again.
    What is kept is bounded, and blocks beyond `_OWN_PAGES` still go back.
    """
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - the start does without it

    with suppress(OSError, AttributeError):  # another C library has no such switch
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES)


def spare_collector() -> None:
    """What was imported lives as long as the process: looking through it again and again holds up answers.

    A request of the CLI alone makes hundreds of objects and drops them all: the youngest are looked at less often. It
    is not looked through once more before: of 44,000 objects 124 were garbage, and finding them took 28 ms. Half a second
    after the start is too late: the less is there, the sooner all of it is looked through, amid the first answers.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
