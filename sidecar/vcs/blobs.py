"""Texts of files as a commit or the index has them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from sidecar.vcs.diff import text_lines
from sidecar.vcs.runner import LIMIT, TIMEOUT, Git

MOST_AT_ONCE = 200
"""Files that one process is asked for."""

_OBJECT = re.compile(rb"[0-9a-f]{40,64} (\w+) (\d+)")


def blobs_blocking(
    git: Git, names: Sequence[str], *, limit: int = LIMIT, timeout: float = TIMEOUT
) -> list[bytes | None]:
    """The files' bytes by their names in git (`commit:path`, `:path` in the index), None where it has no such file. Raises GitError."""
    asked = [name for name in names if "\n" not in name]  # git reads one name a line here
    stdin = b"".join(os.fsencode(name) + b"\n" for name in asked)
    said = git.run_blocking("cat-file", "--batch", stdin=stdin, limit=limit, timeout=timeout) if asked else b""
    found: list[bytes | None] = []
    at = 0
    for name in names:
        data = None
        if "\n" not in name:
            end = said.index(b"\n", at)
            told = _OBJECT.fullmatch(said, at, end)
            at = end + 1
            if told:
                size = int(told[2])
                data = said[at : at + size] if told[1] == b"blob" else None
                at += size + 1
        found.append(data)
    return found


def texts_blocking(git: Git, at: str, paths: Sequence[str]) -> dict[str, list[str]]:
    """The lines of those files that are texts there. `at` is a commit's id, empty for the index. Raises GitError."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(paths), MOST_AT_ONCE):
        some = paths[start : start + MOST_AT_ONCE]
        for path, data in zip(some, blobs_blocking(git, [f"{at}:{path}" for path in some]), strict=True):
            if data is not None and b"\0" not in data[:8000]:
                found[path] = text_lines(data)
    return found
