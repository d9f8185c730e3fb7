"""How one text leads to another, as the hunks of a change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from sidecar.core.diff import Hunk

MOST_COMPARED = 2_000
"""Lines of a stretch that are compared one by one; a longer one counts as replaced."""


def compare(old: Sequence[str], new: Sequence[str]) -> tuple[Hunk, ...]:
    """The hunks that lead from one text to another."""
    head = _common(zip(old, new, strict=False))
    tail = _common(zip(reversed(old[head:]), reversed(new[head:]), strict=False))
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if not a and not b:
        return ()
    if max(len(a), len(b)) > MOST_COMPARED or not a or not b:
        return (_hunk(head, head, a, b),)
    codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return tuple(
        _hunk(head + i, head + j, a[i:i_end], b[j:j_end]) for tag, i, i_end, j, j_end in codes if tag != "equal"
    )


def _common(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _hunk(old: int, new: int, removed: Sequence[str], added: Sequence[str]) -> Hunk:
    """A hunk from offsets that count from 0, in git's own numbers."""
    return Hunk(old + bool(removed), new + bool(added), tuple(removed), tuple(added))
