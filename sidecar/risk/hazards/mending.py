"""Where a rule would mend what it found: the line in its file, with what stands around it and what the change did there. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidecar.core.diff import Hunk
from sidecar.risk.paths import extension

_COMMENT = re.compile(r"\s*(?:#(?!\[|!)|//)")
_BEHIND = re.compile(r"\s+(?:#|//)\s.*$")


@dataclass(frozen=True, slots=True)
class Spot:
    """A line with a finding, in the file as it is now. `at` counts from 0.

    `gone` are the texts that the change took away in this place, `fresh` the lines that are new (from 0).
    """

    path: str
    lines: Sequence[str]
    at: int
    gone: frozenset[str] = frozenset()
    fresh: frozenset[int] = frozenset()

    @property
    def text(self) -> str:
        """The line itself."""
        return self.lines[self.at]

    @property
    def extension(self) -> str:
        """The file's, with its dot, in lower case."""
        return extension(self.path)

    @property
    def above(self) -> str:
        """The nearest line above that says something, without a comment at its end; empty where there is none."""
        return next((_bare(line) for line in reversed(self.lines[: self.at]) if _says(line)), "")

    @property
    def below(self) -> str:
        """The nearest line below that says something."""
        return next((_bare(line) for line in self.lines[self.at + 1 :] if _says(line)), "")


Mend = Callable[[Spot], tuple[str, ...] | None]
"""The lines to stand there in place of that one (none: it is taken out); None where that is not certain."""


def unmended(_spot: Spot) -> tuple[str, ...] | None:
    """What most rules know: nothing that is certainly meant."""
    return None


def spot(path: str, lines: Sequence[str], line: int, hunks: Sequence[Hunk]) -> Spot:
    """The place of a line (from 1) of a file that these hunks changed."""
    here = [hunk for hunk in hunks if hunk.added and hunk.new_range[0] <= line <= hunk.new_range[1]]
    gone = frozenset(text for hunk in here for text in hunk.removed)
    fresh = frozenset(hunk.new_start - 1 + n for hunk in hunks for n in range(len(hunk.added)))
    return Spot(path, lines, line - 1, gone, fresh)


def _says(line: str) -> bool:
    return bool(line.strip()) and _COMMENT.match(line) is None


def _bare(line: str) -> str:
    return _BEHIND.sub("", line).rstrip()
