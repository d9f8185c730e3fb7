"""The prompt cache as a step: what is answered from it, what goes past it, and that many ask once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest

from sidecar.assistant import caching
from sidecar.assistant.caching import PromptCache
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import BadInput, UpstreamError
from sidecar.core.messages import MessagesRequest
from sidecar.core.turn import Handling, Turn
from sidecar.store.answers import Answers, CacheLimits
from tests.fakes.provider import Answer, FakeProvider, closing, fails, opening, says, streams

TURN = Turn(id="req_1", session="s1", workspace="/w")
TOOL = {"name": "Read", "input_schema": {"type": "object"}}
USAGE = {"input_tokens": 5, "output_tokens": 2}
SAVED = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 2}


def request(*, stream: bool = False, **fields) -> MessagesRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": stream, **fields}
    return MessagesRequest.parse(orjson.dumps(body))


class House:
    """A turn with the cache as its only step."""

    def __init__(self, *answers: Answer, folder=None) -> None:
        self.provider = FakeProvider(*answers)
        self.cache = PromptCache(Answers(folder, CacheLimits()), "fake")
        self.turn = AnswerTurn(self.provider, [self.cache])

    @property
    def asked(self) -> int:
        return len(self.provider.exchanges)

    async def ask(self, question: MessagesRequest, wish: str = "", turn: Turn = TURN) -> tuple[str, list | dict]:
        """What the cache made of it, and the answer: event types with texts, or the message."""
        async with await self.turn.answer(question, replace(turn, cache=wish)) as reply:
            if question.stream:
                return reply.handling.cache, [event async for event in reply.events()]
            return reply.handling.cache, (await reply.message()).body


@pytest.fixture
async def house():
    made = []

    def open_(*answers: Answer, folder=None) -> House:
        made.append(House(*answers, folder=folder))
        return made[-1]

    yield open_
    for one in made:
        await one.cache.aclose()


def kinds(events) -> list[str]:
    return [e.type for e in events]


def text_of(events) -> str:
    return "".join(e.data["delta"]["text"] for e in events if e.type == "content_block_delta")


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
@pytest.mark.parametrize("brought", ["stream", "message"])
async def test_the_same_question_is_answered_again_however_it_is_asked(house, first, second, brought):
    here = house(streams("Hel", "lo") if brought == "stream" else says("Hello"))
    told, original = await here.ask(request(stream=first))
    assert told == "miss: new"
    told, again = await here.ask(request(stream=second))
    assert (told, here.asked) == ("hit", 1)
    if second:
        assert text_of(again) == "Hello"
        assert again[0].data["message"]["usage"]["cache_read_input_tokens"] == 5
        assert kinds(again)[-1] == "message_stop"
        if first:
            assert kinds(again) == kinds(original)
    else:
        assert again["content"] == [{"type": "text", "text": "Hello"}]
        assert again["usage"] == SAVED


async def test_the_first_answer_is_the_providers_own_to_the_last_byte(house):
    here = house(streams("a", "b"), says("x"))
    _, events = await here.ask(request(stream=True))
    whole = [e for act in (opening(), *[[e] for e in closing()]) for e in act]
    assert [e.raw for e in events if e.type != "content_block_delta"] == [e.raw for e in whole]
    _, message = await here.ask(request(max_tokens=3))
    assert message["usage"] == USAGE


class Serving(FakeProvider):
    """A provider that tells by which name it knows the model."""

    async def send(self, request, turn):
        reply = await super().send(request, turn)
        reply.handling = Handling("databricks-claude-x", ("model",), retries=1)
        return reply


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_given_again_tells_who_served_it_and_what_it_took(house, stream, tmp_path):
    for _ in range(2):  # the second time across a restart
        here = house(folder=tmp_path / "cache")
        here.turn = AnswerTurn(Serving(streams("Hel", "lo") if stream else says("Hello")), [here.cache])
        await here.ask(request(stream=stream))
        async with await here.turn.answer(request(stream=stream), TURN) as reply:
            told = reply.handling
            await reply.message()
        assert (told.cache, told.model, told.changes, told.retries) == ("hit", "databricks-claude-x", (), 0)
        assert told.usage == USAGE
        await here.cache.aclose()
    counts = (await here.cache.stats()).counts
    assert (counts.hits, counts.misses, counts.joins, counts.tokens) == (3, 1, 0, 21)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_is_joined_tells_what_it_took_too(house, stream):
    hold = asyncio.Event()
    here, held = house(), Answer(message=says("Hello").message, before=hold)
    here.turn = AnswerTurn(provider := Serving(streams("Hel", hold, "lo") if stream else held), [here.cache])
    async with asyncio.TaskGroup() as group:
        first = group.create_task(here.ask(request(stream=stream)))
        await provider.next_exchange()
        second = group.create_task(here.turn.answer(request(stream=stream), TURN))
        (flight,) = here.cache._flights.values()
        while len(flight._seats) < 2:
            await asyncio.sleep(0)
        hold.set()
    async with second.result() as reply:
        await reply.message()
    assert first.result()[0] == "miss: new"
    assert (reply.handling.cache, reply.handling.model) == ("joined", "databricks-claude-x")
    assert reply.handling.usage == USAGE
    counts = (await here.cache.stats()).counts
    assert (counts.hits, counts.misses, counts.joins, counts.tokens) == (0, 1, 1, 7)


async def test_a_miss_of_what_was_lately_here_says_so(house):
    here = house(says("Hello"))
    here.cache = PromptCache(Answers(None, CacheLimits(entries=1)), "fake")
    here.turn = AnswerTurn(here.provider, [here.cache])
    for number in (1, 2):
        await here.ask(request(max_tokens=number))
    assert (await here.ask(request(max_tokens=1)))[0] == "miss: evicted"


@pytest.mark.parametrize("two", [{"system": "Be brief."}, {"model": "n"}, {"temperature": 1}, {"new": 1}])
async def test_another_question_is_asked(house, two):
    here = house(says("one"), says("two"))
    await here.ask(request())
    told, body = await here.ask(request(**two))
    assert (told, here.asked) == ("miss: new", 2)
    assert body["content"][0]["text"] == "two"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tools": [TOOL]}, "bypass: tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, "bypass: tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}}, "bypass: tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "Read"}}, "bypass: tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, "hit"),
        ({"tools": []}, "hit"),
        ({"tool_choice": {"type": "auto"}}, "hit"),
        ({"messages": [{"role": "user", "content": 'say "tools" or "tools": [1]'}]}, "hit"),
        ({"mcp_servers": [{"url": "x"}]}, "bypass: tools"),
        ({"container": "c"}, "bypass: tools"),
    ],
)
async def test_where_the_model_may_call_tools_nothing_is_kept(house, fields, told):
    here = house(says("Hello"))
    for _ in range(2):
        heard, _ = await here.ask(request(**fields))
    assert heard == told
    assert here.asked == (1 if told == "hit" else 2)
    assert (await here.cache.stats()).entries == (told == "hit")


TOOL_USE = [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]


@pytest.mark.parametrize(
    "answer",
    [
        says("x", stop_reason="tool_use", content=TOOL_USE),
        says("x", content=[{"type": "text", "text": "a"}, {"type": "server_tool_use", "id": "s"}]),
        says("x", stop_reason="max_tokens"),
        says("x", content=[]),
        streams("a", UpstreamError("cut")),
        Answer(acts=opening()),
        fails(UpstreamError("busy", status=529)),
    ],
    ids=["a tool", "a server's tool", "cut short", "empty", "broken", "no end", "refused"],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_must_not_come_twice_is_not_kept(house, answer, stream):
    here = house(answer)
    for _ in range(2):
        try:
            told, _ = await here.ask(request(stream=stream))
        except UpstreamError:
            told = "miss: new"
        assert told == "miss: new"
    assert here.asked == 2
    assert (await here.cache.stats()).entries == 0


async def test_bypass_neither_looks_nor_keeps(house):
    here = house(says("one"), says("two"), says("three"))
    assert (await here.ask(request(), "bypass"))[0] == "bypass: bypass"
    assert (await here.ask(request()))[0] == "miss: new"
    told, body = await here.ask(request(), "bypass")
    assert (told, body["content"][0]["text"]) == ("bypass: bypass", "three")
    assert (await here.ask(request()))[1]["content"][0]["text"] == "two"


async def test_refresh_asks_and_keeps_what_comes(house):
    here = house(says("one"), says("two"))
    await here.ask(request())
    assert (await here.ask(request(), "refresh"))[0] == "miss: refresh"
    told, body = await here.ask(request())
    assert (told, body["content"][0]["text"]) == ("hit", "two")


async def test_a_session_may_switch_it_off_and_on(house):
    here = house(says("Hello"))
    other = replace(TURN, session="s2")
    await here.ask(request())
    wishes = [("off", TURN, "bypass: session"), ("", TURN, "bypass: session"), ("", other, "hit"),
              ("refresh", TURN, "bypass: session"), ("bypass", TURN, "bypass: bypass"),
              ("on", TURN, "hit"), ("", TURN, "hit")]  # fmt: skip
    for wish, turn, told in wishes:
        assert (await here.ask(request(), wish, turn))[0] == told
    # also by a request that goes past the cache anyway
    await here.ask(request(tools=[TOOL]), "off")
    assert (await here.ask(request()))[0] == "bypass: session"


async def test_without_a_session_off_holds_for_one_request(house):
    here = house(says("Hello"))
    nobody = replace(TURN, session="")
    assert (await here.ask(request(), "off", nobody))[0] == "bypass: session"
    assert (await here.ask(request(), "", nobody))[0] == "miss: new"


async def test_not_every_session_is_remembered_for_ever(house, monkeypatch):
    monkeypatch.setattr(caching, "_SESSIONS", 3)
    here = house(says("Hello"))
    for number in range(5):
        await here.ask(request(), "off", replace(TURN, session=f"s{number}"))
    assert list(here.cache._off) == ["s2", "s3", "s4"]


@pytest.mark.parametrize("wish", ["Bypass", "only", "no-cache", "x" * 100])
async def test_a_wish_that_nobody_knows_is_told(house, wish):
    with pytest.raises(BadInput, match="bypass, refresh, off, on"):
        await house(says("Hello")).ask(request(), wish)


@pytest.mark.parametrize(
    "fields", [{"system": "x" * (caching.LARGEST + 1)}, {"deep": orjson.Fragment(b"[" * 400 + b"]" * 400)}]
)
async def test_what_is_too_large_or_too_deep_goes_past(house, fields):
    here = house(says("Hello"))
    assert (await here.ask(request(**fields)))[0] == "bypass: size"


async def test_it_outlives_the_process(house, tmp_path):
    first = house(streams("Hel", "lo"), folder=tmp_path / "cache")
    await first.ask(request(stream=True))
    await first.cache.aclose()
    second = house(says("other"), folder=tmp_path / "cache")
    told, events = await second.ask(request(stream=True))
    assert (told, text_of(events), second.asked) == ("hit", "Hello", 0)
    assert kinds(events).count("content_block_delta") == 2


async def test_an_answer_that_has_just_come_is_kept_though_the_sidecar_stops(house, tmp_path):
    first = house(says("Hello"), folder=tmp_path / "cache")
    async with await first.turn.answer(request(), TURN):
        await first.cache.aclose()
    second = house(says("other"), folder=tmp_path / "cache")
    assert (await second.ask(request()))[0] == "hit"


async def test_clearing_forgets(house):
    here = house(says("Hello"))
    await here.ask(request())
    assert await here.cache.clear() == 1
    assert (await here.ask(request()))[0] == "miss: new"


async def test_many_who_ask_at_once_ask_once(house):
    hold = asyncio.Event()
    here = house(streams("Hel", hold, "lo"))
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(here.ask(request(stream=number < 4))) for number in range(8)]
        exchange = await here.provider.next_exchange()
        while exchange.brought < 3 or len(next(iter(here.cache._flights.values()))._seats) < 8:
            await asyncio.sleep(0)
        hold.set()
    told = [task.result()[0] for task in asking]
    assert (sorted(told), here.asked) == (["joined"] * 7 + ["miss: new"], 1)
    for number, task in enumerate(asking):
        body = task.result()[1]
        assert (text_of(body) if number < 4 else body["content"][0]["text"]) == "Hello"
        if told[number] == "joined":
            usage = body[0].data["message"]["usage"] if number < 4 else body["usage"]
            assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (0, 5)
    assert (await here.ask(request()))[0] == "hit"


async def test_whole_answers_are_joined_too_but_a_stream_is_not_kept_waiting_for_one(house):
    hold = asyncio.Event()
    here = house(Answer(message=says("whole").message, before=hold), streams("stream"))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(here.ask(request()))
        await here.provider.next_exchange()
        second = group.create_task(here.ask(request()))
        (flight,) = here.cache._flights.values()
        while len(flight._seats) < 2:
            await asyncio.sleep(0)
        told, events = await here.ask(request(stream=True))
        assert (told, text_of(events)) == ("miss: new", "stream")
        hold.set()
    assert {first.result()[0], second.result()[0]} == {"miss: new", "joined"}
    assert second.result()[1]["content"] == first.result()[1]["content"]


async def test_when_the_first_leaves_the_others_still_get_their_answer(house):
    hold = asyncio.Event()
    here = house(streams("Hel", hold, "lo"))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(here.ask(request(stream=True)))
        exchange = await here.provider.next_exchange()
        second = group.create_task(here.ask(request(stream=True)))
        (flight,) = here.cache._flights.values()
        while len(flight._seats) < 2 or exchange.brought < 3:
            await asyncio.sleep(0)
        first.cancel()
        while len(flight._seats) > 1:
            await asyncio.sleep(0)
        hold.set()
    assert (second.result()[0], text_of(second.result()[1])) == ("joined", "Hello")
    assert not exchange.cancelled


@pytest.mark.parametrize("stream", [True, False])
async def test_when_all_leave_the_provider_is_let_go_and_the_next_asks_anew(house, stream):
    here = house(Answer(acts=[], before=asyncio.Event()), says("Hello"))
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(here.ask(request(stream=stream))) for _ in range(3)]
        exchange = await here.provider.next_exchange()
        for task in asking:
            task.cancel()
        await exchange.closed.wait()
    assert exchange.cancelled
    assert not here.cache._flying
    assert (await here.ask(request(stream=stream)))[0] == "miss: new"


async def test_when_the_first_fails_the_others_ask_for_themselves(house):
    hold = asyncio.Event()
    here = house(Answer(error=UpstreamError("busy", status=529), before=hold), says("Hello"))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_error(here))
        await here.provider.next_exchange()
        others = [group.create_task(here.ask(request())) for _ in range(2)]
        (flight,) = here.cache._flights.values()
        while len(flight._seats) < 3:
            await asyncio.sleep(0)
        hold.set()
    assert first.result().status == 529
    assert [task.result()[1]["content"][0]["text"] for task in others] == ["Hello"] * 2
    assert here.asked == 3


async def _error(here: House) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await here.ask(request())
    return caught.value


async def test_refresh_does_not_join(house):
    hold = asyncio.Event()
    here = house(Answer(message=says("one").message, before=hold), says("two"))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(here.ask(request()))
        await here.provider.next_exchange()
        assert (await here.ask(request(), "refresh"))[1]["content"][0]["text"] == "two"
        hold.set()
    assert first.result()[0] == "miss: new"


async def test_stopping_ends_what_is_being_asked(house):
    here = house(streams("a", asyncio.Event()))
    reply = await here.turn.answer(request(stream=True), TURN)
    exchange = await here.provider.next_exchange()
    await here.cache.aclose()
    assert exchange.closed.is_set()
    await reply.aclose()


async def test_the_log_says_what_happened_and_why(house, caplog):
    caplog.set_level("DEBUG", "sidecar")
    here = house(says("Hello"), says("Hello"), says("x", stop_reason="max_tokens"))
    await here.ask(request())
    await here.ask(request())
    await here.ask(request(tools=[TOOL]))
    await here.ask(request(max_tokens=1))
    told = [(r.msg["event"], r.msg.get("outcome"), r.msg.get("reason")) for r in caplog.records]
    assert told == [
        ("cache", "miss", "new"),
        ("cache", "hit", None),
        ("cache", "bypass", "tools"),
        ("cache", "miss", "new"),
        ("cache_not_kept", None, "stop_reason"),
    ]


@pytest.mark.parametrize(
    "asks",
    [
        {"stop_sequences": ["</block>"], "max_tokens": 64},
        {"system": "Answer with <thinking>…</thinking><block>yes|no</block><reason>…</reason>."},
    ],
)
async def test_a_verdict_on_an_action_is_asked_for_each_time(house, asks):
    one = house(says("<block>no"), says("<block>yes"))
    first, second = await one.ask(request(**asks)), await one.ask(request(**asks))
    assert first[0] == second[0] == "bypass: verdict"
    assert first[1] != second[1]
    assert one.asked == 2


@pytest.mark.parametrize(("everywhere", "spared"), [(True, "hit"), (False, "miss: new")])
async def test_a_team_s_answers_count_for_every_workspace(house, everywhere, spared):
    here = house()
    here.cache = PromptCache(Answers(None, CacheLimits()), "fake", everywhere=everywhere)
    here.turn = AnswerTurn(here.provider, [here.cache])
    await here.ask(request())
    assert (await here.ask(request(), turn=replace(TURN, workspace="/another")))[0] == spared
