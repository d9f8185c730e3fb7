"""Files of the workspace for the model: read, write, edit, patch, and take its own edits back."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from sidecar.core.errors import BadInput, Conflict, GitError
from sidecar.core.policy import LEFT_OUT, lines_of_keys
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.store.edits import Edit, EditStore
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.tools.fence import Place
from sidecar.vcs.diff import parse_user_patch
from sidecar.vcs.process import find_git
from sidecar.vcs.runner import Git

_PATH: Final = ("path", "file", "file_path", "filePath", "filename")
_MOST_LINES: Final = 2_000
_MOST_COLUMNS: Final = 2_000
_MOST_COMPARED: Final = 100_000
_CONTEXT: Final = 3
_MOST_FILES: Final = 100


class Read(Input):
    """A file, or some of its lines."""

    path: str = also(*_PATH, about="The file, relative to the workspace.")
    start: int = also("start", "offset", default=1, about="First line, from 1.", ge=1)
    end: int | None = also("end", default=None, about="Last line; at most 2,000 lines come at once.", ge=1)
    encoding: str = also("encoding", default="utf8", about="Always UTF-8.", pattern="^[Uu][Tt][Ff]-?8$")


class Write(Input):
    """A file's whole content."""

    path: str = also(*_PATH, about="The file, relative to the workspace; folders on the way are made.")
    content: str = also("content", "contents", about="All of its new content.")
    create_parents: bool = also("create_parents", default=True, about="Folders on the way are always made.")


class EditInput(Input):
    """An exact replacement."""

    path: str = also(*_PATH, about="The file, relative to the workspace.")
    old: str = also("old", "old_string", about="The text to replace, exactly as it stands there.", min_length=1)
    new: str = also("new", "new_string", about="What to put in its place.")
    everywhere: bool = also("everywhere", "replace_all", default=False, about="Replace each occurrence, not only one.")


class Patch(Input):
    """A unified diff."""

    patch: str = also("patch", "diff", about="A unified diff (`--- a/x`, `+++ b/x`, `@@ … @@`).", min_length=1)
    path: str = also(*_PATH, default="", about="May be left out: the patch names its files.")


class History(Input):
    """Which edits to list."""

    path: str = also(*_PATH, default="", about="Only edits of this file.")
    session: str = also("session", "session_id", default="", about="Only edits of this session.")
    limit: int = also("limit", default=20, about="How many, newest first.", ge=1, le=100)


class Revert(Input):
    """Which edit to take back."""

    id: int = also("id", about="The edit's number, from files_history.", ge=1)


class FileTools:
    """The family; `tools` are what is offered."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._fence = bench.fence
        self._writing = asyncio.Lock()

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("files_read", "read", self.read)
        yield define("files_write", "write", self.write)
        yield define("files_edit", "write", self.edit)
        yield define("files_patch", "write", self.patch)
        yield define("files_history", "read", self.history)
        yield define("files_revert", "write", self.revert)

    async def read(self, given: Read, caller: Caller) -> ToolResult:
        """Read a text file of the workspace, whole or a range of its lines, each with its number.

        At most 2,000 lines come at once; the result says how many there are and with which `start` to go on. Places of
        keys and passwords are not read.
        """
        place, data = await asyncio.to_thread(self._read, given.path)
        if b"\0" in data[:8000]:
            raise BadInput(f"{place.name} is binary ({len(data):,} bytes), so there are no lines to show.")
        lines = data.decode("utf-8", "replace").splitlines()
        for number in lines_of_keys(lines):
            lines[number - 1] = LEFT_OUT
        last = min(given.end or len(lines), given.start + _MOST_LINES - 1, len(lines))
        if given.start > max(1, len(lines)):
            raise BadInput(f"{place.name} has only {len(lines)} lines.")
        numbered = [
            f"{number:>6}\t{line[:_MOST_COLUMNS]}{' …' if len(line) > _MOST_COLUMNS else ''}"
            for number, line in enumerate(lines[given.start - 1 : last], given.start)
        ]
        rest = (
            f"\n[lines {given.start}-{last} of {len(lines)}; go on with start={last + 1}]" if last < len(lines) else ""
        )
        return ToolResult(text=("\n".join(numbered) or "(empty)") + rest, next=str(last + 1) if rest else "")

    async def write(self, given: Write, caller: Caller) -> ToolResult:
        """Write a whole file, new or in place of what is there. Answers with the diff.

        The old content is kept, so that files_revert can take it back. Protected places (.git, .vscode, .claude, MCP
        manifests, CI workflows, shell start-up files) and places of keys are refused.
        """
        return await self._change("files_write", {given.path: given.content.encode("utf-8", "surrogatepass")}, caller)

    async def edit(self, given: EditInput, caller: Caller) -> ToolResult:
        """Replace an exact stretch of a file's text by another. Answers with the diff.

        `old` must occur exactly once (take more lines around it if it does not), or say `everywhere`.
        """
        place, data = await asyncio.to_thread(self._read, given.path)
        old, new = given.old.encode(), given.new.encode()
        if old not in data and b"\r\n" in data:
            old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
        count = data.count(old)
        if count == 0:
            raise BadInput(f"`old` does not occur in {place.name}; read the file again and copy the text exactly.")
        if count > 1 and not given.everywhere:
            raise BadInput(
                f"`old` occurs {count} times in {place.name}; take more of its surroundings, or everywhere=true."
            )
        if old == new:
            raise BadInput("`old` and `new` are the same.")
        return await self._change("files_edit", {given.path: data.replace(old, new)}, caller, {given.path: data})

    async def patch(self, given: Patch, caller: Caller) -> ToolResult:
        """Apply a unified diff to files of the workspace: all of it or nothing, as `git apply --check` would have it.

        Adds, changes, renames and deletes files. A hunk that does not fit is refused; nothing is written then.
        """
        before = await asyncio.to_thread(self._named_in, given.patch)
        try:
            after = await asyncio.to_thread(self._applied, given.patch, before)
        except GitError as error:
            told = error.sentence.removeprefix("git could not answer: ")
            raise BadInput(f"The patch does not apply, so nothing was written: {told}. Read the file again.") from None
        return await self._change("files_patch", after, caller, before)

    async def history(self, given: History, caller: Caller) -> ToolResult:
        """List the edits that tools made here, newest first, with their numbers and diffs."""
        path = (await asyncio.to_thread(self._fence.place, given.path)).name if given.path else ""
        edits = await (await self._store()).list(path, given.session, given.limit)
        told = [f"edit {edit.id}: {edit.path} by {edit.tool}\n{edit.diff}".rstrip() for edit in edits]
        value = [{"id": edit.id, "path": edit.path, "tool": edit.tool, "at": edit.at} for edit in edits]
        return ToolResult(value={"edits": value}, text="\n\n".join(told) or "No edits were made here yet.")

    async def revert(self, given: Revert, caller: Caller) -> ToolResult:
        """Take an edit back: the file gets the content that it had before. Refused when it changed since."""
        edit = await (await self._store()).get(given.id)
        if not edit.kept:
            raise Conflict(f"Edit {edit.id} cannot be taken back: the former content was too large to be kept.")
        place = await asyncio.to_thread(self._fence.for_writing, edit.path)
        now = await asyncio.to_thread(self._fence.read_if_there, place)
        if _hash(now) != edit.became:
            raise Conflict(
                f"{edit.path} changed since edit {edit.id}, so taking that back would lose the later change. "
                "Revert the later edit first, or edit the file by hand."
            )
        return await self._change("files_revert", {edit.path: edit.before}, caller, {edit.path: now})

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    async def _store(self) -> EditStore:
        return EditStore(await self._bench.database())

    def _read(self, path: str) -> tuple[Place, bytes]:
        place = self._fence.for_reading(path)
        return place, self._fence.read(place)

    async def _change(
        self,
        tool: str,
        after: Mapping[str, bytes | None],
        caller: Caller,
        expected: Mapping[str, bytes | None] | None = None,
    ) -> ToolResult:
        """Bring files to new contents (None: no file), note the edits, answer with the diffs.

        `expected` is what the caller saw: where a file is something else by now, nothing is written.
        """
        store = await self._store()
        async with self._writing:
            edits = await asyncio.to_thread(self._write_all, after, expected)
            numbers = [await store.add(replace(edit, tool=tool, session=caller.session)) for edit in edits]
        if not edits:
            return ToolResult(text="Nothing changed: that is what the file holds already.", value={"edits": []})
        told = [
            f"edit {number}: {edit.path}\n{edit.diff}".rstrip() for number, edit in zip(numbers, edits, strict=True)
        ]
        value = [{"id": number, "path": edit.path} for number, edit in zip(numbers, edits, strict=True)]
        return ToolResult(value={"edits": value}, text="\n\n".join(told))

    def _write_all(self, after: Mapping[str, bytes | None], expected: Mapping[str, bytes | None] | None) -> list[Edit]:
        places = {path: self._fence.for_writing(path) for path in after}
        before = {path: self._fence.read_if_there(place) for path, place in places.items()}
        for path, data in (expected or {}).items():
            if path in before and before[path] != data:
                raise Conflict(f"{path} changed in this moment; read it again.")
        edits = []
        for path, place in places.items():
            was, became = before[path], after[path]
            if was == became:
                continue
            if became is None:
                self._fence.remove(place)
            else:
                self._fence.write(place, became)
            edits.append(
                Edit(place.name, _hash(was), _hash(became), was, was is not None, _diff(place.name, was, became))
            )
        return edits

    def _named_in(self, patch: str) -> dict[str, bytes | None]:
        """The files that a patch names, as they are. Raises BadInput where it is none, Refused for a place that is off."""
        files = parse_user_patch(patch.encode("utf-8", "surrogatepass"))
        names = {name for file in files for name in (file.path, file.old_path) if name}
        if not names or len(names) > _MOST_FILES:
            raise BadInput(
                "The patch names no file, or more than 100; give a unified diff with `--- a/x` and `+++ b/x`."
            )
        return {name: self._fence.read_if_there(self._fence.for_writing(name)) for name in sorted(names)}

    def _applied(self, patch: str, before: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """What the files hold after the patch; it is applied by git to copies in a folder of their own."""
        data = patch.encode("utf-8", "surrogatepass")
        if not data.endswith(b"\n"):
            data += b"\n"
        with tempfile.TemporaryDirectory(prefix="sidecar-patch-") as name:
            folder = Path(name).resolve()
            for path, content in before.items():
                if content is not None:
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / path).write_bytes(content)
            git = Git(folder, program=find_git(self._fence.root), git_dir=folder / ".git", common_dir=folder / ".git")
            git.run_blocking("apply", "--whitespace=nowarn", "-", stdin=data)
            return {path: _content(folder / path) for path in before}


def _content(path: Path) -> bytes | None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise BadInput("The patch makes a link or something else that is no regular file; that is not applied.")
    return path.read_bytes() if path.exists() else None


def _hash(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _diff(name: str, was: bytes | None, became: bytes | None) -> str:
    """The change as a unified diff; only its size where much differs or it is no text."""
    old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (was, became))
    same = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    first = max(0, same - _CONTEXT)
    left, right = old[first:], new[first:]
    ends = zip(reversed(old[same:]), reversed(new[same:]), strict=False)
    tail = next((n for n, (a, b) in enumerate(ends) if a != b), min(len(old), len(new)) - same)
    cut = max(0, tail - _CONTEXT)
    left, right = left[: len(left) - cut], right[: len(right) - cut]
    if sum(map(len, left)) + sum(map(len, right)) > _MOST_COMPARED or b"\0" in (was or b"") + (became or b""):
        return f"({len(was or b''):,} bytes became {len(became or b''):,})"
    heads = ("/dev/null" if was is None else f"a/{name}", "/dev/null" if became is None else f"b/{name}")
    lines = difflib.unified_diff(left, right, *heads, n=_CONTEXT, lineterm="")
    return "\n".join(_shifted(line, first) for line in lines)


def _shifted(line: str, by: int) -> str:
    """A hunk's head whose line numbers count from the file's beginning; every other line as it is."""
    head = re.fullmatch(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@", line)
    if head is None:
        return line
    return f"@@ -{int(head[1]) + by}{head[2] or ''} +{int(head[3]) + by}{head[4] or ''} @@"
