"""Parts of a file's change: stage those that touch some lines, compare two texts line by line. git does both.

Only the index is written, by `git apply --cached`, which takes the index's lock and refuses a patch whose surroundings
are not there any more; the files of the work tree are left alone.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar.core.diff import Hunk
from sidecar.core.errors import Conflict, GitError, NotSupported
from sidecar.core.review import Staging
from sidecar.vcs.blobs import blobs_blocking
from sidecar.vcs.diff import PATCH_OPTIONS, parse_patch
from sidecar.vcs.runner import Git

CONTEXT = 3
"""Lines of the index around a staged stretch by which git sees that it is the right place."""

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_REGULAR = {"100644", "100755"}
_NO_END = b"\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """One replaced stretch: from offset `old` (from 0) of the index's lines; `new` is the first line in the file (from 1)."""

    old: int
    new: int
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]

    @property
    def lines(self) -> tuple[int, int]:
        """First and last line in the file; where lines were taken away, the one before."""
        return (self.new, self.new + len(self.added) - 1) if self.added else (max(1, self.new - 1),) * 2


def stage_blocking(git: Git, path: str, first: int, last: int) -> Staging:
    """Stage what changed in the lines `first`..`last` of a file of the work tree (from 1).

    What git does not know yet is staged whole. Others' changes of the index stay. Raises Conflict where nothing is to be
    staged there or the index moved on, NotSupported for files that are not staged by lines, with the mend.
    """
    if not _known(git, path):
        git.run_blocking("add", "--", path, mode="write")
        return Staging(1, whole=True)
    said = git.run_blocking("diff", *PATCH_OPTIONS, "--no-renames", "--", path)
    head, parts = _split(said, path)
    wanted = [part for part in parts if part.lines[0] <= last and first <= part.lines[1]]
    if not wanted:
        raise Conflict(f"There is nothing to stage in these lines of {path}: they are staged already, or not changed.")
    index = _lines(git.run_blocking("cat-file", "blob", f":{path}"))
    patch = head + _patch(index, wanted)
    asked = ("apply", "--cached", "--whitespace=nowarn", "--no-ignore-whitespace", "-")
    try:
        git.run_blocking(*asked, stdin=patch, mode="write")
    except GitError as error:
        raise Conflict(
            f"The index holds something else than a moment ago, so nothing was staged: {error.sentence}"
        ) from error
    return Staging(len(wanted))


def committed_blocking(git: Git, path: str) -> bytes | None:
    """A file's bytes in the last commit; None where it is not in it."""
    return blobs_blocking(git, [f"HEAD:{path}"])[0]


def differences_blocking(git: Git, old: Sequence[str], new: Sequence[str]) -> tuple[Hunk, ...]:
    """How git tells the way from one text to another; the lines hold no line ends."""
    with tempfile.TemporaryDirectory(prefix="sidecar-diff-") as name:
        files = [Path(name) / side for side in ("old", "new")]
        for file, lines in zip(files, (old, new), strict=True):
            file.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
        asked = ("diff", "--no-index", "--text", *PATCH_OPTIONS, "--no-renames", "--", *map(str, files))
        found = parse_patch(git.run_blocking(*asked, ok=(0, 1)))
    return found[0].hunks if found else ()


def _known(git: Git, path: str) -> bool:
    """Whether the index has the file. Raises NotSupported for a link, a submodule or a file in conflict."""
    entries = git.run_blocking("ls-files", "--stage", "-z", "--", path).decode("utf-8", "surrogateescape").split("\0")
    modes = [entry.split(" ", 1)[0] for entry in entries if entry]
    if len(modes) > 1:
        raise NotSupported(f"{path} has a merge conflict; resolve it first.")
    if modes and modes[0] not in _REGULAR:
        raise NotSupported(f"{path} is a link or a submodule; stage it as a whole.")
    return bool(modes)


def _split(said: bytes, path: str) -> tuple[bytes, list[_Part]]:
    """A patch of one file as its head, without a change of mode, and its parts."""
    lines = _lines(said)
    begun = next((at for at, line in enumerate(lines) if line.startswith(b"@@ ")), len(lines))
    head = [line for line in lines[:begun] if not line.startswith((b"old mode ", b"new mode "))]
    if any(line.startswith((b"Binary files ", b"GIT binary ")) for line in head):
        raise NotSupported(f"{path} is binary; stage it as a whole.")
    if any(line.startswith(b"deleted file ") for line in head):
        raise NotSupported(f"{path} is deleted; stage that as a whole.")
    return b"".join(head), list(_parts(lines[begun:]))


def _parts(lines: list[bytes]) -> Iterator[_Part]:
    at = 0
    while at < len(lines) and (head := _HUNK.match(lines[at])):
        old, new = int(head[1]), int(head[3])
        counts = [1 if count is None else int(count) for count in (head[2], head[4])]
        at += 1
        sides: list[list[bytes]] = []
        for sign, count in zip((b"-", b"+"), counts, strict=True):
            taken = lines[at : at + count]
            if any(line[:1] != sign for line in taken):
                raise GitError("git told a change in a form that is not understood.")
            at += count
            bare = at < len(lines) and lines[at].startswith(b"\\")
            at += bare
            sides.append([*taken[:-1], taken[-1].removesuffix(b"\n")] if bare else taken)
        removed, added = (tuple(line[1:] for line in side) for side in sides)
        # a side without lines is numbered by the line before it
        yield _Part(old - bool(removed), new if added else new + 1, removed, added)


def _patch(index: Sequence[bytes], parts: Sequence[_Part]) -> bytes:
    """One hunk from the first part to the last, with the index's own lines around and between them."""
    first = max(0, parts[0].old - CONTEXT)
    end = parts[-1].old + len(parts[-1].removed)
    last = min(len(index), end + CONTEXT)
    body: list[bytes] = []
    at = first
    for part in parts:
        body += [_line(b" ", line) for line in index[at : part.old]]
        body += [_line(b"-", line) for line in part.removed]
        body += [_line(b"+", line) for line in part.added]
        at = part.old + len(part.removed)
    body += [_line(b" ", line) for line in index[at:last]]
    count = last - first
    grown = count + sum(len(part.added) - len(part.removed) for part in parts)
    start = [first + bool(count), first + bool(grown)]
    return b"@@ -%d,%d +%d,%d @@\n" % (start[0], count, start[1], grown) + b"".join(body)


def _lines(data: bytes) -> list[bytes]:
    """Lines with their ends, split at LF alone."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n" + _NO_END
