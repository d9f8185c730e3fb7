"""Git for the model, the half that acts: stage, commit, branch, checkout, stash, fetch, pull, push, merge, rebase.

Every act passes the rules first. They need a trusted workspace, since they run with the user's own hooks, signing and
filters, as people rely on them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from sidecar.core.errors import BadInput, Conflict, GitError, Refused
from sidecar.core.policy import GitAct
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.vcs import names
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import resolve, status

_NETWORK: Final = 120.0
_LONG: Final = 300.0
_TRIES: Final = 18
"""How often, a tenth of a second apart, another git may still be at work on the index."""


class Paths(Input):
    """Which files."""

    paths: list[str] = also("paths", "files", default=[], about="The files or folders.", max_length=500)
    path: str = also("path", "file", default="", about="One file or folder.")
    everything: bool = also("everything", "all", default=False, about="All that differs.")


class Commit(Input):
    """What the commit says."""

    message: str = also("message", about="The commit's message.", min_length=1, max_length=20_000)
    amend: bool = also(
        "amend", default=False, about="Replace the last commit (a rewrite: refused where it was pushed)."
    )


class Branch(Input):
    """What to do with branches."""

    action: Literal["list", "create", "delete"] = also("action", default="list", about="What to do.")
    name: str = also("name", "branch", default="", about="The branch, for create and delete.", max_length=250)
    start: str = also("start", "from", default="HEAD", about="Where a new branch begins.", max_length=250)
    force: bool = also("force", default=False, about="Delete it even though it is not merged.")


class Checkout(Input):
    """Where to go."""

    branch: str = also("branch", "name", about="The branch to switch to.", max_length=250)
    create: bool = also("create", default=False, about="Make it first.")
    start: str = also("start", "from", default="", about="Where a new branch begins; here when empty.", max_length=250)


class Stash(Input):
    """What to do with put-aside changes."""

    action: Literal["push", "pop", "apply", "list", "drop"] = also("action", default="push", about="What to do.")
    message: str = also("message", default="", about="A note for push.", max_length=500)
    include_untracked: bool = also("include_untracked", default=False, about="Put untracked files aside, too.")
    index: int = also("index", default=0, about="Which one, from 0, the newest.", ge=0, le=1_000)


class Remote(Input):
    """Which remote and branch."""

    remote: str = also(
        "remote", default="origin", about="A configured remote's name; addresses are not taken.", max_length=250
    )
    branch: str = also("branch", default="", about="The branch; the current one when empty.", max_length=250)


class Push(Remote):
    """What to push where."""

    force: bool = also("force", default=False, about="Replace what is there, as long as it is what was last fetched.")
    set_upstream: bool = also("set_upstream", default=False, about="Remember it as the branch's upstream.")


class Merge(Input):
    """What to bring in."""

    source: str = also("source", "branch", default="", about="The branch or commit to merge.", max_length=250)
    ff_only: bool = also("ff_only", default=False, about="Only where no merge commit is needed.")
    squash: bool = also("squash", default=False, about="Bring the change in without a commit.")
    no_commit: bool = also("no_commit", default=False, about="Stop before committing.")
    abort: bool = also("abort", default=False, about="Give up a merge that is under way.")


class Rebase(Input):
    """Where to put the branch's commits."""

    onto: str = also("onto", "branch", default="", about="The branch or commit to stand on.", max_length=250)
    autostash: bool = also("autostash", default=False, about="Put uncommitted changes aside meanwhile.")
    action: Literal["start", "continue", "abort", "skip"] = also(
        "action", default="start", about="How to go on with one."
    )


class GitWrites:
    """The part of the family *git* that acts."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("git_stage", "write", self.stage)
        yield define("git_unstage", "write", self.unstage)
        yield define("git_commit", "run", self.commit)
        yield define("git_branch", "write", self.branch)
        yield define("git_checkout", "run", self.checkout)
        yield define("git_stash", "write", self.stash)
        yield define("git_fetch", "send", self.fetch)
        yield define("git_pull", "send", self.pull)
        yield define("git_push", "send", self.push)
        yield define("git_merge", "run", self.merge)
        yield define("git_rebase", "run", self.rebase)

    async def stage(self, given: Paths, caller: Caller) -> ToolResult:
        """Stage files for the next commit; name them, or say `everything`."""
        git, paths = await self._some(given, "Staging")
        await self._run(git, "add", "--all", "--", *paths)
        return await self._standing(git)

    async def unstage(self, given: Paths, caller: Caller) -> ToolResult:
        """Take files out of the next commit; they keep their changes. Name them, or say `everything`."""
        git, paths = await self._some(given, "Unstaging")
        born = (await status(git)).head is not None
        await self._run(git, *(("restore", "--staged") if born else ("rm", "--cached", "-r", "--quiet")), "--", *paths)
        return await self._standing(git)

    async def commit(self, given: Commit, caller: Caller) -> ToolResult:
        """Commit what is staged. The user's policies on messages and tests hold; hooks and signing run as they do by hand."""
        git = await self._allowed("Committing", GitAct("commit", message=given.message))
        if given.amend:
            await self._may(git, GitAct("rewrite"))
            now = await status(git)
            if now.upstream and now.ahead == 0:
                raise Refused("The last commit was pushed already, so it is not amended; make a new commit.")
        elif not await self._staged(git):
            raise BadInput("Nothing is staged, so there is nothing to commit; stage files first (git_stage).")
        await self._bench.gate(git)
        more = ["--amend"] if given.amend else []
        await self._run(git, "commit", "--quiet", *more, "-F", "-", stdin=given.message.encode(), seconds=_LONG)
        told = await git.run("log", "-1", "--format=%h %s", "--shortstat")
        return ToolResult(text="Committed " + told.decode("utf-8", "replace").strip())

    async def branch(self, given: Branch, caller: Caller) -> ToolResult:
        """List branches, make one (without switching to it), or delete a merged one."""
        git = await self._bench.git()
        if given.action == "list":
            fields = "%(HEAD) %(refname:short) %(objectname:short) %(upstream:short) %(subject)"
            said = await git.run(
                "for-each-ref", "--sort=-committerdate", f"--format={fields}", "refs/heads", "refs/remotes"
            )
            return ToolResult(text=said.decode("utf-8", "replace").rstrip() or "There is no branch yet.")
        name = await names.branch(git, given.name)
        if given.action == "create":
            git = await self._allowed("Making a branch", None)
            await self._run(git, "branch", name, await resolve(git, given.start))
            return ToolResult(text=f"Made the branch {name}; git_checkout switches to it.")
        git = await self._allowed("Deleting a branch", GitAct("delete", force=given.force, targets=(name,)))
        await self._run(git, "branch", "-D" if given.force else "-d", "--", name)
        return ToolResult(text=f"Deleted the branch {name}.")

    async def checkout(self, given: Checkout, caller: Caller) -> ToolResult:
        """Switch to a branch, or make one and switch. Uncommitted changes are carried along, or the switch is refused."""
        git = await self._allowed("Switching branches", None)
        name = await names.branch(git, given.branch)
        start = [await resolve(git, given.start)] if given.start else []
        if start and not given.create:
            raise BadInput("`start` is for a branch that is made: say create=true.")
        await self._run(
            git, "switch", "--quiet", *(["-c", name, *start] if given.create else ["--", name]), seconds=_LONG
        )
        return await self._standing(git)

    async def stash(self, given: Stash, caller: Caller) -> ToolResult:
        """Put uncommitted changes aside (push), bring them back (pop, apply), list or drop what was put aside."""
        git = await self._bench.git()
        if given.action == "list":
            said = await git.run("stash", "list")
            return ToolResult(text=said.decode("utf-8", "replace").rstrip() or "Nothing was put aside.")
        drops = GitAct("discard", force=True) if given.action == "drop" else None
        git = await self._allowed("Putting changes aside", drops)
        if given.action == "push":
            note = [f"--message={given.message}"] if given.message else []
            untracked = ["--include-untracked"] if given.include_untracked else []
            argv = ["push", *untracked, *note]
        else:
            argv = [given.action, f"stash@{{{given.index}}}"]
        await self._run(git, "stash", *argv)
        return await self._standing(git)

    async def fetch(self, given: Remote, caller: Caller) -> ToolResult:
        """Get what a configured remote has; nothing of the working tree changes."""
        git = await self._allowed("Fetching", None)
        name = await names.remote(git, given.remote)
        branch = [await names.branch(git, given.branch)] if given.branch else []
        await self._run(git, "fetch", "--quiet", "--no-recurse-submodules", "--", name, *branch, seconds=_NETWORK)
        return await self._standing(git)

    async def pull(self, given: Remote, caller: Caller) -> ToolResult:
        """Bring in what the upstream branch has, where no merge is needed; otherwise fetch and merge or rebase."""
        git = await self._allowed("Pulling", GitAct("pull"))
        name = await names.remote(git, given.remote)
        now = await status(git)
        upstream = now.upstream.removeprefix(f"{name}/") if now.upstream.startswith(f"{name}/") else now.branch
        branch = await names.branch(git, given.branch or upstream)
        await self._run(git, "pull", "--ff-only", "--no-recurse-submodules", "--", name, branch, seconds=_NETWORK)
        return await self._standing(git)

    async def push(self, given: Push, caller: Caller) -> ToolResult:
        """Push a branch to a configured remote, where the user allowed that. `force` replaces only what was last fetched."""
        git = await self._bench.git()
        branch = await names.branch(git, given.branch or await names.current(git) or "HEAD")
        git = await self._allowed("Pushing", GitAct("push", force=given.force, targets=(branch,)))
        name = await names.remote(git, given.remote)
        more = ["--force-with-lease", "--force-if-includes"] if given.force else []
        more += ["--set-upstream"] if given.set_upstream else []
        refs = f"refs/heads/{branch}:refs/heads/{branch}"
        await self._run(git, "push", "--quiet", "--no-follow-tags", *more, "--", name, refs, seconds=_NETWORK)
        return ToolResult(text=f"Pushed {branch} to {name}.")

    async def merge(self, given: Merge, caller: Caller) -> ToolResult:
        """Merge a branch or commit into the current branch. Conflicts are told and left to be resolved or aborted.

        Where tests must pass before a commit, they run on the result; when they fail the merge is taken back.
        """
        makes = not (given.abort or given.squash or given.no_commit)
        git = await self._allowed("Merging", GitAct("merge") if makes else None)
        if given.abort:
            await self._run(git, "merge", "--abort")
            return await self._standing(git)
        own = await resolve(git, given.source)
        if makes and not given.ff_only and self._bench.rules.require_tests:
            return await self._tested_merge(git, own)
        kinds = (("--ff-only", given.ff_only), ("--squash", given.squash), ("--no-commit", given.no_commit))
        await self._run(git, "merge", "--no-edit", *(name for name, wanted in kinds if wanted), own, seconds=_LONG)
        return await self._standing(git)

    async def rebase(self, given: Rebase, caller: Caller) -> ToolResult:
        """Put the current branch's commits onto another, without asking anything. A protected branch is not rewritten.

        Where tests must pass before a commit, they run on the result; when they fail the rebase is taken back.
        """
        act = None if given.action == "abort" else GitAct("rewrite")
        git = await self._allowed("Rebasing", act)
        before = await self._tip(git)
        if given.action == "start":
            await self._need_clean(git)
            stash = ["--autostash"] if given.autostash else []
            await self._run(git, "rebase", *stash, await resolve(git, given.onto), seconds=_LONG)
        else:
            await self._run(git, "rebase", f"--{given.action}", seconds=_LONG)
        if given.action != "abort":
            await self._test_rebased(git, before)
        return await self._standing(git)

    # ── tests before commits that git makes by itself ───────────────────────────────────────────────
    async def _need_clean(self, git: Git) -> None:
        """Where tests must pass, what they test is what will be committed. Raises Refused."""
        now = await status(git)
        if self._bench.rules.require_tests and (now.staged or now.unstaged or now.untracked):
            raise Refused(
                "Tests must pass before a commit (POLICY_GIT_REQUIRE_TESTS), and uncommitted changes would be tested with it: "
                "commit them, or put them aside (git_stash with include_untracked) and bring them back afterwards."
            )

    async def _tested_merge(self, git: Git, source: str) -> ToolResult:
        """Merge without committing, test, then commit, or take it back. A fast-forward makes no commit."""
        await self._need_clean(git)
        ahead = await git.run("rev-list", "--count", f"{source}..HEAD")
        if not int(ahead):
            await self._run(git, "merge", "--ff-only", source, seconds=_LONG)
            return await self._standing(git)
        await self._run(git, "merge", "--no-ff", "--no-commit", source, seconds=_LONG)
        if (await status(git)).doing != "merge":  # it was there already
            return await self._standing(git)
        try:
            await self._bench.gate(git)
        except BaseException:
            await self._run(git, "merge", "--abort")
            raise
        await self._run(git, "commit", "--quiet", "--no-edit", seconds=_LONG)
        return await self._standing(git)

    async def _tip(self, git: Git) -> str:
        """The branch's commit, as it was before a rebase that is under way; empty where that cannot be told."""
        for folder in ("rebase-merge", "rebase-apply"):
            with contextlib.suppress(OSError):
                return (await asyncio.to_thread((git.git_dir / folder / "orig-head").read_text, "ascii")).strip()
        return await self._head(git)

    async def _head(self, git: Git) -> str:
        return (await git.run("rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1, 128))).decode("ascii").strip()

    async def _test_rebased(self, git: Git, before: str) -> None:
        """Take a finished rebase back to `before` unless the tests of its result pass. Raises Refused."""
        made = before and await self._head(git) != before
        if not made or not self._bench.rules.require_tests or (await status(git)).doing:
            return
        try:
            await self._bench.gate(git)
        except BaseException as error:
            await self._run(git, "reset", "--quiet", "--keep", before)
            if isinstance(error, Refused):
                raise Refused(f"The rebase was taken back: {error.sentence}") from None
            raise

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    async def _allowed(self, what: str, act: GitAct | None) -> Git:
        """The repository, once trust and rules say yes. Raises Refused."""
        git = await self._bench.git()
        if act is not None:
            await self._may(git, act)
        self._bench.need_trust(what)
        return git

    async def _may(self, git: Git, act: GitAct) -> None:
        if told := self._bench.rules.refusal(act, await names.current(git)):
            raise Refused(told)

    async def _some(self, given: Paths, what: str) -> tuple[Git, list[str]]:
        git = await self._allowed(what, None)
        _, prefix = await self._bench.inside()
        asked = [*given.paths, *([given.path] if given.path else [])]
        if not asked and not given.everything:
            raise BadInput("Name the files (`paths`), or say everything=true.")
        places = [self._bench.fence.place(path) for path in asked]
        return git, [(prefix + place.name).removesuffix("/.") for place in places] or [prefix or "."]

    async def _staged(self, git: Git) -> bool:
        now = await status(git)
        return bool(now.staged) or now.doing == "merge"

    async def _run(self, git: Git, *argv: str, seconds: float = 60.0, stdin: bytes | None = None) -> None:
        """One act with the user's own set-up. What git says against it becomes the error's sentence."""
        for left in range(_TRIES, -1, -1):
            try:
                await git.run(*argv, mode="free", timeout=seconds, stdin=stdin)
            except GitError as error:
                held = "index.lock': File exists" in error.sentence
                if (
                    held and left and argv[0] not in {"rebase", "pull"}
                ):  # these may have begun; the others take it first
                    await asyncio.sleep(0.1)
                    continue
                now = await status(git)
                if now.conflicted:
                    files = ", ".join(now.conflicted[:20])
                    raise Conflict(
                        f"There are conflicts in {files}. Resolve and stage them, or abort the {now.doing}."
                    ) from None
                told = error.sentence.removeprefix("git could not answer: ").rstrip(".")
                why = "another git is at work here (index.lock); try again when it has ended" if held else told
                raise Conflict(f"git {argv[0]} was not done: {why}.") from None
            else:
                return

    async def _standing(self, git: Git) -> ToolResult:
        now = await status(git)
        counts: Sequence[tuple[str, int]] = [
            (kind, len(getattr(now, kind))) for kind in ("staged", "unstaged", "untracked", "conflicted")
        ]
        told = ", ".join(f"{count} {kind}" for kind, count in counts if count) or "clean"
        where = f"branch {now.branch}" if now.branch else "a detached HEAD"
        return ToolResult(value={"branch": now.branch, **dict(counts)}, text=f"Done. On {where}: {told}.")
