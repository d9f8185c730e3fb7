"""Names that a caller may give to git."""

from pathlib import Path

import pytest

from sidecar.core.errors import BadInput
from sidecar.vcs import names
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository


@pytest.fixture
async def git(tmp_path: Path) -> Git:
    repo = Repository.create(tmp_path / "r", {"a": "x"})
    repo.git("remote", "add", "origin", "https://example.org/x.git")
    repo.git("config", "alias.p", "push --force")
    return await Git.open(repo.root)


@pytest.mark.parametrize("name", ["main", "topic/x-1", "ümlaut", "release-1.2"])
async def test_branches(git: Git, name: str) -> None:
    assert await names.branch(git, name) == name


@pytest.mark.parametrize("name", ["", "-x", "--all", "a b", "a..b", "a~1", "a^", "a:b", "@{-1}", "-", "a.lock", "/a", "a//b", "HEAD", "a\0b", "x" * 300])  # fmt: skip
async def test_what_is_no_branch(git: Git, name: str) -> None:
    with pytest.raises(BadInput):
        await names.branch(git, name)


async def test_remotes_are_configured_names(git: Git) -> None:
    assert await names.remote(git, "origin") == "origin"
    for wrong in ("https://example.org/x.git", "ext::sh -c x", "--upload-pack=x", "", ".", "other"):
        with pytest.raises(BadInput, match="no configured remote"):
            await names.remote(git, wrong)


async def test_branch_and_aliases(git: Git) -> None:
    assert await names.current(git) == "main"
    assert await names.aliases(git) == {"p": "push --force"}
