"""Patches to values: by tables of odd patches, and against git itself on random texts."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.diff import FileDiff, Hunk
from sidecar.core.errors import BadInput
from sidecar.vcs.diff import PATCH_OPTIONS, parse_patch, parse_user_patch, text_lines
from tests.core.test_compare import apply
from tests.explore import share
from tests.fakes.repository import Repository, isolated_environment

PLAIN = b"""diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1 +1,2 @@ def f():
-x
+y
+z
@@ -10,0 +12 @@
+w
"""

PATCHES = {
    "plain": (PLAIN, FileDiff("a.py", "modified", (Hunk(1, 1, ("x",), ("y", "z")), Hunk(10, 12, (), ("w",))))),
    "text that looks like headers": (
        b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n--- a/x\n-+ b\n+++ b/x\n+diff --git a/b b/b\n",
        FileDiff("a", "modified", (Hunk(1, 1, ("-- a/x", "+ b"), ("++ b/x", "diff --git a/b b/b")),)),
    ),
    "no line end": (
        b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n",
        FileDiff("a", "modified", (Hunk(1, 1, ("x",), ("y",)),)),
    ),
    "CRLF lines": (
        b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\r\n+y\r\n",
        FileDiff("a", "modified", (Hunk(1, 1, ("x",), ("y",)),)),
    ),
    "other line ends inside a line": (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\x0cz\u2028w\x85v\n".encode(),
        FileDiff("a", "modified", (Hunk(1, 1, ("x",), ("y\x0cz\u2028w\x85v",)),)),
    ),
    "new file": (
        b"diff --git a/n b/n\nnew file mode 100644\nindex 0000000..1\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n",
        FileDiff("n", "added", (Hunk(0, 1, (), ("x",)),)),
    ),
    "deleted file": (
        b"diff --git a/n b/n\ndeleted file mode 100644\nindex 1..0\n--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        FileDiff("n", "deleted", (Hunk(1, 0, ("x",), ()),)),
    ),
    "empty new file": (
        b"diff --git a/n m b/n m\nnew file mode 100644\nindex 0000000..e69de29\n",
        FileDiff("n m", "added", reason="empty"),
    ),
    "rename": (
        b"diff --git a/o b/n m\nsimilarity index 100%\nrename from o\nrename to n m\n",
        FileDiff("n m", "renamed", old_path="o", reason="renamed only"),
    ),
    "rename with an edit": (
        b"diff --git a/o b/n\nsimilarity index 90%\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -3 +3 @@\n-x\n+y\n",
        FileDiff("n", "renamed", (Hunk(3, 3, ("x",), ("y",)),), old_path="o"),
    ),
    "copy": (
        b"diff --git a/o b/n\nsimilarity index 100%\ncopy from o\ncopy to n\n",
        FileDiff("n", "copied", old_path="o", reason="copied only"),
    ),
    "mode": (
        b"diff --git a/m b/m\nold mode 100644\nnew mode 100755\n",
        FileDiff("m", "modified", reason="mode changed only"),
    ),
    "binary": (
        b"diff --git a/b.bin b/b.bin\nindex 1..2 100644\nBinary files a/b.bin and b/b.bin differ\n",
        FileDiff("b.bin", "modified", binary=True, reason="binary"),
    ),
    "binary with its content": (
        b"diff --git a/b b/b\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZ\n\nliteral 2\nJcmZ\n\n",
        FileDiff("b", "modified", binary=True, reason="binary"),
    ),
    "submodule": (
        b"diff --git a/s b/s\nindex 1..2 160000\n--- a/s\n+++ b/s\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
        FileDiff("s", "modified", reason="submodule"),
    ),
    "symbolic link": (
        b"diff --git a/l b/l\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
        FileDiff("l", "added", reason="symbolic link"),
    ),
    "change of type": (
        b"diff --git a/l b/l\ndeleted file mode 100644\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\ndiff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+y\n\\ No newline at end of file\n",
        FileDiff("l", "type-changed", reason="symbolic link"),
    ),
    "merge conflict": (
        b"diff --cc a.py\nindex 1,2..3\n--- a/a.py\n+++ b/a.py\n@@@ -1,1 -1,1 +1,5 @@@\n++<<<<<<< HEAD\n +x\n--- y\n+++ z\n",
        FileDiff("a.py", "modified", reason="merge conflict"),
    ),
    "quoted name": (
        b'diff --git "a/a\\tb\\"\\303\\274.py" "b/a\\tb\\"\\303\\274.py"\nold mode 100644\nnew mode 100755\n',
        FileDiff('a\tb"ü.py', "modified", reason="mode changed only"),
    ),
    "name that is no UTF-8": (
        b'diff --git "a/\\377.py" "b/\\377.py"\n--- "a/\\377.py"\n+++ "b/\\377.py"\n@@ -1 +1 @@\n-x\n+y\n',
        FileDiff("\udcff.py", "modified", (Hunk(1, 1, ("x",), ("y",)),)),
    ),
    "content that is no UTF-8": (
        b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n-\xe4\n+\xf6\n+\xc3\xb6\n",
        FileDiff("a", "modified", (Hunk(1, 1, ("ä",), ("ö", "ö")),)),
    ),
    "name with a space": (
        b"diff --git a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n@@ -1 +1 @@\n-x\n+y\n",
        FileDiff("a b", "modified", (Hunk(1, 1, ("x",), ("y",)),)),
    ),
    "diff -u with times": (
        b"--- old/a.c\t2020-01-01 00:00:00\n+++ a.c\t2020-01-02 00:00:00\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
        FileDiff("a.c", "renamed", (Hunk(2, 2, ("two",), ("2",)),), old_path="old/a.c"),
    ),
    "without prefixes": (
        b"diff --git a.c a.c\n--- a.c\n+++ a.c\n@@ -1 +1 @@\n-x\n+y\n",
        FileDiff("a.c", "modified", (Hunk(1, 1, ("x",), ("y",)),)),
    ),
    "mnemonic prefixes": (
        b"diff --git i/a.c w/a.c\n--- i/a.c\n+++ w/a.c\n@@ -1 +1 @@\n-x\n+y\n",
        FileDiff("a.c", "modified", (Hunk(1, 1, ("x",), ("y",)),)),
    ),
    "context is folded": (
        b"--- a/a\n+++ b/a\n@@ -1,7 +1,7 @@\n a\n-b\n+B\n c\n+d\n\n-f\n-g\n+F\n",
        FileDiff("a", "modified", (Hunk(2, 2, ("b",), ("B",)), Hunk(3, 4, (), ("d",)), Hunk(5, 6, ("f", "g"), ("F",)))),
    ),
    "a mail around it": (
        b"From 1 Mon\nSubject: x\n\n---\n a | 2 +-\n 1 file changed\n\n" + PLAIN + b"-- \n2.39.5\n\n",
        FileDiff("a.py", "modified", (Hunk(1, 1, ("x",), ("y", "z")), Hunk(10, 12, (), ("w",)))),
    ),
    "CRLF throughout": (
        PLAIN.replace(b"\n", b"\r\n"),
        FileDiff("a.py", "modified", (Hunk(1, 1, ("x",), ("y", "z")), Hunk(10, 12, (), ("w",)))),
    ),
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_means(name):
    data, wanted = PATCHES[name]
    if name == "context is folded":
        data = data.replace(b"-1,7 +1,7", b"-1,6 +1,6")
    assert parse_patch(data) == (wanted,)


def test_files_come_in_order():
    assert [file.path for file in parse_patch(PATCHES["rename"][0] + PLAIN + PATCHES["binary"][0])] == [
        "n m",
        "a.py",
        "b.bin",
    ]


def test_a_file_beyond_the_limit_is_listed_without_its_lines():
    assert parse_patch(PLAIN, most_bytes=2) == (FileDiff("a.py", "modified", reason="too large"),)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no diff in the patch"),
        (b"hello\n\0\xff", "no diff in the patch"),
        (PLAIN[:-4], "is cut"),
        (PLAIN.replace(b"+1,2", b"+1,5"), "is cut"),
        (b"--- a/a\n+++ b/a\n@@ what @@\n", "no hunk header"),
        (b"diff --git x\n@@ -1 +1 @@\n-a\n+b\n", "names no file"),
        (b"--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "outside the repository"),
        (b"--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "outside the repository"),
    ],
)
def test_what_is_no_patch_is_told_in_a_sentence(data, said):
    with pytest.raises(BadInput, match=said):
        parse_user_patch(data)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser(data):
    for candidate in (data, b"diff --git " + data, b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n" + data):
        with contextlib.suppress(BadInput):
            parse_user_patch(candidate)


TEXTS = st.lists(
    st.sampled_from([b"a", b"", b"--- a/x", b"+++ b/x", b"@@ -1 +1 @@", b"\xff", b"tail\r", b"\\ No"]), max_size=12
)


@given(TEXTS, TEXTS, st.booleans(), st.booleans())
@share(60)
def test_gits_own_diff_leads_from_one_text_to_the_other(tmp_path_factory, old, new, old_end, new_end):
    folder: Path = tmp_path_factory.getbasetemp()
    for name, lines, end in (("old", old, old_end), ("new", new, new_end)):
        (folder / name).write_bytes(b"\n".join(lines) + (b"\n" if lines and end else b""))
    for context in ("--unified=0", "--unified=3"):
        argv = ["git", "diff", "--no-index", "--text", *PATCH_OPTIONS, context, "old", "new"]
        said = subprocess.run(argv, cwd=folder, env=isolated_environment(), capture_output=True, check=False).stdout
        before, after = (text_lines((folder / name).read_bytes()) for name in ("old", "new"))
        files = parse_patch(said)
        assert apply(before, files[0].hunks if files else ()) == after


def test_gits_odd_names_come_back_as_they_are(tmp_path):
    names = [
        "plain.py",
        "with space.py",
        'quo"te.py',
        "tab\tx.py",
        "new\nline.py",
        "ünï.py",
        "b/a b/c.py",
        "-dash",
        "a b/x",
    ]
    repository = Repository.create(tmp_path / "repo", dict.fromkeys(names, "one\n"))
    repository.write(dict.fromkeys(names, "two\n"))
    said = repository.git("diff", *PATCH_OPTIONS, "HEAD").encode("utf-8", "surrogateescape")
    assert sorted(file.path for file in parse_patch(said)) == sorted(names)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\r\nb\rc\n", ["a", "b\rc"]),
        (b"\xef\xbb\xbfa\n\xff\n", ["\ufeffa", "ÿ"]),
    ],
)
def test_the_lines_of_a_text(data, lines):
    assert text_lines(data) == lines
