"""One state for one finding in all views of a repository: over real repositories, a real store, and a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sidecar.core.review import Scope
from sidecar.review.desk import ReviewDesk
from sidecar.review.opening import open_desk
from sidecar.review.reply import FactsWriter
from sidecar.store.database import Database
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
CHANGED = TEXT.replace("line 10\n", "risky 10\n").replace("line 20\n", "risky 20\n")


class World:
    """A repository and a database file."""

    def __init__(self, repository: Repository, path) -> None:
        self.repository = repository
        self.path = path
        self.scorer = WordScorer()
        self.database: Database | None = None

    async def close(self) -> None:
        if self.database is not None:
            await self.database.aclose()


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    made = World(Repository.create(tmp_path / "repo", {"a.py": TEXT}), tmp_path / "state" / "sidecar.db")
    yield made
    await made.close()


async def scopes(world, *, staged=CHANGED, there=CHANGED):
    """The reviews of the working tree and of what is staged, as after a restart, each looked at once."""
    world.repository.stage({"a.py": staged})
    world.repository.write({"a.py": there})
    await world.close()
    world.database = await Database.open(world.path)
    git = await Git.open(world.repository.root)
    working, close = open_desk(git, world.database, FactsWriter(), None)
    other = await working.at(Scope("staged"))
    for desk in (working, other):
        desk._scorer = world.scorer
        await desk.refresh()
    close()
    return working, other


def states(desk: ReviewDesk) -> list[tuple[int, str]]:
    return [(thread.anchor.start, thread.state) for thread in desk.state().threads]


async def test_a_thread_that_is_resolved_in_one_scope_is_not_open_in_another(world):
    working, staged = await scopes(world, there="above\n" + CHANGED)
    assert states(working) == [(11, "open"), (21, "open")]
    await working.set_state(working.state().threads[0].id, "resolved")
    await staged.refresh()
    assert states(staged) == [(10, "resolved"), (20, "open")]
    await staged.set_state(staged.state().threads[0].id, "open")
    await working.refresh()
    assert states(working) == [(11, "open"), (21, "open")]
    await staged.set_state(staged.state().threads[1].id, "resolved")
    working, staged = await scopes(world, there="above\n" + CHANGED)  # another process
    assert states(staged) == [(10, "open"), (20, "resolved")]
    assert states(working) == [(11, "open"), (21, "resolved")]
    await working.set_state(working.state().threads[1].id, "open")
    await working.refresh()
    assert states(working) == [(11, "open"), (21, "open")]


async def test_a_scope_that_is_opened_later_knows_what_was_settled(world):
    working, _ = await scopes(world)
    await working.set_state(working.state().threads[0].id, "resolved")
    world.repository.git("commit", "-qm", "change")
    commit = await working.at(Scope("commit", "HEAD"))
    commit._scorer = world.scorer
    await commit.refresh()
    assert states(commit) == [(10, "resolved"), (20, "open")]


async def test_other_text_is_another_finding(world):
    working, staged = await scopes(world, there=CHANGED.replace("risky 10\n", "risky indeed 10\n"))
    for thread in working.state().threads:
        await working.set_state(thread.id, "resolved")
    await staged.refresh()
    assert states(staged) == [(10, "open"), (20, "resolved")]


async def test_of_two_that_are_alike_only_the_one_that_was_meant_is_settled(world):
    text = TEXT.replace("line 10\n", "risky\n").replace("line 20\n", "risky\n")
    working, staged = await scopes(world, staged=text, there=text)
    await working.set_state(working.state().threads[1].id, "resolved")
    await staged.refresh()
    assert states(staged) == [(10, "open"), (20, "resolved")]
