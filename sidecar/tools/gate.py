"""Tests before a commit: what is staged may be committed once its tests passed, and that is remembered by its tree."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from sidecar.core.errors import GitError, Refused, SetupError
from sidecar.store.database import Database
from sidecar.store.runs import PassedTrees
from sidecar.testruns.process import Bounds, run
from sidecar.vcs.runner import Git

_MOST_TOLD = 1_500


class TestGate:
    """Asked before each commit. Without `required` it lets everything through; whatever is missing keeps it shut."""

    __test__ = False

    def __init__(
        self,
        database: Callable[[], Awaitable[Database]],
        environment: Mapping[str, str],
        *,
        required: bool,
        command: str | None,
        trusted: bool,
        seconds: float = 600.0,
    ) -> None:
        self._database = database
        self._environment = environment
        self._required = required
        self._command = command
        self._trusted = trusted
        self._seconds = seconds

    async def __call__(self, git: Git) -> None:
        """Run the tests of what is staged unless they are known to have passed. Raises Refused where they did not."""
        if not self._required:
            return
        argv = self._argv()
        tree = await self._tree(git)
        passed, command = PassedTrees(await self._database()), shlex.join(argv)
        if await passed.holds(tree, command):
            return
        try:
            ended = await run(argv, Path(git.root), self._environment, Bounds(self._seconds))
        except SetupError as error:
            raise Refused(f"The tests that must pass before a commit could not be run: {error.sentence}") from None
        if ended.timed_out or ended.status != 0:
            how = "did not end in time" if ended.timed_out else f"failed (status {ended.status})"
            tail = ended.output.decode("utf-8", "replace").strip()[-_MOST_TOLD:]
            raise Refused(
                f"The tests {how}, so nothing is committed (POLICY_GIT_REQUIRE_TESTS). Mend them first:\n{tail}"
            )
        if await self._tree(git) != tree:
            raise Refused("What is staged changed while its tests ran; commit again.")
        await passed.add(tree, command)

    def _argv(self) -> list[str]:
        if not self._trusted:
            raise Refused(
                "Tests must pass before a commit, and in a workspace that is not trusted none are run; the user can trust "
                "it with SIDECAR_TRUSTED_FOLDERS."
            )
        try:
            argv = shlex.split(self._command or "")
        except ValueError:
            argv = []
        if not argv:
            raise Refused(
                "Tests must pass before a commit (POLICY_GIT_REQUIRE_TESTS), but no command is set for them: the user "
                "must set POLICY_GIT_TEST_COMMAND, for example to `pytest -q`."
            )
        return argv

    async def _tree(self, git: Git) -> str:
        """The tree of what is staged. Raises Refused while the working tree is something else: its tests say nothing of it."""
        others = await git.run("ls-files", "--others", "--exclude-standard", "-z")
        if others or await git.run("diff", "--name-only", "-z"):
            raise Refused(
                "The working tree differs from what is staged, so its tests say nothing about the commit: "
                "stage the rest, or put it aside (git_stash)."
            )
        try:
            return (await git.run("write-tree", mode="write")).decode("ascii").strip()
        except GitError as error:
            raise Refused(f"What is staged is no tree that could be tested: {error.sentence}") from None
