"""The very commands that stand in Claude Code's settings, run by a shell as the CLI does: the guard fails closed, the gate open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import run
from tests.fakes.repository import Repository

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="hooks are shell commands here")


def settings(repo: Repository) -> dict:
    return json.loads(repo.path(".claude/settings.local.json").read_text())


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
@pytest.mark.parametrize("event", ["PreToolUse", "PermissionRequest", "PostToolUse"])
@pytest.mark.parametrize("python", ["", "/gone/python"])
def test_without_a_sidecar_edits_flow(repo: Repository, env: dict[str, str], event: str, python: str) -> None:
    """The very command that stands in Claude Code's settings, with the Python that it was installed with and without."""
    run(["hooks", "install", "--risk", "--no-bash"], env, repo.root)
    command = settings(repo)["hooks"][event][0]["hooks"][0]["command"]
    given = {"file_path": str(repo.path("a.py")), "content": "x"}
    body = {"hook_event_name": event, "tool_name": "Write", "tool_input": given, "cwd": str(repo.root)}
    for payload in (json.dumps(body), "not json"):
        done = subprocess.run(
            ["sh", "-c", command.replace(sys.executable, python or sys.executable)],
            env={**env, "CLAUDE_PROJECT_DIR": str(repo.root)},
            input=payload,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert done.stderr


@POSIX
def test_a_project_cannot_put_its_own_modules_into_a_hook(repo: Repository, env: dict[str, str]) -> None:
    repo.write({"sidecar/__init__.py": "open('ran', 'w')", "sidecar/__main__.py": "open('ran', 'w')", "typing.py": "x"})
    run(["hooks", "install", "--risk", "--workspace", str(repo.root)], env, repo.root.parent)
    for entry in settings(repo)["hooks"]["PreToolUse"]:
        command = entry["hooks"][0]["command"]
        subprocess.run(["sh", "-c", command], cwd=repo.root, env=env, input="{}", text=True, check=False, timeout=60)
    assert not repo.path("ran").exists()


@POSIX
def test_a_hook_whose_python_is_gone_blocks(repo: Repository, env: dict[str, str]) -> None:
    run(["hooks", "install"], env, repo.root)
    command = settings(repo)["hooks"]["PreToolUse"][0]["hooks"][0]["command"].replace(sys.executable, "/gone/python")
    done = subprocess.run(["sh", "-c", command], input="{}", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "/gone/python" in done.stderr
    assert run(["hooks", "check"], env, repo.root, stdin="not json").returncode == 2
