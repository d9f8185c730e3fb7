"""Hear of changed files from the system, as long as it can tell; say so when it cannot."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

GIT_STATE: Final = frozenset({"HEAD", "index", "packed-refs", "info/exclude"})
_UNWATCHED: Final = frozenset({"node_modules", "__pycache__", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".tox"})
_STEP: Final = 20
_DEBOUNCE: Final = 200
"""Milliseconds: a burst is handed on when nothing came for a step, at the latest after the second."""


def watch(root: Path, tell: Callable[..., Any], own: Path) -> None:
    """Tell `changed` with the paths (relative, with `/`) of each burst, until the process ends.

    `own` is the folder that the index itself lies in: what is written there is nobody's news. What the system refuses (too many folders, no such service) ends it with `unwatched` and the reason.
    """
    try:
        watchfiles = import_module("watchfiles")  # a process that does not watch needs none of it

        def counts(_change: object, path: str) -> bool:
            return relevant(relative(root, path)) and not path.startswith(f"{own}{os.sep}")

        tell("watching")
        for burst in watchfiles.watch(root, watch_filter=counts, step=_STEP, debounce=_DEBOUNCE, raise_interrupt=False):
            tell("changed", paths=sorted({relative(root, path) for _, path in burst}))
    except (ImportError, OSError, RuntimeError) as error:
        tell("unwatched", note=str(error))


def relative(root: Path, path: str) -> str:
    """A path below the root as the index has it; the bytes that are no UTF-8 as they were."""
    return path.removeprefix(str(root)).lstrip("/\\").replace("\\", "/")


def relevant(path: str) -> bool:
    """Whether a change of this file can change the index."""
    parts = path.split("/")
    if parts[0] == ".git":
        return "/".join(parts[1:]) in GIT_STATE
    return not _UNWATCHED.intersection(parts[:-1]) and ".git" not in parts
