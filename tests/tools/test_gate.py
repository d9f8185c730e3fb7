"""Tests before a commit: shut when anything is missing, run once a tree, remembered."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.policy import GitRules
from sidecar.store.database import Database
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.gate import TestGate
from sidecar.tools.gitwrites import GitWrites
from tests.fakes.repository import Repository
from tests.tools.conftest import Call


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    return tmp_path / "count"


def command(counter: Path, status: int = 0) -> str:
    return f"{sys.executable} -c \"open(r'{counter}', 'a').write('x'); print('1 failed'); exit({status})\""


@pytest.fixture
def gated(box: WorkspaceToolBox, bench: Bench, database: Database):
    def make(text: str | None, *, trusted: bool = True, seconds: float = 30) -> None:
        async def opened() -> Database:
            return database

        gate = TestGate(opened, dict(os.environ), required=True, command=text, trusted=trusted, seconds=seconds)
        box.put("git", GitWrites(replace(bench, rules=GitRules(require_tests=True), gate=gate)).tools())

    return make


async def test_they_run_once_for_a_tree(gated, call: Call, repo: Repository, counter: Path) -> None:
    gated(command(counter))
    repo.stage({"a.py": "x"})
    assert not (await call("git_commit", message="one")).error
    repo.git("reset", "--quiet", "--soft", "HEAD~1")
    assert not (await call("git_commit", message="again, the same tree")).error
    assert counter.read_text() == "x"
    repo.stage({"a.py": "y"})
    assert not (await call("git_commit", message="another")).error
    assert counter.read_text() == "xx"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "POLICY_GIT_TEST_COMMAND"),
        ("", "POLICY_GIT_TEST_COMMAND"),
        ("'open quote", "POLICY_GIT_TEST_COMMAND"),
        ("no-such-command --at all", "could not be started"),
    ],
)
async def test_what_is_missing_keeps_it_shut(gated, call: Call, repo: Repository, text: str | None, said: str) -> None:
    gated(text)
    repo.stage({"a.py": "x"})
    head = repo.head
    assert said in (await call("git_commit", message="x")).text
    assert repo.head == head


async def test_failing_tests_keep_it_shut(gated, call: Call, repo: Repository, counter: Path) -> None:
    gated(command(counter, 3))
    repo.stage({"a.py": "x"})
    told = await call("workspace_git_commit", message="x")
    assert told.error
    assert "status 3" in told.text
    assert "1 failed" in told.text
    assert repo.git("rev-list", "--count", "HEAD") == "1"


async def test_tests_of_something_else_do_not_count(gated, call: Call, repo: Repository, counter: Path) -> None:
    gated(command(counter))
    repo.stage({"a.py": "x"})
    repo.write({"a.py": "y"})
    assert "differs from what is staged" in (await call("git_commit", message="x")).text
    repo.write({"a.py": "x", "helper.py": "untracked"})
    assert "differs from what is staged" in (await call("git_commit", message="x")).text
    assert not counter.exists()


async def test_none_are_run_without_trust(gated, call: Call, repo: Repository, counter: Path) -> None:
    gated(command(counter), trusted=False)
    repo.stage({"a.py": "x"})
    assert "not trusted" in (await call("git_commit", message="x")).text
    assert not counter.exists()
