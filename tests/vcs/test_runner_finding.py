"""How the runner finds a repository, and in which sentence it says that there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import GitError, NotARepository
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for programs")


async def test_a_repository_is_found_from_any_folder_inside(repository):
    inner = repository.root / "deep" / "er"
    inner.mkdir(parents=True)
    git = await Git.open(inner)
    assert (git.root, git.bare) == (repository.root.resolve(), False)
    assert await git.run("ls-files") == b"a.txt\nb.bin\n", "commands run at the top"


async def test_a_bare_repository_is_its_own_root(tmp_path):
    made = Repository.create(tmp_path / "bare.git", bare=True)
    git = await Git.open(made.root)
    assert (git.root, git.bare) == (made.root.resolve(), True)


async def test_a_worktree_has_its_own_top(repository, tmp_path):
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    git = await Git.open(tmp_path / "other")
    assert git.root == (tmp_path / "other").resolve()
    assert git.common_dir.resolve() == (repository.root / ".git").resolve()


def not_a_folder(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def plain_folder(tmp_path: Path) -> Path:
    (tmp_path / "plain").mkdir()
    return tmp_path / "plain"


def git_folder(tmp_path: Path) -> Path:
    return Repository.create(tmp_path / "repo").root / ".git"


def elsewhere(tmp_path: Path) -> Path:
    repository = Repository.create(tmp_path / "repo")
    (tmp_path / "private").mkdir()
    repository.git("config", "core.worktree", str(tmp_path / "private"))
    return repository.root


def broken(tmp_path: Path) -> Path:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/.git").write_text("gitdir: /nowhere\n")
    return tmp_path / "broken"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (not_a_folder, "is not a folder"),
        (plain_folder, "run `git init`"),
        (git_folder, "git's own folder"),
        (elsewhere, ""),
        (broken, "not in a git repository"),
    ],
)
async def test_what_is_no_repository_is_told_in_a_sentence(make, said, tmp_path):
    with pytest.raises(NotARepository) as caught:
        await Git.open(make(tmp_path))
    assert said in caught.value.sentence
    assert "Traceback" not in caught.value.sentence


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_repository_of_another_user_is_refused_with_the_mend(repository):
    for path in (repository.root, repository.root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(NotARepository, match=r"safe\.directory"):
        await Git.open(repository.root)


@posix
async def test_without_git_a_sentence_says_so(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git was not found on PATH"):
        await Git.open(repository.root)


async def test_a_bare_copy_without_a_configuration_is_a_repository(tmp_path):
    made = Repository.create(tmp_path / "full", {"a.py": "x = 1\n"})
    bare = tmp_path / "copy"
    made.git("clone", "--quiet", "--bare", str(made.root), str(bare))
    (bare / "config").unlink()
    git = await Git.open(bare)
    assert (git.root, git.bare) == (bare.resolve(), True)
    assert (await git.run("rev-parse", "HEAD")).decode().strip() == made.head
