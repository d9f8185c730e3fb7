"""Find files of the workspace by name and by content: with ripgrep where it is installed, else with git's own grep."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from sidecar.core.errors import BadInput, GitError, NotARepository, NotSupported, SidecarError
from sidecar.core.messages import object_in
from sidecar.core.policy import LEFT_OUT, lines_of_keys, secret, without_keys
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.testruns.process import Bounds, run
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.vcs.process import find_program

_MOST_LISTED: Final = 5_000
_MOST_LINE: Final = 300
_MOST_SEARCHED: Final = 4 * 1024 * 1024
_PATIENCE: Final = 12.0
_SKIPPED: Final = frozenset({".git", "node_modules", "__pycache__", ".venv", "venv"})


class List(Input):
    """Which files to list."""

    pattern: str = also("pattern", "patterns", default="**", about="A glob, such as `src/**/*.py` or `*.md`.")
    path: str = also("path", "folder", default=".", about="Only below this folder.")
    limit: int = also("limit", default=500, about="How many at most.", ge=1, le=_MOST_LISTED)
    start: int = also("start", "offset", default=0, about="How many to pass over, to go on with a list.", ge=0)
    sizes: bool = also("sizes", "with_stats", default=False, about="Tell each file's size.")


class Search(Input):
    """What to look for."""

    query: str = also(
        "query", "pattern", "term", about="The text to find, or a regular expression.", min_length=1, max_length=1_000
    )
    regex: bool = also("regex", default=False, about="Whether the query is a regular expression.")
    path: str = also("path", "folder", default=".", about="Only in this file or below this folder.")
    glob: str = also("glob", default="", about="Only in files whose name matches, such as `*.py`.", max_length=200)
    ignore_case: bool = also("ignore_case", default=False, about="Whether `a` finds `A`, too.")
    limit: int = also("limit", default=100, about="How many matching lines at most.", ge=1, le=1_000)


class FindingTools:
    """The part of the family *files* that finds."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("files_list", "read", self.find)
        yield define("files_search", "read", self.search)

    async def find(self, given: List, caller: Caller) -> ToolResult:
        """List files of the workspace by a glob; what git ignores is left out."""
        place = await asyncio.to_thread(self._bench.fence.place, given.path)
        below = "" if place.name == "." else f"{place.name}/"
        names = [name for name in await self._names() if name.startswith(below) and _matches(name, given.pattern)]
        shown = names[given.start : given.start + given.limit]
        rest = len(names) - given.start - len(shown)
        after = str(given.start + len(shown)) if rest > 0 else ""
        told = await asyncio.to_thread(self._sized, shown) if given.sizes else shown
        tail = [f"[{rest} more; go on with start={after}]"] if after else []
        text = "\n".join([*told, *tail]) or f"No file matches {given.pattern!r} below {place.name}."
        return ToolResult(value={"files": shown, "total": len(names)}, text=text, next=after)

    async def search(self, given: Search, caller: Caller) -> ToolResult:
        """Search the files of the workspace for a text or a regular expression; answers `path:line: text`.

        What git ignores, binary files and places of keys are left out.
        """
        if "\0" in given.query + given.glob:
            raise BadInput("A text with NUL in it cannot be searched for: files with NUL are left out.")
        place = await asyncio.to_thread(self._bench.fence.for_reading, given.path)
        program = find_program("rg", self._bench.fence.root)
        found = await (self._ripgrep(program, given, place.name) if program else self._git_grep(given, place.name))
        kept = [(path, line, text) for path, line, text in found if not secret(path)]
        shown = kept[: given.limit]
        keys = await asyncio.to_thread(self._keys, {path for path, _, _ in shown})
        lines = [
            f"{path}:{line}: {LEFT_OUT if line in keys[path] else without_keys(text).strip()[:_MOST_LINE]}"
            for path, line, text in shown
        ]
        if len(kept) > len(shown):
            lines.append("[there are more; search for something narrower, in a folder, or with a higher limit]")
        value = {"matches": [{"path": path, "line": line} for path, line, _ in shown], "more": len(kept) > len(shown)}
        return ToolResult(value=value, text="\n".join(lines) or f"Nothing matches {given.query!r}.")

    async def _ripgrep(self, program: str, given: Search, below: str) -> Sequence[tuple[str, int, str]]:
        options = ["--json", "--no-config", "--hidden", "--no-follow", "--max-filesize", "4M", "--sort", "path"]
        options += ["--glob", "!.git", "--max-count", str(given.limit + 1)]
        options += [] if given.regex else ["--fixed-strings"]
        options += ["--ignore-case"] if given.ignore_case else []
        options += ["--glob", given.glob] if given.glob else []
        argv = [program, *options, "--regexp", given.query, "--", below]
        bounds = Bounds(_PATIENCE, _MOST_SEARCHED, keep_end=False)
        ended = await run(argv, self._bench.fence.root, self._bench.environment, bounds)
        if ended.status == 2 and not ended.cut and b'"type":"match"' not in ended.output:
            said = ended.output.decode("utf-8", "replace").strip().splitlines()
            raise BadInput(f"The search could not be made: {(said or ['no reason given'])[-1][:200]}.")
        return await asyncio.to_thread(_matched, ended.output)

    async def _git_grep(self, given: Search, below: str) -> Sequence[tuple[str, int, str]]:
        try:
            git, prefix = await self._bench.inside()
        except NotARepository:
            raise NotSupported("Outside of a git repository a search needs ripgrep; install it.") from None
        options = ["--untracked", "-I", "-n", "-z", "--full-name", "-E" if given.regex else "-F"]
        options += ["-i"] if given.ignore_case else []
        where = prefix + ("" if below == "." else below) or "."
        try:
            said = await git.run(
                "grep", *options, "-e", given.query, "--", where, ok=(0, 1), timeout=_PATIENCE, limit=_MOST_SEARCHED
            )
        except GitError as error:
            raise BadInput(f"The search could not be made: {error.sentence} Try something narrower.") from None
        found = []
        for line in said.decode("utf-8", "replace").split("\n"):
            name, _, rest = line.partition("\0")
            number, _, text = rest.partition("\0")
            if number.isdigit() and (not given.glob or _matches(name, given.glob)):
                found.append((name.removeprefix(prefix), int(number), text))
        return found

    def _keys(self, paths: Collection[str]) -> dict[str, Collection[int]]:
        """For each file the lines of private keys in it."""
        found: dict[str, Collection[int]] = {}
        for path in paths:
            try:
                data = self._bench.fence.read(self._bench.fence.for_reading(path))
            except SidecarError:
                data = b""
            found[path] = lines_of_keys(data.decode("utf-8", "replace").split("\n")) if b"PRIVATE KEY" in data else ()
        return found

    async def _names(self) -> list[str]:
        """All files, relative to the workspace, sorted; without what git ignores where there is a repository."""
        try:
            git, prefix = await self._bench.inside()
        except NotARepository:
            return await asyncio.to_thread(self._walked)
        said = await git.run("ls-files", "-co", "--exclude-standard", "--deduplicate", "-z", "--", prefix or ".")
        return await asyncio.to_thread(_listed, said, prefix)

    def _walked(self) -> list[str]:
        found: list[str] = []
        root = self._bench.fence.root
        for folder, inner, names in os.walk(root):
            inner[:] = [name for name in inner if name not in _SKIPPED]
            found += [os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/") for name in names]  # noqa: PTH118
            if len(found) > 10 * _MOST_LISTED:
                break
        return sorted(found)

    def _sized(self, names: Sequence[str]) -> list[str]:
        told = []
        for name in names:
            try:
                told.append(f"{name}  {(self._bench.fence.root / name).lstat().st_size:,} bytes")
            except OSError:
                told.append(f"{name}  (gone)")
        return told


def _matched(output: bytes) -> list[tuple[str, int, str]]:
    return [match for line in output.splitlines() if (match := _match(line)) is not None]


def _match(line: bytes) -> tuple[str, int, str] | None:
    """One of ripgrep's JSON lines, where it is a match of readable text."""
    told = object_in(line)
    if told.get("type") != "match":
        return None
    data = told["data"]
    path, text = data["path"].get("text"), data["lines"].get("text")
    return None if path is None or text is None else (path.removeprefix("./"), data["line_number"], text)


def _listed(said: bytes, prefix: str) -> list[str]:
    """The names that git tells, relative to the workspace, sorted."""
    return sorted(name.removeprefix(prefix) for name in said.decode("utf-8", "replace").split("\0")[:-1])


def _matches(name: str, pattern: str) -> bool:
    """A glob as people write it: `*.py` matches anywhere, `**` any depth."""
    path = PurePosixPath(name)
    if pattern in {"", "*", "**", "**/*"}:
        return True
    if "**" not in pattern:
        return path.match(pattern)
    head, _, tail = pattern.partition("**")
    tail = tail.lstrip("/")
    return name.startswith(head) and (not tail or _matches(name.removeprefix(head), tail))
