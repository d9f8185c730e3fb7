"""Where a model's comments really belong: believed only where the change shows it, by the quoted text else. Pure.

A wrong place is worse than none: what cannot be told is dropped, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidecar.core.critique import Dropped, Remark
from sidecar.core.review import Suggestion
from sidecar.critique.answer import Claim
from sidecar.critique.material import Row

MOST_LINES = 12
"""Lines that one comment points at."""

_SPACE = re.compile(r"\s+")
_NUMBERED = re.compile(r"^\s*\d*\s*[-+|]\s")


@dataclass(frozen=True, slots=True)
class _Line:
    """A row that was shown, with its text as texts are compared, and as it is."""

    sign: str
    number: int
    plain: str
    text: str


def place(claims: Sequence[Claim], shown: Mapping[str, Sequence[Row]]) -> tuple[list[Remark], list[Dropped]]:
    """The comments at their places, and those that have none. `shown` are the rows that the model saw, by file."""
    remarks: dict[tuple[str, int, str], Remark] = {}
    dropped = []
    lines: dict[str, list[_Line]] = {}
    for claim in claims:
        file = _file(claim.file, shown)
        if file is not None and file not in lines:
            lines[file] = [_Line(row.sign, row.line, _plain(row.text), row.text) for row in shown[file]]
        found = "the file is not in the change" if file is None else _placed(claim, file, lines[file])
        if isinstance(found, Remark):
            remarks.setdefault((found.file, found.start, found.title or found.body), found)
        else:
            dropped.append(Dropped(claim.file, claim.line, claim.title or claim.body[:120], found))
    return list(remarks.values()), dropped


def _placed(claim: Claim, file: str, lines: Sequence[_Line]) -> Remark | str:
    """The comment where it belongs, or why it belongs nowhere."""
    new = {line.number: line for line in lines if line.sign != "-"}
    wanted = _plain(claim.quote)
    if not wanted:
        if claim.line not in new:
            return "the line is not in the change, and no text was quoted"
        return _remark(claim, file, claim.line, new, moved=False)
    if claim.line in new and _says(new[claim.line], wanted):
        return _remark(claim, file, claim.line, new, moved=False)
    found = _nearest(claim.line, wanted, lines)
    if found is None:
        return "the quoted text is not in the change, or stands at several places"
    return _remark(claim, file, found, new, moved=found != claim.line)


def _nearest(near: int, wanted: str, lines: Sequence[_Line]) -> int | None:
    """The line whose text was meant: added ones before others, the nearest of several; None where two are as near."""
    for sign in ("+", " ", "-"):
        exact = {line.number for line in lines if line.sign == sign and line.plain == wanted}
        found = exact or {line.number for line in lines if line.sign == sign and _says(line, wanted)}
        ranked = sorted((abs(number - near), number) for number in found)
        if ranked:
            alone = len(ranked) == 1 or (near and ranked[0][0] < ranked[1][0])
            return ranked[0][1] if alone else None
    return None


def _remark(claim: Claim, file: str, line: int, new: Mapping[int, _Line], *, moved: bool) -> Remark:
    if line not in new:  # a removed line at the end of what is shown: the line before it
        line = max((number for number in new if number < line), default=line)
    span = 0 if moved else min(claim.end - claim.line, MOST_LINES - 1)
    end = line
    while end < line + span and end + 1 in new:
        end += 1
    was = [new[number].text for number in range(line, end + 1) if number in new]
    mend = _suggestion(claim, was, moved=moved)
    return Remark(file, line, end, claim.severity, claim.title, claim.body, moved, mend)


def _suggestion(claim: Claim, was: Sequence[str], *, moved: bool) -> Suggestion | None:
    """What the comment would put in, where it is certain for which lines: just as many as were named, the first as quoted.

    A comment that was moved keeps its suggestion only for the one line whose whole text it quoted.
    """
    now, quoted = claim.suggestion, _plain(claim.quote)
    if not now or not quoted or len(was) != claim.end - claim.line + 1:
        return None
    whole = _plain(was[0]) == quoted
    if not whole and (moved or quoted not in _plain(was[0])):
        return None
    now = _indented(now, was[0])
    signed = any(new[:1] == "-" and new[1:].strip() == old.strip() for new in now for old in was)
    return None if not now or signed or now == tuple(was) else Suggestion(tuple(was), now)


def _indented(now: tuple[str, ...], like: str) -> tuple[str, ...]:
    """The lines with the indentation that the model left out of the first one; none where it is not to be told of all."""
    own = like[: len(like) - len(like.lstrip())]
    if not own or not now[0][:1].strip():
        return now
    rest = [line for line in now[1:] if line.strip()]
    return (own + now[0], *now[1:]) if all(line.startswith(own) for line in rest) else ()


def _file(named: str, shown: Mapping[str, Sequence[Row]]) -> str | None:
    """The file that was meant: its path, with a prefix of diffs, or the end of one path alone."""
    for name in (named, named.removeprefix("./"), named.removeprefix("b/"), named.removeprefix("a/")):
        if name in shown:
            return name
    ends = [path for path in shown if path.endswith(f"/{named}")]
    return ends[0] if len(ends) == 1 else None


def _says(line: _Line, wanted: str) -> bool:
    """Whether the line's text is what was quoted, or a good part of it is."""
    return line.plain == wanted or (len(wanted) >= 8 and wanted in line.plain)


def _plain(text: str) -> str:
    """A line's text without what does not matter: indentation, the number and sign of its row, more lines behind it."""
    lines = [line for line in text.strip("\n").splitlines() if line.strip()]
    first = lines[0] if lines else ""
    return _SPACE.sub(" ", _NUMBERED.sub("", first, count=1) if _NUMBERED.match(first) else first).strip()
