"""The hardened runner: nothing that a repository brings along is run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from sidecar.core.errors import GitError
from sidecar.vcs.runner import Git
from tests.fakes.repository import isolated_environment
from tests.vcs.canary import READS, VECTORS, hooks

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for programs")


@posix
@pytest.mark.parametrize("vector", VECTORS)
async def test_reading_runs_nothing_that_the_repository_names(vector, repository, canary):
    VECTORS[vector](repository, canary)
    # a new time makes git look into the file instead of trusting the index
    os.utime(repository.root / "a.txt", (1_000_000_000, 1_000_000_000))
    git = await Git.open(repository.root)
    for argv in READS.values():
        # what cannot be read without the program is an error, never the program
        with contextlib.suppress(GitError):
            await git.run(*argv, ok=(0, 1))
    assert not canary.sang, canary.mark.read_text()


@posix
@pytest.mark.parametrize(
    ("vector", "argv"),
    [
        ("fsmonitor", ("status",)),
        ("diff.external", ("diff",)),
        ("textconv", ("blame", "a.txt")),
        ("filter clean", ("diff",)),
        ("filter process", ("diff",)),
        ("filter with an equals sign", ("diff",)),
        ("filter in a submodule", ("status",)),
        ("partial clone", ("log", "-p")),
        ("hooks", ("add", "a.txt")),
        ("signatures", ("log",)),
    ],
)
def test_the_canary_does_sing_for_plain_git(vector, argv, repository, canary):
    VECTORS[vector](repository, canary)
    os.utime(repository.root / "a.txt", (1_000_000_000, 1_000_000_000))
    subprocess.run(
        ["git", *argv], cwd=repository.root, env=isolated_environment(), capture_output=True, check=False, timeout=20
    )
    assert canary.sang


@posix
async def test_a_filter_that_appears_later_is_switched_off_too(repository, canary):
    git = await Git.open(repository.root)
    assert b"+2" in await git.run("diff")
    VECTORS["filter clean"](repository, canary)
    assert b"+2" in await git.run("diff")
    assert git.filters_blocking() >= {"x"}
    assert not canary.sang


@posix
async def test_no_git_from_inside_the_workspace_is_started(repository, canary, monkeypatch):
    planted = repository.root / "bin"
    planted.mkdir()
    shutil.copy(canary.program, planted / "git")
    monkeypatch.chdir(repository.root)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "bin", str(planted), os.environ["PATH"]]))
    git = await Git.open(repository.root / "bin")
    assert await git.run("rev-parse", "--is-bare-repository") == b"false\n"
    assert not canary.sang


@posix
async def test_an_act_that_writes_runs_nothing_either(repository, canary):
    hooks(repository, canary)
    VECTORS["filter clean"](repository, canary)
    git = await Git.open(repository.root)
    await git.run("add", "a.txt", mode="write")
    assert await git.run("diff", "--cached", "--name-only") == b"a.txt\n"
    assert not canary.sang
