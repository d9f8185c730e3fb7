"""Gathers what a risk score may know beside the diff: the old side of the files, and the past of files and author. Pure."""

from __future__ import annotations

from dataclasses import replace

from sidecar.core.diff import Change
from sidecar.history.before import Before
from sidecar.history.past import Past
from sidecar.risk.code import why_not
from sidecar.risk.eras import Level
from sidecar.risk.facts import Facts, FileFacts
from sidecar.risk.paths import folder, language, subsystem


def facts_of(change: Change, past: Past | None, before: Before) -> Facts:
    """The facts of a change; `past` holds the commits up to its base, None when history is not known."""
    sources = [file for file in change.files if language(file.path) is not None]
    known = FileFacts()
    old = {file.path: before.get((change.base or "", file.old_path or file.path)) for file in sources}
    if past is None:
        return Facts(files={path: replace(known, before=side) for path, side in old.items()})
    if change.base is None:
        files = {file.path: known for file in sources}
        level = Level() if past.traced else None
        return Facts(history=True, traced=past.traced, files=files, fix_rate=1 / 8, level=level)
    view = past.at(change.base, author=change.author, time=change.time)
    files = {file.path: replace(view.file(file.old_path or file.path), before=old[file.path]) for file in sources}
    return Facts(
        history=True,
        traced=past.traced,
        files=files,
        folders=view.folders({folder(file.path) for file in sources}),
        here=view.here(),
        level=view.level(),
        exp=view.experience(),
        sexp=view.nearby({subsystem(file.path) for file in sources if why_not(file, old[file.path]) is None}),
        dev_days=view.days_here(),
        fix_rate=view.fix_rate(),
        recent=view.recent(),
    )
