"""How often code was repaired, against how often code of its size and age usually was by then.

Young code looks clean because its repairs are not known yet, and long additions are repaired more often than short
ones. So repairs are never compared with commits, but with the repairs that commits of that size would have had.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

DELAY, SLOPE = 127.0, 0.55
"""Days after which half of the repairs are known, and how steeply they come: the log-logistic delay of the training data."""
FILE_SIZE = (-3.66, 0.787)
"""Log-odds that a commit's code in one file is ever repaired: constant and weight of log(1 + new lines of code)."""
COMMIT_SIZE = (-3.5, 0.70)
"""The same for a commit as a whole."""
DAY = 86400.0
YEAR = 365.0
_YOUNGEST = 0.01
"""Days that code is taken to be old at least."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What is known of the repairs of some earlier code.

    `found` commits had lines repaired; `expected` would have by now at the usual rate; `recent` is the number of
    repairs, one that is a year old counting 1/e. `fixes` names the newest of them (short ids, newest first).
    """

    found: int = 0
    expected: float = 0.0
    recent: float = 0.0
    fixes: tuple[str, ...] = ()

    def ratio(self, pull: float = 2.0) -> float:
        """Found against expected as a logarithm, drawn towards 0 as if by so many more repairs of both."""
        return math.log((self.found + pull) / (self.expected + pull))

    @property
    def heat(self) -> float:
        """Recent repairs against all that were expected, as a logarithm."""
        return math.log((self.recent + 0.5) / (self.expected + 2))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of some earlier code but how long ago that was, so that it can be told again at another time.

    `added` holds of each addition the chance that it is `ever` repaired and its time, `repaired` the time of each repair (UTC seconds).
    """

    found: int = 0
    added: tuple[tuple[float, int], ...] = ()
    repaired: tuple[int, ...] = ()
    fixes: tuple[str, ...] = ()

    def at(self, now: float) -> Repaired:
        """The repairs as they stand at that time: an addition counts by the chance that its repair is known by then."""
        known = [
            chance / (1 + (DELAY / (days if (days := (now - time) / DAY) > _YOUNGEST else _YOUNGEST)) ** SLOPE)
            for chance, time in self.added
        ]
        recent = sum([faded((now - time) / DAY) for time in self.repaired], 0.0)
        return Repaired(self.found, math.fsum(known), recent, self.fixes)


@lru_cache(maxsize=4096)
def ever(lines: int, size: tuple[float, float]) -> float:
    """The chance that an addition of so many lines of code is ever repaired."""
    constant, weight = size
    return 1 / (1 + math.exp(-constant - weight * math.log1p(lines)))


def faded(days: float) -> float:
    """What a repair of that age still counts."""
    return math.exp(-max(0.0, days) / YEAR)


NOT_REPAIRED = Repaired()
"""Of code that has no past."""
