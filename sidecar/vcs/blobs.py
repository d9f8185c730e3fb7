"""Texts of files as a commit or the index has them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from sidecar.vcs.diff import text_lines
from sidecar.vcs.runner import Git

MOST_AT_ONCE = 200
"""Files that one process is asked for."""

_HEAD = re.compile(rb"[0-9a-f]{40,64} blob (\d+)\n")


def texts_blocking(git: Git, at: str, paths: Sequence[str]) -> dict[str, list[str]]:
    """The lines of those files that are texts there. `at` is a commit's id, empty for the index. Raises GitError."""
    found: dict[str, list[str]] = {}
    named = [path for path in paths if "\n" not in path]
    for start in range(0, len(named), MOST_AT_ONCE):
        some = named[start : start + MOST_AT_ONCE]
        asked = b"".join(os.fsencode(f"{at}:{path}") + b"\n" for path in some)
        said = git.run_blocking("cat-file", "--batch", stdin=asked)
        place = 0
        for path in some:
            head = _HEAD.match(said, place)
            if head is None:
                place = said.find(b"\n", place) + 1
                continue
            data = said[head.end() : head.end() + int(head[1])]
            place = head.end() + int(head[1]) + 1
            if b"\0" not in data[:8000]:
                found[path] = text_lines(data)
    return found
