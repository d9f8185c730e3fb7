"""Which change is meant by its name."""

from __future__ import annotations

import pytest

from sidecar.core.critique import NamedChange
from sidecar.core.errors import BadInput
from sidecar.critique.named import change_of, ranged, texts_of
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

RANGES = [
    ("a..b", "a", "b"),
    ("a..", "a", "HEAD"),
    ("..b", "HEAD", "b"),
    ("a...b", "a...", "b"),
    ("...", "HEAD...", "HEAD"),
]


@pytest.mark.parametrize(("named", "base", "head"), RANGES)
def test_ranges(named: str, base: str, head: str) -> None:
    assert ranged(named) == NamedChange("range", base, head)


def test_one_revision_is_no_range() -> None:
    with pytest.raises(BadInput, match="two dots"):
        ranged("main")


async def test_what_cannot_be_resolved_is_told(tmp_path) -> None:
    repo = Repository.create(tmp_path / "r", {"a": "1\n"})
    git = await Git.open(repo.root)
    for named in (
        NamedChange("base", "nowhere"),
        NamedChange("range", "", "HEAD"),
        NamedChange("commit", head="--output=x"),
    ):
        with pytest.raises(BadInput):
            await change_of(git, named)
    repo.git("switch", "-q", "--orphan", "lonely")
    repo.commit("Alone", {"b": "1\n"})
    with pytest.raises(BadInput, match=r"no commit in common; use --range main\.\.HEAD"):
        await change_of(git, NamedChange("base", "main"))


async def test_a_bare_repository_has_ranges_and_commits_alone(tmp_path) -> None:
    repo = Repository.create(tmp_path / "r", {"a": "1\n"})
    repo.commit("More", {"a": "1\n2\n"})
    repo.git("clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare.git"))
    git = await Git.open(tmp_path / "bare.git")
    named = NamedChange("commit")
    change = await change_of(git, named)
    assert await texts_of(git, named, change) == {"a": ["1", "2"]}
    for kind in ("working", "staged"):
        with pytest.raises(BadInput, match="bare repository"):
            await change_of(git, NamedChange(kind))
