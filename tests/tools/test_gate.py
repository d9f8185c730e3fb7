"""Tests before a commit: shut when anything is missing, run once a tree, remembered."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.policy import GitRules
from sidecar.store.database import Database
from sidecar.tools.aliases import ALIASES
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


@pytest.fixture
def forked(repo: Repository) -> Repository:
    """On main, with a branch `topic` that has gone another way, and one that only goes on."""
    repo.git("branch", "ahead")
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("Theirs", {"theirs.txt": "x"})
    repo.git("switch", "-q", "main")
    repo.commit("Ours", {"ours.txt": "x"})
    repo.git("branch", "-f", "ahead", "main")
    repo.git("switch", "-q", "ahead")
    repo.commit("Further", {"further.txt": "x"})
    repo.git("switch", "-q", "main")
    return repo


async def test_a_merge_is_committed_once_its_tests_passed(call: Call, gated, forked: Repository, counter: Path) -> None:
    gated(command(counter))
    assert not (await call("git_merge", source="topic")).error
    assert forked.git("log", "-1", "--format=%s %P").startswith("Merge")
    assert counter.read_text() == "x"
    assert "clean" in (await call("git_merge", source="topic")).text  # it was there already: nothing to test
    assert counter.read_text() == "x"


async def test_a_merge_whose_tests_fail_is_taken_back(call: Call, gated, forked: Repository, counter: Path) -> None:
    before = forked.head
    gated(command(counter, 1))
    for alias in [name for name, meant in ALIASES.items() if meant == "git_merge"]:
        assert "nothing is committed" in (await call(alias, source="topic")).text
    told = await call("git_merge", source="topic")
    assert told.error
    assert "nothing is committed" in told.text
    assert forked.head == before
    assert forked.git("status", "--porcelain") == ""
    assert not (await call("git_merge", source="ahead")).error  # a fast-forward makes no commit
    assert forked.head == forked.git("rev-parse", "ahead")
    forked.write({"a.py": "other\n"})
    assert "put them aside" in (await call("git_merge", source="topic")).text


async def test_a_rebase_whose_tests_fail_is_taken_back(call: Call, gated, forked: Repository, counter: Path) -> None:
    before = forked.head
    gated(command(counter, 1))
    told = await call("git_rebase", onto="topic")
    assert "The rebase was taken back: The tests failed" in told.text
    assert (forked.head, forked.git("rev-parse", "--abbrev-ref", "HEAD")) == (before, "main")
    assert forked.git("status", "--porcelain") == ""
    gated(command(counter))
    assert not (await call("git_rebase", onto="topic")).error
    assert forked.git("rev-parse", "HEAD~1") == forked.git("rev-parse", "topic")
    assert counter.read_text() == "xx"


async def test_a_rebase_that_makes_nothing_takes_nothing_back(
    call: Call, gated, repo: Repository, counter: Path
) -> None:
    repo.git("branch", "topic")
    tip = repo.commit("Ours", {"ours.txt": "x"})
    gated(command(counter, 1))
    assert not (await call("git_rebase", onto="topic")).error
    assert repo.head == tip
    assert not counter.exists()


async def test_a_rebase_with_conflicts_is_tested_when_it_ends(
    call: Call, gated, repo: Repository, counter: Path
) -> None:
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("Theirs", {"a.py": "zwei\n"})
    repo.git("switch", "-q", "main")
    before = repo.commit("Ours", {"a.py": "deux\n"})
    gated(command(counter, 1))
    assert "conflicts in a.py" in (await call("git_rebase", onto="topic")).text
    repo.write({"a.py": "both\n"})
    await call("git_stage", path="a.py")
    assert "taken back" in (await call("git_rebase", action="continue")).text
    assert repo.head == before
    assert "conflicts" in (await call("git_rebase", onto="topic")).text
    assert not (await call("git_rebase", action="abort")).error
    assert repo.head == before
