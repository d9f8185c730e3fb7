"""The runner ends what it started: at a time limit, when it is cancelled, when nobody reads on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import sys
from pathlib import Path

import psutil
import pytest

from sidecar.core.errors import GitError, GitTimeout
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for programs")


def children() -> list[psutil.Process]:
    """Processes of ours that are alive."""
    found = psutil.Process().children(recursive=True)
    return [
        child
        for child in found
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE and "git" in child.name()
    ]


@pytest.fixture
def hanging(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A git that never answers, with a child of its own; both write down their process ids."""
    real = shutil.which("git")
    folder = tmp_path / "programs"
    folder.mkdir()
    pids = tmp_path / "pids"
    program = folder / "git"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *"cat-file --batch"*) ;; *) exec {real} "$@" ;; esac\n'
        f'sh -c \'echo $$ >> "{pids}"; exec sleep 600\' &\necho $$ >> "{pids}"\nwait\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return pids


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def alive(pids: Path, count: int) -> list[int]:
    """The two process ids once both are written; waits until `count` of the processes live."""
    async with asyncio.timeout(20):
        while True:
            ids = [int(line) for line in pids.read_text().split()] if pids.exists() else []
            if len(ids) == 2 and sum(lives(pid) for pid in ids) == count:
                return ids
            await asyncio.sleep(0.01)


@posix
async def test_a_git_that_hangs_is_ended_with_its_children(repository, hanging):
    git = await Git.open(repository.root)
    with pytest.raises(GitTimeout, match="within 1 seconds"):
        await git.run("cat-file", "--batch", timeout=1)
    await alive(hanging, 0)


@posix
async def test_cancelling_ends_git_with_its_children(repository, hanging):
    git = await Git.open(repository.root)
    task = asyncio.get_running_loop().create_task(git.run("cat-file", "--batch"))
    await alive(hanging, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await alive(hanging, 0)


@posix
async def test_leaving_a_stream_ends_git(repository, hanging):
    git = await Git.open(repository.root)

    async def read():
        async with contextlib.aclosing(git.stream("cat-file", "--batch")) as chunks:
            async for _ in chunks:
                pass

    task = asyncio.get_running_loop().create_task(read())
    await alive(hanging, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await alive(hanging, 0)


async def test_leaving_lines_early_ends_git(repository):
    git = await Git.open(repository.root)
    name = (await git.run("hash-object", "-w", "--stdin", stdin=b"line\n" * 500_000)).decode().strip()
    lines = git.lines_blocking("cat-file", "blob", name)
    assert next(lines) == b"line"
    lines.close()
    assert not children()


@posix
async def test_the_event_loop_goes_on_while_git_runs(repository, hanging):
    git = await Git.open(repository.root)
    task = asyncio.get_running_loop().create_task(git.run("cat-file", "--batch", timeout=2))
    ids = await alive(hanging, 2)
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert ids
    with pytest.raises(GitTimeout):
        await task


async def test_more_output_than_the_limit_is_an_error(repository):
    git = await Git.open(repository.root)
    name = (await git.run("hash-object", "-w", "--stdin", stdin=bytes(2_000_000))).decode().strip()
    with pytest.raises(GitError, match="more than 1,000 bytes"):
        await git.run("cat-file", "blob", name, limit=1000)
    assert not children()
