"""Commands for the model: only when they are on, only where there is trust, under the same rules for git."""

import os
from dataclasses import replace

import pytest

from sidecar.core.policy import GitRules
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.commands import CommandTools
from tests.fakes.repository import Repository
from tests.tools.conftest import Call


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench) -> None:
    box.put("command", CommandTools(replace(bench, commands=True, environment={"PATH": os.environ["PATH"]})).tools())


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("shell", {"command": "echo a; echo b >&2; exit 3"}, "a\nb\n\n[ended with status 3]"),
        ("command_run", {"command": ["echo", "$HOME"], "args": ["x"]}, "$HOME x\n\n[ended with status 0]"),
        ("shell", {"command": "echo", "args": ["a b", ";ls"]}, "a b ;ls\n\n[ended with status 0]"),
        ("python_exec", {"script": "import sys; print(1 + 1, sys.argv[1:])", "args": ["x"]}, "2 ['x']\n\n[ended with status 0]"),
        ("shell", {"command": "basename $PWD; echo $V", "cwd": "src", "env": {"V": "v"}}, "src\nv\n\n[ended with status 0]"),
    ],
)  # fmt: skip
async def test_commands_run_in_the_workspace(call: Call, name: str, arguments: dict[str, object], text: str) -> None:
    assert (await call(name, **arguments)).text == text


@pytest.mark.parametrize(
    "arguments",
    [{}, {"command": "x", "code": "y"}, {"command": "ls", "cwd": "../"}, {"command": "no-such-program-here", "timeout_ms": 0},
     {"command": "ls", "sandbox": "always"}, {"command": ["no-such-program-here"]}],
)  # fmt: skip
async def test_wrong_wishes(call: Call, arguments: dict[str, object]) -> None:
    assert (await call("command_run", **arguments)).error


@pytest.mark.parametrize(
    "arguments", [{"command": "git push"}, {"command": ["git", "push"]}, {"code": "import os; os.system('git push')"}]
)
async def test_the_rules_for_git_hold(call: Call, arguments: dict[str, object]) -> None:
    assert "POLICY_GIT_ALLOW_PUSH" in (await call("shell", **arguments)).text


async def test_a_command_that_hangs_is_ended(call: Call) -> None:
    told = await call("shell", command="echo begun; sleep 600", timeout_ms=500)
    assert told.error
    assert told.text == "begun\n\n[timed out after 0.5 s]"


async def test_off_without_a_word_and_without_trust(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository
) -> None:
    box.put("command", CommandTools(bench).tools())
    assert "switched off" in (await call("shell", command="touch canary")).text
    box.put("command", CommandTools(replace(bench, commands=True, trusted=False, rules=GitRules())).tools())
    assert "SIDECAR_TRUSTED_FOLDERS" in (await call("shell", command="touch canary")).text
    assert not repo.path("canary").exists()
