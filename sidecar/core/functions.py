"""Functions of a text, told by the form of their heads and by indentation, in whatever language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidecar.core.diff import FileDiff, line_before, lines_after

_LONGEST = 400
"""Lines of a function that are looked at."""

_DEFINES = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+(?P<py>\w+)|func\s+(?:\([^)]*\)\s*)?(?P<go>\w+)\s*[\[(]"
    r"|(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*(?P<js>[\w$]+)|(?:pub(?:\([^)]*\))?\s+)?(?:async\s+|unsafe\s+|const\s+)*fn\s+(?P<rust>\w+)"
    r"|(?:(?:public|protected|private|static|final|abstract|synchronized)\s+)+[\w<>\[\], .?]*?(?P<java>\w+)\s*\("
    r"|(?:export\s+)?(?:const|let)\s+(?P<arrow>[\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\(|\w+\s*=>))"
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function in a text: its name, first and last line (from 1)."""

    name: str
    start: int
    end: int


def function_before(lines: Sequence[str], file: FileDiff, first: int, last: int) -> Function | None:
    """The function that the new lines `first`..`last` lie in, as it stood in the old ones; None for a new one, or for several.

    Where a hunk begins does not tell: lines that are put in behind a function are mostly another one.
    """
    now = lines_after(lines, file.hunks)
    around = {function_at(now, at) for at in range(first, last + 1) if "".join(now[at - 1 : at]).strip()}
    function = around.pop() if len(around) == 1 else None
    if function is None:
        return None
    old = line_before(file.hunks, function.start) or _head_before(file, function)
    known = function_at(lines, old) if old is not None else None
    return known if known is not None and (known.name, known.start) == (function.name, old) else None


def _head_before(file: FileDiff, function: Function) -> int | None:
    """Where the head of a function stood that a change wrote anew: the one with its name that the change took away."""
    near: list[int] = []
    far: list[int] = []
    for hunk in file.hunks:
        first, last = hunk.new_range
        into = near if hunk.added and first <= function.start <= last else far
        heads = ((at, _DEFINES.match(text)) for at, text in enumerate(hunk.removed, hunk.old_start))
        into += [at for at, head in heads if head and _name(head.groupdict()) == function.name]
    found = near or far
    return found[0] if len(found) == 1 else None


def function_at(lines: Sequence[str], at: int) -> Function | None:
    """The innermost function that a line (from 1) lies in, told by its form and by indentation."""
    index = min(at, len(lines)) - 1
    while index >= 0 and not lines[index].strip():
        index -= 1
    limit = _indent(lines[index]) + 1 if index >= 0 else 0
    for start in range(index, max(-1, index - _LONGEST), -1):
        text = lines[start]
        if not text.strip() or (_indent(text) >= limit and start != index):
            continue
        if match := _DEFINES.match(text):
            end = _end(lines, start)
            return Function(_name(match.groupdict()), start + 1, end) if end > index else None
        limit = min(limit, _indent(text))
    return None


def _end(lines: Sequence[str], start: int) -> int:
    """The last line of what begins on a line: behind it stands something no deeper, but for what closes it."""
    own = _indent(lines[start])
    last = start
    for index in range(start + 1, min(len(lines), start + _LONGEST)):
        text = lines[index].strip()
        if not text:
            continue
        if _indent(lines[index]) <= own:
            return index + 1 if text[0] in ")}]" and _indent(lines[index]) == own else last + 1
        last = index
    return last + 1


def _indent(text: str) -> int:
    wide = text.expandtabs(4)
    return len(wide) - len(wide.lstrip())


def _name(groups: Mapping[str, str | None]) -> str:
    return next(value for value in groups.values() if value)
