"""Comments on a proposed text: only where the proposal itself adds something, and none of them kept."""

from __future__ import annotations

import pytest

from sidecar.review.foresight import foresee
from sidecar.review.places import Manners
from sidecar.review.scorer import RiskScorer
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

TEXT = "".join(f"line {n}\n" for n in range(1, 31))


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.create(tmp_path / "repo", {"a.py": TEXT, "b.py": "x = 1\n"})


async def places(repository: Repository, path: str, text: str) -> list[tuple[int, int]]:
    git = await Git.open(repository.root)
    return [(thread.anchor.start, thread.anchor.end) for thread in await foresee(git, WordScorer(), path, text)]


async def test_new_lines_get_comments(repository):
    assert await places(repository, "a.py", TEXT.replace("line 10\n", "risky 10\n")) == [(10, 10)]


async def test_nothing_can_be_put_into_a_text_that_no_file_has_yet(repository):
    git = await Git.open(repository.root)
    (thread,) = await foresee(git, RiskScorer(git), "b.py", "x = 1\nbreakpoint()\n")
    assert "Suggested: take the line out." in thread.comments[0].body
    assert thread.comments[0].suggestion is None


async def test_what_stands_on_the_disk_already_is_not_the_proposals(repository):
    on_disk = TEXT.replace("line 10\n", "risky 10\n")
    repository.write({"a.py": on_disk})
    assert await places(repository, "a.py", on_disk.replace("line 25\n", "risky 25\n")) == [(25, 25)]
    assert await places(repository, "a.py", on_disk) == []


async def test_a_new_file_is_all_new(repository):
    assert await places(repository, "c.py", "risky 1\nfine\n") == [(1, 2)]


async def test_before_the_first_commit(tmp_path):
    empty = Repository(tmp_path / "empty")
    empty.root.mkdir()
    empty.git("init", "-q")
    assert await places(empty, "a.py", "risky 1\n") == [(1, 1)]


async def test_taking_lines_away_adds_nothing(repository):
    assert await places(repository, "a.py", TEXT.replace("line 10\n", "")) == []


async def test_binary_before_and_odd_names(repository):
    repository.write({"d.py": b"\0\1"})
    repository.git("add", "-A")
    repository.git("commit", "-qm", "binary")
    assert await places(repository, "d.py", "risky 1\n") == [(1, 1)]
    assert await places(repository, "odd\nname.py", "risky 1\n") == [(1, 1)]


async def test_nothing_of_it_is_kept(repository):
    git = await Git.open(repository.root)
    before = repository.git("status", "--porcelain")
    await foresee(git, RiskScorer(git), "a.py", TEXT + "def f(x):\n    if x:\n        return 1\n" * 20)
    assert repository.git("status", "--porcelain") == before


async def test_findings_of_the_proposal_and_none_that_stand_on_the_disk(repository):
    repository.write({"a.py": TEXT + "breakpoint()\n"})
    git = await Git.open(repository.root)
    key = "ghp_" + "Zq7Rk2Wm9Xv4Bt6Lp1Nd8Hs3Jf5Gc0YaQwEr"
    text = TEXT.replace("line 3\n", f'token = "{key}"\n') + "breakpoint()\n"
    (thread,) = await foresee(git, RiskScorer(git), "a.py", text)
    assert (thread.anchor.start, thread.title) == (3, "Hazard: a secret in the code")
    assert key not in repr(thread), "the anchor does not keep it either"
    assert await foresee(git, RiskScorer(git), "a.py", text, Manners(budget=0)) == ()
