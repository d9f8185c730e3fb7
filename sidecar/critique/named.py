"""Which change is meant, and the new side of its files: the working tree, what is staged, a range, a commit, a patch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from sidecar.core.critique import NamedChange
from sidecar.core.diff import Change
from sidecar.core.errors import BadInput, GitError
from sidecar.vcs import worktree
from sidecar.vcs.blobs import texts_blocking
from sidecar.vcs.runner import Git


def ranged(named: str) -> NamedChange:
    """The change that `A..B` or `A...B` names; a missing side is HEAD. Raises BadInput for anything else."""
    old, dots, new = named.partition("...") if "..." in named else named.partition("..")
    if not dots:
        raise BadInput(f"--range wants two revisions with two dots between them, as in main..topic; it got {named!r}.")
    return NamedChange("range", (old or "HEAD") + ("..." if dots == "..." else ""), new or "HEAD")


async def change_of(git: Git, named: NamedChange) -> Change:
    """The change; may have no file. Raises BadInput for revisions that there are not, GitError."""
    match named.kind:
        case "staged":
            _need_work_tree(git)
            return await worktree.staged(git)
        case "base":
            return await worktree.between(git, await _parting(git, named.base, "HEAD"), "HEAD")
        case "range":
            old = named.base.removesuffix("...")
            if not old:
                raise BadInput("A range needs `base`: the commit, branch or tag where it begins.")
            parted = named.base.endswith("...")
            return await worktree.between(git, await _parting(git, old, named.head) if parted else old, named.head)
        case "commit":
            return await worktree.commit(git, named.head)
        case "patch":
            return worktree.from_patch(named.patch.encode("utf-8", "surrogatepass"))
    _need_work_tree(git)
    return await worktree.working_tree(git)


async def texts_of(git: Git, named: NamedChange, change: Change) -> Mapping[str, Sequence[str] | None]:
    """The new sides of the changed files as lines; what cannot be had is left out."""
    paths = [file.path for file in change.files if file.hunks and file.status != "deleted"]
    if named.kind == "working":
        return await asyncio.to_thread(lambda: {p: worktree.read_lines_blocking(git.root, p) for p in paths})
    if named.kind == "patch":
        return {}
    at = "" if named.kind == "staged" else await worktree.resolve(git, named.head)
    with contextlib.suppress(GitError):
        return await asyncio.to_thread(texts_blocking, git, at, paths)
    return {}


async def _parting(git: Git, one: str, other: str) -> str:
    """The newest commit that both revisions have behind them."""
    found = await worktree.resolve(git, one), await worktree.resolve(git, other)
    said = await git.run("merge-base", *found, ok=(0, 1))
    if not said:
        raise BadInput(
            f"{one} and {other} have no commit in common; use --range {one}..{other} to compare them as they are."
        )
    return said.decode("ascii").split()[0]


def _need_work_tree(git: Git) -> None:
    if git.bare:
        raise BadInput("A bare repository has no work tree for this; use --range, or name commits or a patch.")
