"""Who wrote each line: the same as `git blame` says, at every commit, and the same in every clone."""

import pytest

from sidecar.history.ancestry import follow, numbers, union
from sidecar.history.deltas import CODE, END, IMPORT, OWN, TOGGLE, FileDelta, delta_of, merged_delta
from sidecar.history.origins import Origins
from sidecar.vcs.commits import changes_blocking
from sidecar.vcs.history import walk_blocking
from sidecar.vcs.merges import merges_blocking
from sidecar.vcs.runner import Git
from tests.review.histories import made


def followed(root, head):
    """The origins of a history with the ancestors of each commit (itself included), and the commits by number."""
    git = Git.open_blocking(root)
    commits = list(walk_blocking(git, [head]))[::-1]
    at = numbers(commits)
    plain = [commit for commit in commits if not commit.merge]
    deltas = {change.commit: delta_of(change, fix=False) for change in changes_blocking(git, plain)}
    merges = [commit.id for commit in commits if commit.merge]
    deltas |= {own: merged_delta(files) for own, files in merges_blocking(git, merges)}
    origins = Origins()
    known = {}
    for commit, sets in follow(commits, at):
        for file in deltas[commit.id]:
            origins.add(at[commit.id], file, sets)
        known[commit.id] = union(sets) | 1 << at[commit.id]
    return origins, known, {number: own for own, number in at.items()}


def writers(origins, path, known, names):
    version = origins.at(path, known)
    return None if version is None or version.gone else [
        names[origins.writer(line).commit] for line in origins.lines(version)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_as_git_blame_says_at_every_commit(tmp_path, seed):
    """But for lines that a merge carries into a file which the other side renamed: git's merge does not tell those."""
    repository = made(tmp_path / "r", seed)
    origins, known, names = followed(repository.root, repository.head)
    same = every = 0
    for own in repository.git("rev-list", "HEAD").split()[::4]:
        for path in repository.git("ls-tree", "-r", "-z", "--name-only", own).strip("\0").split("\0"):
            said = repository.git("blame", "--root", "-l", "-s", own, "--", path).splitlines()
            blamed = [line.split(" ")[0].lstrip("^") for line in said]
            found = writers(origins, path, known[own], names)
            assert len(found) == len(blamed)
            same += sum(one == other for one, other in zip(found, blamed, strict=True))
            every += len(blamed)
    assert every > 500
    assert same > 0.97 * every


def test_a_file_that_is_gone_has_no_lines(tmp_path):
    repository = made(tmp_path / "r", 1, commits=3)
    before = repository.head
    after = repository.commit("Remove", {"app/a.py": None})
    again = repository.commit("Again", {"app/a.py": "x = 1\n"})
    origins, known, names = followed(repository.root, again)
    assert writers(origins, "app/a.py", known[before], names) is not None
    assert writers(origins, "app/a.py", known[after], names) is None
    assert writers(origins, "app/a.py", known[again], names) == [again]


def test_code_is_told_from_imports_and_quoted_text():
    origins = Origins()
    flags = bytes([CODE | IMPORT, CODE, CODE | TOGGLE, CODE, CODE | TOGGLE, CODE, 0])
    origins.add(0, FileDelta("a.py", "a.py", "added", ((OWN, 0, len(flags)), (0, 0, END)), flags), [])
    lines = origins.lines(origins.of("a.py")[0])
    assert [origins.is_code(lines, at, quotes=True) for at in range(7)] == [
        False,
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert origins.is_code(lines, 3, quotes=False)
