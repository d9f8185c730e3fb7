"""Texts as a commit or the index has them."""

from sidecar.vcs.blobs import MOST_AT_ONCE, blobs_blocking, texts_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository


def test_each_file_as_it_is_there(tmp_path) -> None:
    many = {f"many/{n}.txt": f"{n}\n" for n in range(MOST_AT_ONCE + 5)}
    repo = Repository.create(
        tmp_path / "r",
        {"a.py": "one\ntwo", "b.bin": b"\0\1", "ü b.py": "x\n", "e.py": "", "crlf.py": "a\r\nb\r\n", **many},
    )
    git = Git.open_blocking(repo.root)
    repo.stage({"a.py": "three\n"})
    repo.write({"a.py": "four\n"})
    names = ["missing.py", "a.py", "b.bin", "ü b.py", "e.py", "new\nline", *many]
    found = texts_blocking(git, repo.head, names)
    assert found["a.py"] == ["one", "two"]
    assert found["ü b.py"] == ["x"]
    assert found["e.py"] == []
    assert found[f"many/{MOST_AT_ONCE + 4}.txt"] == [str(MOST_AT_ONCE + 4)]
    assert not {"missing.py", "b.bin", "new\nline"} & found.keys()
    assert texts_blocking(git, "", ["a.py"]) == {"a.py": ["three"]}
    assert texts_blocking(git, "0" * 40, ["a.py"]) == {}
    assert texts_blocking(git, repo.head, []) == {}
    asked = [f"{repo.head}:many", "HEAD:b.bin", "HEAD:new\nline", "HEAD:gone blob 12", ":a.py"]
    assert blobs_blocking(git, asked) == [None, b"\0\1", None, None, b"three\n"]
