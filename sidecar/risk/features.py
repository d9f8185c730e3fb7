"""The numbers that the models look at: of a change as a whole, and of each added line of code within it."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sidecar.core.diff import Change
from sidecar.risk.code import CodeHunk, Reading
from sidecar.risk.content import CONTENT, content_features
from sidecar.risk.facts import RANKED, Facts
from sidecar.risk.fixes import is_fix
from sidecar.risk.paths import folder, main_language
from sidecar.risk.repairs import NOT_REPAIRED
from sidecar.risk.tokens import LineShape, names_in

DIFF = ("tokens", "indent_max", "branches", "test_la", "prod_nf", *CONTENT)
"""Features that the diff alone gives."""
HISTORY = (
    "fix_rate", "fix_density", "nfix_max", "nfix_sum", "nuc", "ndev", "age", "exp", "sexp", "dev_days",
    *(f"r_{name}" for name in RANKED),
)  # fmt: skip
"""Features that need the history before the change."""
REPAIRS = ("rep_file", "rep_heat", "rep_folder", "rep_here")
"""Features that need to know which lines the fixes before the change repaired."""
LEVEL = "level"
"""The feature that needs to know how earlier changes fared against what the model said of them."""
MESSAGE = ("fix", "msg_len")
"""Features that exist once there is a message."""


def change_features(change: Change, reading: Reading, facts: Facts) -> dict[str, float]:
    """The features of a change: those of the diff, those of history if it is known, those of a message if it has one."""
    values = _diff_features(reading)
    if facts.history:
        values |= _history_features(reading, facts)
    if facts.traced:
        values |= _repair_features(reading, facts)
        if facts.level is not None:
            values[LEVEL] = unsquashed(facts.level.ratio)
    if change.message.strip():
        values |= message_features(change.message)
    return values


def written_in(reading: Reading) -> str | None:
    """The language that most new lines of code of a change are in, where the model has weights of its own for it."""
    return main_language((file.path, sum(1 for _ in file.lines)) for file in reading.files)


def _diff_features(reading: Reading) -> dict[str, float]:
    shapes = [line.shape for file in reading.files for line in file.lines]
    return {
        "tokens": sum(shape.tokens for shape in shapes),
        "indent_max": max((shape.indent for shape in shapes), default=0),
        "branches": sum(shape.branches for shape in shapes),
        "test_la": reading.test_added,
        "prod_nf": len(reading.files),
        **content_features(reading),
    }


def _history_features(reading: Reading, facts: Facts) -> dict[str, float]:
    """Of the scored files alone: what else a change touches (tests, generated files) must not move its score."""
    files = [facts.of(file.path) for file in reading.files]
    return with_ranks(
        {
            "fix_rate": facts.fix_rate,
            "fix_density": max((file.fixes / (file.changes + 1) for file in files), default=0.0),
            "nfix_max": max((file.fixes for file in files), default=0),
            "nfix_sum": sum(file.fixes for file in files),
            "nuc": sum(file.changes for file in files),
            "ndev": len(frozenset[str]().union(*(file.authors for file in files))),
            "age": mean_age([file.age for file in files]),
            "exp": facts.exp,
            "sexp": facts.sexp,
            "dev_days": facts.dev_days,
        },
        facts,
    )


def _repair_features(reading: Reading, facts: Facts) -> dict[str, float]:
    """By file, folder and repository: logarithms of repairs found against repairs to be expected."""
    files = [(sum(1 for _ in file.lines), facts.of(file.path).repairs) for file in reading.files]
    files = [(size, repairs) for size, repairs in files if size]
    folders = [
        facts.folders.get(place, NOT_REPAIRED).ratio()
        for place in sorted({folder(file.path) for file in reading.files})
    ]
    whole = math.fsum(math.sqrt(size) for size, _ in files)
    return {
        "rep_file": math.fsum(math.sqrt(size) * repairs.ratio() for size, repairs in files) / whole if files else 0.0,
        "rep_heat": max((repairs.heat for _, repairs in files), default=NOT_REPAIRED.heat),
        "rep_folder": math.fsum(folders) / len(folders) if folders else 0.0,
        "rep_here": unsquashed(facts.here.ratio(pull=10.0)),
    }


def with_ranks(values: dict[str, float], facts: Facts) -> dict[str, float]:
    """The features with the ranks of some of them among recent commits."""
    return values | {f"r_{name}": facts.rank(name, values[name]) for name in RANKED}


def mean_age(ages: list[float | None]) -> float:
    """Days since the files were last changed, on average over those that were; 0 when none was."""
    known = [age for age in ages if age is not None]
    return sum(known) / len(known) if known else 0.0


def message_features(message: str) -> dict[str, float]:
    """What the message says: whether it speaks of a fix, and its length."""
    text = message.strip()
    return {"fix": float(is_fix(text)), "msg_len": len(text)}


LINE_HISTORY = ("f_nuc", "f_nfix")
"""Line features that need the file's history."""
LINE_BITS = ("branch", "arithmetic", "number", "string", "call", "index", "function", "import")
"""Facts of a line's shape that are line features."""
LINE_FORMS = ("comma", "opens", "defines", "entry")
"""More of them, of the line's form."""
LINE_CONTEXT = ("calls", "dots", "names", "rare", "common", "known", "replaces")
"""Line features of the line's names among those of the change, and of what it replaces."""
LINE = (
    "ntok", "tok2", "indent", "hunk_add", "hunk_del", "pos", "pos_rel", "new_file", "f_code", "ntok_rank",
    "prev_ntok", "h_code", *LINE_BITS, *LINE_FORMS, *LINE_CONTEXT, *LINE_HISTORY,
)  # fmt: skip
"""Features of an added line of code."""


def line_features(reading: Reading, facts: Facts) -> Iterator[dict[str, float]]:
    """The features of each added line of code, file by file, top down; by the names in `LINE`."""
    ranks = _average_ranks([line.shape.tokens for file in reading.files for line in file.lines])
    numbers = iter(ranks)
    names = _Names.of(reading)
    for file in reading.files:
        past = facts.of(file.path)
        of_file = {
            "new_file": float(file.new),
            "f_code": sum(1 for _ in file.lines),
            "f_nuc": past.changes,
            "f_nfix": past.fixes,
        }
        for hunk in file.hunks:
            for index in range(len(hunk.lines)):
                yield (
                    of_file
                    | _line_part(hunk, index)
                    | names.part(hunk.lines[index].shape.names)
                    | {"ntok_rank": next(numbers) / len(ranks)}
                )


def _line_part(hunk: CodeHunk, index: int) -> dict[str, float]:
    line = hunk.lines[index]
    pos = line.line - hunk.hunk.new_start
    added = len(hunk.hunk.added)
    return _shape_part(line.shape) | {
        "hunk_add": added,
        "hunk_del": len(hunk.hunk.removed),
        "pos": pos,
        "pos_rel": pos / max(1, added),
        "prev_ntok": hunk.lines[index - 1].shape.tokens if index else 0,
        "h_code": len(hunk.lines),
        "replaces": float(bool(hunk.hunk.removed)),
    }


@lru_cache(2048)
def _shape_part(shape: LineShape) -> dict[str, float]:
    return {
        "ntok": shape.tokens,
        "tok2": length_bend(shape.tokens),
        "indent": shape.indent,
        "calls": shape.calls,
        "dots": shape.dots,
        **{name: float(name in shape.bits) for name in (*LINE_BITS, *LINE_FORMS)},
    }


@dataclass(frozen=True, slots=True)
class _Names:
    """The identifiers of a change: on how many of its `lines` of new code each stands, and those that it takes away."""

    lines: int
    used: Mapping[str, int]
    removed: frozenset[str]

    @classmethod
    def of(cls, reading: Reading) -> _Names:
        shapes = [line.shape for file in reading.files for line in file.lines]
        used = Counter(name for shape in shapes for name in shape.names)
        texts = (text for file in reading.files for hunk in file.hunks for text in hunk.hunk.removed)
        return cls(len(shapes), used, frozenset[str]().union(*map(names_in, texts)))

    def part(self, names: frozenset[str]) -> dict[str, float]:
        """A line's: how many, how many stand nowhere else, the share of lines with the commonest, of those removed."""
        counts = [self.used[name] for name in names]
        return {
            "names": len(names),
            "rare": counts.count(1),
            "common": max(counts, default=0) / self.lines,
            "known": len(names & self.removed) / (len(names) + 1),
        }


def unsquashed(value: float) -> float:
    """The number that models see as this one, as they see all through `squash`: for what is a logarithm already."""
    return math.copysign(math.expm1(abs(value)), value)


def length_bend(tokens: int) -> float:
    """How far a line's length is from the usual, squared (models see it through `squash`, which undoes the expm1)."""
    return math.expm1(min(20.0, (math.log1p(tokens) - 2) ** 2))


def _average_ranks(values: list[int]) -> list[float]:
    """Ranks from 1, ties sharing their mean."""
    order = sorted(values)
    return [(bisect_left(order, value) + 1 + bisect_right(order, value)) / 2 for value in values]
