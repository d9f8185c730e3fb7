"""`sidecar hooks`: what it writes into Claude Code's settings and git's hooks, how the guard fails closed and the gate open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.settings import load
from tests.cli.processes import run
from tests.fakes.repository import Repository

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="hooks are shell commands here")


EDITS = "Edit|Write|MultiEdit|NotebookEdit"
ABSENT = dict.fromkeys(("local", "project", "user"), "absent")


def status(repo: Repository, env: dict[str, str]) -> dict:
    return json.loads(run(["hooks", "status", "--json"], env, repo.root).stdout)


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
        assert run(["hooks", "install", "--scope", scope, "--risk"], env, repo.root).returncode == 0
    now = json.loads(path.read_text())
    assert now["hooks"]["PreToolUse"][0] == other
    assert [entry["matcher"] for entry in now["hooks"]["PreToolUse"][1:]] == ["Bash", EDITS]
    ((after,),) = (entry["hooks"] for entry in now["hooks"]["PostToolUse"])
    assert after["async"] is True
    ((asking,),) = (entry["hooks"] for entry in now["hooks"]["PermissionRequest"])
    assert "async" not in asking
    assert path.stat().st_mode & 0o777 == 0o600
    told = status(repo, env)
    assert told["claude"][scope] is True
    assert told["guards"] == {name: {**ABSENT, scope: "installed"} for name in ("bash", "risk")}
    assert run(["hooks", "remove", "--scope", scope], env, repo.root).returncode == 0
    assert json.loads(path.read_text()) == before
    assert run(["hooks", "status"], env, repo.root).returncode == 1


def test_a_file_of_its_own_is_left_empty(repo: Repository, env: dict[str, str]) -> None:
    run(["hooks", "install"], env, repo.root)
    run(["hooks", "remove"], env, repo.root)
    assert settings(repo) == {}


def test_each_guard_comes_and_goes_by_itself(repo: Repository, env: dict[str, str]) -> None:
    done = run(["hooks", "install", "--risk", "--no-bash"], env, repo.root)
    assert "No edit stops yet: set SIDECAR_GATE_RISK" in done.stdout + done.stderr
    assert [guard["local"] for guard in status(repo, env)["guards"].values()] == ["absent", "installed"]
    run(["hooks", "install"], env, repo.root)
    assert [guard["local"] for guard in status(repo, env)["guards"].values()] == ["installed", "installed"]
    run(["hooks", "remove", "--no-bash"], env, repo.root)
    assert [guard["local"] for guard in status(repo, env)["guards"].values()] == ["installed", "absent"]
    assert "PostToolUse" not in settings(repo)["hooks"]
    refused = run(["hooks", "install", "--no-bash"], env, repo.root)
    assert (refused.returncode, "nothing to install" in refused.stderr) == (2, True)


def test_what_an_older_one_installed_is_outdated_until_it_is_installed_again(
    repo: Repository, env: dict[str, str]
) -> None:
    path = repo.path(".claude/settings.local.json")
    path.parent.mkdir()
    older = {"type": "command", "command": "/old/python -m sidecar hooks check || exit 2", "timeout": 600}
    path.write_text(json.dumps({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [older]}]}}))
    assert status(repo, env)["guards"]["bash"]["local"] == "outdated"
    assert "install it again" in run(["hooks", "status"], env, repo.root).stdout
    run(["hooks", "install"], env, repo.root)
    assert status(repo, env)["guards"]["bash"]["local"] == "installed"
    assert len(settings(repo)["hooks"]["PreToolUse"]) == 1


@pytest.mark.parametrize(
    ("user", "project", "local", "off"),
    [
        (None, None, None, ""),
        (True, None, None, "user"),
        (True, None, False, ""),
        (None, True, None, "project"),
        (False, False, True, "local"),
    ],
)
def test_hooks_that_are_switched_off_are_told(
    repo: Repository, env: dict[str, str], user: bool | None, project: bool | None, local: bool | None, off: str
) -> None:
    run(["hooks", "install"], env, repo.root)
    told = status(repo, env)
    assert (told["off"], told["level"]) == ("", "off")
    for scope, value in (("user", user), ("project", project), ("local", local)):
        if value is not None:
            path = Path(told["files"][scope])
            path.parent.mkdir(exist_ok=True)
            document = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({**document, "disableAllHooks": value}))
    assert status(repo, env)["off"] == (told["files"][off] if off else "")
    assert ("switched off" in run(["hooks", "status"], env, repo.root).stdout) is bool(off)


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
