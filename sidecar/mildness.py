"""How the indexer makes way for whoever the person waits for: the processor and the disk, as far as the system lets it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

import psutil

_NICE: Final = 10
_NICEST: Final = 19


def be_mild() -> None:
    """Of the process that writes: it has a share of a busy machine, for a saved file is to be seen soon, and interrupts nobody."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    if hasattr(os, "SCHED_BATCH"):  # those that it starts are of this class too
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def be_last() -> None:
    """Of a process that parses: it comes last, but comes: a class of its own (`SCHED_IDLE`) would starve beside any build."""
    if hasattr(os, "nice"):
        os.nice(_NICEST - os.nice(0))
    if hasattr(psutil, "IOPRIO_CLASS_IDLE"):
        with suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
