"""Other states of a repository than its working tree: texts of a revision, the base of a branch, what there is to choose from."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sidecar.core.errors import BadInput
from sidecar.core.review import INDEX, NOTHING
from sidecar.vcs.blobs import blobs_blocking
from sidecar.vcs.diff import text_lines
from sidecar.vcs.runner import Git

MOST_TEXT = 8 << 20
"""Bytes of a text that is shown; a larger one is not."""

MAIN = ("main", "master")
"""Names of branches that others are made for."""

_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True)
class Named:
    """A commit by the name that people know it by: a branch, or its subject."""

    commit: str
    name: str


def texts_blocking(git: Git, side: str, paths: Collection[str]) -> dict[str, bytes | None]:
    """The files' bytes on a side of a diff: a commit's id, `INDEX`, `NOTHING`; None for what it has no file of. For threads.

    Raises BadInput for another name of a side.
    """
    found: dict[str, bytes | None] = dict.fromkeys(paths)
    asked = [path for path in found if path]
    if side == NOTHING or not asked:
        return found
    if side != INDEX and not _COMMIT.fullmatch(side):
        raise BadInput(f"{side!r} names no side of a diff; give a commit's whole id, `{INDEX}` or `{NOTHING}`.")
    names = [f"{'' if side == INDEX else side}:{path}" for path in asked]
    return found | dict(zip(asked, blobs_blocking(git, names, limit=1 << 30), strict=True))


def lines_blocking(git: Git, side: str, paths: Collection[str]) -> dict[str, list[str] | None]:
    """As `texts_blocking`, as a diff shows them; None also for what is binary or too large."""
    texts = texts_blocking(git, side, paths)
    return {path: None if data is None or not _shown(data) else text_lines(data) for path, data in texts.items()}


def text_blocking(git: Git, side: str, path: str) -> str:
    """One file's text on a side; empty where it has none. Raises BadInput for what cannot be shown as text."""
    data = texts_blocking(git, side, [path])[path] or b""
    if not _shown(data):
        raise BadInput(f"{path} is binary, or has more than {MOST_TEXT >> 20} MiB, so it is not shown as text.")
    return data.decode("utf-8", "replace")


async def base_of(git: Git, ref: str = "") -> Named:
    """Where the current branch left another one, and that one's name.

    Without `ref` the other one is the branch's upstream, unless that is only its own copy elsewhere; else the
    remote's main branch, main or master. Raises BadInput when there is none, or no common commit.
    """
    head = await _said(git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        raise BadInput("There is no commit yet, so the branch has no base.")
    candidates = [ref] if ref else await _candidates(git)
    for name in candidates:
        if await _said(git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"):
            common = await _said(git, "merge-base", "--end-of-options", "HEAD", name)
            if not common:
                raise BadInput(f"This branch and {name!r} have no commit in common; choose another base.")
            return Named(common.split("\n")[0], name)
    if ref:
        raise BadInput(f"There is no commit {ref!r} in this repository; choose another base.")
    raise BadInput("There is no upstream, main or master branch to compare with; choose a base for this branch.")


async def branch(git: Git) -> str:
    """The current branch's name; empty when HEAD is detached."""
    return await _said(git, "symbolic-ref", "--quiet", "--short", "HEAD")


async def branches(git: Git, most: int) -> list[Named]:
    """Branches and tags, those with the newest commits first."""
    form = "--format=%(objectname) %(refname:short)"
    refs = ("refs/heads", "refs/remotes", "refs/tags")
    return _named(await _said(git, "for-each-ref", "--sort=-committerdate", f"--count={most}", form, *refs))


async def recent(git: Git, most: int) -> list[Named]:
    """The last commits of HEAD with their subjects, the newest first; none before the first."""
    return _named(await _said(git, "log", f"--max-count={most}", "--format=%H %s", "HEAD", "--"))


async def _candidates(git: Git) -> list[str]:
    own = await branch(git)
    upstream = await _said(git, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")
    remote = await _said(git, "rev-parse", "--abbrev-ref", "origin/HEAD")
    copy = own not in MAIN and upstream.partition("/")[2] == own
    names = ["" if copy else upstream, remote, *MAIN, *(f"origin/{name}" for name in MAIN)]
    return [name for name in dict.fromkeys(names) if name not in {"", own, "origin/HEAD"}]


async def _said(git: Git, *argv: str) -> str:
    """What git says, or nothing where it refuses."""
    return (await git.run(*argv, ok=(0, 1, 128))).decode("utf-8", "surrogateescape").strip()


def _named(said: str) -> list[Named]:
    found = (line.partition(" ") for line in said.split("\n"))
    return [Named(commit, name) for commit, _, name in found if _COMMIT.fullmatch(commit)]


def _shown(data: bytes) -> bool:
    return len(data) <= MOST_TEXT and b"\0" not in data[:8000]
