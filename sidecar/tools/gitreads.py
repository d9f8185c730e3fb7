"""Git for the model, the half that only looks: status, diff, log, show, blame, conflicts. Always hardened."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final, Literal

from sidecar.core.errors import BadInput, NotFound
from sidecar.core.policy import LEFT_OUT, lines_of_keys, secret
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, Nothing, also, define
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import Status, lines_at_blocking, read_lines, resolve, status

_MOST: Final = 4 * 1024 * 1024
_MOST_BLAMED: Final = 500
_ENTRY: Final = "--format=%H%x00%an%x00%aI%x00%s%x00"
_HEAD: Final = re.compile(rb'(?m)^diff --git (?:"?a/.*?"? "?b/(.*?)"?)$')


class Diff(Input):
    """Which change to show."""

    scope: Literal["working", "staged", "range"] = also(
        "scope", default="working", about="Everything uncommitted; what is staged; or what lies between base and head."
    )
    base: str = also(
        "base", "from", default="", about="For a range: where it begins (a commit, branch or tag).", max_length=250
    )
    head: str = also("head", "to", default="HEAD", about="For a range: where it ends.", max_length=250)
    paths: list[str] = also("paths", default=[], about="Only these files or folders.", max_length=200)
    path: str = also("path", "file", default="", about="Only this file or folder.")
    staged: bool = also("staged", default=False, about="The same as scope=staged.")
    context: int = also("context", "unified", default=3, about="Unchanged lines around each change.", ge=0, le=50)
    stat: bool = also("stat", default=False, about="Only which files changed and by how many lines.")


class Log(Input):
    """Which commits to list."""

    revision: str = also("revision", "until_revision", default="HEAD", about="Where to begin, or A..B.", max_length=520)
    path: str = also("path", "file", default="", about="Only commits that touched this file or folder.")
    limit: int = also("limit", default=20, about="How many.", ge=1, le=500)
    start: int = also("start", "skip", default=0, about="How many to pass over.", ge=0)
    since: str = also("since", default="", about="Not older than this (`2 weeks ago`, `2026-01-31`).", max_length=60)
    until: str = also("until", default="", about="Not younger than this.", max_length=60)
    stat: bool = also("stat", default=False, about="Tell the changed files of each, too.")


class Show(Input):
    """Which commit, or which file as a commit has it."""

    revision: str = also("revision", "commit", "sha", default="HEAD", about="A commit, branch or tag.", max_length=250)
    path: str = also("path", "file", default="", about="Show this file as it was then, in place of the commit.")


class Blame(Input):
    """Which lines."""

    path: str = also("path", "file", about="The file.")
    start: int = also("start", default=1, about="First line, from 1.", ge=1)
    end: int | None = also("end", default=None, about="Last line; at most 500 come at once.", ge=1)
    revision: str = also(
        "revision", default="", about="As of this commit; the working tree when empty.", max_length=250
    )


class GitReads:
    """The part of the family *git* that reads."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("git_status", "read", self.status)
        yield define("git_diff", "read", self.diff)
        yield define("git_log", "read", self.log)
        yield define("git_show", "read", self.show)
        yield define("git_blame", "read", self.blame)
        yield define("git_conflicts", "read", self.conflicts)

    async def status(self, given: Nothing, caller: Caller) -> ToolResult:
        """Tell the branch, how it stands to its upstream, and which files are staged, changed, untracked or in conflict."""
        git = await self._bench.git()
        found = await status(git)
        return ToolResult(value=asdict(found), text=_told(found))

    async def diff(self, given: Diff, caller: Caller) -> ToolResult:
        """Show a change as a unified diff: everything uncommitted (untracked files are named), what is staged, or a range."""
        git, prefix = await self._bench.inside()
        paths = self.paths(prefix, [*given.paths, *([given.path] if given.path else [])])
        shape = ["--stat=120"] if given.stat else [f"-U{given.context}", "--patch"]
        scope = "staged" if given.staged else given.scope
        if scope == "range" or given.base:
            if not given.base:
                raise BadInput("A range needs `base`: the commit, branch or tag where it begins.")
            ends = [await resolve(git, given.base), await resolve(git, given.head)]
        else:
            ends = ["--cached"] if scope == "staged" else []
            born = await git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
            ends += ["HEAD"] if born else [] if ends else [await _empty(git)]
        said = await git.run("diff", "--find-renames", *shape, *ends, "--", *paths, limit=_MOST)
        text = without_secrets(said).decode("utf-8", "replace")
        if scope == "working" and not given.base:
            text += await self._untracked(git, paths)
        return ToolResult(text=text or "No change there.")

    async def log(self, given: Log, caller: Caller) -> ToolResult:
        """List commits, newest first: id, date, author, subject."""
        git, prefix = await self._bench.inside()
        ends = await self.ends(git, given.revision)
        times = [f"--{name}={value}" for name, value in (("since", given.since), ("until", given.until)) if value]
        more = ["--name-status"] if given.stat else []
        paths = self.paths(prefix, [given.path]) if given.path else []
        limits = [f"--max-count={given.limit + 1}", f"--skip={given.start}"]
        said = await git.run("log", _ENTRY, "-z", *more, *limits, *times, *ends, "--", *paths, limit=_MOST)
        commits = list(_entries(said.decode("utf-8", "replace"), stat=given.stat))
        shown = commits[: given.limit]
        after = str(given.start + given.limit) if len(commits) > given.limit else ""
        lines = [
            f"{one['id'][:12]} {one['date'][:10]} {one['author']}: {one['subject']}{one['files']}" for one in shown
        ]
        lines += [f"[there are more; go on with start={after}]"] if after else []
        return ToolResult(value={"commits": shown}, text="\n".join(lines) or "No commits there.", next=after)

    async def show(self, given: Show, caller: Caller) -> ToolResult:
        """Show a commit with its message and diff, or a file as that commit has it."""
        git, prefix = await self._bench.inside()
        own = await resolve(git, given.revision)
        if not given.path:
            said = await git.run(
                "show", "--find-renames", "--stat=120", "--patch", "--format=medium", own, "--", limit=_MOST
            )
            return ToolResult(text=without_secrets(said).decode("utf-8", "replace"))
        (path,) = self.paths(prefix, [given.path])
        entry = await git.run("ls-tree", "-z", own, "--", path)
        kind = entry.split(b"\t")[0].split(b" ")
        if kind[1:2] != [b"blob"] or kind[0] == b"120000":
            raise NotFound(f"The commit {own[:12]} has no file {given.path}.")
        data = await git.run("cat-file", "blob", kind[2].decode("ascii"), limit=_MOST)
        if b"\0" in data[:8000]:
            raise BadInput(f"{given.path} is binary ({len(data):,} bytes).")
        return ToolResult(text=data.decode("utf-8", "replace") or "(empty)")

    async def blame(self, given: Blame, caller: Caller) -> ToolResult:
        """Tell for each line of a file which commit last changed it, when, and who wrote it."""
        git, prefix = await self._bench.inside()
        (path,) = self.paths(prefix, [given.path])
        revision = [await resolve(git, given.revision)] if given.revision else []
        last = min(given.end or given.start + _MOST_BLAMED - 1, given.start + _MOST_BLAMED - 1)
        span = f"-L{given.start},{max(last, given.start)}"
        said = await git.run("blame", "--line-porcelain", span, *revision, "--", path, limit=_MOST)
        whole = (
            await asyncio.to_thread(lines_at_blocking, git, revision[0], path)
            if revision
            else await read_lines(git, path)
        )
        lines = list(_blamed(said.decode("utf-8", "replace"), lines_of_keys(whole or ())))
        if not given.end and len(lines) == _MOST_BLAMED:
            lines.append(f"[go on with start={last + 1}]")
        return ToolResult(text="\n".join(lines))

    async def conflicts(self, given: Nothing, caller: Caller) -> ToolResult:
        """List the files in conflict and where their conflict markers stand."""
        git = await self._bench.git()
        found = await status(git)
        at = {}
        for path in found.conflicted:
            lines = await read_lines(git, path) or []
            at[path] = [number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<<")]
        told = [
            f"{path}: conflicts begin at lines {', '.join(map(str, numbers)) or '(none left: stage it)'}"
            for path, numbers in at.items()
        ]
        doing = f"In the middle of a {found.doing}. " if found.doing else ""
        value = {"doing": found.doing, "conflicts": [{"path": path, "lines": lines} for path, lines in at.items()]}
        return ToolResult(value=value, text=doing + ("\n".join(told) or "No conflicts."))

    def paths(self, prefix: str, given: Sequence[str]) -> list[str]:
        """Pathspecs relative to the repository's top; those of keys are refused. The workspace alone when none is given."""
        places = [self._bench.fence.for_reading(path) for path in given]
        names = [prefix + ("" if place.name == "." else place.name) for place in places]
        return [name or "." for name in names] or ([prefix] if prefix else [])

    async def ends(self, git: Git, revision: str) -> list[str]:
        """A revision or a range `A..B`, resolved. Raises BadInput."""
        base, dots, head = revision.partition("..")
        if not dots:
            return [await resolve(git, revision)]
        return [f"^{await resolve(git, base or 'HEAD')}", await resolve(git, head.lstrip(".") or "HEAD")]

    async def _untracked(self, git: Git, paths: Sequence[str]) -> str:
        said = await git.run("ls-files", "--others", "--exclude-standard", "-z", "--", *paths)
        names = said.decode("utf-8", "replace").split("\0")[:-1]
        return "".join(f"untracked: {name}\n" for name in names[:200])


def without_secrets(patch: bytes) -> bytes:
    """A diff without the contents of files that hold keys or passwords."""
    cuts = [match.start() for match in _HEAD.finditer(patch)]
    if not cuts:
        return patch
    parts = [patch[: cuts[0]]]
    for begin, end in zip(cuts, [*cuts[1:], len(patch)], strict=True):
        head = _HEAD.match(patch, begin)
        name = head[1].decode("utf-8", "replace") if head else ""
        body = patch[begin:end]
        hidden = b"(changed; left out, since it looks like a place of keys)\n"
        parts.append(body.split(b"\n", 1)[0] + b"\n" + hidden if secret(name) else body)
    return b"".join(parts)


def _told(found: Status) -> str:
    where = f"On branch {found.branch}" if found.branch else f"HEAD is detached at {(found.head or '')[:12]}"
    lines = [where + ("" if found.head else ", without a commit yet")]
    if found.upstream:
        lines.append(f"Against {found.upstream}: {found.ahead} ahead, {found.behind} behind")
    lines += [f"In the middle of a {found.doing}"] if found.doing else []
    kinds = ("conflicted", "staged", "unstaged", "untracked")
    lines += [f"{kind}: {path}" for kind in kinds for path in getattr(found, kind)]
    return "\n".join(lines if any(getattr(found, kind) for kind in kinds) else [*lines, "The working tree is clean"])


def _entries(said: str, *, stat: bool) -> Iterator[dict[str, str]]:
    """What `git log` tells in our format, with the changed files where they were asked for."""
    parts = said.split("\0")
    at = 0
    while at + 3 < len(parts):
        own, author, date, subject = (part.lstrip("\n") for part in parts[at : at + 4])
        at += 4
        files = []
        while stat and at < len(parts) and not re.fullmatch(r"\n?[0-9a-f]{40,64}", parts[at]):
            files.append(parts[at].strip("\n"))
            at += 1
        if not stat:
            at += parts[at : at + 1] == [""]
        names = " ".join(part for part in files if part)
        yield {
            "id": own,
            "author": author,
            "date": date,
            "subject": subject,
            "files": f"\n    {names}" if names else "",
        }


def _blamed(said: str, keys: Collection[int]) -> Iterator[str]:
    own = author = day = ""
    number = "0"
    for line in said.split("\n"):
        if head := re.fullmatch(r"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?", line):
            own, number = head[1], head[2]
        elif line.startswith("author "):
            author = line[7:]
        elif line.startswith("author-time "):
            day = line[12:]
        elif line.startswith("\t"):
            shown = LEFT_OUT if int(number) in keys else line[1:][:500]
            yield f"{number:>6} {own[:10]} {_day(day)} {author[:24]}: {shown}"


def _day(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds or 0), UTC).date().isoformat()


async def _empty(git: Git) -> str:
    return (await git.run("hash-object", "-t", "tree", "--stdin", stdin=b"")).decode("ascii").strip()
