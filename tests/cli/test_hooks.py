"""`sidecar hooks`: what it writes into Claude Code's settings and git's hooks, and how its answers fail closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.settings import load
from tests.cli.processes import environment, run
from tests.fakes.repository import Repository

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="hooks are shell commands here")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "project", {"a.py": "x\n"})


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "state", CLAUDE_CONFIG_DIR=str(tmp_path / "claude"))


def settings(repo: Repository, name: str = "settings.local.json") -> dict:
    return json.loads(repo.path(f".claude/{name}").read_text())


@pytest.mark.parametrize("scope", ["local", "project", "user"])
def test_installing_and_removing_touch_nothing_else(
    repo: Repository, env: dict[str, str], tmp_path: Path, scope: str
) -> None:
    folder = tmp_path / "claude" if scope == "user" else repo.path(".claude")
    path = folder / ("settings.local.json" if scope == "local" else "settings.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    other = {"matcher": "Edit", "hooks": [{"type": "command", "command": "lint"}]}
    before = {"model": "opus", "hooks": {"Stop": [], "PreToolUse": [other]}, "permissions": {"allow": ["Bash(ls:*)"]}}
    path.write_text(json.dumps(before))
    path.chmod(0o600)
    for _ in range(2):
        assert run(["hooks", "install", "--scope", scope], env, repo.root).returncode == 0
    now = json.loads(path.read_text())
    assert now["hooks"]["PreToolUse"][0] == other
    assert len(now["hooks"]["PreToolUse"]) == 2
    assert now["hooks"]["PreToolUse"][1]["matcher"] == "Bash"
    assert path.stat().st_mode & 0o777 == 0o600
    told = json.loads(run(["hooks", "status", "--json"], env, repo.root).stdout)
    assert told["claude"][scope] is True
    assert run(["hooks", "remove", "--scope", scope], env, repo.root).returncode == 0
    assert json.loads(path.read_text()) == before
    assert run(["hooks", "status"], env, repo.root).returncode == 1


def test_a_file_of_its_own_is_left_empty(repo: Repository, env: dict[str, str]) -> None:
    run(["hooks", "install"], env, repo.root)
    run(["hooks", "remove"], env, repo.root)
    assert settings(repo) == {}


@pytest.mark.parametrize("content", ["{not json", "[1]", '{"hooks": 3}', '{"hooks": {"PreToolUse": {}}}'])
def test_settings_that_cannot_be_read_are_left_alone(repo: Repository, env: dict[str, str], content: str) -> None:
    path = repo.path(".claude/settings.local.json")
    path.parent.mkdir()
    path.write_text(content)
    done = run(["hooks", "install"], env, repo.root)
    assert done.returncode == 2
    assert "left alone" in done.stderr
    assert path.read_text() == content
    assert run(["hooks", "install", "--scope", "nowhere"], env, repo.root).returncode == 2


def payload(command: str, cwd: Path) -> str:
    body = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(cwd)}
    return json.dumps(body)


@POSIX
@pytest.mark.parametrize(
    ("command", "status"),
    [("ls -la", 0), ("git status", 0), ("git push", 2), ("sh -c 'git push'", 2), ("git p", 2), ("git commit -m x", 2)],
)
def test_without_a_sidecar_the_guard_stays_shut(
    repo: Repository, env: dict[str, str], command: str, status: int
) -> None:
    """The very command that stands in Claude Code's settings, run by a shell as the CLI does."""
    repo.git("config", "alias.p", "push")
    run(["hooks", "install"], env, repo.root)
    (entry,) = settings(repo)["hooks"]["PreToolUse"]
    done = subprocess.run(
        ["sh", "-c", entry["hooks"][0]["command"]],
        env={**env, "CLAUDE_PROJECT_DIR": str(repo.root)},
        input=payload(command, repo.root),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    if status:
        assert "no sidecar runs" in done.stderr
        assert "sidecar serve" in done.stderr


@POSIX
def test_a_hook_whose_python_is_gone_blocks(repo: Repository, env: dict[str, str]) -> None:
    run(["hooks", "install"], env, repo.root)
    command = settings(repo)["hooks"]["PreToolUse"][0]["hooks"][0]["command"].replace(sys.executable, "/gone/python")
    done = subprocess.run(["sh", "-c", command], input="{}", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "/gone/python" in done.stderr
    assert run(["hooks", "check"], env, repo.root, stdin="not json").returncode == 2


@POSIX
def test_git_asks_before_it_pushes(repo: Repository, env: dict[str, str], tmp_path: Path) -> None:
    far = Repository.create(tmp_path / "far.git", bare=True)
    repo.git("remote", "add", "origin", str(far.root))
    told = run(["hooks", "install", "--git", "--json"], env, repo.root)
    hook = repo.path(".git/hooks/pre-push")
    assert json.loads(told.stdout) == {"claude": str(repo.path(".claude/settings.local.json")), "pre_push": str(hook)}
    script = tmp_path / "publish.sh"
    script.write_text('cd "$1" && git push origin main\n')

    def push(**more: str) -> subprocess.CompletedProcess[str]:
        given = {**env, "GIT_CONFIG_GLOBAL": os.devnull, **more}
        return subprocess.run(
            ["sh", str(script), str(repo.root)], env=given, capture_output=True, text=True, timeout=60, check=False
        )

    refused = push()
    assert refused.returncode != 0
    assert "POLICY_GIT_ALLOW_PUSH" in refused.stderr
    assert far.git("for-each-ref") == ""
    allowed = push(POLICY_GIT_ALLOW_PUSH="true")
    assert allowed.returncode == 0, allowed.stderr
    assert far.git("rev-parse", "main") == repo.head
    removed = run(["hooks", "remove", "--git", "--json"], env, repo.root)
    assert json.loads(removed.stdout)["pre_push"] == str(hook)
    assert not hook.exists()


@POSIX
def test_another_pre_push_hook_is_left_alone(repo: Repository, env: dict[str, str]) -> None:
    hook = repo.path(".git/hooks/pre-push")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    done = run(["hooks", "install", "--git"], env, repo.root)
    assert done.returncode == 2
    assert "add this line" in done.stderr
    run(["hooks", "remove", "--git"], env, repo.root)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    assert load({"server.workspace": str(repo.root)}, {}, None).git.allow_push is False
