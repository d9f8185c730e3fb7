"""What a score may know beside the diff: the history of the files and of the author before the change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.risk.eras import Level
from sidecar.risk.repairs import NOT_REPAIRED, Repaired


@dataclass(frozen=True, slots=True)
class Old:
    """What a score needs of a file's old side: its first lines; of Python also where texts in triple quotes open or close (lines from 0)."""

    head: tuple[str, ...] = ()
    edges: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One source file's past, counted over the commits (no merges) that lead to the change's base, renames followed.

    `changes` commits touched it, by `authors`, `fixes` of them were fixes (`fix_commits`: the newest of these, short
    ids, newest first) and `own` were by the change's author. `age` is days since the last of them, None when there is
    none. `repairs` tells of the lines that those commits wrote. `before` is None when the old side was not read.
    """

    changes: int = 0
    authors: frozenset[str] = frozenset()
    fixes: int = 0
    own: int = 0
    age: float | None = None
    fix_commits: tuple[str, ...] = ()
    repairs: Repaired = NOT_REPAIRED
    before: Old | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about a change beside its diff; `files` by the path on the new side.

    `exp` counts the author's earlier commits, `sexp` those in the top folders of the scored files (a commit counts
    once for each), `dev_days` the days since the author's first one. `fix_rate` is the share of fixes among
    the newest 400 commits. `recent` holds, sorted, what the features of that name were for each of the newest 400
    commits that touched production code, for ranks. With `history` False all of these are unknown, not zero.
    `traced` tells that the repairs are known: those of the files, of the `folders` that hold them, and `here`, of the
    newest 1,600 commits with production code. `level` is how earlier changes fared; None when that is not known.
    """

    history: bool = False
    traced: bool = False
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    exp: int = 0
    sexp: int = 0
    dev_days: float = 0.0
    fix_rate: float = 0.0
    recent: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    folders: Mapping[str, Repaired] = field(default_factory=dict)
    here: Repaired = NOT_REPAIRED
    level: Level | None = None

    def of(self, path: str) -> FileFacts:
        """The facts of one file; those of a file without a past when nothing is known."""
        return self.files.get(path, _NOTHING)

    def rank(self, feature: str, value: float) -> float:
        """Where a value stands among recent commits, 0..1 (ties count half); 0.5 when there are none."""
        values = self.recent.get(feature, ())
        if not values:
            return 0.5
        below, upto = bisect_left(values, value), bisect_right(values, value)
        return (below + 0.5 * (upto - below) + 1) / (len(values) + 2)


_NOTHING = FileFacts()
WINDOW = 400
"""How many earlier commits `fix_rate` and ranks look back on."""
RANKED = ("sexp", "age", "ndev", "nfix_sum")
"""Features whose rank among recent commits is a feature too (`r_sexp`, …)."""
