"""Hear of changed files from the system, as long as it can tell; say so when it cannot."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

GIT_STATE: Final = frozenset({"HEAD", "index", "packed-refs", "info/exclude"})
_UNWATCHED: Final = frozenset({"node_modules", "__pycache__", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".tox"})
_STEP: Final = 20
_DEBOUNCE: Final = 200
"""Milliseconds: a burst is handed on when nothing came for a step, at the latest after the second."""

_BLIND: Final = 1.0
"""Seconds after which watching is begun anew where it broke off."""


def watch(root: Path, tell: Callable[..., Any], own: Path) -> None:
    """Tell `watching` once nothing can be missed any more, then `changed` with the paths (relative, with `/`) of each burst.

    Until the process ends. `own` is the folder that the index itself lies in: what is written there is nobody's news. What the system refuses (too many folders, no such service) ends it with `unwatched` and the reason.
    A file whose name is no UTF-8 ends the watching as soon as somebody opens it: it is `blind` then, and begun anew, and
    whatever happened meanwhile is told as a change of all.
    """

    def counts(_change: object, path: str) -> bool:
        return relevant(relative(root, path)) and not path.startswith(f"{own}{os.sep}")

    begun = _Begun(lambda: tell("watching"))
    while True:
        try:
            watchfiles = import_module("watchfiles")  # a process that does not watch needs none of it
            for burst in watchfiles.watch(root, watch_filter=counts, step=_STEP, debounce=_DEBOUNCE, raise_interrupt=False, stop_event=begun):  # fmt: skip
                tell("changed", paths=sorted({relative(root, path) for _, path in burst}))
        except (ImportError, OSError, RuntimeError) as error:
            if "decode" not in str(error):
                tell("unwatched", note=str(error))
                return
            tell("blind")
            begun = _Begun(lambda: tell("changed", paths=[".gitignore"]))
            time.sleep(_BLIND)  # whoever reads such a file reads others, and to begin a watch is costly


class _Begun:
    """A watch asks again and again whether it should stop; that it asks at all shows that the system tells it of changes."""

    def __init__(self, tell: Callable[[], Any]) -> None:
        self._tell: Callable[[], Any] | None = tell

    def is_set(self) -> bool:
        """Never; what is to be told is told the first time."""
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()
        return False


def relative(root: Path, path: str) -> str:
    """A path below the root as the index has it; the bytes that are no UTF-8 as they were."""
    return path.removeprefix(str(root)).lstrip("/\\").replace("\\", "/")


def relevant(path: str) -> bool:
    """Whether a change of this file can change the index."""
    parts = path.split("/")
    if parts[0] == ".git":
        return "/".join(parts[1:]) in GIT_STATE
    return not _UNWATCHED.intersection(parts[:-1]) and ".git" not in parts
