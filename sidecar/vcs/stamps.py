"""Whether files of the work tree are being written: who truncates a file and then fills it lets it be read half-written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

Stamp = tuple[int, int, int] | None
"""What a file's state is known by: when it was written, its size and its number; None when it is gone."""

_OFTEN: Final = 0.02
"""Seconds between two looks at the stamps."""


def stamps_blocking(root: Path, paths: Collection[str]) -> dict[str, Stamp]:
    """The stamps of these files as they are now; for threads."""
    return {path: _stamp(root / path) for path in paths}


async def written(root: Path, stamps: Mapping[str, Stamp], seconds: float) -> bool:
    """Whether one of the files is written (or was since its stamp was taken), waiting so many seconds for that to happen."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while await asyncio.to_thread(stamps_blocking, root, stamps) == stamps:
        if loop.time() >= end:
            return False
        await asyncio.sleep(_OFTEN)
    return True


def _stamp(path: Path) -> Stamp:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
