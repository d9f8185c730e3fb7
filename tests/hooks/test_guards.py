"""The guards on roads that are not ours, over a real repository."""

import os
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.policy import GitRules
from sidecar.hooks.guards import PRE_PUSH, GitGuard
from sidecar.store.database import Database
from sidecar.tools.gate import TestGate
from tests.fakes.repository import Repository


@pytest.fixture
def ask(repo: Repository, database: Database):
    async def opened() -> Database:
        return database

    async def run(command: Any, *, test_command: str | None = None, cwd: Path | None = None, **rules: Any) -> str:
        required = bool(rules.get("require_tests"))
        gate = TestGate(opened, dict(os.environ), required=required, command=test_command, trusted=True)
        guard = GitGuard(repo.root, GitRules(**rules), gate)
        payload = {
            "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command},
            "cwd": str(cwd or repo.root),
        }  # fmt: skip
        answer = await guard.judge(payload)
        if not answer:
            return ""
        assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"
        return str(answer["hookSpecificOutput"]["permissionDecisionReason"])

    return run


async def test_commands_are_judged_by_the_rules(ask, repo: Repository, tmp_path: Path) -> None:
    assert "POLICY_GIT_ALLOW_PUSH" in await ask("sh -c 'git push'")
    assert await ask("git push", allow_push=True) == ""
    assert await ask("git status && ls") == ""
    assert await ask(None) == ""
    repo.git("config", "alias.p", "push")
    assert "POLICY_GIT_ALLOW_PUSH" in await ask("git p origin")
    assert "protected" in await ask("git reset --hard HEAD~1", allow_force=True, protected=("main",))
    repo.git("switch", "-q", "-c", "topic")
    assert await ask("git reset --hard HEAD", allow_force=True, protected=("main",)) == ""
    assert "POLICY_GIT_ALLOW_PUSH" in await ask("git push", cwd=tmp_path)
    assert "POLICY_GIT_ALLOW_PUSH" in await ask("git push", cwd=tmp_path / "gone")


async def test_a_commit_waits_for_its_tests(ask, repo: Repository) -> None:
    repo.stage({"a.py": "x"})
    rules = {"require_tests": True, "test_command": "true"}
    for loose in ("git commit -am x", "git add . && git commit -m x", "git commit -m x a.py", "git commit --amend"):
        assert "alone" in await ask(loose, **rules)
    assert await ask("git commit -m x", **rules) == ""
    assert "failed" in await ask("git commit -m x", require_tests=True, test_command="false")
    assert "POLICY_GIT_TEST_COMMAND" in await ask("git commit -m x", require_tests=True)
    assert await ask("git commit -am x") == ""


@pytest.mark.parametrize(
    ("command", "mend"),
    [
        ("git merge topic", "--no-commit --no-ff"),
        ("git merge --continue", "run `git commit` alone"),
        ("git cherry-pick abc", "git cherry-pick -n"),
        ("git revert HEAD", "git revert -n"),
        ("git am fix.patch", "git apply"),
        ("git pull", "--ff-only"),
        ("git pull --rebase", "--ff-only"),
        ("git rebase main", "git_rebase"),
        ("sh -c 'git m topic'", "--no-commit --no-ff"),
        ("python -c 'import os; os.system(\"git merge x\")'", "--no-commit --no-ff"),
    ],
)
async def test_commits_that_git_makes_by_itself_wait_for_tests_too(
    ask, repo: Repository, command: str, mend: str
) -> None:
    repo.git("config", "alias.m", "merge")
    told = await ask(command, require_tests=True, test_command="true")
    assert "POLICY_GIT_REQUIRE_TESTS" in told
    assert mend in told
    assert await ask(command) == ""


@pytest.mark.parametrize(
    "command",
    ["git merge --no-commit --no-ff topic", "git merge --ff-only topic", "git cherry-pick -n abc", "git pull --ff-only",
     "git rebase --abort", "git stash", "git merge --abort", "git fetch", "git apply fix.patch"],
)  # fmt: skip
async def test_what_makes_no_commit_needs_no_tests(ask, command: str) -> None:
    assert await ask(command, require_tests=True, test_command="false") == ""


async def test_a_merge_that_stops_before_it_commits_is_concluded_by_a_tested_commit(ask, repo: Repository) -> None:
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("Theirs", {"theirs.txt": "x"})
    repo.git("switch", "-q", "main")
    repo.commit("Ours", {"ours.txt": "x"})
    repo.git("merge", "--quiet", "--no-commit", "--no-ff", "topic")
    assert "failed" in await ask("git commit --no-edit", require_tests=True, test_command="false")
    assert await ask("git commit --no-edit", require_tests=True, test_command="true") == ""


async def test_other_events_are_let_through(repo: Repository) -> None:
    guard = GitGuard(repo.root, GitRules(), None)  # type: ignore[arg-type]
    for payload in ({}, {"hook_event_name": "Stop"}, {"hook_event_name": "PreToolUse", "tool_input": "x"}):
        assert await guard.judge(payload) == {}


async def test_what_git_is_about_to_push(repo: Repository) -> None:
    old = repo.head
    new = repo.commit("More", {"a.py": "x"})
    zero = "0" * 40

    async def told(rules: GitRules, refs: str) -> str:
        answer = await GitGuard(repo.root, rules, None).judge(  # type: ignore[arg-type]
            {"hook_event_name": PRE_PUSH, "refs": refs, "cwd": str(repo.root)}
        )
        return answer["hookSpecificOutput"]["permissionDecisionReason"] if answer else ""

    on = f"refs/heads/main {new} refs/heads/main {old}\n"
    assert "POLICY_GIT_ALLOW_PUSH" in await told(GitRules(), on)
    assert "POLICY_GIT_ALLOW_PUSH" in await told(GitRules(), "")
    allowed = GitRules(allow_push=True)
    assert await told(allowed, on) == ""
    assert await told(allowed, f"refs/heads/x {new} refs/heads/x {zero}\n") == ""
    back = f"refs/heads/main {old} refs/heads/main {new}\n"
    assert "POLICY_GIT_ALLOW_FORCE" in await told(allowed, back)
    assert "POLICY_GIT_ALLOW_FORCE" in await told(allowed, f"(delete) {zero} refs/heads/main {old}\n")
    assert "POLICY_GIT_ALLOW_FORCE" in await told(allowed, f"refs/heads/main {new} refs/heads/main {'1' * 40}\n")
    assert "POLICY_GIT_ALLOW_FORCE" in await told(allowed, "nonsense\n")
    assert "protected" in await told(GitRules(allow_push=True, protected=("main",)), on)
