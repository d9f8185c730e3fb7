"""The guards on roads that are not ours: the CLI's own Bash, asked about by its hook, and git's `pre-push`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.core.errors import NotARepository, SidecarError
from sidecar.core.policy import GitAct, GitRules
from sidecar.core.shell import git_acts, is_single
from sidecar.trace import get_logger
from sidecar.vcs import names
from sidecar.vcs.runner import Git

log = get_logger("tools")

PRE_PUSH = "GitPrePush"
"""The event's name for what git's `pre-push` hook asks; Claude Code has none of its own for that."""

_STAGE_FIRST = (
    "Tests must pass before a commit (POLICY_GIT_REQUIRE_TESTS), so it must be seen what is committed: stage it first "
    "in a command of its own, then run `git commit -m …` alone, without -a, --amend or paths."
)


class GitGuard:
    """Implements `core.ports.HookJudge` by the rules of git. What cannot be judged is denied."""

    def __init__(self, workspace: Path, rules: GitRules, gate: Callable[[Git], Awaitable[None]]) -> None:
        self._workspace = workspace
        self._rules = rules
        self._gate = gate

    async def judge(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Deny what the rules refuse: of a command line (`PreToolUse` of Bash), or of the refs that are being pushed."""
        event = payload.get("hook_event_name")
        try:
            if event == PRE_PUSH:
                why = await self._pushing(payload)
            elif event == "PreToolUse" and isinstance(payload.get("tool_input"), Mapping):
                why = await self._running(payload)
            else:
                return {}
        except SidecarError as error:
            why = error.sentence
        if not why:
            return {}
        log.info("hook_denied", hook=str(event), tool=str(payload.get("tool_name"))[:40])
        told = {"permissionDecision": "deny", "permissionDecisionReason": why}
        return {"hookSpecificOutput": {"hookEventName": str(event), **told}}

    async def _running(self, payload: Mapping[str, Any]) -> str:
        command = payload["tool_input"].get("command")
        if not isinstance(command, str):
            return ""
        git = await self._repository(payload)
        acts = await asyncio.to_thread(git_acts, command, await names.aliases(git) if git is not None else {})
        branch = await names.current(git) if git is not None else ""
        for act in acts:
            if told := self._rules.refusal(act, branch):
                return told
        commits = [act for act in acts if act.verb == "commit"]
        if not commits or not self._rules.require_tests or git is None:
            return ""
        if len(commits) > 1 or not commits[0].whole or not is_single(command):
            return _STAGE_FIRST
        await self._gate(git)
        return ""

    async def _pushing(self, payload: Mapping[str, Any]) -> str:
        """What the lines say that git gives to `pre-push`: local ref and id, remote ref and id."""
        git = await self._repository(payload)
        for line in str(payload.get("refs") or "").splitlines():
            act = await _push_of(git, line.split())
            if told := self._rules.refusal(act):
                return told
        return "" if str(payload.get("refs") or "").strip() else self._rules.refusal(GitAct("push"))

    async def _repository(self, payload: Mapping[str, Any]) -> Git | None:
        folder = Path(str(payload.get("cwd") or self._workspace))
        try:
            return await Git.open(folder if await asyncio.to_thread(folder.is_dir) else self._workspace)
        except NotARepository:
            return None


async def _push_of(git: Git | None, words: Sequence[str]) -> GitAct:
    """One ref that is pushed: forced where it is deleted, or does not hold what is there."""
    if len(words) != 4:
        return GitAct("push", force=True)
    _, own, target, there = words
    if not own.strip("0"):
        return GitAct("push", force=True, targets=(target,))
    if not there.strip("0") or git is None:
        return GitAct("push", targets=(target,))
    try:
        base = await git.run("merge-base", own, there, ok=(0, 1))
    except SidecarError:  # what is there was never fetched: nobody can tell that nothing of it is lost
        base = b""
    return GitAct("push", force=base.decode("ascii").strip() != there, targets=(target,))
