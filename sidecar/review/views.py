"""What a review can look at: the working tree, what is staged, a branch since its base, one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from sidecar.core.diff import Change
from sidecar.core.review import INDEX, NOTHING, Scope, Thread, Viewed
from sidecar.review.anchor import find
from sidecar.risk.hazards.secret import veiled
from sidecar.vcs.revisions import base_of, branch, branches, lines_blocking, recent
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import between, commit, read_lines_blocking, resolve, staged, working_tree

MOST_BRANCHES: Final = 50
MOST_COMMITS: Final = 50

_TITLES: Final = {"working": "Working tree", "staged": "Staged changes", "branch": "Branch", "commit": "Commit"}

Texts = dict[str, Sequence[str] | None]


class View:
    """One diff of a repository, by its scope: the change, and the texts on its new side."""

    def __init__(self, git: Git, scope: Scope | None = None) -> None:
        self._git = git
        self.scope = scope or Scope()
        self.viewed = Viewed(self.scope, _TITLES[self.scope.kind])
        self._kept: tuple[Viewed, Change] | None = None

    @property
    def key(self) -> str:
        """What this view's threads are kept under: the repository, and for other views than the working tree their scope."""
        scope = self.scope
        return str(self._git.root) if scope == Scope() else f"{self._git.root}\n{scope.kind} {scope.ref}".rstrip()

    async def change(self) -> Change:
        """The change as it is now; `viewed` tells then what it lies between. Raises GitError, BadInput."""
        kind, ref = self.scope.kind, self.scope.ref
        if kind == "working":
            change = await working_tree(self._git)
            self.viewed = Viewed(self.scope, "Working tree", change.base or NOTHING)
        elif kind == "staged":
            change = await staged(self._git)
            self.viewed = Viewed(self.scope, "Staged changes", change.base or NOTHING, INDEX)
        elif kind == "branch":
            base, own = await base_of(self._git, ref), await resolve(self._git, "HEAD")
            name = await branch(self._git) or f"HEAD ({own[:8]})"
            change = await self._once(Viewed(self.scope, f"{name} against {base.name}", base.commit, own))
        else:
            own = await resolve(self._git, ref)
            change = await self._once(Viewed(self.scope, f"Commit {own[:8]}", NOTHING, own))
            subject = change.message.partition("\n")[0]
            self.viewed = replace(self.viewed, title=f"{own[:8]} {subject}".strip(), old=change.base or NOTHING)
        return change

    def read_blocking(self, paths: Collection[str]) -> Texts:
        """The lines of these files on the new side; None for what has none. For threads."""
        if not self.viewed.new:
            return {path: read_lines_blocking(self._git.root, path) for path in paths}
        return dict(lines_blocking(self._git, self.viewed.new, paths))

    def beside_blocking(self, paths: Collection[str]) -> Texts:
        """These files as they are in the working tree, where that is not the new side itself; for threads."""
        return {path: read_lines_blocking(self._git.root, path) for path in paths} if self.viewed.new else {}

    async def _once(self, viewed: Viewed) -> Change:
        """The change between two commits, which never becomes another one."""
        if self._kept is None or (self._kept[0].old, self._kept[0].new) != (viewed.old, viewed.new):
            whole = self.scope.kind == "commit"
            change = await (commit(self._git, viewed.new) if whole else between(self._git, viewed.old, viewed.new))
            self._kept = (viewed, change)
        self.viewed = viewed
        return self._kept[1]


def veiled_texts(texts: Texts) -> Texts:
    """Texts with their secrets veiled: what anchors and answers keep of them gives none away. Pure."""
    return {path: None if lines is None else veiled(lines) for path, lines in texts.items()}


def stood(thread: Thread, beside: Texts) -> Thread:
    """The thread with the place where its lines stand in the working tree; the same object where that has not changed. Pure."""
    lines = beside.get(thread.anchor.path)
    place = None if lines is None or thread.anchor.outdated else find(thread.anchor, lines)
    standing = None if place is None or place.outdated else (place.start, place.end)
    return thread if standing == thread.standing else replace(thread, standing=standing)


async def choices(git: Git) -> tuple[Viewed, ...]:
    """The diffs that can be looked at: the plain ones, then other bases of the branch, then the last commits."""
    bases, commits = await asyncio.gather(branches(git, MOST_BRANCHES), recent(git, MOST_COMMITS))
    own = await branch(git)
    return (
        Viewed(Scope(), _TITLES["working"]),
        Viewed(Scope("staged"), _TITLES["staged"], new=INDEX),
        *([Viewed(Scope("branch"), "Branch against its base")] if commits else []),
        *(Viewed(Scope("branch", base.name), base.name, base.commit) for base in bases if base.name != own),
        *(Viewed(Scope("commit", one.commit), one.name, new=one.commit) for one in commits),
    )
