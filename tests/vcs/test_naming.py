"""Which files name a thing, over a real repository."""

from __future__ import annotations

import pytest

from sidecar.core.errors import GitError
from sidecar.vcs.naming import naming_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository


@pytest.fixture
def git(tmp_path) -> Git:
    made = Repository.create(
        tmp_path / "r",
        {
            "tests/a.py": "from cart import total\n\nassert total(1)\nassert total(2)\n",
            "tests/ü b.js": "const { total } = require('./cart')\n",
            "tests/c.py": "subtotal = totals\n",
            "tests/d.bin": b"\0total\0",
            "src/a.py": "total = 1\n",
        },
    )
    made.write({"tests/new.py": "total\n"})
    return Git.open_blocking(made.root)


def in_tests(path: str) -> bool:
    return path.startswith("tests/")


def test_a_use_is_told_before_what_brings_the_name_in(git):
    assert naming_blocking(git, "total", in_tests) == {"tests/a.py": 3, "tests/ü b.js": 1}
    assert set(naming_blocking(git, "total", lambda _: True)) == {"tests/a.py", "tests/ü b.js", "src/a.py"}


def test_a_word_or_a_file_that_nobody_has(git):
    assert naming_blocking(git, "--help", in_tests) == {}
    assert naming_blocking(git, "total", lambda _: False) == {}


def test_what_git_cannot_tell_is_an_error(git):
    git.root.joinpath(".git/index").write_bytes(b"no index")
    with pytest.raises(GitError):
        naming_blocking(git, "total", in_tests)
