"""Addresses of commits on the web, and that nothing that signs in is part of them."""

import pytest

from sidecar.vcs.links import commit_link, link_for
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

FORMS = [
    ("https://github.com/o/r.git", "https://github.com/o/r/commit/"),
    ("https://me:token@github.com/o/r", "https://github.com/o/r/commit/"),
    ("git@github.com:o/r.git", "https://github.com/o/r/commit/"),
    ("ssh://git@github.example.org:2222/o/r.git/", "https://github.example.org/o/r/commit/"),
    ("https://oauth2:glpat-x@gitlab.com/group/sub/r.git", "https://gitlab.com/group/sub/r/-/commit/"),
    ("git@gitlab.example.org:group/r.git", "https://gitlab.example.org/group/r/-/commit/"),
    ("https://x-token-auth:secret@bitbucket.org/o/r.git", "https://bitbucket.org/o/r/commits/"),
    ("https://bitbucket.example.org/scm/PRJ/r.git", "https://bitbucket.example.org/projects/PRJ/repos/r/commits/"),
    ("ssh://git@bitbucket.example.org:7999/~me/r.git", "https://bitbucket.example.org/users/me/repos/r/commits/"),
    ("https://org:pat@dev.azure.com/org/My%20Project/_git/r", "https://dev.azure.com/org/My%20Project/_git/r/commit/"),
    ("git@ssh.dev.azure.com:v3/org/My Project/r".replace(" ", "%20"), "https://dev.azure.com/org/My%20Project/_git/r/commit/"),
    ("https://org.visualstudio.com/Project/_git/r", "https://org.visualstudio.com/Project/_git/r/commit/"),
    ("org@vs-ssh.visualstudio.com:v3/org/Project/r", "https://dev.azure.com/org/Project/_git/r/commit/"),
    ("https://codeberg.org/o/r.git", "https://codeberg.org/o/r/commit/"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "base"), FORMS)
def test_forms(address: str, base: str) -> None:
    link = link_for(address)
    assert link is not None
    assert link("abc") == f"{base}abc"


NONE = [
    "", "/srv/git/r.git", "../r", "file:///srv/r", "C:\\r", "https://git.example.org/o/r", "https://github.com/o",
    "https://github.com/o/../r", "https://dev.azure.com/org/project", "ext::sh -c evil", "javascript:alert(1)",
]  # fmt: skip


@pytest.mark.parametrize("address", NONE)
def test_no_link_where_the_form_is_not_known(address: str) -> None:
    assert link_for(address) is None


def test_a_path_cannot_break_out_of_a_markdown_link() -> None:
    link = link_for("https://github.com/o/r)[x](evil")
    assert link is None or ")" not in link("abc").split("github.com")[1]


async def test_the_branchs_own_remote_then_origin_then_the_only_one(tmp_path) -> None:
    repo = Repository.create(tmp_path / "r", {"a": "1\n"})
    git = await Git.open(repo.root)
    assert await commit_link(git) is None
    repo.git("remote", "add", "up", "https://me:secret@gitlab.com/o/only.git")
    link = await commit_link(git)
    assert link is not None
    assert link("1") == "https://gitlab.com/o/only/-/commit/1"
    repo.git("remote", "add", "origin", "git@github.com:o/origin.git")
    link = await commit_link(git)
    assert link is not None
    assert link("1") == "https://github.com/o/origin/commit/1"
    repo.git("config", "branch.main.remote", "up")
    link = await commit_link(git)
    assert link is not None
    assert "only" in link("1")
    repo.git("checkout", "-q", "--detach")
    link = await commit_link(git)
    assert link is not None
    assert "origin" in link("1")
