"""Under which name a file is found after commits, merges and changes of branch."""

from __future__ import annotations

import os
from collections.abc import Collection

from sidecar.core.errors import GitError
from sidecar.vcs.runner import Git

MOST = 50
"""Files that are followed at once."""

_STEPS = 8
"""Renamings of one file that are followed."""


def renamed_blocking(git: Git, paths: Collection[str], old: str | None, new: str | None) -> dict[str, str]:
    """New names of files that are gone from the work tree, by their old ones; only those that are certain. For threads.

    `old` is the commit that the names belong to, where that is known: then the two commits are compared. Else, and
    for what that does not tell, the commits up to `new` are asked which of them took the name away. What git still
    has under its name, or cannot tell, is left out.
    """
    if new is None:
        return {}
    try:
        wanted = [path for path in sorted(paths)[:MOST] if "\n" not in path and not _has(git, new, path)]
        known = _between(git, old, new) if wanted and old is not None and old != new else {}
        found = {path: known.get(path) or _followed(git, path, new) for path in wanted}
    except GitError:
        return {}
    return {path: name for path, name in found.items() if name}


def _between(git: Git, old: str, new: str) -> dict[str, str]:
    said = git.run_blocking("diff-tree", "-r", "-z", "--find-renames", "-l1000", "--name-status", old, new, ok=(0, 128))
    return _renames(said)


def _followed(git: Git, path: str, new: str) -> str:
    """Where the commits up to `new` took a file; empty where they tell nothing or the last name is gone, too."""
    name = path
    for _ in range(_STEPS):
        asked = ("log", "-1", "--format=%H", "--diff-filter=D", "--no-renames", new, "--", name)
        commit = git.run_blocking(*asked, ok=(0, 128)).decode("ascii", "replace").strip()
        if not commit:
            return ""
        said = git.run_blocking(
            "diff-tree", "-r", "-z", "--root", "--find-renames", "-l1000", "--name-status", "--no-commit-id", commit
        )
        name = _renames(said).get(name, "")
        if not name or _has(git, new, name):
            return name
    return ""


def _has(git: Git, commit: str, path: str) -> bool:
    said = git.run_blocking("cat-file", "--batch-check", stdin=f"{commit}:".encode() + os.fsencode(path) + b"\n")
    return b" blob " in said[-80:]


def _renames(said: bytes) -> dict[str, str]:
    """Old names and new ones of `--name-status -z`."""
    found: dict[str, str] = {}
    parts = iter(said.decode("utf-8", "surrogateescape").split("\0"))
    for kind in parts:
        if kind[:1] == "R":
            old = next(parts, "")
            found[old] = next(parts, "")
        elif kind:
            next(parts, None)
    return found
