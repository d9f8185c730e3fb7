"""Changes of a repository as values: the working tree, what is staged, a commit, a range, a patch; and its status."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import stat
import time
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from sidecar.core.compare import compare
from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.errors import BadInput, GitError, GitTimeout
from sidecar.trace import get_logger
from sidecar.vcs.blobs import blobs_blocking
from sidecar.vcs.diff import PATCH_OPTIONS, parse_patch, parse_user_patch, text_lines
from sidecar.vcs.runner import Git

MOST_FILE = 1 << 20
"""Bytes of a file outside git's care that are read; a larger one is listed without its lines."""

MOST_UNTRACKED = 2_000
"""Untracked files that are read; those beyond are listed without their lines."""

_BATCH = 500
"""Names given to git at once."""

log = get_logger("vcs")

Doing = Literal["", "merge", "rebase", "cherry-pick", "revert", "bisect"]


@dataclass(frozen=True, slots=True)
class Status:
    """How the working tree stands. Paths are relative to the root; a renamed file stands under its new name.

    `branch` is empty when HEAD is detached, `head` is None before the first commit. `ahead` and `behind` count
    commits against `upstream`. `doing` names an act that is not finished.
    """

    branch: str
    head: str | None
    upstream: str = ""
    ahead: int = 0
    behind: int = 0
    staged: tuple[str, ...] = ()
    unstaged: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    conflicted: tuple[str, ...] = ()
    doing: Doing = ""


async def working_tree(git: Git, paths: Collection[str] | None = None) -> Change:
    """The uncommitted change against HEAD, or against nothing before the first commit.

    Files that git does not know and does not ignore count as added. With `paths` only these files are returned
    (renames are still found among all). What cannot be read is listed with the reason. A bare repository has none.
    """
    if git.bare:
        return Change(files=())
    return await asyncio.to_thread(_working_tree, git, paths)


async def staged(git: Git) -> Change:
    """What the next commit would hold, against HEAD."""
    base = await _head(git)
    against = base or await _empty_tree(git)
    said = await git.run("diff", "--cached", *PATCH_OPTIONS, against, "--")
    files = parse_patch(said)
    if b"* Unmerged path " in said:  # of these a commit holds nothing yet, and the diff no more than the name
        names = (await git.run("diff", "--cached", "--name-only", "--diff-filter=U", "-z", "--")).split(b"\0")[:-1]
        unmerged = {name.decode("utf-8", "surrogateescape") for name in names} - {file.path for file in files}
        files += tuple(FileDiff(name, "modified", reason="merge conflict") for name in sorted(unmerged))
    author, moment = await asyncio.to_thread(identity_blocking, git)
    return Change(files=files, base=base, author=author, time=moment, tree="")


async def commit(git: Git, sha: str) -> Change:
    """What a commit changed against its first parent; all of it for a first commit. `sha` may be any revision.

    Raises BadInput when there is no such commit.
    """
    own = await resolve(git, sha)
    said = await git.run("log", "-1", "--format=%P%x00%ae%x00%ct%x00%B", own, "--")
    parents, mail, moment, message = said.decode("utf-8", "surrogateescape").split("\0", 3)
    parent = parents.split(" ")[0] or None
    against = parent or await _empty_tree(git)
    files = parse_patch(await git.run("diff-tree", "-r", *PATCH_OPTIONS, against, own, "--"))
    return Change(files, parent, own, mail.lower(), float(moment), message.strip("\n"), tree=own)


async def between(git: Git, base: str, head: str) -> Change:
    """What lies between two revisions; author, time and message are those of `head`. Raises BadInput for unknown ones."""
    old, new = await resolve(git, base), await resolve(git, head)
    last = await commit(git, new)
    files = parse_patch(await git.run("diff-tree", "-r", *PATCH_OPTIONS, old, new, "--"))
    return replace(last, files=files, base=old, commit=None)


def from_patch(data: bytes) -> Change:
    """The change that a patch describes. Raises BadInput when it is none."""
    return Change(files=parse_user_patch(data))


async def resolve(git: Git, revision: str) -> str:
    """The commit that a revision names, as full hex digits. Raises BadInput with the name when there is none."""
    if revision and "\0" not in revision:
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        said = await git.run(*asked, ok=(0, 1, 128))
        if re.fullmatch(rb"[0-9a-f]{40,64}\n", said):
            return said.decode("ascii").strip()
    raise BadInput(f"There is no commit {revision!r} in this repository; name a branch, a tag or a commit id.")


async def status(git: Git) -> Status:
    """Branch, upstream and the changed files by kind. A bare repository has only a branch."""
    doing = await asyncio.to_thread(_doing, git.git_dir)
    if git.bare:
        head = await _head(git)
        name = await git.run("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
        return Status(branch=name.decode("utf-8", "surrogateescape").strip(), head=head)
    asked = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--find-renames")
    return replace(_parse_status(await git.run(*asked)), doing=doing)


async def read_lines(git: Git, path: str) -> list[str] | None:
    """The lines of a file in the work tree as a diff shows them; None when it is gone, binary or too large."""
    return await asyncio.to_thread(read_lines_blocking, git.root, path)


def read_lines_blocking(root: Path, path: str) -> list[str] | None:
    """As `read_lines`, for threads."""
    data = _read(root, path)
    return text_lines(data) if isinstance(data, bytes) and not _binary(data) else None


def committed_lines_blocking(git: Git, path: str) -> tuple[str | None, list[str] | None]:
    """The last commit (None where there is none yet), and a file's lines in it (None where it has no such text)."""
    base = _line(git.run_blocking("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))) or None
    return base, None if base is None else lines_at_blocking(git, base, path)


def lines_at_blocking(git: Git, revision: str, path: str) -> list[str] | None:
    """A file's lines at a commit, None where it has no such text; for threads."""
    (data,) = blobs_blocking(git, [f"{revision}:{path}"], limit=2 * MOST_FILE)
    return None if data is None or _binary(data) else text_lines(data)


def _working_tree(git: Git, paths: Collection[str] | None) -> Change:
    base = _line(git.run_blocking("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))) or None
    against = base or _line(git.run_blocking("hash-object", "-t", "tree", "--stdin", stdin=b""))
    wanted = None if paths is None else frozenset(paths)
    tracked = [file for file in _tracked(git, against) if wanted is None or file.path in wanted]
    said = git.run_blocking("ls-files", "--others", "--exclude-standard", "-z")
    names = said.decode("utf-8", "surrogateescape").split("\0")[:-1]
    untracked = [name for name in names if wanted is None or name in wanted]
    added = [_added(git.root, name, read=at < MOST_UNTRACKED) for at, name in enumerate(untracked)]
    files = _each_once([*_without_filtered(git, tracked), *(file for file in added if file is not None)])
    author, moment = identity_blocking(git)
    return Change(tuple(sorted(files, key=lambda file: file.path)), base, author=author, time=moment, tree="")


def _tracked(git: Git, against: str) -> tuple[FileDiff, ...]:
    """The files that git knows and that differ, deletions among them."""
    diff = partial(git.run_blocking, "diff", *PATCH_OPTIONS, against, "--")
    try:
        return parse_patch(diff())
    except GitTimeout:
        raise
    except GitError as error:
        log.info("diff_failed", error=error)
    # One file that went away while it was read, or became a pipe, ends git's whole diff: leave out those that do.
    names = git.run_blocking("diff", "--name-only", "--no-renames", "-z", against, "--")
    reasons = {name: _hopeless(git.root / name) for name in names.decode("utf-8", "surrogateescape").split("\0")[:-1]}
    fine = [name for name, reason in reasons.items() if not reason]
    files = [FileDiff(name, "modified", reason=reason) for name, reason in reasons.items() if reason]
    for at in range(0, len(fine), _BATCH):
        files += parse_patch(diff(*fine[at : at + _BATCH]))
    return tuple(files)


def _each_once(files: Iterable[FileDiff]) -> list[FileDiff]:
    """The files, those that git was told to forget and that stand there still (`git rm --cached`) not as gone and as new."""
    found: dict[str, FileDiff] = {}
    for file in files:
        known = found.get(file.path)
        found[file.path] = file if known is None else _forgotten(known, file)
    return list(found.values())


def _forgotten(gone: FileDiff, there: FileDiff) -> FileDiff:
    """What became of a file's text since the commit that had it."""
    reason = next((file.reason for file in (there, gone) if file.reason not in {"", "empty"}), "")
    if reason:
        return FileDiff(there.path, "modified", binary=gone.binary or there.binary, reason=reason)
    old = [line for hunk in gone.hunks for line in hunk.removed]
    hunks = compare(old, [line for hunk in there.hunks for line in hunk.added])
    return FileDiff(there.path, "modified", hunks, reason="" if hunks else "no longer tracked, else the same")


def _hopeless(path: Path) -> str:
    """Why git could not read a file that it knows; empty when it can, or when the file is gone."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return ""
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
        return "not a regular file"
    return "cannot be read" if stat.S_ISREG(mode) and not os.access(path, os.R_OK) else ""


def _added(root: Path, path: str, *, read: bool) -> FileDiff | None:
    """An untracked file as an addition; None when it is gone by now."""
    if path.endswith("/"):
        return FileDiff(path.rstrip("/"), "added", reason="another repository")
    if not read:
        return FileDiff(path, "added", reason="too many untracked files")
    data = _read(root, path)
    if not isinstance(data, bytes):
        return None if data is None else FileDiff(path, "added", reason=data)
    if _binary(data):
        return FileDiff(path, "added", binary=True, reason="binary")
    lines = tuple(text_lines(data))
    if not lines:
        return FileDiff(path, "added", reason="empty")
    return FileDiff(path, "added", hunks=(Hunk(0, 1, (), lines),))


def _read(root: Path, path: str) -> bytes | str | None:
    """A file's bytes, or why it is not read, or None when it is gone. Never waits: no pipe or device is opened."""
    try:
        # an odd file may do something when it is opened, so look first, and look again at what was opened
        if reason := _unreadable(os.lstat(root / path)):
            return reason
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(root / path, flags), "rb") as file:
            if reason := _unreadable(os.fstat(file.fileno())):
                return reason
            data = file.read(MOST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return "symbolic link" if error.errno == errno.ELOOP else "cannot be read"
    return data if len(data) <= MOST_FILE else "too large"


def _unreadable(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "symbolic link"
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file"
    return "too large" if found.st_size > MOST_FILE else ""


def _binary(data: bytes) -> bool:
    """Whether a file is binary by git's own rule: a zero byte near its beginning."""
    return b"\0" in data[:8000]


def _without_filtered(git: Git, files: Sequence[FileDiff]) -> list[FileDiff]:
    """The files, those that a content filter (git-lfs) keeps in another form without their hunks.

    Filters are programs and do not run here, so such a file's content cannot be compared with what is committed.
    """
    filters = git.filters_blocking()
    if not filters or not files:
        return list(files)
    names = b"".join(os.fsencode(file.path) + b"\0" for file in files)
    said = git.run_blocking("check-attr", "--stdin", "-z", "filter", stdin=names).split(b"\0")
    kept = {
        os.fsdecode(name) for name, value in zip(said[::3], said[2::3], strict=False) if os.fsdecode(value) in filters
    }
    return [replace(file, hunks=(), reason="kept by a content filter") if file.path in kept else file for file in files]


def identity_blocking(git: Git) -> tuple[str, float]:
    """The e-mail address that a commit made now would carry, in lower case and empty when none is set; and now."""
    said = git.run_blocking("var", "GIT_AUTHOR_IDENT", ok=(0, 128)).decode("utf-8", "surrogateescape")
    mail = said.rpartition(">")[0].rpartition("<")[2]
    return mail.lower(), time.time()


async def _head(git: Git) -> str | None:
    said = await git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
    return _line(said) or None


async def _empty_tree(git: Git) -> str:
    """The id of the tree without files, in the repository's own hash."""
    return _line(await git.run("hash-object", "-t", "tree", "--stdin", stdin=b""))


def _line(said: bytes) -> str:
    return said.decode("utf-8", "surrogateescape").strip()


_UNFINISHED: tuple[tuple[str, Doing], ...] = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


def _doing(git_dir: Path) -> Doing:
    return next((doing for name, doing in _UNFINISHED if (git_dir / name).exists()), "")


def _parse_status(said: bytes) -> Status:
    """Porcelain version 2 with NULs (git-status(1))."""
    head: dict[str, str] = {}
    kinds: dict[str, list[str]] = {"staged": [], "unstaged": [], "untracked": [], "conflicted": []}
    records = iter(said.decode("utf-8", "surrogateescape").split("\0"))
    for record in records:
        kind, _, rest = record.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            head[key] = value
        elif kind == "?":
            kinds["untracked"].append(rest)
        elif kind == "u":
            kinds["conflicted"].append(rest.split(" ", 9)[-1])
        elif kind in {"1", "2"}:
            path = rest.split(" ", 7 if kind == "1" else 8)[-1]
            if kind == "2":
                next(records, None)
            _sort_in(kinds, rest[:2], path)
    oid, branch = head.get("branch.oid", ""), head.get("branch.head", "")
    ahead, behind = _numbers(head.get("branch.ab", "").split())
    return Status(
        branch="" if branch == "(detached)" else branch,
        head=None if oid == "(initial)" else oid or None,
        upstream=head.get("branch.upstream", ""),
        ahead=ahead,
        behind=behind,
        staged=tuple(kinds["staged"]),
        unstaged=tuple(kinds["unstaged"]),
        untracked=tuple(kinds["untracked"]),
        conflicted=tuple(kinds["conflicted"]),
    )


def _sort_in(kinds: dict[str, list[str]], code: str, path: str) -> None:
    if code[0] != ".":
        kinds["staged"].append(path)
    if code[1] != ".":
        kinds["unstaged"].append(path)


def _numbers(parts: Iterable[str]) -> tuple[int, int]:
    ahead, behind = ([abs(int(part)) for part in parts] + [0, 0])[:2]
    return ahead, behind


async def listing(git: Git, folder: Path, paths: Collection[str] | None = None) -> bytes:
    """The files of a folder of the work tree that git knows or does not ignore, NUL after each, relative to the folder.

    With `paths` (relative to the folder) only these, and those below them. A file that was deleted is still listed
    when git knew it.
    """
    inner = folder.relative_to(git.root.resolve()).as_posix()
    prefix = b"" if inner == "." else os.fsencode(f"{inner}/")
    wanted = (
        [os.fsdecode(prefix) + path for path in paths] if paths is not None else [os.fsdecode(prefix)] * bool(prefix)
    )
    said = await git.run("ls-files", "-co", "--exclude-standard", "-z", "--deduplicate", "--", *wanted, timeout=60.0)
    return b"".join(name.removeprefix(prefix) + b"\0" for name in said.split(b"\0") if name) if prefix else said


def holding(git: Git, folder: Path, text: str, *, whole: bool, seconds: float) -> Generator[str]:
    """The files of a folder of the work tree that hold a text, as git finds them, relative to the folder; for threads.

    Ignored and binary ones are left out. `whole`: as a word, else anywhere and in any case. It ends after so many seconds,
    with what was found; closing it ends git.
    """
    inner = folder.relative_to(git.root.resolve()).as_posix()
    prefix = "" if inner == "." else f"{inner}/"
    options = ("--untracked", "-l", "-z", "-I", "-F", "-w" if whole else "-i", "-e", text, "--", prefix or ".")
    with suppress(GitError):
        for name in git.lines_blocking("grep", *options, timeout=seconds, ok=(0, 1), end=b"\0"):
            yield os.fsdecode(name).removeprefix(prefix)
