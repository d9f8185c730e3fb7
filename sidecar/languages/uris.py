"""Between `file:` URIs and paths, by the rules of the platform."""

from __future__ import annotations

import os
import re
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import quote, unquote, urlsplit

_DRIVE: Final = re.compile(r"^/[A-Za-z]:(/|$)")
_WINDOWS: Final = os.name == "nt"


def path_from_uri(uri: str, *, windows: bool = _WINDOWS) -> PurePath | None:
    """The path that a `file:` URI names; None for any other scheme (`untitled:`, `git:`, …) and for nonsense.

    Percent-encoding is undone (UTF-8; bytes that are none survive as surrogates), a drive letter is upper-cased.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.lower() != "file" or not parts.path.startswith("/"):
        return None
    path = unquote(parts.path, errors="surrogateescape")
    if "\0" in path:
        return None
    if not windows:
        return PurePosixPath(path)
    if parts.netloc.lower() not in {"", "localhost"}:
        path = f"//{parts.netloc}{path}"
    elif _DRIVE.match(path):
        path = path[1].upper() + path[2:]
    return PureWindowsPath(path)


def uri_from_path(path: PurePath) -> str:
    """The `file:` URI of an absolute path, percent-encoded; a drive letter in lower case, as VS Code writes it."""
    if isinstance(path, PureWindowsPath):
        text = path.as_posix()
        if text.startswith("//"):
            host, _, rest = text[2:].partition("/")
            return f"file://{quote(host)}/{_quoted(rest)}"
        return f"file:///{text[0].lower()}:{_quoted(text[2:])}"
    return f"file://{_quoted(path.as_posix())}"


def _quoted(text: str) -> str:
    return quote(text, errors="surrogateescape")
