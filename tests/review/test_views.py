"""What a review can look at, over real repositories: the change, its two sides, and where its threads stand in the working tree."""

from __future__ import annotations

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.review import INDEX, NOTHING, Scope, Thread
from sidecar.review.anchor import make
from sidecar.review.views import View, choices, stood
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

TEXT = "".join(f"line {n}\n" for n in range(1, 11))


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.create(tmp_path / "r", {"a.py": TEXT})


def seen(change):
    return [(file.path, [hunk.added for hunk in file.hunks]) for file in change.files]


async def test_each_scope_sees_its_own_change(repository):
    base = repository.head
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("Add b\n\nMore.", {"b.py": "b\n"})
    head = repository.head
    repository.stage({"a.py": TEXT.replace("line 1\n", "staged\n")})
    repository.write({"a.py": TEXT.replace("line 1\n", "staged\n").replace("line 9\n", "working\n")})
    git = await Git.open(repository.root)
    cases = [
        (Scope(), [("a.py", [("staged",), ("working",)])], "Working tree", head, ""),
        (Scope("staged"), [("a.py", [("staged",)])], "Staged changes", head, INDEX),
        (Scope("branch"), [("b.py", [("b",)])], "feature against main", base, head),
        (Scope("branch", base), [("b.py", [("b",)])], f"feature against {base}", base, head),
        (Scope("commit", "HEAD"), [("b.py", [("b",)])], f"{head[:8]} Add b", base, head),
        (Scope("commit", base), [("a.py", [tuple(TEXT.splitlines())])], f"{base[:8]} Begin", NOTHING, base),
    ]
    keys = set()
    for scope, files, title, old, new in cases:
        view = View(git, scope)
        assert seen(await view.change()) == files, scope
        assert (view.viewed.title, view.viewed.old, view.viewed.new) == (title, old, new)
        keys.add(view.key)
    assert len(keys) == len(cases)
    assert View(git).key == str(git.root)


async def test_a_change_between_commits_is_read_once(repository):
    view = View(await Git.open(repository.root), Scope("commit", "HEAD"))
    first = await view.change()
    assert await view.change() is first
    repository.commit("Next", {"a.py": "next\n"})
    assert seen(await view.change()) == [("a.py", [("next",)])]


@pytest.mark.parametrize("scope", [Scope("commit", "gone"), Scope("commit"), Scope("branch", "gone"), Scope("branch")])
async def test_what_does_not_exist_is_refused(repository, scope):
    with pytest.raises(BadInput):
        await View(await Git.open(repository.root), scope).change()


async def test_lines_are_found_again_in_the_working_tree(repository):
    view = View(await Git.open(repository.root), Scope("staged"))
    repository.stage({"a.py": TEXT.replace("line 5\n", "risky\n")})
    await view.change()
    lines = view.read_blocking(["a.py", "gone.py"])
    assert lines["gone.py"] is None
    assert lines["a.py"] is not None
    thread = Thread("t", make("a.py", lines["a.py"], 5, 5), "open", 0.5, "high", (), 0.0, 0.0)
    for text, standing in [
        (TEXT.replace("line 5\n", "risky\n"), (5, 5)),
        ("above\n" + TEXT.replace("line 5\n", "risky\n"), (6, 6)),
        (TEXT.replace("line 5\n", "mended\n"), None),
    ]:
        repository.write({"a.py": text})
        thread = stood(thread, view.beside_blocking(["a.py"]))
        assert thread.standing == standing
        assert stood(thread, view.beside_blocking(["a.py"])) is thread
    repository.write({"a.py": None})
    assert stood(thread, view.beside_blocking(["a.py"])).standing is None


async def test_the_working_tree_has_nothing_beside_it(repository):
    view = View(await Git.open(repository.root))
    await view.change()
    assert view.beside_blocking(["a.py"]) == {}


async def test_what_there_is_to_choose_from(repository):
    repository.git("branch", "old")
    second = repository.commit("Second", {"a.py": "two\n"})
    found = await choices(await Git.open(repository.root))
    assert [(one.scope.kind, one.scope.ref, one.title) for one in found] == [
        ("working", "", "Working tree"),
        ("staged", "", "Staged changes"),
        ("branch", "", "Branch against its base"),
        ("branch", "old", "old"),
        ("commit", second, "Second"),
        ("commit", repository.git("rev-parse", "HEAD~1"), "Begin"),
    ]
