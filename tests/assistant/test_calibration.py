"""What is learned from the provider's usage: which requests are looked at, what becomes of odd ones, what outlives."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.assistant import calibration as module
from sidecar.assistant.calibration import LAST, Calibration
from sidecar.assistant.tokens import estimate
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import UpstreamError
from sidecar.core.messages import MessagesRequest
from sidecar.core.turn import Turn
from tests.fakes.provider import FakeProvider, fails, says, streams

TURN = Turn(id="req_1")
WORDS = "def answer(self, request):\n    return self.provider.send(request)\n" * 60


class Book:
    """A notebook in memory."""

    def __init__(self, value: object = None) -> None:
        self.value = value

    def read(self) -> object:
        return self.value

    def write(self, value: object) -> None:
        self.value = orjson.loads(orjson.dumps(value))


def asked(text: str = WORDS, **more: Any) -> MessagesRequest:
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": text}], **more}
    return MessagesRequest.parse(orjson.dumps(body))


def truth(request: MessagesRequest, ratio: float) -> dict[str, int]:
    """The usage that a model tells which makes so many tokens of the estimate's one, split as a cache splits it."""
    told = estimate(request.body).scaled(ratio)
    return {"input_tokens": told - 200, "cache_read_input_tokens": 150, "cache_creation_input_tokens": 50, "output_tokens": 1}  # fmt: skip


async def answered(calibration: Calibration, request: MessagesRequest, usage: Any, *, streamed: bool = False) -> None:
    """One turn through the step, and its learning waited for."""
    if streamed:
        head = {"usage": usage}
        answer = streams("Hel", "lo")
        answer.acts[0].data["message"].update(head)
    else:
        answer = says("Hello.", usage=usage)
    turn = AnswerTurn(FakeProvider(answer), [calibration])
    async with await turn.answer(request, TURN) as reply:
        await reply.message()
    await calibration.aclose()
    calibration._worker = None


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_that_cuts_finer_is_learned(streamed):
    calibration = Calibration("databricks")
    request = asked()
    assert calibration.ratio(request.model) == (1.0, 0)
    for _ in range(3):
        await answered(calibration, request, truth(request, 1.3), streamed=streamed)
    ratio, pairs = calibration.ratio(request.model)
    assert (ratio, pairs) == (pytest.approx(1.3, abs=0.01), 3)
    count = await AnswerTurn(FakeProvider(), ratio=calibration.ratio).count(request, TURN)
    assert (count.estimated, count.pairs) == (True, 3)
    assert count.tokens == pytest.approx(sum(truth(request, 1.3).values()) - 1, rel=0.01)
    assert calibration.ratio("claude-haiku-4-5") == (1.0, 0)


async def test_the_first_pair_is_believed_by_half_only():
    calibration = Calibration("databricks")
    request = asked()
    await answered(calibration, request, truth(request, 1.4))
    assert calibration.ratio(request.model) == (pytest.approx(1.2, abs=0.01), 1)


async def test_odd_ones_do_not_count_and_old_ones_are_forgotten():
    calibration = Calibration("databricks")
    request = asked()
    for ratio in (1.2, 1.2, 2.4, 1.2, 0.6, 1.2):
        calibration.learn(request.body, estimate(request.body).scaled(ratio))
    assert calibration.ratio(request.model)[0] == pytest.approx(1.2, abs=0.01)
    for _ in range(LAST):
        calibration.learn(request.body, estimate(request.body).scaled(1.5))
    assert calibration.ratio(request.model) == (pytest.approx(1.5, abs=0.01), LAST)


@pytest.mark.parametrize("ratio", [0.1, 9.0])
def test_what_cannot_be_is_not_learned(ratio):
    calibration = Calibration("databricks")
    calibration.learn(asked().body, estimate(asked().body).scaled(ratio))
    assert calibration.ratio("claude-sonnet-4-5") == (1.0, 0)


def test_small_texts_say_nothing():
    calibration = Calibration("databricks")
    calibration.learn(asked("hi").body, 30)
    assert calibration.ratio("claude-sonnet-4-5") == (1.0, 0)


NOT_TOLD = [
    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    {"mcp_servers": [{"type": "url"}]},
    {"container": "c"},
    {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
]


@pytest.mark.parametrize("more", NOT_TOLD)
async def test_what_the_provider_adds_to_is_not_looked_at(more):
    calibration = Calibration("databricks")
    request = asked(**more)
    await answered(calibration, request, truth(request, 1.3))
    assert calibration.ratio(request.model)[1] == 0


async def test_what_the_cli_sends_is_looked_at():
    calibration = Calibration("databricks")
    edits = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
    request = asked(context_management=edits, tools=[{"name": "Read", "input_schema": {"type": "object"}}])
    await answered(calibration, request, truth(request, 1.3))
    assert calibration.ratio(request.model)[1] == 1


async def test_a_known_model_is_looked_at_seldom(monkeypatch):
    calibration = Calibration("databricks")
    request = asked()
    for _ in range(5):
        await answered(calibration, request, truth(request, 1.3))
    assert calibration.ratio(request.model)[1] == 3
    monkeypatch.setattr(module, "_EVERY", 0.0)
    await answered(calibration, request, truth(request, 1.3))
    assert calibration.ratio(request.model)[1] == 4


async def test_a_provider_that_teaches_nothing_is_not_looked_at_each_time(monkeypatch):
    calibration = Calibration("databricks")
    looked = []
    monkeypatch.setattr(calibration, "_compare", lambda request, usage: looked.append(request))
    for _ in range(9):
        await answered(calibration, asked(), {"input_tokens": 1})
    assert len(looked) == 3


@pytest.mark.parametrize("usage", [None, {}, "x", {"input_tokens": None}, {"input_tokens": 0}])
async def test_usage_that_is_not_told(usage):
    calibration = Calibration("databricks")
    await answered(calibration, asked(), usage)
    assert calibration.ratio("claude-sonnet-4-5")[1] == 0


async def test_what_fails_and_what_is_cut_teaches_nothing():
    calibration = Calibration("databricks")
    turn = AnswerTurn(FakeProvider(fails(UpstreamError("no"))), [calibration])
    with pytest.raises(UpstreamError):
        await turn.answer(asked(), TURN)
    cut = streams("Hel")
    cut.acts = cut.acts[:-1]
    async with await AnswerTurn(FakeProvider(cut), [calibration]).answer(asked(), TURN) as reply:
        assert [event.type async for event in reply.events()][-1] != "message_stop"
    await calibration.aclose()
    assert calibration.ratio("claude-sonnet-4-5")[1] == 0


async def test_the_answer_goes_by_as_it_came():
    calibration = Calibration("databricks")
    provider = FakeProvider(streams("Hel", "lo"))
    async with await AnswerTurn(provider, [calibration]).answer(asked(), TURN) as reply:
        seen = [event async for event in reply.events()]
    assert seen == list(streams("Hel", "lo").acts)
    async with asyncio.timeout(1):
        await provider.exchanges[0].closed.wait()
    await calibration.aclose()


def test_it_outlives_the_process_for_this_provider_and_a_month():
    book = Book()
    first = Calibration("databricks", book, clock=lambda: 1000.0)
    for _ in range(2):
        first.learn(asked().body, estimate(asked().body).scaled(1.3))
    learned = (pytest.approx(1.3, abs=0.01), 2)
    assert Calibration("databricks", book, clock=lambda: 2000.0).ratio("claude-sonnet-4-5") == learned
    other = Calibration("openai", book, clock=lambda: 2000.0)
    assert other.ratio("claude-sonnet-4-5") == (1.0, 0)
    other.learn(asked().body, estimate(asked().body).scaled(0.8))
    assert Calibration("databricks", book, clock=lambda: 2000.0).ratio("claude-sonnet-4-5") == learned
    assert Calibration("databricks", book, clock=lambda: 1000.0 + 31 * 86_400).ratio("claude-sonnet-4-5") == (1.0, 0)
    assert Calibration("databricks", book, clock=lambda: 0.0).ratio("claude-sonnet-4-5") == (1.0, 0)


values = st.recursive(
    st.none() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["form", "providers", "p", "m", "ratios", "since"]) | st.text(max_size=3), inner, max_size=4),
)  # fmt: skip


@given(values, st.booleans())
def test_no_notebook_makes_it_fail(value, framed):
    noted = {"form": 1, "providers": {"p": {"m": value}}} if framed else value
    ratio, pairs = Calibration("p", Book(noted), clock=lambda: 1.0).ratio("m")
    assert 0.5 <= ratio <= 2.5
    assert 0 <= pairs <= LAST


def test_names_of_models_do_not_fill_the_memory():
    calibration = Calibration("databricks")
    for number in range(200):
        calibration.learn({**asked().body, "model": f"m{number}"}, estimate(asked().body).scaled(1.3))
    assert len(calibration._models) <= 64
