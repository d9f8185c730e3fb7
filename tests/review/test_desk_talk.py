"""What is said in a desk's threads: replies, answers as they come, resolving."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.core.errors import BadInput, NotFound, UpstreamUnreachable
from sidecar.review.desk import MOST_COMMENT
from tests.fakes.provider import FakeProvider, fails, says, streams
from tests.review.desks import CHANGED


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


async def writing(world, desk, *pieces):
    """A thread in which an answer is being written, the gate that holds it back, and the task that waits for it."""
    gate = asyncio.Event()
    world.provider._answers = [streams(*pieces, gate, " the end.")]
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    task = asyncio.get_running_loop().create_task(desk.reply(thread.id, "why?"))
    exchange = await world.provider.next_exchange()
    while not desk.state().threads[0].comments[-1].partial:
        await asyncio.sleep(0)
    return thread, gate, task, exchange


async def test_an_answer_is_shown_while_it_is_written_and_kept_when_it_is_whole(world):
    desk = await world.desk()
    thread, gate, task, _ = await writing(world, desk, "Beca")
    draft = world.heard[-1].threads[0].comments[-1]
    assert (draft.author, draft.body, draft.name, draft.partial) == ("model", "Beca", "fake", True)
    await desk.set_state(thread.id, "open")
    world.write(a_py="new\n" + CHANGED)
    await desk.refresh()  # moves the thread, and stores it
    assert all(not comment.partial for kept in await desk._store.all(desk.root) for comment in kept.comments)
    gate.set()
    done = await task
    assert [(c.id, c.body, c.partial) for c in done.comments[2:]] == [(draft.id, "Beca the end.", False)]
    assert done.anchor.start == 11


async def test_resolving_a_thread_stops_its_answer(world):
    desk = await world.desk()
    thread, _, task, exchange = await writing(world, desk, "Beca")
    await desk.set_state(thread.id, "resolved")
    done = await task
    assert done.state == "resolved"
    assert [(c.body, c.partial) for c in done.comments[2:]] == [("Beca\n\n*Stopped: the thread was resolved.*", False)]
    assert exchange.closed.is_set()


async def test_dismissing_a_thread_stops_its_answer_and_it_stays_away(world):
    desk = await world.desk()
    thread, _, task, exchange = await writing(world, desk, "Beca")
    await desk.dismiss(thread.id, "no", "lines")
    await task
    assert exchange.closed.is_set()
    assert [t.id for t in desk.state().threads].count(thread.id) == 0


async def test_an_editor_that_leaves_ends_the_answer_and_nothing_half_written_is_kept(world):
    desk = await world.desk()
    thread, _, task, exchange = await writing(world, desk, "Beca")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert exchange.closed.is_set()
    assert [comment.author for comment in desk.state().threads[0].comments] == ["sidecar", "user"]
    desk = await world.desk()
    assert [comment.author for comment in (await desk.refresh()).threads[0].comments] == ["sidecar", "user"]
    assert thread.id == desk.state().threads[0].id
