"""The runner's answers: the same on every machine, whole or an error, within limits."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sidecar.core.errors import GitError
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for programs")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_DIR", "/nowhere"),
        ("GIT_WORK_TREE", "/"),
        ("GIT_INDEX_FILE", "/nowhere/index"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare'='true'"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_EXTERNAL_DIFF", "false"),
        ("GIT_TRACE", "2"),
        ("GIT_NAMESPACE", "x"),
        ("GIT_OBJECT_DIRECTORY", "/nowhere"),
    ],
)
async def test_a_surrounding_git_does_not_lead_ours_astray(name, value, repository, monkeypatch):
    plain = await (await Git.open(repository.root)).run("diff", "HEAD")
    monkeypatch.setenv(name, value)
    git = await Git.open(repository.root)
    assert await git.run("diff", "HEAD") == plain


async def test_the_users_configuration_does_not_change_answers(repository):
    git = await Git.open(repository.root)
    plain = await git.run("diff", "HEAD")
    for key, value in {
        "color.ui": "always", "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.context": "3",
        "core.quotePath": "false", "diff.algorithm": "patience", "diff.interHunkContext": "9",
    }.items():  # fmt: skip
        repository.git("config", key, value)
    assert await git.run("diff", "HEAD") == plain


async def test_an_exit_status_is_an_error_unless_it_is_expected(repository):
    git = await Git.open(repository.root)
    assert await git.run("grep", "nothing like that", ok=(0, 1)) == b""
    with pytest.raises(GitError, match="ended with status 1"):
        await git.run("grep", "nothing like that")
    with pytest.raises(GitError, match="bad revision 'nosuchbranch'") as caught:
        await git.run("log", "nosuchbranch", "--")
    assert len(caught.value.sentence) < 400


async def test_only_a_plain_subcommand_is_run(repository):
    git = await Git.open(repository.root)
    for argv in ((), ("-c",), ("--exec-path=/",), ("Status",), ("status;ls",)):
        with pytest.raises(GitError, match="is no git command"):
            await git.run(*argv)


async def test_an_argument_with_a_zero_byte_is_an_error(repository):
    git = await Git.open(repository.root)
    with pytest.raises(GitError, match="could not be started"):
        await git.run("log", "a\0b")


async def test_input_is_given_whole_and_output_comes_whole(repository):
    git = await Git.open(repository.root)
    big = os.urandom(3_000_000)
    name = (await git.run("hash-object", "-w", "--stdin", stdin=big)).decode().strip()
    assert await git.run("cat-file", "blob", name) == big
    assert b"".join([chunk async for chunk in git.stream("cat-file", "blob", name)]) == big
    assert b"".join(git.chunks_blocking("cat-file", "blob", name)) == big
    assert git.run_blocking("cat-file", "blob", name) == big


async def test_lines_come_without_their_ends(repository):
    git = await Git.open(repository.root)
    assert list(git.lines_blocking("ls-files")) == [b"a.txt", b"b.bin"]
    assert list(git.lines_blocking("ls-files", "-z", end=b"\0")) == [b"a.txt", b"b.bin"]
    assert list(git.lines_blocking("cat-file", "--batch-check=%(objecttype)", stdin=b"HEAD\nHEAD^{tree}\n")) == [
        b"commit",
        b"tree",
    ]


async def test_reading_takes_no_lock(repository):
    git = await Git.open(repository.root)
    (repository.root / ".git/index.lock").write_text("")
    os.utime(repository.root / "b.bin")
    assert b"a.txt" in await git.run("status", "--porcelain=v2", "-z")
    assert (repository.root / ".git/index.lock").exists()
    with pytest.raises(GitError, match=r"index\.lock"):
        await git.run("add", "a.txt", mode="write")


async def test_a_path_is_a_path_whatever_it_looks_like(repository):
    repository.commit("Odd names", {":(glob)**": "x\n", "*.txt": "y\n"})
    git = await Git.open(repository.root)
    assert await git.run("ls-files", "--", "*.txt") == b"*.txt\n"
    assert await git.run("ls-files", "--", ":(glob)**") == b":(glob)**\n"


def test_importing_the_room_starts_nothing_and_loads_no_gitpython():
    code = "import sys, sidecar.vcs.runner; print('git' in sys.modules, 'git.cmd' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


async def test_replaced_objects_do_not_change_the_history(tmp_path):
    made = Repository.create(tmp_path / "r", {"a.py": "x = 1\n"})
    first = made.head
    second = made.commit("second", {"a.py": "x = 2\n"})
    made.git("replace", second, first)
    git = await Git.open(made.root)
    assert (await git.run("log", "-1", "--format=%s", second)).decode().strip() == "second"
