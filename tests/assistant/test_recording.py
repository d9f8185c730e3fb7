"""The note of a request says what happened, whatever happened; and looks at no text on its way."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import orjson
import pytest

from sidecar.assistant.prices import PriceTable
from sidecar.assistant.recording import Recorder
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import SetupError, UpstreamCut, UpstreamError
from sidecar.core.events import Event, error_event
from sidecar.core.messages import Message, MessagesRequest
from sidecar.core.reply import Reply
from sidecar.core.turn import Handling, Turn
from sidecar.store.turns import Draft, TurnRecord
from tests.fakes.provider import Answer, FakeProvider, closing, delta, fails, message, opening, says, streams

TURN = Turn(id="req_1", session="s1", agent="a1")
USAGE = {
    "input_tokens": 1000,
    "cache_read_input_tokens": 10_000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
}


def request(*, stream: bool) -> MessagesRequest:
    body = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "secret words"}], "stream": stream}
    return MessagesRequest.parse(orjson.dumps(body))


class Notes:
    """A turn with a recorder around a provider, and what was noted."""

    def __init__(self, *answers: Answer, handling: Handling | None = None) -> None:
        self.drafts: list[Draft] = []
        self.handling = handling
        self.provider = FakeProvider(*answers)
        self.turn = AnswerTurn(self.provider, [Recorder("fake", self.drafts.append, PriceTable()), self._handled])

    async def _handled(self, request, turn, ask) -> Reply:
        try:
            reply = await ask(request, turn)
        except UpstreamError as error:
            error.handling = self.handling or error.handling
            raise
        reply.handling = self.handling or reply.handling
        return reply

    @property
    def record(self) -> TurnRecord:
        (draft,) = self.drafts
        assert draft() == draft(), "a draft can be made again"
        return draft()

    async def events(self, until: int = 1000) -> list[Event]:
        seen: list[Event] = []
        async with await self.turn.answer(request(stream=True), TURN) as reply:
            async for event in reply.events():
                seen.append(event)
                if len(seen) == until:
                    break
        return seen


def start(**usage: object) -> Event:
    body = {**message("").body, "model": "claude-sonnet-4-6", "content": [], "usage": usage}
    return Event.make({"type": "message_start", "message": body})


def tool(index: int, name: str, kind: str = "tool_use") -> Event:
    block = {"type": kind, "id": "t", "name": name, "input": {}}
    return Event.make({"type": "content_block_start", "index": index, "content_block": block})


def end(reason: str, **usage: object) -> list[Event]:
    return [
        Event.make({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}),
        Event.make({"type": "message_stop"}),
    ]


async def test_a_stream_is_noted_and_handed_on_untouched():
    acts = [start(**USAGE, output_tokens=1), tool(0, "Read"), delta("tool_use"), tool(1, "mcp__x__y"), *end("tool_use", output_tokens=50)]  # fmt: skip
    handling = Handling("claude-sonnet-4-6", ("model", "thinking"), retries=1, cache="miss")
    notes = Notes(Answer(acts=acts, headers={"request-id": "up_1"}), handling=handling)
    seen = await notes.events()
    assert [id(event) for event in seen] == [id(event) for event in acts]
    record = notes.record
    assert (record.id, record.session, record.agent, record.provider) == ("req_1", "s1", "a1", "fake")
    assert (record.asked, record.served, record.stream) == ("claude-sonnet-4-6", "claude-sonnet-4-6", True)
    assert (record.outcome, record.status, record.error, record.stop_reason) == ("done", 200, "", "tool_use")
    assert (record.input, record.output, record.cache_read) == (1000, 50, 10_000)
    assert (record.cache_write, record.cache_write_1h) == (300, 200)
    assert record.cost == pytest.approx((1000 * 3 + 50 * 15 + 10_000 * 0.3 + 100 * 3.75 + 200 * 6) / 1e6)
    assert record.tools == ("Read", "mcp__x__y")
    assert (record.cache, record.retries, record.changes) == ("miss", 1, ("model", "thinking"))
    assert record.upstream == "up_1"
    assert 0 <= (record.first_ms or -1) <= record.ms


async def test_texts_are_not_decoded():
    class Sealed(Event):
        __slots__ = ()

        @property
        def data(self):
            raise AssertionError("somebody looked at a text")

    secret = Sealed("content_block_delta", delta("secret").raw)
    block = Sealed("content_block_start", opening()[1].raw)
    notes = Notes(Answer(acts=[start(input_tokens=1), block, secret, *end("end_turn", output_tokens=2)]))
    await notes.events()
    assert (notes.record.input, notes.record.output) == (1, 2)
    assert "secret" not in repr(notes.record)


async def test_a_whole_answer_is_noted_by_what_it_says():
    block = {"type": "tool_use", "id": "t", "name": "Edit", "input": {}}
    said = message("hi", content=[block], usage={"input_tokens": 7, "output_tokens": 3}, model="claude-sonnet-4-6")
    notes = Notes(Answer(message=said, headers={"request-id": "up_1"}))
    async with await notes.turn.answer(request(stream=False), TURN) as reply:
        assert (await reply.message()) is said
    record = notes.record
    assert (record.outcome, record.stream, record.input, record.output, record.tools) == (
        "done",
        False,
        7,
        3,
        ("Edit",),
    )
    assert record.cost == pytest.approx((21 + 45) / 1e6)


async def test_a_stream_folded_into_one_answer_is_noted_once():
    notes = Notes(streams("a", "b"))
    async with await notes.turn.answer(request(stream=False), TURN) as reply:
        assert (await reply.message()).body["content"][0]["text"] == "ab"
    assert (notes.record.outcome, notes.record.input, notes.record.output) == ("done", 5, 2)


@pytest.mark.parametrize("cache", ["hit", "joined"])
async def test_what_our_own_cache_answered_costs_nothing_and_says_what_it_saved(cache: str):
    said = message("hi", usage={"input_tokens": 0, "cache_read_input_tokens": 1000, "output_tokens": 100})
    notes = Notes(Answer(message=said), handling=Handling("claude-sonnet-4-6", cache=cache))
    async with await notes.turn.answer(request(stream=False), TURN):
        pass
    assert notes.record.cost == 0
    assert notes.record.saved == pytest.approx((300 + 1500) / 1e6)


@pytest.mark.parametrize("cache", ["hit", "joined"])
async def test_what_was_saved_is_what_it_took_the_first_time(cache: str):
    told = {"input_tokens": 0, "cache_read_input_tokens": 11_300, "output_tokens": 100}
    first = Handling("claude-sonnet-4-6", cache=cache, usage=USAGE | {"output_tokens": 100})
    notes = Notes(Answer(message=message("hi", usage=told)), handling=first)
    async with await notes.turn.answer(request(stream=False), TURN):
        pass
    record = notes.record
    assert (record.input, record.cache_read, record.cache_write, record.output) == (1000, 10_000, 300, 100)
    assert (record.served, record.cost) == ("claude-sonnet-4-6", 0)
    assert record.saved == pytest.approx((1000 * 3 + 10_000 * 0.3 + 100 * 3.75 + 200 * 6 + 100 * 15) / 1e6)


@pytest.mark.parametrize(
    "broken", [b"{", b"[]", b'{"usage": 3, "content": "x"}', b'{"usage": {"input_tokens": "many"}}']
)
async def test_an_answer_that_makes_no_sense_is_noted_without_numbers(broken: bytes):
    notes = Notes(Answer(message=Message(broken)))
    async with await notes.turn.answer(request(stream=False), TURN):
        pass
    assert (notes.record.outcome, notes.record.input, notes.record.cost, notes.record.tools) == ("done", None, None, ())


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UpstreamError("x", status=529, kind="overloaded_error", request_id="up_9"), 529, "overloaded_error"),
        (SetupError("x"), None, "invalid_request_error"),
        (ValueError("x"), None, "unexpected"),
    ],
)
async def test_a_failure_before_the_first_byte(error: Exception, status: int | None, kind: str):
    notes = Notes(fails(error), handling=Handling("claude-sonnet-4-6", ("model",), retries=2))
    with pytest.raises(type(error)):
        await notes.turn.answer(request(stream=True), TURN)
    record = notes.record
    assert (record.outcome, record.status, record.error, record.first_ms) == ("error", status, kind, None)
    if status:
        assert (record.upstream, record.retries, record.changes) == ("up_9", 2, ("model",))


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (error_event("overloaded_error", "x"), "overloaded_error"),
        (UpstreamCut("cut"), "api_error"),
        (None, "api_error"),
    ],
)
async def test_a_failure_in_the_middle_keeps_what_was_counted(last: Event | Exception | None, kind: str):
    notes = Notes(Answer(acts=[start(input_tokens=9), delta("a"), *([last] if last else [])]))
    with contextlib.suppress(UpstreamCut):
        await notes.events()
    record = notes.record
    assert (record.outcome, record.error, record.input) == ("error", kind, 9)
    assert record.status in {529, 502}


async def test_a_client_that_leaves_is_no_error():
    notes = Notes(streams("a", "b", "c"))
    await notes.events(until=3)
    assert (notes.record.outcome, notes.record.error, notes.record.status) == ("left", "", None)
    assert notes.record.input == 5


async def test_a_client_that_leaves_before_the_first_byte():
    notes = Notes(Answer(acts=[*opening(), *closing()], before=asyncio.Event()))
    asking = asyncio.get_running_loop().create_task(notes.turn.answer(request(stream=True), TURN))
    await notes.provider.next_exchange()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (notes.record.outcome, notes.record.first_ms) == ("left", None)


async def test_an_unknown_model_has_no_cost_rather_than_a_guess():
    notes = Notes(says("hi", model="somebody-elses"))
    async with await notes.turn.answer(request(stream=False), TURN):
        pass
    assert (notes.record.served, notes.record.input, notes.record.cost) == ("somebody-elses", 5, None)


@pytest.mark.parametrize("answer", [says("hi"), fails(UpstreamError("no", status=400))], ids=["answered", "failed"])
async def test_what_the_door_could_not_say_is_noted(answer):
    notes = Notes(answer, handling=Handling("m", ("max_tokens",)))
    with contextlib.suppress(UpstreamError):
        async with await notes.turn.answer(request(stream=False), replace(TURN, unsaid=("seed", "user"))) as reply:
            await reply.message()
    assert notes.record.changes == ("max_tokens", "seed", "user")
