"""The walk over a history: every ancestor once, children first, with names that may hold anything."""

import pytest

from sidecar.core.errors import GitError
from sidecar.vcs.history import Touch, is_shallow_blocking, walk_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import GRACE, START, Repository


def walk(repository, *tips):
    return list(walk_blocking(Git.open_blocking(repository.root), tips or (repository.head,)))


def test_commits_with_all_their_facts(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "x = 1\n", "b.txt": "b\n"})
    first = repository.head
    second = repository.commit("Subject\n\nBody\n", {"a.py": "x = 2\n"}, author=GRACE)
    newest, oldest = walk(repository)
    assert (newest.id, newest.parents, newest.author) == (second, (first,), "grace@example.org")
    assert (newest.message.strip(), newest.touched) == ("Subject\n\nBody", (Touch("a.py"),))
    assert (oldest.id, oldest.parents, oldest.time) == (first, (), START + 3600)
    assert oldest.touched == (Touch("a.py"), Touch("b.txt"))
    assert not newest.merge


def test_renames_name_both_sides(tmp_path):
    text = "".join(f"line {n}\n" for n in range(20))
    repository = Repository.create(tmp_path / "r", {"old.py": text})
    repository.commit("Move", {"old.py": None, "new dir/ü.py": text + "more\n"})
    assert walk(repository)[0].touched == (Touch("new dir/ü.py", "old.py"),)


def test_merges_touch_nothing_and_both_sides_are_walked_once(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "a\n"})
    repository.git("checkout", "-q", "-b", "side")
    side = repository.commit("Side", {"b.py": "b\n"})
    repository.git("checkout", "-q", "main")
    main = repository.commit("Main", {"c.py": "c\n"})
    repository.git("merge", "-q", "--no-ff", "-m", "Join", "side")
    commits = walk(repository)
    assert [commit.merge for commit in commits] == [True, False, False, False]
    assert commits[0].touched == ()
    assert {commits[1].id, commits[2].id} == {side, main}
    assert len(commits) == len({commit.id for commit in walk(repository, repository.head, side)})


def test_strange_names_messages_and_bytes(tmp_path):
    repository = Repository.create(tmp_path / "r")
    repository.commit(":100644 100644 a b M\n\x01\x02" + "0" * 40, {"a\tb\n c.py": "x\n", '"q".py': "x\n"})
    repository.commit("", {"a.py": "x\n"})
    newest, oldest = walk(repository)
    assert newest.message.strip() == ""
    assert {touch.path for touch in oldest.touched} == {"a\tb\n c.py", '"q".py'}
    assert oldest.message.startswith(":100644")


def test_only_ancestors_are_walked(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "1\n"})
    first = repository.head
    repository.commit("Fix later", {"a.py": "2\n"})
    assert [commit.id for commit in walk(repository, first)] == [first]


def test_an_unknown_tip_is_an_error_and_no_tip_is_no_walk(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "1\n"})
    git = Git.open_blocking(repository.root)
    with pytest.raises(GitError):
        list(walk_blocking(git, ["1" * 40]))
    assert list(walk_blocking(git, [])) == []


def test_shallow(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "1\n"})
    repository.commit("Next", {"a.py": "2\n"})
    assert not is_shallow_blocking(Git.open_blocking(repository.root))
    repository.git("clone", "-q", "--depth", "1", repository.root.as_uri(), str(tmp_path / "s"))
    assert is_shallow_blocking(Git.open_blocking(tmp_path / "s"))
