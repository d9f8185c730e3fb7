"""What merges wrote themselves, as git tells it of real merges."""

from sidecar.vcs.merges import MergedLine, merges_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

LINES = [f"line {n}\n" for n in range(12)]


def joined(tmp_path, ours, theirs, result, name="é a.py"):
    """A repository whose HEAD merges two edits of one file into `result`."""
    repository = Repository.create(tmp_path / "r", {name: "".join(LINES)})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("Theirs", {name: theirs})
    repository.git("checkout", "-q", "main")
    repository.commit("Ours", {name: ours, "b.py": "x = 1\n"})
    repository.git("merge", "-q", "--no-ff", "--no-commit", "-s", "ours", "side")
    repository.commit("Join", {name: result})
    return Git.open_blocking(repository.root), repository.head


def edited(**lines):
    return "".join(lines.get(f"l{n}", text) for n, text in enumerate(LINES))


def test_each_line_of_a_merge_is_from_a_parent_or_its_own(tmp_path):
    git, head = joined(
        tmp_path, edited(l2="ours\n"), edited(l8="theirs\n", l9=""), edited(l2="ours\n", l8="theirs\n", l9="own\n")
    )
    ((own, (file,)),) = merges_blocking(git, [head])
    assert (own, file.path, file.deleted) == (head, "é a.py", False)
    assert [hunk.starts for hunk in file.hunks] == [(2, 2), (8, 8)]
    ours, theirs = file.hunks
    assert MergedLine((0,), "ours") in ours.steps
    assert (1,) in ours.steps
    assert MergedLine((1,), "theirs") in theirs.steps
    assert MergedLine((), "own") in theirs.steps


def test_a_merge_that_takes_files_as_they_are_wrote_nothing(tmp_path):
    same = edited(l1="ours\n")
    git, head = joined(tmp_path, same, edited(l8="theirs\n"), same)
    assert list(merges_blocking(git, [head])) == [(head, ())]
    assert list(merges_blocking(git, [])) == []


def test_a_file_that_a_merge_takes_away(tmp_path):
    git, head = joined(tmp_path, edited(l1="ours\n"), edited(l8="theirs\n"), None)
    ((_, (file,)),) = merges_blocking(git, [head])
    assert (file.deleted, file.path) == (True, "é a.py")
