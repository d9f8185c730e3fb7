"""A small JSON file in the workspace's state folder, for what was found out and is worth keeping past a restart."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any, Final

import orjson

from sidecar.core.errors import StoreError
from sidecar.store.runtime import open_folder, replace_file
from sidecar.trace import get_logger

log = get_logger("store")

LEARNED: Final = "learned.json"
"""The file of what providers refused."""

TOKENS: Final = "tokens.json"
"""The file of how finely models cut text."""

_LARGEST: Final = 1024 * 1024


class NoteFile:
    """Implements `core.ports.Notebook`. The file is 0600, replaced whole, and of a megabyte at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next: bytes | None = None
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None

    def read(self) -> Any:
        """See `core.ports.Notebook.read`."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                raw = file.read(_LARGEST + 1)
            return orjson.loads(raw) if len(raw) <= _LARGEST else None
        except (OSError, orjson.JSONDecodeError):
            return None

    def write(self, value: object) -> None:
        """See `core.ports.Notebook.write`. A thread of its own writes; the process does not end before it has."""
        raw = orjson.dumps(value)
        if len(raw) > _LARGEST:
            return
        with self._lock:
            self._next = raw
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="notes")
                self._writer.start()

    def flush(self) -> None:
        """Wait until what was given is written."""
        writer = self._writer
        if writer is not None:
            writer.join()

    def _write_all(self) -> None:
        while True:
            with self._lock:
                raw, self._next = self._next, None
                if raw is None:
                    self._writer = None
                    return
            try:
                open_folder(self._path.parent)
                replace_file(self._path, raw)
            except StoreError as error:
                log.warning("notes_not_kept", reason=error.sentence)


def learned_notes(state: Path | None, workspace: Path, name: str = LEARNED) -> NoteFile | None:
    """Where is noted what was learned; None without a state folder, or where the workspace could plant it."""
    if state is None:
        return None
    with contextlib.suppress(OSError, RuntimeError):
        if not state.resolve().is_relative_to(workspace.resolve()):
            return NoteFile(state / name)
    return None
