"""The workbench: trust, and where the workspace lies in its repository."""

from dataclasses import replace

import pytest

from sidecar.core.errors import BadInput, Refused
from sidecar.tools.bench import Bench
from sidecar.tools.fence import Fence
from tests.fakes.repository import Repository
from tests.tools.conftest import untrusted


async def test_where_the_workspace_lies(bench: Bench, repo: Repository) -> None:
    assert (await bench.inside())[1] == ""
    assert (await replace(bench, fence=Fence(repo.path("src"))).inside())[1] == "src/"
    with pytest.raises(BadInput):
        await replace(bench, fence=Fence(repo.root.parent)).inside()


def test_trust_is_asked_for_in_a_sentence(bench: Bench, repo: Repository) -> None:
    bench.need_trust("Running tests")
    with pytest.raises(Refused, match=f"Running tests runs programs.*SIDECAR_TRUSTED_FOLDERS={repo.root}"):
        untrusted(bench).need_trust("Running tests")
