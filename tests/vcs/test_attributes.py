"""Files that a repository's own attributes call generated or vendored, as each tree has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.vcs import attributes, worktree
from sidecar.vcs.attributes import Attributes
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

NAMES = ("a.py", "gen/a.py", "gen/own.py", "lib/sub/b.go", "lib/[x]/..y.ts", "c.md")


def change(tree: str | None, *names: str) -> Change:
    return Change(tuple(FileDiff(name, "added", (Hunk(0, 1, (), ("x",)),)) for name in names or NAMES), tree=tree)


def marks(seen: Attributes, asked: Change) -> dict[str, str]:
    (found,) = seen.marked_blocking([asked])
    assert found is not None
    assert replace(found, files=tuple(replace(file, mark="") for file in found.files)) == asked
    return {file.path: file.mark for file in found.files if file.mark}


def seen_by(repository: Repository) -> Attributes:
    return Attributes(Git.open_blocking(repository.root), lambda path: not path.endswith(".md"))


def test_what_the_files_say_by_the_rules_of_git(tmp_path) -> None:
    repository = Repository.create(tmp_path / "r", {"a.py": ""})
    seen = seen_by(repository)
    assert marks(seen, change("")) == {}
    repository.write(
        {".gitattributes": "gen/** linguist-generated\nlib/** linguist-vendored=true\n*.md linguist-generated\n"}
    )
    told = {
        "gen/a.py": "generated",
        "gen/own.py": "generated",
        "lib/sub/b.go": "vendored",
        "lib/[x]/..y.ts": "vendored",
    }
    assert marks(seen, change("")) == told
    repository.write(
        {
            "gen/.gitattributes": "own.py -linguist-generated\n",
            "lib/sub/.gitattributes": "*.go linguist-vendored=false\n",
        }
    )
    assert marks(seen, change("")) == {"gen/a.py": "generated", "lib/[x]/..y.ts": "vendored"}
    repository.write(
        {".gitattributes": "[attr]made linguist-generated\n", "gen/.gitattributes": "a.py made linguist-vendored\n"}
    )
    assert marks(seen, change("")) == {"gen/a.py": "generated"}
    assert marks(seen, change(None)) == {}, "a patch lies in no tree"
    repository.path(".gitattributes").unlink()
    assert marks(seen, change("", "a.py")) == {}


def test_a_commit_is_told_by_its_own_tree_whatever_else_is_there(tmp_path) -> None:
    repository = Repository.create(tmp_path / "r", {"gen/a.py": "", ".gitattributes": "gen/* linguist-generated\n"})
    first = repository.head
    second = repository.commit("No more", {".gitattributes": "# linguist-generated no more\n"})
    repository.write({".gitattributes": "* linguist-vendored\n", ".git/info/attributes": "* linguist-vendored\n"})
    repository.git("config", "core.attributesFile", str(repository.path(".gitattributes")))
    seen = seen_by(repository)
    asked = [change(first), None, change(second), change(""), change(first), change("0" * 40)]
    found = [[one.path for one in told.files if one.mark] if told else None for told in seen.marked_blocking(asked)]
    assert found == [["gen/a.py", "gen/own.py"], None, [], list(NAMES[:-1]), ["gen/a.py", "gen/own.py"], []]
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    bare = Attributes(Git.open_blocking(tmp_path / "bare.git"), lambda _: True)
    assert marks(bare, change(first)) == {"gen/a.py": "generated", "gen/own.py": "generated"}


def test_names_that_lead_out_of_the_folder_are_left_alone(tmp_path) -> None:
    repository = Repository.create(tmp_path / "r", {"a.py": "", ".gitattributes": "* linguist-generated\n"})
    names = ("../a.py", "/a.py", "x/../a.py", ".GIT/a.py", "C:a.py", "..\\a.py")
    assert marks(seen_by(repository), change("", *names, "a.py")) == {"a.py": "generated"}


@pytest.mark.parametrize("most", [0, 10_000])
def test_git_is_asked_once_of_a_file_and_not_where_nothing_is_said(tmp_path, monkeypatch, most) -> None:
    monkeypatch.setattr(attributes, "_MOST", most)
    monkeypatch.setattr(attributes, "_MOST_STORED", most)
    asked: list[str] = []
    process = Git.process

    def noted(git, argv, **more):
        asked.append(argv[0])
        return process(git, argv, **more)

    repository = Repository.create(tmp_path / "r", {"a.py": "", ".gitattributes": "*.py text\n"})
    seen, first = seen_by(repository), repository.head
    monkeypatch.setattr(Git, "process", noted)
    marks(seen, change(""))
    assert asked == []
    marks(seen, change(first))
    assert asked == ["cat-file"]
    repository.write({".gitattributes": "*.py linguist-generated\n"})
    for _ in range(3):
        assert marks(seen, change("", "a.py", "b.py")) == {"a.py": "generated", "b.py": "generated"}
    marks(seen, change(first))
    if most:
        assert asked == ["cat-file", "check-attr"]


async def test_changes_tell_whose_attributes_count(tmp_path) -> None:
    repository = Repository.create(tmp_path / "r", {"a.py": ""})
    first = repository.head
    second = repository.commit("More", {"a.py": "x = 1\n"})
    git = Git.open_blocking(repository.root)
    assert (await worktree.working_tree(git)).tree == (await worktree.staged(git)).tree == ""
    assert (await worktree.commit(git, "HEAD")).tree == (await worktree.between(git, first, "HEAD")).tree == second
    assert worktree.from_patch(b"--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n").tree is None
