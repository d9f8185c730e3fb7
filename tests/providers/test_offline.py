"""The offline provider answers plain requests from the analysers, says what it is, and never plays a model."""

from __future__ import annotations

import asyncio
import json

import pytest

from sidecar.core.errors import NotARepository
from sidecar.core.events import Accumulator
from sidecar.core.messages import MessagesRequest, encode
from sidecar.core.turn import Turn
from sidecar.providers.offline import INTRODUCTION, OfflineProvider

TURN = Turn("req_1")
ABILITIES = ("summarize the recent diff", "review the diff", "find a symbol", "status", "help")


class Analysers:
    """An analyst that notes what it is asked, and can be told to fail or to wait."""

    def __init__(self, *, error: Exception | None = None, gate: asyncio.Event | None = None):
        self.asked: list[str] = []
        self._error = error
        self._gate = gate

    async def _answer(self, question: str) -> str:
        self.asked.append(question)
        if self._gate is not None:
            await self._gate.wait()
        if self._error is not None:
            raise self._error
        return f"answer to {question}: " + "word " * 100

    async def summarize_diff(self) -> str:
        return await self._answer("summarize")

    async def review_diff(self) -> str:
        return await self._answer("review")

    async def find_symbol(self, name: str) -> str:
        return await self._answer(f"symbol {name}")

    async def status(self) -> str:
        return await self._answer("status")


def asked(text, **more) -> MessagesRequest:
    body = {"model": "claude-2.1", "messages": [{"role": "user", "content": text}], **more}
    return MessagesRequest.parse(encode(body))


async def answered(request: MessagesRequest, analysers: Analysers | None = None) -> dict:
    async with await OfflineProvider(analysers or Analysers()).send(request, TURN) as reply:
        return (await reply.message()).body


def text_of(body: dict) -> str:
    return body["content"][0]["text"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Summarize the recent diff", "summarize"),
        ("review my changes", "review"),
        ("where is Cart.total defined?", "symbol Cart.total"),
        ("status", "status"),
    ],
)
async def test_plain_requests_go_to_the_analysers(text, question):
    analysers = Analysers()
    body = await answered(asked(text), analysers)
    assert analysers.asked == [question]
    assert f"answer to {question}: word word" in text_of(body)
    assert INTRODUCTION in text_of(body)


@pytest.mark.parametrize("text", ["help", "hi", "Fix the bug in a.py", "What is 2+2?", "", "x" * 5000])
async def test_everything_else_is_told_what_can_be_done(text):
    analysers = Analysers()
    body = await answered(asked([{"type": "text", "text": text or " "}]), analysers)
    assert analysers.asked == []
    assert text_of(body).startswith(INTRODUCTION)
    assert all(ability in text_of(body) for ability in ABILITIES)
    assert "DATABRICKS_API_KEY" in text_of(body)


async def test_the_clients_own_words_are_not_the_persons():
    reminder = "<system-reminder>\nSummarize the recent diff. Review the diff.\n</system-reminder>"
    analysers = Analysers()
    content = [{"type": "text", "text": reminder}, {"type": "text", "text": "status"}]
    await answered(asked(content), analysers)
    assert analysers.asked == ["status"]


async def test_the_newest_user_message_counts():
    messages = [
        {"role": "user", "content": "review the diff"},
        {"role": "assistant", "content": "…"},
        {"role": "user", "content": "status"},
        {"role": "system", "content": "<new-diagnostics>review the diff</new-diagnostics>"},
    ]
    analysers = Analysers()
    await answered(asked("", messages=messages), analysers)
    assert analysers.asked == ["status"]


async def test_a_tool_result_alone_is_no_request():
    content = [{"type": "tool_result", "tool_use_id": "t", "content": "review the diff"}]
    analysers = Analysers()
    body = await answered(asked(content), analysers)
    assert analysers.asked == []
    assert text_of(body).startswith(INTRODUCTION)


async def test_a_fault_is_a_sentence():
    body = await answered(
        asked("review the diff"), Analysers(error=NotARepository("This folder is no git repository."))
    )
    assert text_of(body).endswith("This folder is no git repository.")
    assert body["stop_reason"] == "end_turn"


async def test_the_message_has_the_apis_form():
    request = asked("Summarize the recent diff")
    body = await answered(request)
    assert body["id"].startswith("msg_")
    assert (body["type"], body["role"], body["model"]) == ("message", "assistant", "claude-2.1")
    assert (body["stop_reason"], body["stop_sequence"]) == ("end_turn", None)
    assert len(body["content"]) == 1
    usage = body["usage"]
    assert set(usage) == {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"}
    assert usage["input_tokens"] == len(request.raw) // 4
    assert usage["output_tokens"] == round(len(text_of(body)) / 4)


async def test_the_events_come_in_order_and_in_pieces():
    async with await OfflineProvider(Analysers()).send(asked("review the diff", stream=True), TURN) as reply:
        events = [event async for event in reply.events()]
    names = [event.type for event in events]
    deltas = names.count("content_block_delta")
    assert deltas > 5
    assert names == [
        "message_start", "content_block_start", *["content_block_delta"] * deltas, "content_block_stop",
        "message_delta", "message_stop",
    ]  # fmt: skip
    assert events[0].data["message"]["content"] == []
    folded = Accumulator()
    for event in events:
        folded.feed(event)
    assert folded.complete
    assert len(folded.message().body["content"]) == 1


async def test_the_first_words_do_not_wait_for_the_analysis():
    gate = asyncio.Event()
    analysers = Analysers(gate=gate)
    async with await OfflineProvider(analysers).send(asked("review the diff"), TURN) as reply:
        events = reply.events()
        first = [await anext(events) for _ in range(3)]
        assert [event.type for event in first] == ["message_start", "content_block_start", "content_block_delta"]
        assert INTRODUCTION in first[2].data["delta"]["text"]
        assert analysers.asked == []
        gate.set()
        assert [event.type async for event in events][-1] == "message_stop"


async def test_cancelling_ends_the_analysis():
    analysers = Analysers(gate=asyncio.Event())
    task = asyncio.ensure_future(answered(asked("review the diff"), analysers))
    while not analysers.asked:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("limit", [1, 3, 25])
async def test_max_tokens_is_kept(limit):
    body = await answered(asked("review the diff", max_tokens=limit))
    assert len(text_of(body)) == limit * 4
    assert body["stop_reason"] == "max_tokens"
    assert body["usage"]["output_tokens"] == limit


# ── calls that the client makes on its own ──────────────────────────────────────────────────────────
async def test_the_safety_check_is_never_waved_through():
    analysers = Analysers()
    request = asked("Summarize the recent diff", max_tokens=64, stop_sequences=["</block>"], stream=False)
    body = await answered(request, analysers)
    assert text_of(body) == "<block>yes"
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "</block>")
    assert analysers.asked == []


TITLE = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TITLE, {"title": "Summarize the recent diff"}),
        ({"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "integer", "minimum": 2}}},
         {"a": False, "b": 2}),
        ({"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"const": 3}}}, {"a": "x", "b": 3}),
        ({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}, "minItems": 1}}}, {"a": [""]}),
        ({"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}}, {"a": "---"}),
        ({"type": "object"}, {}),
        ({}, None),
    ],
)  # fmt: skip
async def test_wanted_json_has_the_wanted_form(schema, value):
    analysers = Analysers()
    config = {"format": {"type": "json_schema", "schema": schema}}
    body = await answered(asked("Summarize the recent diff", output_config=config), analysers)
    assert json.loads(text_of(body)) == value
    assert analysers.asked == []


# ── the rest of the port ────────────────────────────────────────────────────────────────────────────
async def test_it_offers_one_model_that_says_what_it_is():
    provider = OfflineProvider(Analysers())
    assert provider.name == "offline"
    assert [(m.id.startswith("claude-"), "no model" in m.display_name) for m in await provider.models()] == [
        (True, True)
    ]
    assert await provider.count_tokens(asked("x"), TURN) is None
    await provider.aclose()
