"""Unsaved texts over real working trees."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.core.errors import BadInput
from sidecar.review.buffers import MOST_TEXT, Buffers, change_with
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import lines_at_blocking, working_tree
from tests.core.test_compare import apply
from tests.explore import share
from tests.fakes.repository import Repository

TEXT = "one\ntwo\nthree\n"


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.create(tmp_path / "repo", {"a.py": TEXT, ".gitignore": "out/\n"})


async def seen(repository: Repository, **held: str | None) -> list[tuple[str, str, list[tuple[int, tuple[str, ...]]]]]:
    git = await Git.open(repository.root)
    buffers = Buffers(git)
    for name, text in held.items():
        buffers.hold(name.replace("__", "/").replace("_", "."), text)
    change = await buffers.over(await working_tree(git))
    return [(f.path, f.status, [(h.new_start, h.added) for h in f.hunks]) for f in change.files]


async def test_a_text_that_is_not_saved_counts(repository):
    assert await seen(repository, a_py="one\nTWO\nthree\n") == [("a.py", "modified", [(2, ("TWO",))])]


async def test_it_counts_in_place_of_what_is_saved(repository):
    repository.write({"a.py": "ONE\ntwo\nthree\n", "b.py": "b\n"})
    assert await seen(repository, a_py="one\ntwo\nTHREE\n", b_py="b\nc\n") == [
        ("a.py", "modified", [(3, ("THREE",))]),
        ("b.py", "added", [(1, ("b", "c"))]),
    ]


async def test_what_was_undone_and_not_saved_is_no_change(repository):
    repository.write({"a.py": "ONE\ntwo\nthree\n"})
    assert await seen(repository, a_py=TEXT) == []


async def test_a_text_like_the_disk_changes_nothing(repository):
    repository.write({"a.py": "ONE\ntwo\nthree\n"})
    assert await seen(repository, a_py="ONE\ntwo\nthree\n") == await seen(repository)


async def test_a_text_that_is_as_good_as_saved_hides_nothing_that_others_write(repository):
    buffers = Buffers(await Git.open(repository.root))
    buffers.hold("a.py", TEXT)
    assert buffers.settle_blocking("a.py")
    repository.write({"a.py": "ONE\ntwo\nthree\n"})
    assert buffers.lines_blocking("a.py") == ["ONE", "two", "three"]
    buffers.hold("a.py", TEXT)
    assert not buffers.settle_blocking("a.py"), "this one is not saved"
    assert buffers.lines_blocking("a.py") == ["one", "two", "three"]
    assert not buffers.settle_blocking("b.py")


async def test_a_file_that_git_ignores_or_never_saw_is_left_out(repository):
    repository.write({"out/x.py": "x\n"})
    assert await seen(repository, out__x_py="y\n", new_py="n\n") == []


async def test_line_ends_that_git_keeps_to_itself_are_no_change(repository):
    assert await seen(repository, a_py="one\r\nTWO\r\nthree\r\n") == [("a.py", "modified", [(2, ("TWO",))])]


async def test_a_renamed_file_keeps_its_past(repository):
    repository.git("mv", "a.py", "b.py")
    assert await seen(repository, b_py="one\ntwo\nthree\nfour\n") == [("b.py", "renamed", [(4, ("four",))])]


async def test_before_the_first_commit(tmp_path):
    empty = Repository.create(tmp_path / "empty")
    empty.write({"a.py": "a\n"})
    assert await seen(empty, a_py="a\nb\n") == [("a.py", "added", [(1, ("a", "b"))])]


async def test_what_is_let_go_or_too_large_is_not_held(repository):
    git = await Git.open(repository.root)
    buffers = Buffers(git)
    for text in ("x" * (MOST_TEXT + 1), "a\0b", None):
        buffers.hold("a.py", "one\n")
        assert buffers.lines_blocking("a.py") == ["one"]
        buffers.hold("a.py", text)
        assert buffers.lines_blocking("a.py") == ["one", "two", "three"]


async def test_one_text_over_the_working_tree(repository, tmp_path):
    git = await Git.open(repository.root)
    change = await change_with(git, repository.path("a.py"), "one\nTWO\nthree\n")
    assert [(file.path, file.hunks[0].added) for file in change.files] == [("a.py", ("TWO",))]
    with pytest.raises(BadInput, match="not in this repository"):
        await change_with(git, tmp_path / "b.py", "x")
    bare = Repository.create(tmp_path / "bare.git", bare=True)
    with pytest.raises(BadInput, match="bare"):
        await change_with(await Git.open(bare.root), tmp_path / "b.py", "x")


async def test_one_text_of_a_file_that_is_not_on_the_disk_yet(repository):
    git = await Git.open(repository.root)

    async def told(name: str, text: str):
        (found,) = (await change_with(git, repository.path(name), text)).files
        return found.path, found.status, found.reason, found.binary, [hunk.added for hunk in found.hunks]

    assert await told("sub/new.py", "x\ny\n") == ("sub/new.py", "added", "", False, [("x", "y")])
    assert await told(":(top)new.py", "x\n") == (":(top)new.py", "added", "", False, [("x",)])
    assert await told("empty.py", "") == ("empty.py", "added", "empty", False, [])
    assert await told("out/new.py", "x\n") == ("out/new.py", "added", "ignored by git", False, [])
    assert await told("a.py", "a\0") == ("a.py", "modified", "binary", True, [])
    assert await told("a.py", "x" * (MOST_TEXT + 1)) == ("a.py", "modified", "too large", False, [])
    repository.path("a.py").unlink()
    assert await told("a.py", TEXT + "four\n") == ("a.py", "modified", "", False, [("four",)])
    assert (await change_with(git, repository.path("a.py"), TEXT)).files == ()
    repository.write({"b.bin": b"\0"})
    repository.commit("Binary", {"a.py": TEXT})
    assert await told("b.bin", "text\n") == ("b.bin", "modified", "binary", True, [])
    for wrong in (".", ".git/config"):
        with pytest.raises(BadInput, match="no file that can be reviewed"):
            await change_with(git, repository.path(wrong), "x")


LINES = st.lists(st.sampled_from(["one", "two", "", "}", "grüße 🎉", "\tx = 1"]), max_size=8)
FILES = {"a.py": "a\n", "b.py": "b\n", "sub/c d.py": "c\n"}
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["write", "stage", "remove", "commit", "hold"]), st.sampled_from([*FILES, "new.py"]), LINES
    ),
    max_size=6,
)


@share(12)
@given(acts=ACTS)
@example(acts=[("remove", "a.py", []), ("stage", "new.py", ["x"]), ("write", "a.py", ["a"]), ("hold", "b.py", ["one"])])
async def test_what_is_not_saved_is_seen_as_what_is_saved(tmp_path_factory, acts):
    """The same work twice: held by an editor, and saved. The changes are the same, whatever became of the files before."""
    repository = Repository.create(tmp_path_factory.mktemp("held") / "repo", FILES)
    git = await Git.open(repository.root)
    buffers = Buffers(git)
    held: dict[str, str] = {}
    for act, path, lines in acts:
        text = "".join(f"{line}\n" for line in lines)
        if act == "hold" and repository.path(path).exists():
            held[path] = text
            buffers.hold(path, text)
        elif act in {"write", "stage"}:
            repository.write({path: text})
        elif act == "remove" and path not in held:
            repository.path(path).unlink(missing_ok=True)
        if act in {"stage", "commit"}:
            repository.git("add", "--all")
        if act == "commit":
            repository.git("commit", "--quiet", "--allow-empty", "--message", "more")
    over = await buffers.over(await working_tree(git))
    repository.write(held)
    saved = await working_tree(git)
    assert [(file.path, file.status, file.old_path) for file in over.files] == [
        (file.path, file.status, file.old_path) for file in saved.files
    ]
    for one, other in zip(over.files, saved.files, strict=True):
        old = lines_at_blocking(git, saved.base, other.old_path or other.path) or []
        assert apply(old, one.hunks) == apply(old, other.hunks)
