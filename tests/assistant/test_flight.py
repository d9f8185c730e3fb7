"""One question, many who wait: each hears everything, nobody takes it from the others, the last one ends it."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

import orjson
import pytest

from sidecar.assistant import flight as flights
from sidecar.assistant.flight import Flight, Seat
from sidecar.core.errors import UpstreamCut, UpstreamError
from sidecar.core.events import PING, Event
from sidecar.core.messages import MessagesRequest
from sidecar.core.turn import Turn
from tests.fakes.provider import Answer, FakeProvider, closing, delta, fails, opening, says, streams

REQUEST = MessagesRequest.parse(orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}))


class Start:
    """Lets a question fly to a scripted provider."""

    def __init__(self) -> None:
        self.kept = 0
        self.ended = 0
        self.provider = FakeProvider()

    def __call__(self, answer: Answer, *, streamed: bool = True) -> tuple[Flight, Seat]:
        self.provider = FakeProvider(answer)
        flight = Flight(streamed=streamed)
        seat = flight.enter()
        flight.start(partial(self.provider.send, REQUEST, Turn("req_1")), self._keep, self._end)
        return flight, seat

    async def _keep(self) -> None:
        self.kept += 1

    def _end(self) -> None:
        self.ended += 1


@pytest.fixture
def start() -> Start:
    return Start()


async def words(seat: Seat) -> list[str]:
    return [event.type async for event in seat.events()]


WHOLE = [e.type for e in (*opening(), delta("a"), delta("b"), *closing())]


async def test_everybody_hears_everything_whenever_they_come(start):
    hold = asyncio.Event()
    flight, first = start(streams("a", hold, "b"))
    await first.opened()
    early = flight.enter()
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(words(first)), group.create_task(words(early))]
        assert await early.promising()
        while flight.held < 3:
            await flight.news()
        late = group.create_task(words(flight.enter()))
        hold.set()
    assert [task.result() for task in (*asked, late)] == [WHOLE] * 3
    assert len(start.provider.exchanges) == 1


async def test_events_come_as_they_are_brought(start):
    hold = asyncio.Event()
    _, seat = start(streams("a", hold, "b"))
    events = seat.events()
    assert [(await anext(events)).type for _ in range(3)] == WHOLE[:3]
    hold.set()
    assert [event.type async for event in events] == WHOLE[3:]
    await seat.leave()


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_answer_is_kept_once_and_its_end_is_told(start, streamed):
    flight, seat = start(streams("a", "b") if streamed else says("hi"), streamed=streamed)
    await seat.opened()
    assert await words(seat) == (WHOLE if streamed else [])
    assert (flight.message is None) == streamed
    await seat.leave()
    while not start.ended:
        await asyncio.sleep(0)
    assert (start.kept, start.ended) == (1, 1)
    assert start.provider.exchanges[0].closed.is_set()


async def test_one_may_leave_and_the_others_hear_the_rest(start):
    hold = asyncio.Event()
    flight, first = start(streams("a", hold, "b"))
    other = flight.enter()
    assert await other.promising()
    await first.leave()
    hold.set()
    assert await words(other) == WHOLE
    await other.leave()


@pytest.mark.parametrize("moment", ["before the answer", "in the middle"])
async def test_when_the_last_one_leaves_the_provider_is_let_go(start, moment):
    hold = asyncio.Event()
    flight, first = start(streams("a", hold) if moment == "in the middle" else Answer(acts=[], before=hold))
    exchange = await start.provider.next_exchange()
    if moment == "in the middle":
        await first.promising()
    other = flight.enter()
    await first.leave()
    assert not exchange.closed.is_set()
    assert flight.joinable
    await other.leave()
    assert exchange.closed.is_set()
    assert exchange.cancelled
    assert not flight.joinable
    while not start.ended:
        await asyncio.sleep(0)
    assert start.kept == 0


async def test_who_leaves_after_the_last_event_does_not_hinder_keeping(start):
    _, seat = start(streams("a", "b"))
    async for event in seat.events():
        if event.type == "message_stop":
            break
    await seat.leave()
    while not start.ended:
        await asyncio.sleep(0)
    assert start.kept == 1


async def test_a_provider_that_does_not_end_after_its_last_event_is_not_waited_for(start, monkeypatch):
    monkeypatch.setattr(flights, "_TAIL", 0.01)
    _, seat = start(Answer(acts=[*opening(), *closing(), asyncio.Event()]))
    assert (await words(seat))[-1] == "message_stop"
    await seat.leave()
    while not start.ended:
        await asyncio.sleep(0.001)
    assert start.kept == 1


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_refusal_is_raised_to_who_asked_and_no_promise_to_others(start, streamed):
    flight, first = start(fails(UpstreamError("busy", status=529)), streamed=streamed)
    other = flight.enter()
    assert not await other.promising()
    with pytest.raises(UpstreamError, match="busy"):
        await first.opened()
    assert start.kept == 0


@pytest.mark.parametrize("before", [[], [PING]])
async def test_an_error_in_place_of_the_answer_is_no_promise(start, before):
    error = Event.make({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    flight, first = start(Answer(acts=[*before, error]))
    other = flight.enter()
    assert not await other.promising()
    assert [event.type async for event in first.events()][-1] == "error"
    assert start.kept == 0


async def test_what_breaks_in_the_middle_breaks_for_all(start):
    flight, first = start(streams("a", UpstreamCut("cut")))
    other = flight.enter()
    assert await other.promising()
    for seat in (first, other):
        events = seat.events()
        assert [(await anext(events)).type for _ in range(3)] == WHOLE[:3]
        with pytest.raises(UpstreamCut):
            await anext(events)
    assert start.kept == 0


async def test_a_stream_that_just_ends_is_not_kept(start):
    _, seat = start(Answer(acts=opening()))
    assert await words(seat) == WHOLE[:2]
    assert start.kept == 0


async def test_the_provider_is_not_read_far_ahead_of_who_listens(start, monkeypatch):
    monkeypatch.setattr(flights, "AHEAD", 1000)
    flight, seat = start(streams(*["x" * 100] * 200))
    await seat.promising()
    while not flight._room.is_set() and flight._ahead() <= 1000:
        await asyncio.sleep(0)
    exchange = start.provider.exchanges[0]
    assert exchange.brought < 12
    other = flight.enter()
    events = other.events()
    for _ in range(50):
        await anext(events)
    assert 50 <= exchange.brought < 62
    await events.aclose()
    assert len(await words(seat)) == 200 + 5
    await seat.leave()
    await other.leave()


async def test_an_endless_stream_is_not_held_whole(start, monkeypatch):
    monkeypatch.setattr(flights, "AHEAD", 1000)
    monkeypatch.setattr(flights, "MOST", 10_000)
    flight, seat = start(streams(*["x" * 100] * 500))
    most = 0
    count = 0
    async for _ in seat.events():
        count += 1
        most = max(most, len(flight.events))
        if count == 300:
            assert flight.overgrown
            assert not flight.joinable
    assert count == 505
    assert most < 80
    await seat.leave()


async def test_stopping_ends_it_for_all(start):
    flight, seat = start(streams("a", asyncio.Event()))
    await seat.promising()
    await flight.stop()
    with pytest.raises(UpstreamCut, match="stopping"):
        await words(seat)


async def test_an_error_that_nobody_waits_for_is_no_noise(start):
    flight, seat = start(fails(UpstreamError("busy")))
    with pytest.raises(UpstreamError):
        await seat.opened()
    await seat.leave()
    del flight, seat
    gc.collect()


async def test_a_fault_in_keeping_is_logged_and_harms_nobody(start, caplog):
    flight = Flight(streamed=False)
    seat = flight.enter()

    async def fault() -> None:
        raise ZeroDivisionError

    flight.start(partial(FakeProvider(says("hi")).send, REQUEST, Turn("r")), fault, lambda: None)
    await seat.opened()
    assert flight.message is not None
    while not flight._task.done():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [r.msg["event"] for r in caplog.records] == ["answer_not_kept"]
