"""A file is found under its new name after commits and changes of branch, and only where git is sure."""

from __future__ import annotations

import pytest

from sidecar.vcs.renames import renamed_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

TEXT = "".join(f"line {n}\n" for n in range(1, 31))


@pytest.fixture
def repo(tmp_path) -> Repository:
    return Repository.create(tmp_path / "r", {"a.py": TEXT, "other.py": "x\n"})


def move(repo: Repository, old: str, new: str, more: str = "") -> str:
    return repo.commit(f"{old} to {new}", {new: repo.path(old).read_text() + more, old: None})


@pytest.mark.parametrize("known", [True, False])
def test_a_rename_in_a_commit(repo, known):
    old = repo.head
    new = move(repo, "a.py", "src/b.py", "more\n")
    git = Git.open_blocking(repo.root)
    assert renamed_blocking(git, {"a.py"}, old if known else None, new) == {"a.py": "src/b.py"}


@pytest.mark.parametrize("known", [True, False])
def test_several_renames_one_after_the_other(repo, known):
    old = repo.head
    move(repo, "a.py", "b.py")
    repo.commit("between", {"c.py": "c\n"})
    new = move(repo, "b.py", 'ü "d".py')
    assert renamed_blocking(Git.open_blocking(repo.root), {"a.py"}, old if known else None, new) == {"a.py": 'ü "d".py'}


def test_branches_there_and_back(repo):
    main = repo.head
    repo.git("checkout", "-q", "-b", "side")
    side = move(repo, "a.py", "b.py")
    git = Git.open_blocking(repo.root)
    assert renamed_blocking(git, {"a.py"}, main, side) == {"a.py": "b.py"}
    repo.git("checkout", "-q", "main")
    assert renamed_blocking(git, {"b.py"}, side, main) == {"b.py": "a.py"}
    assert renamed_blocking(git, {"b.py"}, None, main) == {}


@pytest.mark.parametrize("known", [True, False])
def test_what_was_deleted_or_never_there_has_no_new_name(repo, known):
    old = repo.head
    new = repo.commit("away", {"a.py": None})
    assert renamed_blocking(Git.open_blocking(repo.root), {"a.py", "never.py"}, old if known else None, new) == {}


def test_a_file_that_git_still_has_is_not_renamed(repo):
    repo.path("a.py").unlink()
    assert renamed_blocking(Git.open_blocking(repo.root), {"a.py"}, None, repo.head) == {}


def test_a_commit_that_is_gone_does_no_harm(repo):
    new = move(repo, "a.py", "b.py")
    git = Git.open_blocking(repo.root)
    assert renamed_blocking(git, {"a.py"}, "0" * 40, new) == {"a.py": "b.py"}
    assert renamed_blocking(git, {"a.py"}, None, "1" * 40) == {}
    assert renamed_blocking(git, {"a.py"}, None, None) == {}
