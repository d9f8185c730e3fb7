"""Which files the .gitattributes of a tree call generated or vendored, as hosts of repositories read them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sidecar.core.diff import Change
from sidecar.core.errors import GitError
from sidecar.vcs.blobs import blobs_blocking
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import read_lines_blocking

_WORD = b"linguist-"
_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tattributesFile = /dev/null\n"
_MOST, _MOST_STORED = 10_000, 1_000
"""Paths whose marks are remembered, and files of commits whose texts are."""

Place = tuple[str, str]
"""A commit, or nothing for the work tree, and a path in it."""


class Attributes:
    """Marks the files of one repository's changes, as far as `among` chooses them. For one thread at a time.

    What is said of a tree is a function of the tree: the texts of its .gitattributes are read, and git is asked about them in a
    folder by itself, where nothing that a user has configured counts. What it said of the last texts is remembered.
    """

    def __init__(self, git: Git, among: Callable[[str], bool]) -> None:
        self._git, self._among = git, among
        self._stored: dict[Place, bytes | None] = {}
        self._texts: Mapping[str, bytes] = {}
        self._told: dict[str, str] = {}

    def marked_blocking(self, changes: Sequence[Change | None]) -> list[Change | None]:
        """The changes with their files' marks; those that git cannot tell about as they are."""
        places = {place for change in changes if change for place in self._places(change)}
        with suppress(GitError, OSError):
            texts = self._read(places)
            return [change and self._marked(change, texts) for change in changes]
        return [*changes]

    def _chosen(self, change: Change) -> list[str]:
        return [file.path for file in change.files if file.hunks and self._among(file.path) and _plain(file.path)]

    def _places(self, change: Change) -> set[Place]:
        if (tree := change.tree) is None:
            return set()
        folders = {"/".join(path.split("/")[:at]) for path in self._chosen(change) for at in range(path.count("/") + 1)}
        return {(tree, f"{folder}/.gitattributes".lstrip("/")) for folder in folders}

    def _read(self, places: Iterable[Place]) -> dict[Place, bytes]:
        if len(self._stored) > _MOST_STORED:
            self._stored.clear()
        new = [place for place in places if place[0] and place not in self._stored]
        self._stored |= zip(new, blobs_blocking(self._git, [":".join(place) for place in new]), strict=True)
        disk = {place: read_lines_blocking(self._git.root, place[1]) for place in places if not place[0]}
        texts = {place: "\n".join(lines).encode() for place, lines in disk.items() if lines}
        return texts | {place: text for place in places if (text := self._stored.get(place))}

    def _marked(self, change: Change, texts: Mapping[Place, bytes]) -> Change:
        here = {place[1]: texts[place] for place in self._places(change) if place in texts}
        if not any(_WORD in text for text in here.values()):
            return change
        if here != self._texts or len(self._told) > _MOST:
            self._texts, self._told = here, {}
        if new := [path for path in self._chosen(change) if path not in self._told]:
            self._told |= _asked(self._git, here, new)
        return replace(change, files=tuple(replace(one, mark=self._told.get(one.path, "")) for one in change.files))


def _plain(path: str) -> bool:
    """Whether a path can be made in a folder without leaving it, or changing what git reads there."""
    return not any(part in {"", "..", ".git"} for part in path.lower().split("/")) and not {"\\", ":"} & set(path)


def _asked(git: Git, texts: Mapping[str, bytes], paths: Sequence[str]) -> dict[str, str]:
    """What these .gitattributes make of the paths: `generated`, `vendored`, or nothing."""
    with tempfile.TemporaryDirectory(prefix="sidecar-attributes-") as folder:
        root = Path(folder)
        for part in ("objects", "refs"):
            (root / ".git" / part).mkdir(parents=True)
        for path, text in {".git/HEAD": b"ref: refs/heads/none\n", ".git/config": _CONFIG, **texts}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text)
        there = Git(root, program=git.program, git_dir=root / ".git", common_dir=root / ".git")
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        asked = ("check-attr", "-z", "--stdin", "linguist-vendored", "linguist-generated")
        said = iter(os.fsdecode(there.run_blocking(*asked, stdin=names)).split("\0"))
    triples = zip(said, said, said, strict=False)
    return dict.fromkeys(paths, "") | {path: name[9:] for path, name, value in triples if value in {"set", "true"}}
