"""File URIs and paths: between the editor's spelling and paths relative to the repository."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from sidecar.languages.uris import path_from_uri, uri_from_path

REVISION = "sidecar-revision"
"""The scheme of texts that are not the working tree's: the file's own path, and as query the side (see `core.review`)."""


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

    @property
    def top(self) -> str:
        """The URI of the repository's top folder."""
        return uri_from_path(self.shown)

    def revision(self, path: str, side: str) -> str:
        """The URI of a file's text on a side of a diff; that of the file itself where the side is the working tree."""
        return f"{REVISION}:{self.uri(path).removeprefix('file://')}?{side}" if side else self.uri(path)

    def side(self, uri: str) -> tuple[str, str] | None:
        """The path and the side of such a URI; None for any other."""
        parts = urlsplit(uri)
        if parts.scheme != REVISION or not parts.query:
            return None
        path = self.relative(f"file://{parts.path}")
        return None if path is None else (path, parts.query)

    def relative(self, uri: str) -> str | None:
        """The path of a URI, relative to the repository with `/`; None for what does not lie in it."""
        path = path_from_uri(uri)
        if path is None or ".." in path.parts:
            return None
        for top in (self.shown, self.root):
            if path.is_relative_to(top) and path != top:
                return path.relative_to(top).as_posix()
        return None
