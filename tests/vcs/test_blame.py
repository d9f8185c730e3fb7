"""Who wrote a stretch of a file."""

import pytest

from sidecar.core.errors import GitError
from sidecar.vcs.blame import Writer, writers_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import START, Repository


@pytest.fixture
def repository(tmp_path) -> Repository:
    made = Repository.create(tmp_path / "repo")
    made.commit("Begin", {"a.py": "one\ntwo\nthree\n"}, date=START)
    made.commit("Fix two: wrong, see #4", {"a.py": "one\n2\nthree\n"}, date=START + 100)
    return made


def test_each_commit_once_with_its_subject(repository):
    git = Git.open_blocking(repository.root)
    found = writers_blocking(git, "HEAD", "a.py", 1, 3)
    assert sorted(found, key=lambda one: one.time) == [
        Writer(repository.git("rev-parse", "HEAD~1"), START, "Begin"),
        Writer(repository.head, START + 100, "Fix two: wrong, see #4"),
    ]
    assert [one.subject for one in writers_blocking(git, "HEAD", "a.py", 3, 3)] == ["Begin"]
    assert [one.subject for one in writers_blocking(git, "HEAD~1", "a.py", 1, 3)] == ["Begin"]


@pytest.mark.parametrize(("path", "first"), [("none.py", 1), ("a.py", 90)])
def test_what_is_not_there_is_an_error(repository, path, first):
    with pytest.raises(GitError):
        writers_blocking(Git.open_blocking(repository.root), "HEAD", path, first, first)


async def test_a_file_of_revisions_to_ignore_is_not_read(repository, tmp_path):
    (tmp_path / "private").write_text("a line of somebody else's file\n")
    commit = repository.commit("one", {"a.py": "another\n"})
    repository.git("config", "blame.ignoreRevsFile", str(tmp_path / "private"))
    git = await Git.open(repository.root)
    assert commit in (await git.run("blame", "--porcelain", "--", "a.py")).decode()
