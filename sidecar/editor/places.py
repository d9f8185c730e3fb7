"""File URIs and paths: between the editor's spelling and paths relative to the repository."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath

from sidecar.languages.uris import path_from_uri, uri_from_path


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
