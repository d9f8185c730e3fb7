"""Changes as git really has them: working trees in every odd state, commits, ranges, patches, status."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.errors import BadInput, GitError
from sidecar.vcs import worktree
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import (
    Status,
    between,
    commit,
    from_patch,
    holding,
    read_lines,
    resolve,
    staged,
    status,
    working_tree,
)
from tests.fakes.repository import GRACE, START, Repository

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.create(tmp_path / "repo", {"a.py": "one\ntwo\nthree\n", "b.py": "b\n", "dir/c.py": "c\n"})


async def change(repository: Repository, paths=None) -> Change:
    return await working_tree(await Git.open(repository.root), paths)


def by_path(found: Change) -> dict[str, FileDiff]:
    return {file.path: file for file in found.files}


async def test_the_working_tree_against_head(repository):
    repository.write({"a.py": "one\n2\nthree\nfour\n", "b.py": None, "new.py": "n\nm\n"})
    found = await change(repository)
    assert found.files == (
        FileDiff("a.py", "modified", (Hunk(2, 2, ("two",), ("2",)), Hunk(3, 4, (), ("four",)))),
        FileDiff("b.py", "deleted", (Hunk(1, 0, ("b",), ()),)),
        FileDiff("new.py", "added", (Hunk(0, 1, (), ("n", "m")),)),
    )
    assert (found.base, found.commit, found.author, found.message) == (repository.head, None, "ada@example.org", "")
    assert found.time > START


async def test_staged_and_unstaged_changes_are_one(repository):
    repository.stage({"a.py": "1\ntwo\nthree\n", "staged.py": "s\n"})
    repository.write({"a.py": "1\n2\nthree\n"})
    found = by_path(await change(repository))
    assert found["a.py"].hunks == (Hunk(1, 1, ("one", "two"), ("1", "2")),)
    assert found["staged.py"].status == "added"
    held = by_path(await staged(await Git.open(repository.root)))
    assert held["a.py"].hunks == (Hunk(1, 1, ("one",), ("1",)),)
    assert set(held) == {"a.py", "staged.py"}


async def test_a_file_that_git_was_told_to_forget_and_that_is_there_still_is_listed_once(repository):
    repository.write({"bin": b"\0\1", "empty": ""})
    repository.commit("More", {"bin": b"\0\1", "empty": ""})
    repository.git("rm", "-q", "--cached", "a.py", "b.py", "bin", "empty", "dir/c.py")
    repository.write({"a.py": "one\n2\nthree\n", "empty": "full\n", "dir/c.py": None})
    assert (await change(repository)).files == (
        FileDiff("a.py", "modified", (Hunk(2, 2, ("two",), ("2",)),)),
        FileDiff("b.py", "modified", reason="no longer tracked, else the same"),
        FileDiff("bin", "modified", binary=True, reason="binary"),
        FileDiff("dir/c.py", "deleted", (Hunk(1, 0, ("c",), ()),)),
        FileDiff("empty", "modified", (Hunk(0, 1, (), ("full",)),)),
    )


async def test_a_clean_tree_has_no_files(repository):
    assert (await change(repository)).files == ()


async def test_only_the_paths_that_were_asked_for(repository):
    repository.git("mv", "b.py", "moved.py")
    repository.write({"a.py": "x\n", "new.py": "n\n", "other.py": "o\n"})
    found = await change(repository, ["moved.py", "new.py"])
    assert [(file.path, file.status) for file in found.files] == [("moved.py", "renamed"), ("new.py", "added")]


async def test_a_rename_is_found_with_its_edit(repository):
    text = "".join(f"line {n}\n" for n in range(20))
    repository.commit("Long", {"long.py": text})
    repository.git("mv", "long.py", "longer.py")
    repository.write({"longer.py": text + "more\n"})
    assert (await change(repository)).files == (
        FileDiff("longer.py", "renamed", (Hunk(20, 21, (), ("more",)),), old_path="long.py"),
    )


async def test_an_ignored_file_is_no_change(repository):
    repository.commit("Ignore", {".gitignore": "*.log\nbuild/\n"})
    repository.write({"x.log": "x\n", "build/y.py": "y\n", "z.py": "z\n"})
    assert set(by_path(await change(repository))) == {"z.py"}


async def test_before_the_first_commit_everything_is_added(tmp_path):
    repository = Repository.create(tmp_path / "repo")
    assert await change(repository) == Change((), None, None, "ada@example.org", pytest.approx(0, abs=1e12), tree="")
    repository.stage({"a.py": "a\n"})
    repository.write({"b.py": "b\n"})
    found = await change(repository)
    assert found.base is None
    assert [(file.path, file.status, file.added_lines) for file in found.files] == [
        ("a.py", "added", 1),
        ("b.py", "added", 1),
    ]
    held = await staged(await Git.open(repository.root))
    assert [file.path for file in held.files] == ["a.py"]


async def test_a_repository_without_an_identity_has_no_author(repository, monkeypatch):
    repository.git("config", "--unset", "user.email")
    repository.git("config", "user.useConfigOnly", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.delenv("EMAIL", raising=False)
    assert (await change(repository)).author == ""


async def test_a_bare_repository_has_no_working_tree(tmp_path):
    repository = Repository.create(tmp_path / "bare.git", bare=True)
    git = await Git.open(repository.root)
    assert await working_tree(git) == Change(files=())
    assert await status(git) == Status(branch="main", head=None)


ODD = {
    "binary": (b"\0\1\2", "binary"),
    "not UTF-8": (b"\xe4\xf6\n", ""),
    "empty": (b"", "empty"),
    "too large": (b"x" * (worktree.MOST_FILE + 1), "too large"),
    "CRLF": (b"a\r\nb\r\n", ""),
}


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_new_file_is_listed_with_the_reason(name, repository):
    content, reason = ODD[name]
    repository.write({"odd": content})
    file = by_path(await change(repository))["odd"]
    assert (file.status, file.reason, file.binary) == ("added", reason, name == "binary")
    assert bool(file.hunks) == (not reason)


@pytest.mark.parametrize("name", ["binary", "not UTF-8", "CRLF"])
async def test_an_odd_file_that_git_knows_is_told_as_well(name, repository):
    content, reason = ODD[name]
    repository.commit("Odd", {"odd": content})
    repository.write({"odd": content + b"more\xff\n"})
    file = by_path(await change(repository))["odd"]
    assert (file.status, file.reason) == ("modified", reason)
    if not reason:
        assert file.hunks[-1].added[-1].endswith("moreÿ")


@posix
async def test_what_is_no_plain_file_is_never_opened(repository, tmp_path, monkeypatch):
    os.mkfifo(repository.path("pipe"))
    listening = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(repository.root)  # a socket's path may not be long
    listening.bind("socket")
    repository.path("link").symlink_to("/etc/passwd")
    repository.path("loop").symlink_to("loop")
    (tmp_path / "outside").mkdir()
    repository.path("folder").symlink_to(tmp_path / "outside")
    found = by_path(await change(repository))
    assert {path: file.reason for path, file in found.items()} == {
        "link": "symbolic link",
        "loop": "symbolic link",
        "folder": "symbolic link",
    }, "git itself passes over pipes and sockets"
    assert worktree._read(repository.root, "pipe") == "not a regular file"
    assert worktree._read(repository.root, "socket") == "not a regular file"
    assert worktree._read(repository.root, "dir") == "not a regular file"
    assert worktree._read(repository.root, "gone") is None
    listening.close()


@posix
async def test_a_known_file_that_became_a_pipe_does_not_hide_the_others(repository):
    repository.path("a.py").unlink()
    os.mkfifo(repository.path("a.py"))
    repository.write({"b.py": "B\n", "dir/c.py": None})
    assert by_path(await change(repository)) == {
        "a.py": FileDiff("a.py", "modified", reason="not a regular file"),
        "b.py": FileDiff("b.py", "modified", (Hunk(1, 1, ("b",), ("B",)),)),
        "dir/c.py": FileDiff("dir/c.py", "deleted", (Hunk(1, 0, ("c",), ()),)),
    }


@posix
async def test_a_known_file_that_became_a_link_is_a_change_of_type(repository):
    repository.path("a.py").unlink()
    repository.path("a.py").symlink_to("/etc/passwd")
    assert by_path(await change(repository))["a.py"] == FileDiff("a.py", "type-changed", reason="symbolic link")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
async def test_an_unreadable_file_is_listed(repository):
    repository.write({"secret": "s\n"})
    repository.path("secret").chmod(0)
    assert by_path(await change(repository))["secret"].reason == "cannot be read"


async def test_a_file_that_goes_away_while_it_is_read_is_no_change(repository, monkeypatch):
    repository.write({"short.py": "s\n", "stays.py": "s\n"})
    look = os.lstat

    def vanish(path, *args, **kwargs):
        found = look(path, *args, **kwargs)
        if str(path).endswith("short.py"):
            path.unlink()
        return found

    monkeypatch.setattr(worktree.os, "lstat", vanish)
    assert set(by_path(await change(repository))) == {"stays.py"}


@posix
async def test_a_file_swapped_for_a_link_while_it_is_looked_at_is_not_followed(repository, monkeypatch):
    repository.write({"swap.py": "s\n"})
    look = os.lstat

    def swap(path, *args, **kwargs):
        found = look(path, *args, **kwargs)
        if str(path).endswith("swap.py") and not repository.path("swap.py").is_symlink():
            path.unlink()
            path.symlink_to("/etc/passwd")
        return found

    monkeypatch.setattr(worktree.os, "lstat", swap)
    assert by_path(await change(repository))["swap.py"].reason == "symbolic link"


@posix
async def test_names_with_any_bytes_come_back_as_they_are(repository):
    names = [b"sp ace.py", b"new\nline.py", b"\xff\xfe.py", "ü.py".encode(), b'q"uote.py', b"-rf"]
    for name in names:
        repository.write({os.fsdecode(name): "x\n"})
    found = await change(repository)
    assert sorted(os.fsencode(file.path) for file in found.files) == sorted(names)
    repository.commit("Names")
    for name in names:
        repository.write({os.fsdecode(name): "y\n"})
    found = await change(repository)
    assert sorted(os.fsencode(file.path) for file in found.files) == sorted(names)
    assert await read_lines(await Git.open(repository.root), "\udcff\udcfe.py") == ["y"]


async def test_another_repository_inside_is_named_and_not_entered(repository):
    Repository.create(repository.root / "inner", {"x.py": "x\n"})
    assert by_path(await change(repository)) == {"inner": FileDiff("inner", "added", reason="another repository")}


async def test_a_submodule_that_moved_on_is_told_without_lines(repository):
    inner = Repository.create(repository.root / "inner", {"x.py": "x\n"})
    repository.git("add", "inner")
    repository.commit("Module")
    inner.write({"x.py": "dirty\n"})
    assert (await change(repository)).files == ()
    inner.commit("On", {"x.py": "y\n"})
    assert by_path(await change(repository)) == {"inner": FileDiff("inner", "modified", reason="submodule")}


@posix
async def test_a_file_under_a_content_filter_is_told_without_lines(repository):
    repository.commit("Large files", {".gitattributes": "*.dat filter=lfs\n", "x.dat": "pointer\n"})
    repository.git("config", "filter.lfs.clean", "false")
    repository.write({"x.dat": "the real content\n", "a.py": "a\n"})
    found = by_path(await change(repository))
    assert found["x.dat"] == FileDiff("x.dat", "modified", reason="kept by a content filter")
    assert found["a.py"].hunks


async def test_many_untracked_files_are_all_listed_and_some_read(repository, monkeypatch):
    monkeypatch.setattr(worktree, "MOST_UNTRACKED", 3)
    repository.write({f"n{n}.py": "x\n" for n in range(5)})
    found = (await change(repository)).files
    assert [file.reason for file in found] == ["", "", "", "too many untracked files", "too many untracked files"]


async def test_a_merge_in_progress_has_a_change_and_says_so(repository):
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit("Side", {"a.py": "one\nSIDE\nthree\n"})
    repository.git("checkout", "--quiet", "main")
    repository.commit("Main", {"a.py": "one\nMAIN\nthree\n"})
    repository.git("merge", "side", ok=(1,))
    git = await Git.open(repository.root)
    found = by_path(await working_tree(git))
    assert "<<<<<<< HEAD" in found["a.py"].hunks[0].added
    assert [(name, file.reason) for name, file in by_path(await staged(git)).items()] == [("a.py", "merge conflict")]
    now = await status(git)
    assert (now.branch, now.conflicted, now.doing) == ("main", ("a.py",), "merge")


async def test_a_worktree_and_a_detached_head(repository, tmp_path):
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    other = Repository(tmp_path / "other")
    other.write({"a.py": "one\n"})
    found = await change(other)
    assert [file.path for file in found.files] == ["a.py"]
    now = await status(await Git.open(other.root))
    assert (now.branch, now.head) == ("", repository.head)


async def test_a_commit_against_its_first_parent(repository):
    first = repository.head
    sha = repository.commit("Say more\n\nAt length.\n", {"a.py": "one\ntwo\n"}, author=GRACE, date=1_800_000_000)
    git = await Git.open(repository.root)
    assert await commit(git, "HEAD") == Change(
        files=(FileDiff("a.py", "modified", (Hunk(3, 2, ("three",), ()),)),),
        base=first,
        commit=sha,
        author="grace@example.org",
        time=1_800_000_000.0,
        message="Say more\n\nAt length.",
        tree=sha,
    )


async def test_a_first_commit_is_all_additions(repository):
    found = await commit(await Git.open(repository.root), "HEAD")
    assert found.base is None
    assert {file.status for file in found.files} == {"added"}
    assert len(found.files) == 3


async def test_a_merge_commit_is_looked_at_from_its_first_parent(repository):
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit("Side", {"side.py": "s\n"})
    repository.git("checkout", "--quiet", "main")
    base = repository.commit("Main", {"main.py": "m\n"})
    repository.git("merge", "--quiet", "--no-edit", "side")
    found = await commit(await Git.open(repository.root), "HEAD")
    assert (found.base, [file.path for file in found.files]) == (base, ["side.py"])


async def test_a_range_has_the_words_of_its_end(repository):
    first = repository.head
    repository.commit("Two", {"a.py": "2\n"})
    last = repository.commit("Three", {"b.py": "3\n"}, author=GRACE)
    git = await Git.open(repository.root)
    found = await between(git, first, "main")
    assert [file.path for file in found.files] == ["a.py", "b.py"]
    assert (found.base, found.commit, found.author, found.message) == (first, None, "grace@example.org", "Three")
    assert await resolve(git, "main") == last


@pytest.mark.parametrize(
    "revision",
    ["", "nowhere", "--all", "-1", "--output=/tmp/x", "HEAD^{tree}", "HEAD:a.py", "a\0b", "HEAD..HEAD", "@{9999}"],
)
async def test_what_is_no_commit_is_told_in_a_sentence(revision, repository):
    git = await Git.open(repository.root)
    for ask in (commit(git, revision), between(git, revision, "HEAD"), between(git, "HEAD", revision)):
        with pytest.raises(BadInput, match="There is no commit"):
            await ask


async def test_a_change_made_by_a_patch():
    found = from_patch(b"--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n x\n-y\n+z\n w\n")
    assert found == Change(files=(FileDiff("a", "modified", (Hunk(2, 2, ("y",), ("z",)),)),))
    with pytest.raises(BadInput):
        from_patch(b"hello")


async def test_status_tells_files_by_kind(repository):
    upstream = Repository.create(repository.root.parent / "up.git", bare=True)
    repository.git("remote", "add", "origin", str(upstream.root))
    repository.git("push", "--quiet", "-u", "origin", "main")
    repository.commit("Ahead", {"a.py": "1\n"})
    repository.git("mv", "b.py", "moved b.py")
    repository.write({"dir/c.py": "changed\n", "sub/new file.py": "n\n"})
    found = await status(await Git.open(repository.root))
    assert found == Status(
        branch="main",
        head=repository.head,
        upstream="origin/main",
        ahead=1,
        behind=0,
        staged=("moved b.py",),
        unstaged=("dir/c.py",),
        untracked=("sub/new file.py",),
    )


async def test_status_of_an_empty_repository(tmp_path):
    repository = Repository.create(tmp_path / "repo")
    assert await status(await Git.open(repository.root)) == Status(branch="main", head=None)


@pytest.mark.parametrize(
    ("make", "doing"),
    [
        ((("cherry-pick", "side"),), "cherry-pick"),
        ((("rebase", "side"),), "rebase"),
        ((("revert", "--no-commit", "HEAD"),), "revert"),
        ((("bisect", "start"),), "bisect"),
    ],
)
async def test_an_act_that_is_not_finished_is_named(make, doing, repository):
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit("Side", {"a.py": "SIDE\n"})
    repository.git("checkout", "--quiet", "main")
    repository.commit("Main", {"a.py": "MAIN\n"})
    for argv in make:
        repository.git(*argv, ok=(0, 1))
    assert (await status(await Git.open(repository.root))).doing == doing


async def test_a_damaged_repository_is_an_error_in_a_sentence(repository):
    repository.write({"a.py": "x\n"})
    (repository.root / ".git/index").write_bytes(b"nonsense")
    with pytest.raises(GitError) as caught:
        await change(repository)
    assert caught.value.sentence.startswith("git could not answer: ")


@pytest.mark.parametrize(("name", "wanted"), [("a.py", ["one", "two", "three"]), ("gone.py", None), ("dir", None)])
async def test_the_lines_of_a_file_now(name, wanted, repository):
    assert await read_lines(await Git.open(repository.root), name) == wanted


async def test_a_repository_of_another_hash_works(tmp_path):
    root = tmp_path / "repo"
    root.mkdir()
    made = subprocess.run(
        ["git", "init", "--quiet", "--object-format=sha256"], cwd=root, check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("this git knows only SHA-1")
    repository = Repository(root)
    repository.write({"a.py": "a\n"})
    assert [file.path for file in (await change(repository)).files] == ["a.py"]


async def test_files_that_hold_a_text_are_told_as_git_finds_them(repository):
    repository.write(
        {"new.py": "Two twofold\n", "dir/d.py": "two\n", "out/x.py": "two\n", ".gitignore": "out/\n", "b.bin": b"\0two"}
    )
    git, root = await Git.open(repository.root), repository.root.resolve()

    def told(text: str, folder=root, *, whole: bool, seconds: float = 30.0) -> list[str]:
        return sorted(holding(git, folder, text, whole=whole, seconds=seconds))

    assert told("two", whole=True) == ["a.py", "dir/d.py"]
    assert told("TWO", whole=False) == ["a.py", "dir/d.py", "new.py"]
    assert told("two", root / "dir", whole=True) == ["d.py"]
    assert told("-e", whole=True) == []
    assert told("two.", whole=False) == []
    first = holding(git, root, "two", whole=False, seconds=30.0)
    assert next(first)
    first.close()  # ends git
