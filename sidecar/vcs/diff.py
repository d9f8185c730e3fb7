"""From the bytes of a patch to `core.diff` values: git's own output, and patches that a user brings.

Why no library reads it: `unidiff` takes text and makes an object of every line, keeps quoted names quoted, and has no
word for a change of type, a submodule or a name that is no UTF-8. What is here is driven by the counts of the hunk
headers, so a removed line that looks like a header (`--- a/x`) cannot be taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from sidecar.core.diff import FileDiff, FileStatus, Hunk
from sidecar.core.errors import BadInput

PATCH_OPTIONS = (
    "--patch",
    "--unified=0",
    "--find-renames",
    "-l1000",
    "--full-index",
    "--no-color",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
"""What git must be told for `parse_patch` to understand all that it says."""

MOST_BYTES = 4 << 20
"""Bytes of changed text that one file may have; beyond it the file is listed without hunks."""

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_PREFIXED = re.compile(r"[abciow]/")
_SUBMODULE, _LINK = "160000", "120000"


@dataclass(slots=True)
class _Section:
    """What the lines about one file have said so far."""

    old: str | None = None
    new: str | None = None
    old_mode: str = ""
    new_mode: str = ""
    status: FileStatus = "modified"
    binary: bool = False
    conflict: bool = False
    raw: list[tuple[int, int, list[bytes], list[bytes]]] = field(default_factory=list)


def parse_patch(data: bytes, *, most_bytes: int = MOST_BYTES) -> tuple[FileDiff, ...]:
    """The files of a patch, in its order, with hunks that carry no context.

    A file whose hunks cannot be given has a `reason`: binary, submodule, symbolic link, too large, and the like.
    Text before and between files is passed over. Raises BadInput for a hunk that does not keep its promise.
    """
    lines = data.split(b"\n")
    files: list[FileDiff] = []
    for section in _sections(lines):
        file = _file(section, most_bytes)
        last = files[-1] if files else None
        if last and last.status == "deleted" and file.status == "added" and last.path == file.path:
            # git tells a change of type as a deletion and an addition of the same name
            files[-1] = replace(
                file, status="type-changed", hunks=(), reason=file.reason or last.reason or "type changed"
            )
        else:
            files.append(file)
    return tuple(files)


def parse_user_patch(data: bytes) -> tuple[FileDiff, ...]:
    """The files of a patch from outside. Raises BadInput when it holds no diff or names files outside a repository."""
    files = parse_patch(data)
    if not files:
        raise BadInput("There is no diff in the patch; give the output of `git diff` or `diff -u`.")
    for file in files:
        for name in (file.path, file.old_path or file.path):
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise BadInput(f"The patch names {name!r}, which lies outside the repository.")
    return files


def text_lines(data: bytes) -> list[str]:
    """A file's lines as a diff shows them: split at LF only, without line ends, UTF-8 or else Latin-1 line by line."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return _texts(lines)


def _texts(lines: list[bytes]) -> list[str]:
    try:
        return [line.removesuffix("\r") for line in b"\n".join(lines).decode().split("\n")] if lines else []
    except UnicodeDecodeError:
        return [_text(line) for line in lines]


def _text(line: bytes) -> str:
    line = line.removesuffix(b"\r")
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _sections(lines: list[bytes]) -> Iterator[_Section]:
    section: _Section | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        begun = _begun(line)
        named = line.startswith(b"--- ") and at + 1 < len(lines) and lines[at + 1].startswith(b"+++ ")
        if begun is None and named and (section is None or section.raw):
            begun = _Section()
        if begun is not None:
            if section is not None:
                yield section
            section = begun
        if section is None or section.conflict:
            at += 1
        elif line.startswith(b"@@ "):
            at = _read_hunk(section, lines, at)
        elif named:
            _named(section, line[4:], lines[at + 1][4:])
            at += 2
        else:
            _header(section, line)
            at += 1
    if section is not None:
        yield section


def _begun(line: bytes) -> _Section | None:
    """A section from git's first line about a file, or None when it is none.

    Where only a mode changed, or the file is empty or binary, the names stand nowhere else.
    """
    if line.startswith((b"diff --cc ", b"diff --combined ")):
        name = quoted_name(line.split(b" ", 2)[2])
        return _Section(old=name, new=name, conflict=True)
    if not line.startswith(b"diff --git "):
        return None
    rest = line[len(b"diff --git ") :].removesuffix(b"\r")
    section = _Section()
    quoted = re.findall(rb'"(?:[^"\\]|\\.)*"', rest)
    if quoted and rest.endswith(quoted[-1]):
        names = quoted if len(quoted) == 2 else [rest[: -len(quoted[-1])].strip(), quoted[-1]]
        section.old, section.new = _pair(quoted_name(names[0]), quoted_name(names[1]))
    elif len(rest) % 2 == 1 and rest[len(rest) // 2] == ord(" "):
        # unquoted names are the same but for their prefixes, so the space between them stands in the middle
        half = len(rest) // 2
        section.old, section.new = _pair(quoted_name(rest[:half]), quoted_name(rest[half + 1 :]))
    return section


def _named(section: _Section, old: bytes, new: bytes) -> None:
    before, after = quoted_name(old), quoted_name(new)
    if before == "/dev/null":
        section.status = "added"
        section.old, section.new = None, _without_prefix(after)
    elif after == "/dev/null":
        section.status = "deleted"
        section.old, section.new = _without_prefix(before), None
    else:
        section.old, section.new = _pair(before, after)


def _header(section: _Section, line: bytes) -> None:
    key, _, value = line.removesuffix(b"\r").partition(b" ")
    match key:
        case b"rename" | b"copy":
            side, _, name = value.partition(b" ")
            section.status = "renamed" if key == b"rename" else "copied"
            if side == b"from":
                section.old = quoted_name(name)
            else:
                section.new = quoted_name(name)
        case b"old":
            section.old_mode = value.removeprefix(b"mode ").decode("ascii", "replace")
        case b"new" if value.startswith(b"mode "):
            section.new_mode = value[5:].decode("ascii", "replace")
        case b"new" if value.startswith(b"file mode "):
            section.new_mode = value[10:].decode("ascii", "replace")
            section.status = "added"
        case b"deleted" if value.startswith(b"file mode "):
            section.old_mode = value[10:].decode("ascii", "replace")
            section.status = "deleted"
        case b"index":
            mode = value.rpartition(b" ")[2] if b" " in value else b""
            section.new_mode = section.new_mode or mode.decode("ascii", "replace")
        case b"Binary" | b"GIT":
            section.binary = section.binary or value.endswith(b" differ") or value == b"binary patch"


def _read_hunk(section: _Section, lines: list[bytes], at: int) -> int:
    """Take a hunk, folding context away; returns the place behind it."""
    head = _HUNK.match(lines[at])
    if head is None:
        raise BadInput(f"Line {at + 1} of the patch is no hunk header: {lines[at][:80].decode('utf-8', 'replace')!r}.")
    old, new = int(head[1]), int(head[3])
    old_left = 1 if head[2] is None else int(head[2])
    new_left = 1 if head[4] is None else int(head[4])
    # a side without lines is numbered by the line before it
    old += old_left == 0
    new += new_left == 0
    start, at = at, at + 1
    removed: list[bytes] = []
    added: list[bytes] = []
    while old_left > 0 or new_left > 0:
        line = lines[at] if at < len(lines) else None
        sign = line[:1] if line is not None else b"?"
        if line is not None and sign == b"-" and old_left:
            removed.append(line[1:])
            old_left -= 1
        elif line is not None and sign == b"+" and new_left:
            added.append(line[1:])
            new_left -= 1
        elif line is not None and sign in {b" ", b"", b"\r"} and old_left and new_left:
            _flush(section, old, new, removed, added)
            old, new = old + len(removed) + 1, new + len(added) + 1
            removed, added = [], []
            old_left, new_left = old_left - 1, new_left - 1
        elif sign != b"\\":
            raise BadInput(f"The hunk at line {start + 1} of the patch is cut or has too few lines.")
        at += 1
    _flush(section, old, new, removed, added)
    while at < len(lines) and lines[at].startswith(b"\\"):
        at += 1
    return at


def _flush(section: _Section, old: int, new: int, removed: list[bytes], added: list[bytes]) -> None:
    if removed or added:
        section.raw.append((old if removed else old - 1, new if added else new - 1, removed, added))


def _file(section: _Section, most_bytes: int) -> FileDiff:
    path = section.new if section.new is not None else section.old
    if path is None:
        raise BadInput("The patch has a part that names no file.")
    moved = section.status in {"renamed", "copied"} or (section.status == "modified" and section.old != section.new)
    status: FileStatus = "renamed" if moved and section.status == "modified" else section.status
    reason = _reason(section, most_bytes)
    hunks = () if reason else tuple(_hunk(*raw) for raw in section.raw)
    if not hunks and not reason:
        reason = {"renamed": "renamed only", "copied": "copied only", "modified": "mode changed only"}.get(
            status, "empty"
        )
    return FileDiff(
        path=path,
        status=status,
        hunks=hunks,
        old_path=section.old if moved else None,
        binary=section.binary,
        reason=reason,
    )


def _hunk(old: int, new: int, removed: list[bytes], added: list[bytes]) -> Hunk:
    return Hunk(old, new, tuple(_texts(removed)), tuple(_texts(added)))


def _reason(section: _Section, most_bytes: int) -> str:
    modes = {section.old_mode, section.new_mode}
    if section.conflict:
        return "merge conflict"
    if _SUBMODULE in modes:
        return "submodule"
    if _LINK in modes:
        return "symbolic link"
    if section.binary:
        return "binary"
    size = sum(len(line) for _, _, removed, added in section.raw for line in (*removed, *added))
    return "too large" if size > most_bytes else ""


def quoted_name(raw: bytes) -> str:
    """A name as a header writes it: quoted as in C, or plain and ended by a tab."""
    raw = raw.removesuffix(b"\r")
    quoted = raw.startswith(b'"')
    raw = _ESCAPE.sub(_unescaped, raw.rstrip()[1:-1]) if quoted else raw.partition(b"\t")[0]
    return raw.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1].isdigit():
        return bytes([int(code, 8) & 0xFF])
    return _LETTERS.get(code, code)


def _pair(old: str, new: str) -> tuple[str, str]:
    """Two names without their prefixes, when both have one (`a/`, `b/`, or git's mnemonic ones)."""
    if _PREFIXED.match(old) and _PREFIXED.match(new) and old[0] != new[0]:
        return old[2:], new[2:]
    return old, new


def _without_prefix(name: str) -> str:
    return name[2:] if _PREFIXED.match(name) else name
