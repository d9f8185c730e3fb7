"""Facts gathered from real repositories: old sides and the past."""

from dataclasses import replace

from sidecar.review.facts import facts_of, gather_blocking, read_before_blocking
from sidecar.review.past import Past
from sidecar.vcs import worktree
from sidecar.vcs.history import walk_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import GRACE, Repository

TEXT = "".join(f"line_{n} = {n}\n" for n in range(20))


async def gathered(repository, *, known=True):
    git = Git.open_blocking(repository.root)
    change = await worktree.working_tree(git)
    past = Past(walk_blocking(git, [change.base]), [change.base]) if known and change.base else None
    return change, gather_blocking(git, change, past)


async def test_the_past_of_what_is_changed(tmp_path):
    repository = Repository.create(tmp_path / "r", {"app/a.py": TEXT, "b.go": "package b\n"})
    repository.commit("Fix crash", {"app/a.py": TEXT + "x = 1\n"}, author=GRACE)
    repository.write({"app/a.py": TEXT + "x = 2\n", "new.py": "y = 1\n"})
    change, facts = await gathered(repository)
    assert change.author == "ada@example.org"
    edited = facts.of("app/a.py")
    assert (edited.changes, edited.fixes, edited.own, len(edited.authors)) == (2, 1, 1, 2)
    assert edited.fix_commits == (repository.head[:7],)
    assert edited.before is not None
    assert len(edited.before) == 21
    assert (facts.of("new.py").changes, facts.of("new.py").before) == (0, None)
    assert (facts.history, facts.exp, facts.sexp) == (True, 1, 2)


async def test_a_renamed_file_has_the_past_of_its_old_name(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": TEXT})
    repository.git("mv", "a.py", "c d.py")
    repository.write({"c d.py": TEXT + "z = 1\n"})
    change, facts = await gathered(repository)
    assert change.files[0].old_path == "a.py"
    assert facts.of("c d.py").changes == 1
    assert len(facts.of("c d.py").before or ()) == 20


async def test_without_history_only_the_old_sides_are_known(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": TEXT})
    repository.write({"a.py": TEXT + "z = 1\n"})
    _, facts = await gathered(repository, known=False)
    assert not facts.history
    assert len(facts.of("a.py").before or ()) == 20


async def test_old_sides_that_are_not_there_or_not_text(tmp_path):
    repository = Repository.create(
        tmp_path / "r", {"a.py": "x = 1\n", "l.py": b"s = '\xe9'\nt = 1\n", "b.go": "1\n" * 50}
    )
    repository.write({"a.py": "x = 2\n", "l.py": b"s = '\xe9'\nt = 2\n", "b.go": "1\n" * 50 + "2\n"})
    git = Git.open_blocking(repository.root)
    change = await worktree.working_tree(git)
    strange = replace(change.files[0], path="gone blob 12", old_path="gone blob 12.py")
    lying = replace(change.files[0], path="x y.py", old_path=None)
    asked = replace(change, files=(lying, strange, *change.files))
    before = read_before_blocking(git, [asked, asked])
    assert {path: len(lines) for (_, path), lines in before.items()} == {"a.py": 1, "l.py": 2, "b.go": 6}
    assert before[change.base, "l.py"] == ("s = 'é'", "t = 1")
    assert facts_of(asked, None, before).of("x y.py").before is None
    assert read_before_blocking(git, []) == {}
