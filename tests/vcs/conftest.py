"""A small repository with a change that is not committed, and a program that tells when it was run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.repository import Repository
from tests.vcs.canary import Canary


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "repo", {"a.txt": "one\n", "b.bin": b"\0\1"})
    made.commit("Go on", {"a.txt": "one\ntwo\n"})
    made.write({"a.txt": "one\n2\n"})
    return made
