"""A turn: nothing behind the user's back, and steps in the order in which they are listed."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from sidecar.assistant.turn import AnswerTurn, Count
from sidecar.core.errors import UpstreamError, UpstreamUnreachable
from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Model
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn
from tests.fakes.provider import Answer, FakeProvider, fails, message, says

REQUEST = MessagesRequest.parse(
    orjson.dumps({"model": "claude-test", "messages": [{"role": "user", "content": "Hello there"}]})
)
TURN = Turn(id="req_1")


async def test_without_steps_the_provider_gets_the_very_same_request_and_the_client_the_very_same_answer():
    provider = FakeProvider(says("hi"))
    async with await AnswerTurn(provider).answer(REQUEST, TURN) as reply:
        assert (await reply.message()).raw == message("hi").raw
    (exchange,) = provider.exchanges
    assert exchange.request is REQUEST
    assert exchange.turn is TURN
    assert exchange.closed.is_set()


async def test_steps_run_in_order_outermost_first():
    heard: list[str] = []

    def step(name: str):
        async def run(request, turn, ask) -> Reply:
            heard.append(f"{name} before")
            reply = await ask(request, turn)
            heard.append(f"{name} after")
            return reply

        return run

    async with await AnswerTurn(FakeProvider(), [step("a"), step("b")]).answer(REQUEST, TURN):
        pass
    assert heard == ["a before", "b before", "b after", "a after"]


async def test_a_step_may_answer_by_itself():
    provider = FakeProvider()

    async def remembered(request, turn, ask) -> Reply:
        return Reply(message=message("from memory"))

    async with await AnswerTurn(provider, [remembered]).answer(REQUEST, TURN) as reply:
        assert b"from memory" in (await reply.message()).raw
    assert not provider.exchanges


async def test_a_step_may_change_what_is_asked_and_ask_again():
    provider = FakeProvider(fails(UpstreamError("no", status=400)), says("hi"))

    async def without_system(request, turn, ask) -> Reply:
        try:
            return await ask(request, turn)
        except UpstreamError:
            return await ask(request.replaced(model="claude-other"), turn)

    async with await AnswerTurn(provider, [without_system]).answer(REQUEST, TURN):
        pass
    assert [exchange.request.model for exchange in provider.exchanges] == ["claude-test", "claude-other"]


async def test_being_cancelled_reaches_the_provider():
    provider = FakeProvider(Answer(before=asyncio.Event()))
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(AnswerTurn(provider).answer(REQUEST, TURN))
        exchange = await provider.next_exchange()
        asking.cancel()
    assert exchange.cancelled


@pytest.mark.parametrize(
    "unable",
    [None, UpstreamUnreachable("x"), *(UpstreamError("x", status=status) for status in (404, 405, 429, 500, 501, 529))],
)
async def test_where_the_provider_cannot_count_tokens_are_estimated(unable):
    count = await AnswerTurn(FakeProvider(tokens=unable)).count(REQUEST, TURN)
    assert 5 <= count.tokens <= 15
    assert (count.estimated, count.pairs) == (True, 0)


async def test_the_provider_s_own_count_goes_before_what_was_learned():
    count = await AnswerTurn(FakeProvider(tokens=7), ratio=lambda model: (2.0, 9)).count(REQUEST, TURN)
    assert count == Count(7)


async def test_an_estimate_is_scaled_by_what_was_learned():
    plain = await AnswerTurn(FakeProvider()).count(REQUEST, TURN)
    names = []
    scaled = await AnswerTurn(FakeProvider(), ratio=lambda model: names.append(model) or (2.0, 9)).count(REQUEST, TURN)
    assert scaled.tokens > plain.tokens
    assert (scaled.pairs, names) == (9, [REQUEST.model])


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_what_the_provider_says_about_the_request_itself_is_told(status):
    with pytest.raises(UpstreamError):
        await AnswerTurn(FakeProvider(tokens=UpstreamError("x", status=status))).count(REQUEST, TURN)


async def test_models_are_those_that_the_client_accepts():
    models = [Model("claude-a", "A"), Model("gpt", "G"), Model("databricks-claude-b", "B")]
    assert [m.id for m in await AnswerTurn(FakeProvider(models=models)).models()] == ["claude-a"]


async def test_counting_a_large_request_does_not_hold_up_the_loop():
    content = "some words of a long text, " * 400_000
    request = MessagesRequest.parse(orjson.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}))
    async with asyncio.TaskGroup() as group:
        counting = group.create_task(AnswerTurn(FakeProvider()).count(request, TURN))
        turns = 0
        while not counting.done():
            await asyncio.sleep(0.001)
            turns += 1
    assert counting.result().tokens > 2_000_000
    assert turns > 20
