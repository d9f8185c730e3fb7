"""The desk over real repositories and a real store: looks, replies, listeners, restarts, failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput, GitError, NotFound, StoreError, UpstreamUnreachable
from sidecar.core.ports import Desk, ReviewState
from sidecar.core.review import Anchor, Thread
from sidecar.review.desk import MOST_COMMENT, ReviewDesk
from sidecar.review.reply import ReplyWriter
from sidecar.store.database import Database
from sidecar.store.threads import ThreadStore
from sidecar.vcs.runner import Git
from tests.fakes.provider import FakeProvider, fails, says
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
CHANGED = TEXT.replace("line 10\n", "risky 10\n").replace("line 20\n", "risky 20\n")


class World:
    """A repository, a database file, and desks over both."""

    def __init__(self, repository: Repository, path: Path) -> None:
        self.repository = repository
        self.path = path
        self.scorer = WordScorer()
        self.provider = FakeProvider(says("Because."))
        self.heard: list[ReviewState] = []
        self.database: Database | None = None

    async def desk(self) -> ReviewDesk:
        """A new desk, as after a restart."""
        if self.database is not None:
            await self.database.aclose()
        self.database = await Database.open(self.path)
        git = await Git.open(self.repository.root)
        desk = ReviewDesk(git, ThreadStore(self.database), self.scorer, ReplyWriter(self.provider))
        desk.subscribe(self.heard.append)
        return desk

    def write(self, **files: str | bytes | None) -> None:
        self.repository.write({name.replace("_", "."): content for name, content in files.items()})


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    made = World(Repository.create(tmp_path / "repo", {"a.py": TEXT}), tmp_path / "state" / "sidecar.db")
    yield made
    if made.database is not None:
        await made.database.aclose()


def places(state: ReviewState) -> list[tuple[str, int, int]]:
    return [(thread.anchor.path, thread.anchor.start, thread.anchor.end) for thread in state.threads]


async def test_a_desk_is_what_the_editors_door_needs(world):
    desk: Desk = await world.desk()
    assert desk.root == str(world.repository.root.resolve())
    assert desk.state() == ReviewState(0, ())


async def test_a_risky_change_gets_threads_and_listeners_hear(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    state = await desk.refresh()
    assert places(state) == [("a.py", 10, 10), ("a.py", 20, 20)]
    assert (state.revision, state.full) == (1, True)
    assert state.report is not None
    assert state.report.band == "high"
    (delta,) = world.heard
    assert (delta.revision, delta.full, delta.threads) == (1, False, state.threads)


async def test_looking_again_without_a_change_tells_nobody(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = await desk.refresh()
    second = await desk.refresh({"a.py"})
    assert second.threads == first.threads
    assert second.revision == first.revision
    assert len(world.heard) == 1


async def test_no_change_no_report(world):
    desk = await world.desk()
    assert (await desk.refresh()) == ReviewState(0, ())
    assert world.heard == []
    assert world.scorer.scored == []


async def test_an_edit_moves_closes_and_opens(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = await desk.refresh()
    edited = "new\n" + CHANGED.replace("risky 10\n", "line 10\n").replace("line 29\n", "risky 29\n")
    world.write(a_py=edited)
    after = await desk.refresh()
    assert places(after) == [("a.py", 21, 21), ("a.py", 30, 30)]
    moved, closed = before.threads[1].id, before.threads[0].id
    assert after.threads[0].id == moved
    delta = world.heard[-1]
    assert delta.removed == (closed,)
    assert {thread.id for thread in delta.threads} == {thread.id for thread in after.threads}
    assert all(thread.revision == after.revision for thread in delta.threads)


async def test_committing_ends_the_review(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    await desk.refresh()
    world.repository.commit("Do it")
    state = await desk.refresh()
    assert (state.threads, state.report) == ((), None)
    assert len(world.heard[-1].removed) == 2


async def test_what_changed_since_a_revision(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = await desk.refresh()
    world.write(a_py=CHANGED.replace("risky 10\n", "line 10\n"))
    second = await desk.refresh()
    delta = desk.state(first.revision)
    assert (delta.full, delta.removed) == (False, (first.threads[0].id,))
    assert delta.threads == ()
    assert desk.state(second.revision) == ReviewState(second.revision, (), (), full=False, report=second.report)
    for odd in (0, -1, second.revision + 1):
        assert desk.state(odd).full


async def test_a_reply_is_shown_before_it_is_answered(world):
    answer = says("Because.")
    answer.before = asyncio.Event()
    world.provider = FakeProvider(answer)
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    task = asyncio.get_running_loop().create_task(desk.reply(thread.id, "  why?  "))
    exchange = await world.provider.next_exchange()
    shown = world.heard[-1].threads[0]
    assert [(c.author, c.body) for c in shown.comments[1:]] == [("user", "why?")]
    assert "   10  risky 10" in exchange.request.body["messages"][0]["content"]
    answer.before.set()
    answered = await task
    assert [(c.author, c.body, c.name) for c in answered.comments[1:]] == [
        ("user", "why?", ""),
        ("model", "Because.", "fake"),
    ]
    assert world.heard[-1].threads == (answered,)
    assert desk.state().threads[0] == answered
    assert len({comment.id for comment in answered.comments}) == 3


async def test_a_thread_that_moves_while_it_is_answered_keeps_its_place_and_words(world):
    answer = says("Because.")
    answer.before = asyncio.Event()
    world.provider = FakeProvider(answer)
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    task = asyncio.get_running_loop().create_task(desk.reply(thread.id, "why?"))
    await world.provider.next_exchange()
    world.write(a_py="new\n" + CHANGED)
    await desk.refresh()
    answer.before.set()
    answered = await task
    assert (answered.anchor.start, len(answered.comments)) == (11, 3)


async def test_a_provider_that_fails_loses_nothing(world):
    world.provider = FakeProvider(fails(UpstreamUnreachable("No connection.")))
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    answered = await desk.reply(thread.id, "why?")
    assert [comment.author for comment in answered.comments] == ["sidecar", "user", "sidecar"]
    assert "No connection." in answered.comments[-1].body


@pytest.mark.parametrize(
    ("body", "said"), [("", "empty"), (" \n\t", "empty"), ("x" * (MOST_COMMENT + 1), "shorten it")]
)
async def test_a_comment_must_say_something(body, said, world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    with pytest.raises(BadInput, match=said):
        await desk.reply(thread.id, body)
    assert desk.state().threads[0] == thread


async def test_a_thread_that_is_not_there(world):
    desk = await world.desk()
    with pytest.raises(NotFound, match="no thread 'nope'"):
        await desk.reply("nope", "hello")
    with pytest.raises(NotFound):
        await desk.set_state("nope", "resolved")


async def test_resolving_and_opening_again(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    assert (await desk.set_state(thread.id, "resolved")).state == "resolved"
    told = len(world.heard)
    assert (await desk.set_state(thread.id, "resolved")).state == "resolved"
    assert len(world.heard) == told, "nothing changed, nothing told"
    world.write(a_py="new\n" + CHANGED)
    state = await desk.refresh()
    assert (state.threads[0].state, state.threads[0].anchor.start) == ("resolved", 11)
    assert (await desk.set_state(thread.id, "open")).state == "open"


async def test_everything_outlives_a_restart(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = (await desk.refresh()).threads
    await desk.set_state(before[0].id, "resolved")
    await desk.reply(before[1].id, "why?")
    kept = desk.state()
    world.write(a_py="new\n" + CHANGED)
    again = await world.desk()
    state = await again.refresh()
    assert state.revision > kept.revision
    assert [(t.id, t.state, len(t.comments), t.anchor.start) for t in state.threads] == [
        (before[0].id, "resolved", 1, 11),
        (before[1].id, "open", 3, 21),
    ]
    third = await world.desk()
    assert (await third.reply(before[1].id, "and?")).comments[-1].body == "Because.", "before any look"


async def test_an_old_client_gets_everything_after_a_restart(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = (await desk.refresh()).revision
    world.write(a_py=TEXT.replace("line 10\n", "risky 10\n"))
    await desk.refresh()
    again = await world.desk()
    await again.refresh()
    assert again.state(first).full, "what was closed since is not known any more"


async def test_one_look_runs_and_those_who_ask_meanwhile_share_one(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    world.scorer.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(desk.refresh())]
    await world.scorer.started.wait()
    world.write(a_py=CHANGED.replace("line 29\n", "risky 29\n"))
    tasks += [loop.create_task(desk.refresh()) for _ in range(10)]
    await asyncio.sleep(0)
    world.scorer.gate.set()
    states = await asyncio.gather(*tasks)
    assert len(world.scorer.scored) == 2
    assert all(len(state.threads) == 3 for state in states[1:])


async def test_a_look_that_is_left_hinders_nobody(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    world.scorer.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    left, other = loop.create_task(desk.refresh()), loop.create_task(desk.refresh())
    await world.scorer.started.wait()
    left.cancel()
    world.scorer.gate.set()
    assert len((await other).threads) == 2
    with pytest.raises(asyncio.CancelledError):
        await left


async def test_a_look_that_fails_is_an_error_and_keeps_the_threads(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = await desk.refresh()
    world.scorer.error = GitError("git could not answer: so it goes")
    world.write(a_py=TEXT + "more\n")
    with pytest.raises(GitError, match="so it goes"):
        await desk.refresh()
    assert desk.state() == before
    world.scorer.error = None
    assert (await desk.refresh()).threads == ()


async def test_a_store_that_fails_leaves_the_review_in_memory(world):
    desk = await world.desk()
    await world.database.aclose()
    world.write(a_py=CHANGED)
    state = await desk.refresh()
    assert len(state.threads) == 2
    assert len((await desk.reply(state.threads[0].id, "why?")).comments) == 3
    with pytest.raises(StoreError):
        await world.database.read(lambda _: None)
    world.database = None


async def test_a_listener_that_left_hears_nothing(world):
    desk = await world.desk()
    heard: list[ReviewState] = []
    end = desk.subscribe(heard.append)
    end()
    end()
    world.write(a_py=CHANGED)
    await desk.refresh()
    assert heard == []
    assert len(world.heard) == 1


ODD = {
    "binary": b"\0risky\n",
    "not UTF-8": b"risky \xff\n",
    "CRLF": b"one\r\nrisky\r\n",
    "gone": None,
    "empty": b"",
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_files_are_looked_at_without_a_fault(name, world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    await desk.refresh()
    world.write(a_py=ODD[name])
    state = await desk.refresh()
    for thread in state.threads:
        assert not thread.anchor.outdated
        assert not any(line.endswith("\r") for line in thread.anchor.text)
    assert bool(state.threads) == (name in {"not UTF-8", "CRLF"})


async def test_an_empty_repository_and_a_first_file(tmp_path):
    world = World(Repository.create(tmp_path / "repo"), tmp_path / "state" / "sidecar.db")
    desk = await world.desk()
    assert (await desk.refresh()).threads == ()
    world.write(a_py="one\nrisky\n")
    state = await desk.refresh()
    assert places(state) == [("a.py", 1, 2)]
    await world.database.aclose()


async def test_a_renamed_file_keeps_its_threads(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = await desk.refresh()
    world.repository.git("mv", "a.py", "b.py")
    after = await desk.refresh()
    assert [thread.id for thread in after.threads] == [thread.id for thread in before.threads]
    assert places(after) == [("b.py", 10, 10), ("b.py", 20, 20)]


async def test_a_revision_of_the_report_alone_is_told(world):
    desk = await world.desk()
    world.write(a_py=TEXT + "calm\n")
    state = await desk.refresh()
    assert (state.threads, state.revision) == ((), 1)
    assert world.heard[-1].report is not None


async def test_threads_of_others_are_kept_told_and_put_once(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    standing = (await desk.refresh()).threads

    def make(threads):
        assert threads[:2] == standing
        return [Thread("t1", Anchor("a.py", 15, 15, ("line 15",)), "open", 0.0, "high", (), 1.0, 1.0, origin="review")]

    (added,) = await desk.suggest(make)
    assert added.revision == 2
    assert [thread.id for thread in world.heard[-1].threads] == ["t1"]
    count = len(world.heard)
    assert (await (await world.desk()).suggest(lambda threads: [t for t in threads if t.id == "t1"])) == ()
    assert len(world.heard) == count
