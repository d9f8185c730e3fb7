"""Tells when the editor's process is dead, even while somebody keeps our standard input open."""

from __future__ import annotations

import asyncio
from typing import Final

import psutil

EVERY: Final = 2.0


async def parent_death(pid: int, every: float = EVERY) -> None:
    """Return once process `pid` is dead (at once if it is already); looks each `every` seconds.

    A zombie counts as dead, and so does another process that was given the same number since.
    """
    try:
        parent = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    while True:
        if not _lives(parent):
            return
        await asyncio.sleep(every)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's: it exists
        return True
