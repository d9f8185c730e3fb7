"""Texts of other states than the working tree, the base of a branch, and what there is to choose from, with real git."""

from __future__ import annotations

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.review import INDEX, NOTHING
from sidecar.vcs.revisions import MOST_TEXT, base_of, branch, branches, lines_blocking, recent, text_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.create(tmp_path / "r", {"a.py": "one\n", "ü b.py": "x\r\ny"})


def test_each_side_has_its_own_text(repository):
    git, first = Git.open_blocking(repository.root), repository.head
    repository.stage({"a.py": "two\n", "new.py": "new\n"})
    repository.write({"a.py": "three\n"})
    assert text_blocking(git, first, "a.py") == "one\n"
    assert text_blocking(git, INDEX, "a.py") == "two\n"
    assert text_blocking(git, NOTHING, "a.py") == ""
    assert text_blocking(git, first, "new.py") == ""
    asked = ["a.py", "no.py", "ü b.py", "line\nend.py", ""]
    assert lines_blocking(git, first, asked) == {
        "a.py": ["one"], "no.py": None, "ü b.py": ["x", "y"], "line\nend.py": None, "": None,
    }  # fmt: skip


@pytest.mark.parametrize("side", ["", "HEAD", "main", "--help", "0123", "index:a.py"])
def test_other_names_of_sides_are_refused(repository, side):
    with pytest.raises(BadInput, match="names no side"):
        text_blocking(Git.open_blocking(repository.root), side, "a.py")


@pytest.mark.parametrize("content", [b"a\0b", b"x" * (MOST_TEXT + 1)])
def test_what_is_no_text_is_not_shown(repository, content):
    head = repository.commit("Blob", {"blob": content})
    git = Git.open_blocking(repository.root)
    assert lines_blocking(git, head, ["blob"]) == {"blob": None}
    with pytest.raises(BadInput, match="not shown as text"):
        text_blocking(git, head, "blob")


async def test_a_branch_is_compared_with_where_it_left_main(repository):
    start = repository.head
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("Work", {"a.py": "work\n"})
    repository.git("checkout", "-q", "main")
    repository.commit("Meanwhile", {"b.py": "b\n"})
    repository.git("checkout", "-q", "feature")
    git = await Git.open(repository.root)
    base = await base_of(git)
    assert (base.commit, base.name) == (start, "main")
    assert (await base_of(git, "HEAD")).commit == repository.head
    assert await branch(git) == "feature"
    assert [one.name for one in await branches(git, 10)] == ["main", "feature"]
    assert [one.name for one in await recent(git, 1)] == ["Work"]


@pytest.mark.parametrize(("upstream", "expected"), [("feature", "main"), ("release", "origin/release")])
async def test_an_upstream_counts_unless_it_is_the_branch_itself(tmp_path, repository, upstream, expected):
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "origin"))
    repository.git("remote", "add", "origin", str(tmp_path / "origin"))
    repository.git("checkout", "-q", "-b", "feature")
    repository.git("push", "-q", "origin", f"feature:{upstream}")
    repository.git("branch", "-q", f"--set-upstream-to=origin/{upstream}")
    assert (await base_of(await Git.open(repository.root))).name == expected


async def test_what_has_no_base_says_what_to_do(tmp_path):
    repository = Repository.create(tmp_path / "empty")
    git = await Git.open(repository.root)
    with pytest.raises(BadInput, match="no commit yet"):
        await base_of(git)
    assert await recent(git, 5) == []
    repository.commit("Begin", {"a.py": "one\n"})
    with pytest.raises(BadInput, match="choose a base"):
        await base_of(git)
    with pytest.raises(BadInput, match="no commit 'gone'"):
        await base_of(git, "gone")
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit("Else", {"c.py": "c\n"})
    with pytest.raises(BadInput, match="no commit in common"):
        await base_of(git, "main")
    repository.git("checkout", "-q", "--detach")
    assert await branch(git) == ""
