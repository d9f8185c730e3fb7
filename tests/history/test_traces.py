"""What fixes repaired, in real histories: by line, and the same whatever else is there or was read before."""

import pytest

from sidecar.history import traces as module
from sidecar.history.traces import MemoryTraces, Stopped, trace_blocking
from sidecar.risk.ledger import Repair
from sidecar.vcs.history import walk_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.review.histories import made


def traced(root, revision="HEAD", store=None):
    git = Git.open_blocking(root)
    head = git.run_blocking("rev-parse", revision).decode().strip()
    return trace_blocking(git, list(walk_blocking(git, [head]))[::-1], store or MemoryTraces())


def test_a_fix_repairs_those_who_wrote_the_lines_that_it_takes_away(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "import os\na = 1\nb = 2\nc = 3\n"})
    first = repository.head
    second = repository.commit("Add", {"a.py": "import os\na = 1\nb = 2\n    c = 3\nd = 4\ne = 5\n"})
    repository.git("mv", "a.py", "b.py")
    repository.commit("Move")
    fix = repository.commit("Fix crash", {"b.py": "import sys\na = 1\nb = 20\n    c = 30\nd = 4\n"})
    found = traced(repository.root)
    assert set(found[fix].repairs) == {Repair(first, "a.py", 2), Repair(second, "a.py", 1)}
    assert found[second].repairs == ()
    assert (found[first].code, found[second].code) == ((("a.py", 4),), (("a.py", 2),))


def test_quoted_text_and_tests_are_not_repaired(tmp_path):
    text = 'def f():\n    """One\n    two\n    """\n    return 1\n'
    repository = Repository.create(tmp_path / "r", {"a.py": text, "tests/t.py": "x = 1\n"})
    fix = repository.commit("Fix bug", {"a.py": text.replace("two", "three"), "tests/t.py": "x = 2\n"})
    assert traced(repository.root)[fix].repairs == ()


@pytest.mark.parametrize("seed", [5, 6])
def test_a_trace_is_the_same_in_every_clone_and_however_it_was_read(tmp_path, seed):
    repository = made(tmp_path / "r", seed)
    whole = traced(repository.root)
    assert sum(len(trace.repairs) for trace in whole.values()) > 5
    order = repository.git("rev-list", "HEAD").split()
    for own in (order[0], order[len(order) // 3], order[-5]):
        repository.git("branch", "-f", "cut", own)
        cut = tmp_path / f"{own}.git"
        repository.git(
            "clone", "-q", "--bare", "--no-local", "--single-branch", "-b", "cut", str(repository.root), str(cut)
        )
        alone = traced(cut)
        assert alone == {commit: whole[commit] for commit in alone}
    kept = MemoryTraces()
    for own in (order[-3], order[len(order) // 2], order[0]):
        step = traced(repository.root, own, kept)
    assert step == whole


def test_reading_stops_when_it_is_told_to(tmp_path):
    repository = made(tmp_path / "r", 1, commits=3)
    git = Git.open_blocking(repository.root)
    commits = list(walk_blocking(git, [repository.head]))[::-1]
    store = MemoryTraces()
    with pytest.raises(Stopped):
        trace_blocking(git, commits, store, lambda: True)
    assert store.traces() == {}


def test_a_commit_whose_content_is_missing_has_no_trace_and_the_others_do(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "a = 1\nb = 2\n", "big.bin": b"\0" * 9})
    first = repository.head
    lost = repository.commit("Big", {"big.txt": "text\n" * 50, "c.py": "c = 1\n"})
    blob = repository.git("rev-parse", "HEAD:big.txt")
    repository.commit("Away", {"big.txt": None})
    fix = repository.commit("Fix crash", {"a.py": "a = 2\nb = 2\n"})
    repository.path(f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    found = trace_blocking(Git.open_blocking(repository.root), commits_of(repository), MemoryTraces())
    assert found[lost].code == ()
    assert found[fix].repairs == (Repair(first, "a.py", 1),)


def commits_of(repository):
    """The walk without names of files, which would need the missing content."""
    rows = repository.git("log", "--reverse", "--format=%H %P%x00%ct%x00%B%x01").split("\x01")
    found = []
    for row in filter(None, (row.strip("\n") for row in rows)):
        ids, time, message = row.split("\0")
        own, *parents = ids.split()
        found.append(module.Commit(own, tuple(parents), int(time), "ada", message))
    return found
