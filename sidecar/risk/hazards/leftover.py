"""Stops for a debugger that were left in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.mending import Spot
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_PY = frozenset({".py"})
_JS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".vue", ".svelte"})
_RB = frozenset({".rb"})
_STOPS: tuple[tuple[frozenset[str], str], ...] = (
    (
        _PY,
        r"^\s*(?:import (?:i?pdb|pudb)\b|(?:i?pdb|pudb)\.set_trace\(|breakpoint\(\)|from i?pdb import)|^[^\"'#]*;\s*(?:i?pdb|pudb)\.set_trace\(",
    ),
    (_JS, r"^\s*debugger\s*;?\s*$"),
    (_RB, r"^\s*(?:binding\.(?:pry|irb)|byebug|debugger)\s*$"),
    (frozenset({".rs"}), r"^\s*dbg!\("),
    (frozenset({".php"}), r"^\s*(?:xdebug_break|dd)\("),
)
_RULES = tuple((languages, re.compile(pattern)) for languages, pattern in _STOPS)
_ALONE: tuple[tuple[frozenset[str], str], ...] = (
    (_PY, r"\s*(?:import (?:i?pdb|pudb)\s*;\s*)?(?:(?:i?pdb|pudb)\.set_trace\(\)|breakpoint\(\))\s*;?\s*(?:#.*)?"),
    (_JS, r"\s*debugger\s*;?\s*"),
    (_RB, r"\s*(?:binding\.(?:pry|irb)|byebug|debugger)\s*"),
    (frozenset({".rs"}), r"\s*dbg!\(&?[\w.]+(?:,\s*&?[\w.]+)*\);\s*"),
    (frozenset({".php"}), r"\s*xdebug_break\(\);\s*"),
)
"""Lines that do nothing but stop."""
_TAKEN_OUT = tuple((languages, re.compile(pattern)) for languages, pattern in _ALONE)
_MODULE = re.compile(r"\b(?:i?pdb|pudb)\b")
_GOES_ON = re.compile(r"[=,.\\(\[&+*/?:-]$|\b(?:and|or|not)$")

_WORDS = ("pdb", "pudb", "breakpoint", "debugger", "binding.", "byebug", "dbg!", "xdebug_break", "dd(")


def find(file: Seen) -> Iterator[Hit]:
    """New lines that stop the program (or print for whoever stopped it)."""
    if file.kind == "docs":
        return
    for line in file.holding(_WORDS):
        if any(file.extension in languages and rule.search(line.text) for languages, rule in _RULES):
            yield Hit(line.number, line.number, "This line stops for a debugger.")


def mend(spot: Spot) -> tuple[str, ...] | None:
    """The line taken out, where it does nothing else and what stands around it is whole without it."""
    alone = any(spot.extension in languages and rule.fullmatch(spot.text) for languages, rule in _TAKEN_OUT)
    used = (n for n, line in enumerate(spot.lines) if n != spot.at and _MODULE.search(line))
    if not alone or ("import" in spot.text and next(used, None) is not None):
        return None
    if spot.extension in _PY:
        free = _in_company(spot)
    elif spot.extension in _RB:
        free = _GOES_ON.search(spot.above) is None
    else:  # what has no braces around it may be the whole of an `if`
        free = (not spot.above or spot.above[-1] in ";{}") and spot.below.lstrip()[:1] not in {"(", "[", "`"}
    return () if free else None


def _in_company(spot: Spot) -> bool:
    """Whether a line of Python has another statement beside it, since a block must have one."""
    own, above, below = _indent(spot.text), spot.above, spot.below
    if not own:
        return True
    if above and above[-1] not in ":([{,\\" and _indent(above).startswith(own):
        return True
    return _indent(below) == own and below.lstrip()[:1] not in {")", "]", "}"}


def _indent(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


RULE = Rule(
    id="debugger",
    title="a debugger's stop is left in",
    severity="warning",
    why="Where nobody sits at a terminal the program hangs or fails here.",
    remedy="Take the line out.",
    find=find,
    words=_WORDS,
    mend=mend,
)
