"""Many commits as changes: the same as each alone, in the order asked for."""

from sidecar.vcs import worktree
from sidecar.vcs.commits import changes_blocking, resolve_many_blocking, told_changes_blocking
from sidecar.vcs.history import walk_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository


def history(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "x = 1\ny = 2\n", "b.bin": b"\0\1"})
    repository.commit("Edit", {"a.py": "x = 3\ny = 2\n"})
    repository.commit("Nothing")
    repository.commit("Latin", {"l.py": b"s = '\xe9'\r\nt = 1\r\n"})
    repository.commit("Rename", {"a.py": None, "c d.py": "x = 3\ny = 2\n"})
    repository.git("checkout", "-q", "-b", "side", "HEAD~1")
    repository.commit("Side", {"s.py": "s = 1\n"})
    repository.git("checkout", "-q", "main")
    repository.commit("+x\n-y\n@@ -1 +1 @@\n\n\x01" + "0" * 40, {"b.bin": b"\0\2"})
    repository.git("merge", "-q", "--no-ff", "-m", "Join", "side")
    return repository


async def test_each_is_what_it_is_alone(tmp_path):
    git = Git.open_blocking(history(tmp_path).root)
    commits = list(walk_blocking(git, [await worktree.resolve(git, "HEAD")]))
    for order in (commits, commits[::-1]):
        changes = list(changes_blocking(git, order))
        assert changes == [await worktree.commit(git, commit.id) for commit in order]
    assert len(changes) == 8


def test_none(tmp_path):
    git = Git.open_blocking(history(tmp_path).root)
    assert list(changes_blocking(git, [])) == []


def test_revisions_are_resolved_each_by_itself(tmp_path):
    repository = history(tmp_path)
    git = Git.open_blocking(repository.root)
    head = repository.head
    asked = ["HEAD", "nothing", head[:9], "", "HEAD:c d.py", "a b", "0" * 40, "side", "-x", "x\ny", "ü"]
    found = resolve_many_blocking(git, asked)
    side = repository.git("rev-parse", "side")
    assert found == [head, None, head, None, None, None, None, side, None, None, None]
    assert resolve_many_blocking(git, []) == []


def test_a_commit_whose_content_is_missing_is_none_among_the_others(tmp_path):
    repository = history(tmp_path)
    lost = repository.commit("Big", {"big.txt": "text\n" * 50})
    blob = repository.git("rev-parse", "HEAD:big.txt")
    repository.commit("Away", {"big.txt": None})
    after = repository.commit("After", {"s.py": "s = 2\n"})
    repository.path(f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    git = Git.open_blocking(repository.root)
    commits = {commit.id: commit for commit in walk_blocking(git, [after], likeness=100)}
    asked = [commits[after], commits[lost], commits[after]]
    assert [change and change.commit for change in told_changes_blocking(git, asked)] == [after, None, after]
    assert list(told_changes_blocking(git, [])) == []
