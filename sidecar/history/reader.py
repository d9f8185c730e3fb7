"""Reads a history for its repairs, once: at once when little is missing, else beside, where somebody is told."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence

from sidecar.core.errors import SidecarError
from sidecar.history.traces import MOST_TRACED, Stopped, Traces, TraceStore, trace_blocking
from sidecar.trace import get_logger
from sidecar.vcs.history import Commit
from sidecar.vcs.runner import Git

log = get_logger("review")

_FEW = 64
"""Commits that are read at once even when somebody would rather be told."""


class Reader:
    """The traces of one repository's commits. Safe to call from several threads, one after the other."""

    def __init__(
        self,
        git: Git,
        store: TraceStore,
        done: Callable[[], None] | None,
        also: Callable[[Sequence[Commit], Traces], None] = lambda _commits, _traces: None,
    ) -> None:
        """Without `done` whoever asks waits. What is read beside is handed to `also` before it is done."""
        self._git = git
        self._store = store
        self._done = done
        self._also = also
        self._ending = threading.Event()
        self._beside: threading.Thread | None = None
        self._failed = False

    def traces(self, commits: Sequence[Commit]) -> Traces | None:
        """The traces of a history (children first), None when it is too long, cannot be read, or is still being read."""
        if len(commits) > MOST_TRACED or self._failed:
            return None
        known = self._store.traces()
        missing = sum(commit.id not in known for commit in commits)
        if missing <= _FEW or self._done is None:
            return self._read(commits)
        if self._beside is None or not self._beside.is_alive():
            self._beside = threading.Thread(target=self._read_beside, args=(commits,), name="history", daemon=True)
            self._beside.start()
            atexit.register(self.close)
        return None

    def close(self) -> None:
        """Give up what is read beside, and wait until it is."""
        atexit.unregister(self.close)
        self._ending.set()
        if self._beside is not None:
            self._beside.join()
        self._ending.clear()

    def _read(self, commits: Sequence[Commit]) -> Traces | None:
        try:
            return trace_blocking(self._git, commits[::-1], self._store, self._ending.is_set)
        except SidecarError as error:
            # A snapshot without some of its blobs, say: the score does without, and the next start tries again.
            log.warning("history_not_traced", reason=error.sentence)
            self._failed = True
            return None

    def _read_beside(self, commits: Sequence[Commit]) -> None:
        try:
            found = self._read(commits)
        except Stopped:
            return
        if found is not None and self._done is not None:
            self._also(commits, found)
            self._done()
