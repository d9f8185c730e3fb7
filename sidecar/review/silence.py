"""What a dismissal silences: which comments stay unsaid, and where the dismissed lines stand now. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from sidecar.core.review import Dismissal, DismissalScope, Thread
from sidecar.review.places import near, rules

Place = tuple[str, int, int]
"""A range of lines: path, first and last line."""


def kind_of(thread: Thread) -> str:
    """What a thread is about, as dismissals name it: the rules whose findings it tells of, with commas, else its origin."""
    return thread.kind or ",".join(rules(thread.tags)) or thread.origin


def dismissal(thread: Thread, scope: DismissalScope, reason: str, id_: str, now: float) -> Dismissal:
    """The dismissal of a thread. A folder's pattern covers all below it that has the file's own suffix."""
    path = PurePosixPath(thread.anchor.path)
    pattern = thread.anchor.path
    if scope == "folder":
        folder = "" if path.parent == PurePosixPath() else f"{_literal(str(path.parent))}/"
        pattern = f"{folder}*{_literal(path.suffix)}"
    return Dismissal(id_, kind_of(thread), scope, pattern, reason, now, thread)


def silenced(kind: str, place: Place, dismissals: Iterable[Dismissal]) -> bool:
    """Whether a comment of this kind at this place was dismissed; of several kinds in one, each must have been."""
    silent = {name for each in dismissals if _reaches(each, place) for name in each.kind.split(",")}
    return silent.issuperset(kind.split(","))


def renamed(each: Dismissal, path: str) -> Dismissal:
    """The dismissal of a file that has another name now."""
    thread = each.thread.moved(replace(each.thread.anchor, path=path))
    return replace(each, thread=thread, pattern=each.pattern if each.scope == "folder" else path)


def _reaches(each: Dismissal, place: Place) -> bool:
    if each.scope == "lines":
        anchor = each.thread.anchor
        return not anchor.outdated and near((anchor.path, anchor.start, anchor.end), place)
    if each.scope == "file":
        return each.pattern == place[0]
    return fnmatchcase(place[0], each.pattern)


def _literal(text: str) -> str:
    """Text that a pattern matches letter by letter."""
    return re.sub(r"[*?\[]", r"[\g<0>]", text)
