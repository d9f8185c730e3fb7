"""Who wrote a stretch of a file as it stood at a commit: git blame as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.vcs.runner import Git

_HEAD = re.compile(rb"([0-9a-f]{40,64}) \d+ \d+(?: \d+)?")
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Writer:
    """A commit that lines of a stretch come from: its id, author time (UTC seconds) and subject."""

    commit: str
    time: float
    subject: str


def writers_blocking(git: Git, revision: str, path: str, first: int, last: int) -> list[Writer]:
    """The commits that wrote the lines `first`..`last` (from 1) of a file at a revision, each once; for threads.

    Raises GitError where git cannot tell, GitTimeout after five seconds.
    """
    said = git.run_blocking(
        "blame", "--porcelain", "-w", f"-L{first},{last}", revision, "--", path, timeout=_PATIENCE, ok=(0,)
    )
    found: dict[str, Writer] = {}
    own, time = "", 0.0
    for line in said.split(b"\n"):
        if line.startswith(b"\t"):
            continue
        if head := _HEAD.fullmatch(line):
            own = head[1].decode("ascii")
        elif line.startswith(b"author-time "):
            time = float(line.split(b" ", 1)[1])
        elif line.startswith(b"summary ") and own not in found:
            found[own] = Writer(own, time, line.split(b" ", 1)[1].decode("utf-8", "replace"))
    return list(found.values())
