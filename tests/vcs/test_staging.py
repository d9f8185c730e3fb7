"""Staging parts of a file over real repositories: what is asked for is staged, everything else stays as it was."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import Conflict, NotSupported
from sidecar.core.review import Staging
from sidecar.vcs.runner import Git
from sidecar.vcs.staging import committed_blocking, differences_blocking, stage_blocking
from tests.explore import share
from tests.fakes.repository import Repository

TEXT = "".join(f"line {n}\n" for n in range(1, 31))


def edited(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def repo(tmp_path) -> Repository:
    return Repository.create(tmp_path / "r", {"a.py": TEXT})


def git(repo: Repository) -> Git:
    return Git.open_blocking(repo.root)


def staged(repo: Repository, path: str = "a.py") -> str:
    return repo.git("cat-file", "blob", f":{path}") + "\n"


CASES = {
    "one of two": ([("line 10\n", "TEN\n"), ("line 20\n", "TWENTY\n")], (10, 10), [("line 10\n", "TEN\n")]),
    "the second, moved by the first": (
        [("line 10\n", "TEN\nten\nten\n"), ("line 20\n", "TWENTY\n")], (22, 22), [("line 20\n", "TWENTY\n")],
    ),
    "close neighbours": (
        [("line 10\n", "TEN\n"), ("line 12\n", "TWELVE\n")], (12, 12), [("line 12\n", "TWELVE\n")],
    ),
    "both of a stretch": (
        [("line 10\n", "TEN\n"), ("line 12\n", "")], (9, 12), [("line 10\n", "TEN\n"), ("line 12\n", "")],
    ),
    "added lines after others were added": (
        [("line 3\n", "line 3\nnew\n"), ("line 20\n", "line 20\nnewer\n")], (22, 22), [("line 20\n", "line 20\nnewer\n")],
    ),
    "lines taken away": ([("line 5\nline 6\n", ""), ("line 20\n", "x\n")], (4, 4), [("line 5\nline 6\n", "")]),
    "the first line": ([("line 1\n", "ONE\n"), ("line 3\n", "x\n")], (1, 1), [("line 1\n", "ONE\n")]),
    "a new first line": ([("line 1\n", "zero\nline 1\n")], (1, 1), [("line 1\n", "zero\nline 1\n")]),
    "a new last line": ([("line 30\n", "line 30\nend\n")], (31, 31), [("line 30\n", "line 30\nend\n")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_only_the_stretch_that_was_meant_is_staged(repo, name):
    edits, (first, last), kept = CASES[name]
    repo.write({"a.py": edited(TEXT, *edits)})
    before = repo.path("a.py").read_bytes()
    assert stage_blocking(git(repo), "a.py", first, last) == Staging(len(kept))
    assert staged(repo) == edited(TEXT, *kept)
    assert repo.path("a.py").read_bytes() == before


def test_what_others_staged_stays(repo):
    repo.stage({"a.py": edited(TEXT, ("line 2\n", "TWO\n")), "b.py": "new\n"})
    repo.write({"a.py": edited(TEXT, ("line 2\n", "TWO\n"), ("line 10\n", "TEN\n"), ("line 20\n", "x\n"))})
    stage_blocking(git(repo), "a.py", 10, 10)
    assert staged(repo) == edited(TEXT, ("line 2\n", "TWO\n"), ("line 10\n", "TEN\n"))
    assert repo.git("diff", "--cached", "--name-only").split() == ["a.py", "b.py"]


@pytest.mark.parametrize(("first", "last"), [(10, 10), (15, 16)])
def test_where_there_is_nothing_it_says_so(repo, first, last):
    repo.stage({"a.py": edited(TEXT, ("line 10\n", "TEN\n"))})
    with pytest.raises(Conflict, match="staged already, or not changed"):
        stage_blocking(git(repo), "a.py", first, last)


BYTES = {
    "CRLF": (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
    "line ends changed": (b"a\nb\nc\n", b"a\nb\r\nc\n"),
    "no newline at the end, before": (b"a\nb", b"a\nB\n"),
    "no newline at the end, after": (b"a\nb\n", b"a\nB"),
    "no newline at the end, both": (b"a\nb", b"a\nB"),
    "only the newline at the end": (b"a\nb\n", b"a\nb"),
    "no UTF-8": (b"a\n\xff\xfe\nc\n", b"a\n\xfe\nc\n"),
    "a lone CR": (b"a\nb\rb\nc\n", b"a\nb\rB\nc\n"),
    "form feeds and separators": (b"a\n\x0c\x1c\x85\nc\n", b"a\n\x0c\x1cx\nc\n"),
    "lines like headers": (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n", b"--- a/x\n--- b/x\n@@ -1 +1 @@\n"),
    "from empty": (b"", b"a\nb\n"),
    "to empty": (b"a\nb\n", b""),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_stay_what_they_are(tmp_path, name):
    old, new = BYTES[name]
    repo = Repository.create(tmp_path / "r", {'ü "x".py': old, "a.py": "x"})
    repo.write({'ü "x".py': new})
    stage_blocking(git(repo), 'ü "x".py', 1, 9)
    assert repo.git("diff", "--name-only") == ""
    assert repo.git("cat-file", "blob", ':ü "x".py').encode("utf-8", "surrogateescape") == new.removesuffix(b"\n")


def test_line_ends_that_git_converts(repo):
    repo.git("config", "core.autocrlf", "true")
    repo.write({"a.py": edited(TEXT, ("line 10\n", "TEN\n")).replace("\n", "\r\n")})
    stage_blocking(git(repo), "a.py", 10, 10)
    assert staged(repo) == edited(TEXT, ("line 10\n", "TEN\n"))


def test_a_changed_mode_is_left_alone(repo):
    repo.write({"a.py": edited(TEXT, ("line 10\n", "TEN\n"))})
    repo.path("a.py").chmod(0o755)
    stage_blocking(git(repo), "a.py", 10, 10)
    assert repo.git("ls-files", "--stage", "a.py").startswith("100644")
    assert staged(repo) == edited(TEXT, ("line 10\n", "TEN\n"))


@pytest.mark.parametrize("wanted", [False, True])
def test_a_file_that_git_does_not_know_is_staged_whole(repo, wanted):
    repo.write({"new.py": "a\nb\n"})
    if wanted:
        repo.git("add", "--intent-to-add", "new.py")
    assert stage_blocking(git(repo), "new.py", 1, 2) == Staging(1, whole=not wanted)
    assert staged(repo, "new.py") == "a\nb\n"
    assert repo.git("status", "--porcelain") == "A  new.py"


def test_a_renamed_file_is_staged_by_parts_once_git_knows_its_name(repo):
    repo.git("mv", "a.py", "b.py")
    repo.write({"b.py": edited(TEXT, ("line 10\n", "TEN\n"), ("line 20\n", "x\n"))})
    stage_blocking(git(repo), "b.py", 10, 10)
    assert staged(repo, "b.py") == edited(TEXT, ("line 10\n", "TEN\n"))
    assert "a.py" not in repo.git("ls-files")


def refused_conflict(repo):
    repo.git("checkout", "-q", "-b", "other")
    repo.commit("x", {"a.py": edited(TEXT, ("line 10\n", "X\n"))})
    repo.git("checkout", "-q", "main")
    repo.commit("y", {"a.py": edited(TEXT, ("line 10\n", "Y\n"))})
    repo.git("merge", "other", ok=(1,))


def refused_binary(repo):
    repo.commit("b", {"a.py": b"\0\n"})
    repo.write({"a.py": b"\0\1\n"})


def refused_link(repo):
    repo.path("a.py").unlink()
    repo.path("a.py").symlink_to("elsewhere")
    repo.commit("link")


def refused_deleted(repo):
    repo.path("a.py").unlink()


@pytest.mark.parametrize(
    ("arrange", "told"),
    [(refused_conflict, "merge conflict"), (refused_binary, "binary"), (refused_link, "link"), (refused_deleted, "deleted")],
)  # fmt: skip
def test_what_cannot_be_staged_by_lines_is_refused(repo, arrange, told):
    arrange(repo)
    with pytest.raises(NotSupported, match=told):
        stage_blocking(git(repo), "a.py", 1, 30)


def test_an_index_that_moved_on_is_not_written(repo, monkeypatch):
    """Somebody stages something else in the same lines between our look and our patch."""
    repo.write({"a.py": edited(TEXT, ("line 10\n", "TEN\n"))})
    theirs = edited(TEXT, ("line 10\n", "theirs\n"))
    made = git(repo)
    run = made.run_blocking

    def slow(*argv, **more):
        if argv[0] == "apply":
            blob = repo.git("hash-object", "-w", "--stdin", stdin=theirs.encode())
            repo.git("update-index", "--cacheinfo", f"100644,{blob},a.py")
        return run(*argv, **more)

    monkeypatch.setattr(made, "run_blocking", slow)
    with pytest.raises(Conflict, match="nothing was staged"):
        stage_blocking(made, "a.py", 10, 10)
    assert staged(repo) == theirs


def test_hooks_and_filters_of_the_repository_do_not_run(repo, tmp_path):
    repo.git("config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    repo.git("config", "core.fsmonitor", f"touch {tmp_path}/ran")
    repo.write({".gitattributes": "*.txt filter=evil\n", "a.py": edited(TEXT, ("line 10\n", "x\n")), "n.txt": "x\n"})
    made = git(repo)
    stage_blocking(made, "a.py", 10, 10)
    assert not (tmp_path / "ran").exists()


WORDS = st.lists(st.sampled_from(["a", "b", "}", "", "call()"]), max_size=12)


@given(WORDS, WORDS, st.integers(1, 12), st.booleans(), st.booleans())
@share(40)
def test_staging_line_by_line_ends_at_the_file_itself(tmp_path_factory, old, new, line, old_end, new_end):
    """Whatever was changed: one stretch after the other, and the index is what the work tree is."""
    texts = [("\n".join(side) + "\n" * (end and bool(side))).encode() for side, end in ((old, old_end), (new, new_end))]
    repo = Repository.create(tmp_path_factory.mktemp("r") / "r", {"a.py": texts[0], "z": "z"})
    repo.write({"a.py": texts[1]})
    made = git(repo)
    for at in [line, *range(1, 14)]:
        with suppress(Conflict):
            stage_blocking(made, "a.py", at, at)
    assert repo.git("diff", "--name-only") == ""


def test_texts_are_compared_as_git_does(repo):
    (one, other) = differences_blocking(git(repo), ["a", "b", "c", ""], ["a", "B", "c", "d", ""])
    assert (one.removed, one.added, one.new_start) == (("b",), ("B",), 2)
    assert (other.removed, other.added, other.new_start) == ((), ("d",), 4)
    assert differences_blocking(git(repo), ["a"], ["a"]) == ()
    assert differences_blocking(git(repo), ["\0", "x"], ["\0", "y"]) != ()


def test_what_was_committed(repo):
    assert committed_blocking(git(repo), "a.py") == TEXT.encode()
    assert committed_blocking(git(repo), "none.py") is None
