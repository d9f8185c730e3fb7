"""What an answer of the index may lack: files of the project that it passes over, and whose text bears the name all the same."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sidecar.index.resolve import related
from sidecar.index.walk import UNSPEAKABLE

_FOREIGN: Final = re.compile(r"vendored|generated|minified|binary|link$|no regular file")
"""Reasons for which a file is nobody's code here: nothing of it is expected in an answer."""

_MOST_FILES: Final = 20
_MOST_BYTES: Final = 8 << 20
_SHOWN: Final = 3


def lacking(root: Path, rows: Sequence[tuple[str, str, str]], name: str, language: str = "") -> str:
    """What to say of those files (of one language and its like; empty: of any) that bear a name; empty where none does.

    `rows` are the files that are left out: path as the index has it, language, reason.
    """
    from sidecar.index.grammars import BY_NAME  # noqa: PLC0415 - the parser: only where something is left out

    ours = [row for row in rows if row[1] in BY_NAME and not _FOREIGN.match(row[2])]
    asked = [row for row in ours if not language or related(row[1], language)] if name else []
    held = [(path, reason) for path, _, reason in asked[:_MOST_FILES] if _holds(root, path, reason, name.encode())]
    return " ".join(_sentences(held, len(asked) - _MOST_FILES))


def _sentences(held: Sequence[tuple[str, str]], unseen: int) -> Iterator[str]:
    shown = ", ".join(f"{path} ({reason})" for path, reason in held[:_SHOWN])
    more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
    if held:
        yield f"The index passes over files that bear this name or may: {shown}{more}; search their text."
    if unseen > 0:
        yield f"It passes over {unseen} more, which were not looked at."


def _holds(root: Path, path: str, reason: str, name: bytes) -> bool:
    """Whether a file's text holds a name as a word; also where that cannot be told."""
    if reason == UNSPEAKABLE:  # to open it would end the watching of files
        return True
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(root / path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MOST_BYTES:
                return stat.S_ISREG(facts.st_mode)
            text = file.read()
    except OSError as error:
        return not isinstance(error, FileNotFoundError)
    # nearly no text holds it, which a plain search finds out a hundred times sooner
    return name in text and re.search(rb"(?<![\w$])" + re.escape(name) + rb"(?![\w$])", text) is not None
