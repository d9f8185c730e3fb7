"""What merges wrote themselves: for each file that differs from every parent, which parent each of its lines is from."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sidecar.core.errors import GitError
from sidecar.vcs.commits import records_of
from sidecar.vcs.diff import quoted_name
from sidecar.vcs.runner import Git

_OPTIONS = ("--unified=0", "--full-index", "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
_RANGE = re.compile(rb"[-+](\d+)(?:,(\d+))?")
_HEADS = (b"diff --combined ", b"diff --cc ")


@dataclass(frozen=True, slots=True)
class MergedLine:
    """A line of a merged hunk: the parents (from 0) that have it, and how it reads; no parent means the merge wrote it."""

    parents: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MergedHunk:
    """A stretch that is not the same in all parents.

    `starts` are the places (from 0) in each parent at which the stretch begins; `steps` tell, top down, either the
    parents that lose a line here (`removed`) or a line of the result.
    """

    starts: tuple[int, ...]
    steps: tuple[tuple[int, ...] | MergedLine, ...]


@dataclass(frozen=True, slots=True)
class MergedFile:
    """A file whose content no parent has; `deleted` when all have it and the merge does not."""

    path: str
    deleted: bool
    hunks: tuple[MergedHunk, ...]


def merges_blocking(git: Git, merges: Sequence[str]) -> Generator[tuple[str, tuple[MergedFile, ...]]]:
    """The merges asked for (full ids), in order, with the files that they made; for threads.

    Closing the iterator ends the stream. Raises GitError when git's answer breaks off.
    """
    feed = "".join(f"{own}\n" for own in merges).encode("ascii")
    asked = ("diff-tree", "--stdin", "-r", "-c", "-p", "--always", "--format=%x01%H", *_OPTIONS)
    records = records_of(git.chunks_blocking(*asked, stdin=feed)) if merges else iter(())
    for own in merges:
        said, patch = next(records, (b"", b""))
        if said.decode("ascii", "replace") != own:
            raise GitError(f"git did not tell what the merge {own[:12]} holds.")
        yield own, tuple(_files(patch.split(b"\n")))


def _files(lines: Sequence[bytes]) -> Iterator[MergedFile]:
    starts = [at for at, line in enumerate(lines) if line.startswith(_HEADS)]
    for at, end in pairwise([*starts, len(lines)]):
        path = quoted_name(lines[at].split(b" ", 2)[2])
        deleted = any(line.startswith(b"deleted file mode") for line in lines[at + 1 : at + 6])
        yield MergedFile(path, deleted, tuple(_hunks(lines[at + 1 : end])))


def _hunks(lines: Sequence[bytes]) -> Iterator[MergedHunk]:
    heads = [at for at, line in enumerate(lines) if line.startswith(b"@@@")]
    for at, end in pairwise([*heads, len(lines)]):
        parents = len(lines[at]) - len(lines[at].lstrip(b"@")) - 1
        ranges = _RANGE.findall(lines[at])[:parents]
        starts = tuple(int(start) - (count != b"0" and start != b"0") for start, count in ranges)
        yield MergedHunk(starts, tuple(_steps(lines[at + 1 : end], parents)))


def _steps(lines: Iterable[bytes], parents: int) -> Iterator[tuple[int, ...] | MergedLine]:
    every = range(parents)
    for line in lines:
        columns = line[:parents]
        if b"-" in columns:
            yield tuple(at for at in every if columns[at : at + 1] == b"-")
        elif columns.strip(b" +") == b"" and len(columns) == parents:
            text = line[parents:].removesuffix(b"\r").decode("utf-8", "replace")
            yield MergedLine(tuple(at for at in every if columns[at : at + 1] == b" "), text)
