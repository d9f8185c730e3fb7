"""File URIs and paths: between the editor's spelling and paths relative to the repository."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
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


@dataclass(frozen=True, slots=True)
class Places:
    """A repository's files as git names them (relative, with `/`) and as the editor does (URIs).

    `root` is the repository's top folder as git spells it, `shown` as the editor does: they differ when the folder
    was opened through a symbolic link, and then URIs must follow the editor's spelling to match its documents.
    """

    root: PurePath
    shown: PurePath

    @classmethod
    def of(cls, root: str, folder: PurePath | None) -> Places:
        """Look at the disk for how the editor's `folder` and the repository's `root` belong together."""
        real_root = Path(os.path.realpath(root))
        if folder is not None:
            real = Path(os.path.realpath(folder))
            if real.is_relative_to(real_root):
                inner = real.relative_to(real_root).parts
                if not inner:
                    return cls(Path(root), folder)
                if folder.parts[-len(inner) :] == inner:
                    return cls(Path(root), folder.parents[len(inner) - 1])
        return cls(Path(root), Path(root))

    def uri(self, path: str) -> str:
        """The URI of a path that is relative to the repository."""
        return uri_from_path(self.shown / path)

    def relative(self, uri: str) -> str | None:
        """The path of a URI, relative to the repository with `/`; None for what does not lie in it."""
        path = path_from_uri(uri)
        if path is None or ".." in path.parts:
            return None
        for top in (self.shown, self.root):
            if path.is_relative_to(top) and path != top:
                return path.relative_to(top).as_posix()
        return None
