"""What the tests touched of a file: the lines that ran and those that did not, by which report, of when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Touched:
    """Lines of a file (from 1) that the tests ran, and such that they could have run and did not.

    `source` names the kind of the report, `at` is when it was written, UTC seconds. A line in neither set is none that
    runs (a comment, the second line of a statement), or one that the report does not know.
    """

    ran: frozenset[int]
    missed: frozenset[int]
    source: str
    at: float
