"""Gathers what a risk score may know beside the diff: the old side of the files, and the past of files and author."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.core.diff import Change, FileDiff
from sidecar.review.past import Past
from sidecar.risk.code import why_not
from sidecar.risk.eras import Level
from sidecar.risk.facts import Facts, FileFacts
from sidecar.risk.paths import folder, is_production, language, subsystem
from sidecar.vcs.diff import text_lines
from sidecar.vcs.runner import Git

_HEAD_LINES = 6
_MOST_BLOBS = 1 << 30
"""Bytes of old sides that are read for one batch of changes."""

_OBJECT = re.compile(rb"[0-9a-f]{40,64} (\w+) (\d+)")

Before = dict[tuple[str, str], tuple[str, ...]]
"""Lines of old sides by base commit and path there."""


def gather_blocking(git: Git, change: Change, past: Past | None) -> Facts:
    """The facts of a change; `past` holds the commits up to its base, None when history is not known. For threads."""
    return facts_of(change, past, read_before_blocking(git, [change]))


def facts_of(change: Change, past: Past | None, before: Before) -> Facts:
    """The facts of a change whose old sides were read already. Pure."""
    sources = [file for file in change.files if language(file.path) is not None]
    known = FileFacts()
    if past is None:
        return Facts(files={file.path: replace(known, before=_before(change, file, before)) for file in sources})
    if change.base is None:
        files = {file.path: known for file in sources}
        level = Level() if past.traced else None
        return Facts(history=True, traced=past.traced, files=files, fix_rate=1 / 8, level=level)
    view = past.at(change.base, author=change.author, time=change.time)
    files = {
        file.path: replace(view.file(file.old_path or file.path), before=_before(change, file, before))
        for file in sources
    }
    return Facts(
        history=True,
        traced=past.traced,
        files=files,
        folders=view.folders({folder(file.path) for file in sources}),
        here=view.here(),
        level=view.level(),
        exp=view.experience(),
        sexp=view.nearby({subsystem(file.path) for file in sources if why_not(file, files[file.path].before) is None}),
        dev_days=view.days_here(),
        fix_rate=view.fix_rate(),
        recent=view.recent(),
    )


def _before(change: Change, file: FileDiff, before: Before) -> tuple[str, ...] | None:
    return before.get((change.base or "", file.old_path or file.path))


def read_before_blocking(git: Git, changes: Sequence[Change]) -> Before:
    """The old sides of the production files that these changes edit; for threads.

    All lines of Python files, whose texts in triple quotes no single line gives away; of others only the first, which
    may say that the file is generated. What git does not have is left out.
    """
    asked = list(dict.fromkeys(_old_sides(changes)))
    if not asked:
        return {}
    stdin = b"".join(os.fsencode(f"{base}:{path}") + b"\n" for base, path in asked)
    said = git.run_blocking("cat-file", "--batch", stdin=stdin, limit=_MOST_BLOBS, timeout=120.0)
    found: Before = {}
    at = 0
    for base, path in asked:
        end = said.index(b"\n", at)
        said_of = _OBJECT.fullmatch(said, at, end)
        at = end + 1
        if said_of:
            size = int(said_of[2])
            if said_of[1] == b"blob":
                found[base, path] = _lines(path, said[at : at + size])
            at += size + 1
    return found


def _old_sides(changes: Iterable[Change]) -> Iterable[tuple[str, str]]:
    for change in changes:
        for file in change.files:
            path = file.old_path or file.path
            if change.base and file.status != "added" and file.hunks and is_production(file.path) and "\n" not in path:
                yield change.base, path


def _lines(path: str, data: bytes) -> tuple[str, ...]:
    if language(path) == "python":
        return tuple(text_lines(data))
    return tuple(text_lines(b"\n".join(data.split(b"\n", _HEAD_LINES)[:_HEAD_LINES])))
