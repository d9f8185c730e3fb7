"""Which files of the work tree name a thing, and where: git grep as values."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

from sidecar.vcs.runner import Git

_MOST_FILES: Final = 2_000
_MOST_SAID: Final = 2_000_000
_PATIENCE: Final = 5.0
_FOUND: Final = re.compile(rb"([^\0\n]+)\0(\d+)[:\0]([^\n]*)")
_BROUGHT_IN: Final = re.compile(rb"\s*(?:from|import|use|require|export|#include)\b|.*\brequire\(")


def naming_blocking(git: Git, word: str, among: Callable[[str], bool]) -> dict[str, int]:
    """The files that hold this whole word, by path, with a line (from 1): of a use, where more than an import names it.

    `among` chooses from the files that git knows, of which the first 2,000 are looked at. For threads. Raises GitError
    where git cannot tell or tells too much.
    """
    known = git.run_blocking("ls-files", "-z").split(b"\0")
    chosen = [path for name in known if name and b"\n" not in name and among(path := os.fsdecode(name))][:_MOST_FILES]
    if not chosen:
        return {}
    asked = ("grep", "-n", "-z", "-w", "-F", "-I", "-e", word, "--", *chosen)
    said = git.run_blocking(*asked, ok=(0, 1), limit=_MOST_SAID, timeout=_PATIENCE)
    places: dict[str, int] = {}
    found = ((os.fsdecode(path), _BROUGHT_IN.match(text) is not None, int(n)) for path, n, text in _FOUND.findall(said))
    for path, _, line in sorted(found):
        places.setdefault(path, line)
    return places
