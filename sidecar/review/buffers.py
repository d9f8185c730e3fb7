"""Texts that an editor holds and has not saved: laid over the working tree, so that a review sees what the user sees."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final

from sidecar.core.compare import compare
from sidecar.core.diff import Change, FileDiff
from sidecar.core.errors import BadInput
from sidecar.vcs.diff import text_lines
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import lines_at_blocking, read_lines_blocking, working_tree

MOST_TEXT: Final = 1 << 20
"""Characters of a text that is looked at before it is saved, as of a file outside git's care."""


class Buffers:
    """The unsaved texts of one repository, by path relative to its root."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._held: dict[str, str] = {}
        self._changing = Lock()  # typed on the event loop, settled in threads

    def hold(self, path: str, text: str | None) -> None:
        """A file's text as the editor has it; None when it is saved, or closed."""
        with self._changing:
            if text is None or len(text) > MOST_TEXT or "\0" in text:
                self._held.pop(path, None)
            else:
                self._held[path] = text

    def holds(self, path: str) -> bool:
        """Whether the editor's text of a file counts, not the one on the disk."""
        return path in self._held

    def settle_blocking(self, path: str) -> bool:
        """Forget a text that is as good as saved, and say whether it was: what others then write to the file is not hidden by it."""
        text = self._held.get(path)
        if text is None or _lines(text) != read_lines_blocking(self._git.root, path):
            return False
        with self._changing:
            if self._held.get(path) is text:  # nothing was typed meanwhile
                del self._held[path]
        return True

    def lines_blocking(self, path: str) -> list[str] | None:
        """A file's lines, the unsaved ones where there are some; None when it is gone, binary or too large; for threads."""
        text = self._held.get(path)
        return read_lines_blocking(self._git.root, path) if text is None else _lines(text)

    async def over(self, change: Change) -> Change:
        """The uncommitted change as it will be when all is saved. Raises GitError."""
        return await asyncio.to_thread(self.over_blocking, change) if self._held else change

    def over_blocking(self, change: Change) -> Change:
        """As `over`, for threads. A file that git neither knows nor lists (an ignored one) is left out, as on the disk."""
        files = {file.path: file for file in change.files}
        over: dict[str, FileDiff | None] = {}
        for path in tuple(self._held):
            if self.settle_blocking(path):
                continue
            file = files.get(path)
            if file is not None and (file.binary or file.status in {"deleted", "type-changed"}):
                continue
            laid = self._laid(change, path, file)
            if laid is not None or (file is not None and file.status == "modified"):
                over[path] = laid  # None: undone, only not saved yet
        kept = [file for file in change.files if file.path not in over]
        kept += [file for file in over.values() if file is not None]
        return replace(change, files=tuple(sorted(kept, key=lambda file: file.path)))

    def _laid(self, change: Change, path: str, file: FileDiff | None) -> FileDiff | None:
        """How the unsaved text differs from what is committed; None where it does not, or git knows nothing of the file."""
        old_path = file.old_path or path if file is not None else path
        old = lines_at_blocking(self._git, change.base, old_path) if change.base else None
        if old is None and file is None:
            return None
        new = self.lines_blocking(path) or []
        if old and not any(line.endswith("\r") for line in old) and all(line.endswith("\r") for line in new):
            new = [line.removesuffix("\r") for line in new]  # git keeps these line ends out of the repository
        hunks = compare(old or [], new)
        if file is not None:
            return replace(file, hunks=hunks, reason="") if hunks or file.status != "modified" else None
        return FileDiff(path, "modified", hunks=hunks) if hunks else None


async def change_with(git: Git, file: Path, text: str) -> Change:
    """The uncommitted change with this text of one file (absolute) in place of what is on the disk; there need be none yet.

    A text that is not looked at is in it with the reason. Raises BadInput for a bare repository and for what is no file of it.
    """
    if git.bare:
        raise BadInput("A bare repository has no work tree for --buffer; use --range, --commits or --patch.")
    try:
        inner = (file.parent.resolve() / file.name).relative_to(git.root.resolve()).as_posix()
    except ValueError:
        raise BadInput(f"{file} is not in this repository; name a file below {git.root}.") from None
    if await asyncio.to_thread(file.is_dir) or inner.partition("/")[0] == ".git":
        raise BadInput(f"{file} is no file that can be reviewed; name a file of the work tree.")
    return await asyncio.to_thread(_with_blocking, git, inner, text, await working_tree(git))


def _with_blocking(git: Git, path: str, text: str, change: Change) -> Change:
    before = next((file for file in change.files if file.path == path), None)
    if "\0" in text:
        return _put(change, before, FileDiff(path, "modified", binary=True, reason="binary"))
    if len(text) > MOST_TEXT:
        return _put(change, before, FileDiff(path, "modified", reason="too large"))
    if before is not None and before.status in {"deleted", "type-changed"}:  # on the disk; it is not what counts here
        change, before = replace(change, files=tuple(file for file in change.files if file is not before)), None
    buffers = Buffers(git)
    buffers.hold(path, text)
    laid = buffers.over_blocking(change)
    if any(file.path == path for file in laid.files) or (
        change.base and lines_at_blocking(git, change.base, path) is not None
    ):
        return laid
    if _ignored(git, path):
        return _put(change, before, FileDiff(path, "added", reason="ignored by git"))
    if (git.root / path).exists():  # git knows it, but not as a text
        return _put(change, before, FileDiff(path, "modified", binary=True, reason="binary"))
    hunks = compare([], _lines(text))
    return _put(change, before, FileDiff(path, "added", hunks=hunks, reason="" if hunks else "empty"))


def _ignored(git: Git, path: str) -> bool:
    asked = b"./" + os.fsencode(path) + b"\0"  # so that no name looks like git's magic
    return bool(git.run_blocking("check-ignore", "-z", "--stdin", stdin=asked, ok=(0, 1)))


def _put(change: Change, before: FileDiff | None, file: FileDiff) -> Change:
    """The change with this file in place of what was there of it."""
    kept = [one for one in change.files if one is not before]
    return replace(change, files=tuple(sorted([*kept, file], key=lambda one: one.path)))


def _lines(text: str) -> list[str]:
    return text_lines(text.encode("utf-8", "surrogatepass"))
