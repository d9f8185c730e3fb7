"""Many commits as changes, by one stream of git's, in the order asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain

from sidecar.core.diff import Change
from sidecar.core.errors import GitError
from sidecar.vcs.diff import PATCH_OPTIONS, parse_patch
from sidecar.vcs.history import Commit
from sidecar.vcs.runner import Git

_MARK = b"\x01"
_MOST_LOST = 50
"""Commits whose content may be missing in one stream."""


def resolve_many_blocking(git: Git, revisions: Sequence[str]) -> list[str | None]:
    """The full id of the commit that each revision names, None where there is none; for threads."""
    fit = [index for index, name in enumerate(revisions) if name and name.isprintable()]
    stdin = "".join(f"{revisions[index]}^{{commit}}\n" for index in fit).encode()
    said = git.run_blocking("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=stdin) if fit else b""
    found: list[str | None] = [None] * len(revisions)
    for index, line in zip(fit, said.decode("utf-8", "replace").split("\n"), strict=False):
        own, _, kind = line.partition(" ")
        if kind == "commit":
            found[index] = own
    return found


def changes_blocking(git: Git, commits: Sequence[Commit]) -> Generator[Change]:
    """What each commit changed against its first parent, all of it for a first commit; for threads.

    Closing the iterator ends the stream. Raises GitError when git's answer breaks off.
    """
    feed = "".join(f"{' '.join((commit.id, *commit.parents[:1]))}\n" for commit in commits)
    asked = ("diff-tree", "--stdin", "-r", "--root", "--always", "--format=%x01%H", *PATCH_OPTIONS)
    patches = records_of(git.chunks_blocking(*asked, stdin=feed.encode("ascii"))) if commits else iter(())
    for commit in commits:
        own, patch = next(patches, (b"", b""))
        if own.decode("ascii", "replace") != commit.id:
            raise GitError(f"git did not tell what {commit.id[:12]} changed.")
        yield Change(
            files=parse_patch(patch + b"\n"),
            base=commit.parents[0] if commit.parents else None,
            commit=commit.id,
            tree=commit.id,
            author=commit.author,
            time=float(commit.time),
            message=commit.message.strip("\n"),
        )


def told_changes_blocking(git: Git, commits: Sequence[Commit]) -> Generator[Change | None]:
    """As `changes_blocking`, with None for a commit whose content this clone lacks. Raises GitError when many are so."""
    at = lost = 0
    while at < len(commits):
        try:
            with closing(changes_blocking(git, commits[at:])) as changes:
                for change in changes:
                    yield change
                    at += 1
        except GitError:
            lost += 1
            if lost > _MOST_LOST:
                raise
            yield None
            at += 1


def records_of(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Commit ids and patches. No line of a patch begins with the mark: each begins with a word of git's or a sign."""
    rest = b"\n"
    for chunk in chain(chunks, (b"\n" + _MARK,)):
        *whole, rest = (rest + chunk).split(b"\n" + _MARK)
        for own, _, patch in (record.partition(b"\n") for record in whole if record.strip(b"\n")):
            yield own, patch
