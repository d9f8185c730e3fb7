"""The files family on a real repository: read, write, edit, patch, history, revert."""

import subprocess

import pytest

from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.files import FileTools
from tests.fakes.repository import Repository
from tests.tools.conftest import Call


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench) -> None:
    box.put("files", FileTools(bench).tools())


async def test_a_file_comes_with_line_numbers(call: Call, repo: Repository) -> None:
    assert (await call("files_read", path="a.py")).text == "     1\tone\n     2\ttwo\n     3\tthree"
    some = await call("fs_read", file="a.py", start=2, end=2)
    assert some.text == "     2\ttwo\n[lines 2-2 of 3; go on with start=3]"
    assert some.next == "3"
    repo.write({"empty": "", "long": "x\n" * 5000, "bin": b"a\0b"})
    assert (await call("files_read", path="empty")).text == "(empty)"
    assert (await call("files_read", path="long")).next == "2001"
    assert (await call("files_read", path="bin")).error
    assert "only 3 lines" in (await call("files_read", path="a.py", start=9)).text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "`path`"),
        ({"path": 3}, "`path`"),
        ({"path": "a.py", "start": -1}, "`start`"),
        ({"path": "a.py", "nonsense": 1}, "`nonsense`: is unknown"),
        ({"path": "../a.py"}, "outside"),
        ({"path": ["a.py"]}, "`path`"),
        ({"path": "a.py", "start": "x" * 100_000}, "`start`"),
    ],
)
async def test_wrong_arguments_are_told_in_a_sentence(call: Call, arguments: dict[str, object], said: str) -> None:
    result = await call("files_read", **arguments)
    assert result.error
    assert said in result.text
    assert len(result.text) < 1000
    assert "Traceback" not in result.text


async def test_a_write_is_shown_noted_and_taken_back(call: Call, repo: Repository) -> None:
    wrote = await call("files_write", path="a.py", content="one\n2\nthree\n")
    assert "-two\n+2" in wrote.text
    assert wrote.value == {"edits": [{"id": 1, "path": "a.py"}]}
    assert "edit 1: a.py by files_write" in (await call("files_history")).text
    assert not (await call("files_revert", id=1)).error
    assert repo.path("a.py").read_text() == "one\ntwo\nthree\n"
    again = await call("files_revert", id=1)
    assert again.error
    assert "changed since" in again.text
    assert repo.path("a.py").read_text() == "one\ntwo\nthree\n"


async def test_reverting_what_made_a_file_deletes_it(call: Call, repo: Repository) -> None:
    await call("fs_write", path="new/x.txt", contents="x")
    assert repo.path("new/x.txt").read_text() == "x"
    await call("workspace_edit_revert", id=1)
    assert not repo.path("new/x.txt").exists()


async def test_a_revert_is_refused_when_the_user_changed_the_file(call: Call, repo: Repository) -> None:
    await call("files_write", path="a.py", content="mine")
    repo.write({"a.py": "the user's"})
    assert "lose the later change" in (await call("files_revert", id=1)).text
    assert repo.path("a.py").read_text() == "the user's"
    assert (await call("files_revert", id=99)).error


@pytest.mark.parametrize(
    ("edit", "after", "said"),
    [
        ({"old": "two", "new": "2"}, "one\n2\nthree\n", "+2"),
        ({"old": "e", "new": "E"}, None, "occurs 3 times"),
        ({"old": "e", "new": "E", "everywhere": True}, "onE\ntwo\nthrEE\n", "+onE"),
        ({"old": "four", "new": "4"}, None, "does not occur"),
        ({"old": "two", "new": "two"}, None, "the same"),
        ({"old": "", "new": "x"}, None, "`old`"),
    ],
)
async def test_exact_edits(call: Call, repo: Repository, edit: dict[str, object], after: str | None, said: str) -> None:
    result = await call("files_edit", path="a.py", **edit)
    assert said in result.text
    assert result.error is (after is None)
    assert repo.path("a.py").read_text() == (after or "one\ntwo\nthree\n")


async def test_windows_line_ends_are_kept(call: Call, repo: Repository) -> None:
    repo.write({"w.txt": "a\r\nb\r\nc\r\n"})
    await call("files_edit", path="w.txt", old="a\nb", new="A\nB")
    assert repo.path("w.txt").read_bytes() == b"A\r\nB\r\nc\r\n"


async def test_a_patch_applies_as_git_would(call: Call, repo: Repository) -> None:
    repo.write({"a.py": "one\nzwei\nthree\n", "src/b.py": None, "c.txt": "new\n"})
    repo.git("add", "-A")
    patch = repo.git("diff", "--cached") + "\n"
    repo.git("reset", "--quiet", "--hard")
    result = await call("edit_patch", path="a.py", patch=patch)
    assert not result.error, result.text
    assert repo.path("a.py").read_text() == "one\nzwei\nthree\n"
    assert repo.path("c.txt").read_text() == "new\n"
    assert not repo.path("src/b.py").exists()
    assert len((await call("files_history")).value["edits"]) == 3


PATCHES = {
    "does not fit": "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-nine\n+neun\n three\n",
    "half fits": "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one\n+eins\n--- a/src/b.py\n+++ b/src/b.py\n@@ -1 +1 @@\n-x\n+y\n",
    "outside": "--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n",
    "git's own": "--- /dev/null\n+++ b/.git/hooks/pre-commit\n@@ -0,0 +1 @@\n+x\n",
    "a link": "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
    "no patch": "hello",
}  # fmt: skip


@pytest.mark.parametrize("case", PATCHES)
async def test_a_patch_that_does_not_fit_writes_nothing(call: Call, repo: Repository, case: str) -> None:
    result = await call("files_patch", patch=PATCHES[case])
    assert result.error, result.text
    assert repo.git("status", "--porcelain") == ""
    assert not (repo.root.parent / "x").exists()
    assert not repo.path("l").is_symlink()


async def test_mode_and_hooks_are_left_alone(call: Call, repo: Repository) -> None:
    subprocess.run(["chmod", "755", repo.path("a.py")], check=True)
    await call("files_edit", path="a.py", old="two", new="2")
    assert repo.path("a.py").stat().st_mode & 0o777 == 0o755
    refused = await call("files_write", path=".git/hooks/post-checkout", content="#!/bin/sh\n")
    assert refused.error
    assert not repo.path(".git/hooks/post-checkout").exists()


async def test_a_small_edit_of_a_large_file_is_shown_in_its_place(call: Call, repo: Repository) -> None:
    lines = [f"line {number}" for number in range(1, 60_001)]
    repo.write({"large.txt": "\n".join(lines) + "\n"})
    told = await call("files_edit", path="large.txt", old="line 30000\n", new="changed\n")
    assert "@@ -29997,7 +29997,7 @@\n line 29997" in told.text
    assert "-line 30000\n+changed\n line 30001" in told.text
    told = await call("files_write", path="large.txt", content="other\n" * 60_000)
    assert "bytes became 360,000)" in told.text


async def test_no_range_shows_a_stretch_of_a_key(call: Call, repo: Repository) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIone\nMIItwo\n-----END RSA PRIVATE KEY-----"
    repo.write({"conf.py": f"A = 1\nKEY = '{key}'\nB = 2\n"})
    shown = (await call("files_read", path="conf.py", start=3, end=6)).text
    assert "MII" not in shown
    assert "     6\tB = 2" in shown
