"""Which files of a folder are indexed, and reading one of them: what is left out is left out for a reason that is kept."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Generator, Iterable, Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_BYTES: Final = 1_000_000
"""Larger files are generated, or data."""

UNSPEAKABLE: Final = "its name is not UTF-8"
_HEAD: Final = 2048
_LONGEST_LINE: Final = 5_000
_VENDORED: Final = frozenset(
    {"node_modules", "bower_components", "vendor", "vendored", "_vendor", "third_party", "thirdparty", "site-packages"}
)
_ODD_BYTES: Final = re.compile("[\udc80-\udcff]")
_LOCKS: Final = frozenset({"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "cargo.lock", "go.sum"})
_GENERATED_NAME: Final = re.compile(
    r"(_pb2(_grpc)?\.pyi?|\.pb\.(go|cc|h)|\.g\.(dart|cs)|\.designer\.cs|\.generated\.\w+)$"
)
_MINIFIED_NAME: Final = re.compile(r"[.-]min\.(js|mjs|css)$")
_GENERATED: Final = re.compile(
    rb"^\W{0,8}(?:@generated\b|.{0,80}\bDO NOT (?:EDIT|MODIFY)\b|(?:This (?:file|code) (?:is|was) |Code )?(?:auto-?matically |auto-?)?"
    rb"generated (?:by|from|with)\b.{0,80}(?:edit|modify|change))",
    re.MULTILINE | re.IGNORECASE,
)
"""A line near the top that says so of its file."""

_NEVER: Final = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "__pycache__", "node_modules", ".tox", ".mypy_cache"}
)


class Skipped(Exception):
    """A file that is listed, but not read; the message says why."""


def by_name(path: str) -> str:
    """Why a file of this name is not read; empty when its name gives no reason."""
    *folders, name = path.split("/")
    name = name.lower()
    if not path.isascii() and _ODD_BYTES.search(path):
        return UNSPEAKABLE
    folder = next((part for part in folders if part.lower() in _VENDORED), None)
    if folder is not None:
        return f"vendored ({folder})"
    if name in _LOCKS or _GENERATED_NAME.search(name):
        return "generated"
    if _MINIFIED_NAME.search(name):
        return "minified"
    return ""


def read(path: Path | str) -> tuple[bytes, os.stat_result]:
    """A regular file's content and its state while it was read. Raises Skipped for anything else, OSError when it is gone.

    No link is followed, no pipe waited for.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags)
    try:
        facts = os.fstat(file)
        check(facts)
        content = os.read(file, facts.st_size + 1)
        while len(content) < facts.st_size and (more := os.read(file, facts.st_size)):
            content += more
        return content, facts
    finally:
        os.close(file)


def check(facts: os.stat_result) -> None:
    """Raises Skipped for what is no regular file, or too large a one."""
    if stat.S_ISLNK(facts.st_mode):
        raise Skipped("link")
    if not stat.S_ISREG(facts.st_mode):
        raise Skipped("no regular file")
    if facts.st_size > MAX_BYTES:
        raise Skipped("larger than 1 MB")


def by_content(source: bytes) -> str:
    """Why a text of this content is not parsed; empty when nothing speaks against it."""
    if b"\0" in source[:8192]:
        return "binary"
    if _says_generated(source[:_HEAD]):
        return "generated"
    if len(source) > _LONGEST_LINE and len(source) > 500 * (source.count(b"\n") + 1):
        return "minified"
    if len(source) > 20 * _LONGEST_LINE and len(max(source.split(b"\n"), key=len, default=b"")) > 20 * _LONGEST_LINE:
        return "one line of it is longer than 100,000 bytes"
    return ""


def _says_generated(head: bytes) -> bool:
    lower = head.lower()  # the pattern takes its time, and nearly no file has its words
    match = _GENERATED.search(head) if b"generated" in lower or b"do not" in lower else None
    return match is not None and match[0].lstrip()[:1] in b"/#*-;<\"'@({%"


def digest(source: bytes) -> bytes:
    """What tells one content from another."""
    return blake2b(source, digest_size=16).digest()


class Folder:
    """A folder without git: its files but for those that a `.gitignore` in it excludes, and what nobody indexes.

    It holds what it has read of the rules, so it is made anew for each look.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._rules = cache(self._read_rules)

    def files(self, below: str = "") -> Generator[str]:
        """Paths (with `/`) of the files in a folder and below it; links are listed, never followed."""
        folders = [below]
        while folders:
            folder = folders.pop()
            try:
                entries = sorted(os.scandir(self._root / folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                inner = entry.is_dir(follow_symlinks=False)
                if entry.name in _NEVER or self._excluded(path, folder=inner):
                    continue
                if inner:
                    folders.append(path)
                else:
                    yield path

    def among(self, paths: Iterable[str]) -> Iterator[str]:
        """Those of these paths that `files` would list; a folder stands for all below it."""
        for path in paths:
            parts = PurePosixPath(path).parts
            inner = (self._root / path).is_dir() and not (self._root / path).is_symlink()
            above = ["/".join(parts[:count]) for count in range(1, len(parts))]
            if _NEVER & set(parts) or any(self._excluded(part, folder=True) for part in above):
                continue
            if any((self._root / part).is_symlink() for part in above) or self._excluded(path, folder=inner):
                continue
            if inner:
                yield from self.files(path)
            else:
                yield path

    def _excluded(self, path: str, *, folder: bool) -> bool:
        parts = path.split("/")
        for count in range(len(parts) - 1, -1, -1):
            rules = self._rules("/".join(parts[:count]))
            if rules is None:
                continue
            told = rules.check_file("/".join(parts[count:]) + ("/" if folder else "")).include
            if told is not None:
                return told
        return False

    def _read_rules(self, folder: str) -> GitIgnoreSpec | None:
        try:
            content, _ = read(self._root / folder / ".gitignore")
        except (OSError, Skipped):
            return None
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - who only reads files needs no rules

        return GitIgnoreSpec.from_lines(content.decode("utf-8", "replace").splitlines())
