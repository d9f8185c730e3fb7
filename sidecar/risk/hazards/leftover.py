"""Stops for a debugger that were left in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.seen import Hit, Rule, Seen

_JS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".vue", ".svelte"})
_STOPS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({".py"}),
        r"^\s*(?:import (?:i?pdb|pudb)\b|(?:i?pdb|pudb)\.set_trace\(|breakpoint\(\)|from i?pdb import)|^[^\"'#]*;\s*(?:i?pdb|pudb)\.set_trace\(",
    ),
    (_JS, r"^\s*debugger\s*;?\s*$"),
    (frozenset({".rb"}), r"^\s*(?:binding\.(?:pry|irb)|byebug|debugger)\s*$"),
    (frozenset({".rs"}), r"^\s*dbg!\("),
    (frozenset({".php"}), r"^\s*(?:xdebug_break|dd)\("),
)
_RULES = tuple((languages, re.compile(pattern)) for languages, pattern in _STOPS)

_WORDS = ("pdb", "pudb", "breakpoint", "debugger", "binding.", "byebug", "dbg!", "xdebug_break", "dd(")


def find(file: Seen) -> Iterator[Hit]:
    """New lines that stop the program (or print for whoever stopped it)."""
    if file.kind == "docs":
        return
    for line in file.holding(_WORDS):
        if any(file.extension in languages and rule.search(line.text) for languages, rule in _RULES):
            yield Hit(line.number, line.number, "This line stops for a debugger.")


RULE = Rule(
    id="debugger",
    title="a debugger's stop is left in",
    severity="warning",
    why="Where nobody sits at a terminal the program hangs or fails here.",
    remedy="Take the line out.",
    find=find,
    words=_WORDS,
)
