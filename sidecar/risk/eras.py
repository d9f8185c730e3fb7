"""How a repository's earlier changes fared against what the model said of them: a level, held still for an era.

The model knows many repositories; each has a rate of its own. A level that follows it closely would spoil the order of
neighbouring changes. So it is taken anew only when the history has grown by half, from a sample of the changes until
then: those with the smallest ids, which are as good as drawn by chance and the same in every clone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FIRST, GROWTH = 20, 1.5
"""Changes with which the first era begins, and what the next one begins with for each of them."""
SAMPLE = 100
"""Changes that a level is taken from."""
PULL = 10.0
LARGEST = 5000
"""New lines of code beyond which a change is none of the kind that the model was fitted on."""


@dataclass(frozen=True, slots=True)
class Level:
    """Of so many earlier `changes`, `found` were known to be repaired when the era began; `told` were foretold."""

    changes: int = 0
    found: int = 0
    told: float = 0.0

    @property
    def ratio(self) -> float:
        """Found against foretold as a logarithm, drawn towards 0 as if by ten more of both."""
        return math.log((self.found + PULL) / (self.told + PULL))


def begins_with(changes: int) -> int:
    """How many of so many changes there were when the present era began; 0 before the first."""
    size, following = 0, FIRST
    while following <= changes:
        size, following = following, math.ceil(following * GROWTH)
    return size


class Eras:
    """The eras of a history. Commits are numbers, by time; a set of them is an integer with a bit for each."""

    def __init__(self, changes: Mapping[int, str]) -> None:
        """`changes` are the ids of the commits that a level can be taken from, by number."""
        self._changes = bits(sorted(changes))
        self._by_id = sorted(changes, key=lambda number: changes[number])

    def begun(self, known: int) -> int:
        """Those of the known commits that were there when their era began; none before the first."""
        changes = known & self._changes
        size = begins_with(changes.bit_count())
        few, enough = 0, changes.bit_length()
        while enough - few > 1:
            middle = (few + enough) // 2
            if (changes & ((1 << middle) - 1)).bit_count() >= size:
                enough = middle
            else:
                few = middle
        return known & ((1 << enough) - 1) if size else 0

    def sample(self, begun: int) -> list[int]:
        """The changes among them that the level is taken from."""
        found: list[int] = []
        changes = begun & self._changes
        for number in self._by_id if changes else ():
            if changes >> number & 1:
                found.append(number)
                if len(found) == SAMPLE:
                    break
        return found


def bits(numbers: Iterable[int]) -> int:
    """A set of commits from their numbers, given in ascending order."""
    ordered = list(numbers)
    if not ordered:
        return 0
    flags = bytearray(ordered[-1] // 8 + 1)
    for number in ordered:
        flags[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(flags, "little")
