"""Old sides: read once, and never taken for those of another commit, name or text."""

from dataclasses import replace

import pytest

from sidecar.core.errors import GitError
from sidecar.history import before
from sidecar.history.before import OldSides
from sidecar.history.traces import MemoryTraces
from sidecar.review.scorer import RiskScorer
from sidecar.risk.facts import Old
from sidecar.vcs import worktree
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

DOC = 'def f():\n    """Say\n    words\n    """\n    return 1\n'


class Counted(Git):
    """Git that counts what it is asked."""

    asked = 0

    def process(self, argv, **more):
        self.asked += argv[0] != "diff"
        return super().process(argv, **more)


def counted(repository):
    plain = Git.open_blocking(repository.root)
    return Counted(plain.root, program=plain.program, git_dir=plain.git_dir, common_dir=plain.common_dir)


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
    sides = OldSides(git)
    found = sides.of_blocking(asked, asked)
    assert {path: len(old.head) for (_, path), old in found.items()} == {"a.py": 1, "l.py": 2, "b.go": 6}
    assert found[change.base, "l.py"] == Old(("s = 'é'", "t = 1"))
    assert sides.of_blocking() == {}
    assert sides.lines_blocking(change.base, "l.py") == ["s = 'é'", "t = 1"]
    assert sides.lines_blocking(change.base, "none.py") == []
    assert (sides.holds_blocking(change.base, "b.go"), sides.holds_blocking(change.base, "none.go")) == (True, False)
    with pytest.raises(GitError):
        sides.holds_blocking("0" * 40, "b.go")


async def test_only_what_is_new_is_read_and_little_is_kept(tmp_path, monkeypatch):
    repository = Repository.create(tmp_path / "r", {"a.py": DOC, "b.py": DOC + DOC, "c.py": "x = 1\n"})
    git = counted(repository)
    sides = OldSides(git)

    async def asked(texts):
        repository.write(texts)
        change = await worktree.working_tree(git)
        git.asked = 0
        return {path: old.edges for (_, path), old in sides.of_blocking(change).items()}, git.asked

    assert await asked({"a.py": DOC + "y = 1\n"}) == ({"a.py": (1, 3)}, 1)
    assert await asked({"a.py": DOC + "y = 2\n"}) == ({"a.py": (1, 3)}, 0)
    assert await asked({"b.py": DOC}) == ({"a.py": (1, 3), "b.py": (1, 3, 6, 8)}, 1)
    repository.git("mv", "-f", "c.py", "d.py")
    assert await asked({"d.py": "x = 1\ny = 2\n"}) == ({"a.py": (1, 3), "b.py": (1, 3, 6, 8), "c.py": ()}, 1)
    repository.commit("Other words", {"a.py": DOC.replace("words", '"""'), "b.py": DOC + DOC})
    assert await asked({"a.py": "z = 1\n"}) == ({"a.py": (1, 2, 3)}, 1)
    monkeypatch.setattr(before, "_MOST_KEPT", 1)
    sides = OldSides(git)
    assert [await asked({"b.py": f"x = {n}\n"}) for n in (1, 2)] == [({"a.py": (1, 2, 3), "b.py": (1, 3, 6, 8)}, 1)] * 2


EDITS = {
    "an edit": lambda repository: repository.write({"b.py": DOC.replace("return 1", "return f(2) + 3")}),
    "a new file": lambda repository: repository.write({"e.py": DOC + "x = f(1)\n"}),
    "less": lambda repository: repository.write({"a.py": DOC}),
    "a text that opens": lambda repository: repository.write({"a.py": '"""\n' + DOC + "y = g(1)\n"}),
    "a rename": lambda repository: repository.git("mv", "a.py", "m.py"),
    "another base": lambda repository: repository.commit("Fix crash", {"b.py": DOC + '"""\n'}),
    "what git says of a file": lambda repository: repository.write({".gitattributes": "a.py binary\n"}),
    "what git leaves out": lambda repository: repository.write({".gitignore": "n.py\n"}),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_a_look_sees_what_one_that_knows_nothing_sees(tmp_path, edit):
    repository = Repository.create(tmp_path / "r", {"a.py": DOC, "b.py": DOC, "c.py": DOC})
    repository.commit("Fix wrong words", {"b.py": DOC + "z = 1\n"})
    repository.write({"a.py": DOC + "y = g(1)\n", "c.py": "w = h(2)\n" + DOC, "n.py": DOC})
    git = counted(repository)
    store = MemoryTraces()
    scorer = RiskScorer(git, traces=store)

    async def look(scorer):
        change = replace(await worktree.working_tree(git), time=2e9)
        git.asked = 0
        return replace(scorer.evident_blocking(change), ms=0.0)

    first = await look(scorer)
    assert await look(scorer) == first
    assert git.asked == 0, "nothing was new"
    EDITS[edit](repository)
    seen = await look(scorer)
    assert seen == await look(RiskScorer(git, traces=store))
    assert seen != first
