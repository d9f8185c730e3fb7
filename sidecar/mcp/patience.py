"""How often a server that fails is started again: after growing pauses, and after some failures not for a while."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MOST_FAILURES: Final = 5
WINDOW: Final = 180.0
_FIRST: Final = 0.5
_LONGEST: Final = 30.0


class Patience:
    """Counts failures; `left` is how many seconds to wait until the next start is allowed (0.0: now)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=MOST_FAILURES)

    def failed(self) -> None:
        """The server failed just now."""
        self._failures.append(self._clock())

    def forget(self) -> None:
        """The server is well, or somebody asked for it by hand."""
        self._failures.clear()

    @property
    def broken(self) -> bool:
        """Whether it failed so often lately that it is left alone."""
        return len(self._recent()) >= MOST_FAILURES

    def left(self) -> float:
        """Seconds until it may be started again."""
        recent = self._recent()
        if not recent:
            return 0.0
        if len(recent) >= MOST_FAILURES:
            return max(0.0, recent[0] + WINDOW - self._clock())
        pause = min(_FIRST * 2.0 ** (len(recent) - 1), _LONGEST)
        return max(0.0, recent[-1] + pause - self._clock())

    def _recent(self) -> list[float]:
        now = self._clock()
        return [at for at in self._failures if now - at < WINDOW]
