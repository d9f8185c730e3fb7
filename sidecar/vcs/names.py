"""What a caller may name: branches and remotes. Nothing that a model says can become an option of git or an address."""

from __future__ import annotations

import re

from sidecar.core.errors import BadInput
from sidecar.vcs.runner import Git

_PLAIN = re.compile(r"[^\s\x00-\x1f\x7f~^:?*\[\\-][^\s\x00-\x1f\x7f~^:?*\[\\]*")


async def branch(git: Git, name: str) -> str:
    """A name that a branch may have. Raises BadInput."""
    if _PLAIN.fullmatch(name) and len(name) < 250:
        said = await git.run("check-ref-format", f"refs/heads/{name}", ok=(0, 1))
        checked = await git.run("check-ref-format", "--branch", name, ok=(0, 1, 128))
        if said == b"" and checked.decode("utf-8", "replace").strip() == name:
            return name
    raise BadInput(f"{name[:80]!r} is no name for a branch; use letters, digits, `/`, `-` and `_`.")


async def remote(git: Git, name: str) -> str:
    """A configured remote. Raises BadInput for everything else: an address is never taken."""
    known = (await git.run("remote")).decode("utf-8", "replace").split("\n")[:-1]
    if name in known and not name.startswith("-"):
        return name
    there = f"There are: {', '.join(known)}." if known else "There is none; the user can add one with `git remote add`."
    raise BadInput(f"{name[:80]!r} is no configured remote, and addresses are not taken. {there}")


async def current(git: Git) -> str:
    """The branch that HEAD is on; empty when it is detached."""
    said = await git.run("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
    return said.decode("utf-8", "replace").strip()


async def aliases(git: Git) -> dict[str, str]:
    """Git's own aliases, as its configuration has them."""
    said = await git.run("config", "--null", "--get-regexp", r"^alias\.", ok=(0, 1))
    entries = (entry.partition("\n") for entry in said.decode("utf-8", "replace").split("\0") if entry)
    return {key.removeprefix("alias."): value for key, _, value in entries}
