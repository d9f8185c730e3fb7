"""Chat completions over the wire: how its streams end, and how faults inside them are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.core.errors import NotSupported, UpstreamCut, UpstreamError
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, events, thinking
from tests.providers.asking import CHAT, TURN, Make, ask

chat = pytest.mark.parametrize("name", CHAT)


def frame(data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


HELLO = frame({"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}]})
STOP = frame({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
USAGE = frame({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
DONE = b"data: [DONE]\n\n"


@chat
@pytest.mark.parametrize(
    "frames",
    [
        [HELLO, STOP, USAGE, DONE],
        [HELLO, STOP, DONE],
        [HELLO, STOP, USAGE],
        [HELLO, DONE],
        [b": OPENROUTER PROCESSING\n\n", HELLO, b": still\n\n", STOP, USAGE, DONE, HELLO],
        [b"event: x\r\n" + HELLO.replace(b"\n", b"\r\n"), STOP.replace(b"\n", b"\r\n"), DONE.replace(b"\n", b"\r\n")],
    ],
)
async def test_streams_that_are_complete(make: Make, name: str, frames: list[bytes]) -> None:
    async with Upstream([events(*frames)]) as upstream, await make(name, upstream.url).send(ask(), TURN) as reply:
        body = (await reply.message()).body
    assert body["content"] == [{"type": "text", "text": "hello"}]
    assert body["stop_reason"] == "end_turn"


@chat
@pytest.mark.parametrize(
    "frames", [[], [HELLO], [HELLO, STOP[:-1]], [HELLO, b"data: <html>\n\n"], [HELLO, STOP, b"dat"]]
)
async def test_streams_that_are_not(make: Make, name: str, frames: list[bytes]) -> None:
    async with Upstream([events(*frames)]) as upstream, await make(name, upstream.url).send(ask(), TURN) as reply:
        with pytest.raises(UpstreamCut):
            await reply.message()


@chat
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"message": "node 1234567890123456", "code": 429}}, "rate_limit_error"),
        ({"error": {"message": "x", "code": "rate_limit_exceeded"}}, "rate_limit_error"),
        ({"error": {"message": "x", "code": "context_length_exceeded"}}, "invalid_request_error"),
        ({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "x"}, "rate_limit_error"),
        ({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "x"}, "overloaded_error"),
        ({"error_code": "BAD_REQUEST", "message": "x"}, "invalid_request_error"),
        ({"error_code": "INTERNAL_ERROR", "message": "1234567890123456"}, "api_error"),
        ({"error": "words"}, "api_error"),
        ({"error": {"code": 200}}, "api_error"),
    ],
)
async def test_an_error_in_the_stream_is_an_error_event(make: Make, name: str, error: Any, kind: str) -> None:
    async with Upstream([events(HELLO, frame(error), HELLO)]) as upstream:
        provider = make(name, upstream.url)
        async with await provider.send(ask(), TURN) as reply:
            seen = [event async for event in reply.events()]
    assert seen[-1].type == "error"
    assert seen[-1].data["error"]["type"] == kind
    assert b"1234567890123456" not in seen[-1].raw


@chat
@pytest.mark.parametrize("body", [{"error": {"message": "x"}}, {"error_code": "X"}, {"choices": []}, {"choices": [{}]}])
async def test_a_successful_answer_without_a_message_is_an_error(make: Make, name: str, body: Any) -> None:
    async with Upstream([Scripted(body=json.dumps(body).encode())]) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await make(name, upstream.url).send(ask(stream=False), TURN)
    assert caught.value.status == 502


@chat
async def test_what_cannot_be_said_is_refused_before_it_is_sent(make: Make, name: str) -> None:
    async with Upstream() as upstream:
        with pytest.raises(NotSupported):
            await make(name, upstream.url).send(ask(tools=[{"type": "web_search_20250305", "name": "w"}]), TURN)
        assert upstream.requests == []


@chat
async def test_tokens_are_not_counted(make: Make, name: str) -> None:
    assert await make(name, "http://127.0.0.1:1").count_tokens(ask(), TURN) is None


@pytest.mark.parametrize(("model", "budget"), [("claude-sonnet-4-5", 16_000), ("claude-opus-5-5", None)])
async def test_adaptive_thinking_is_said_as_a_budget_and_told(make: Make, model: str, budget: int | None) -> None:
    """Databricks documents budgets alone for chat completions; that the client's field was changed stands in the header."""
    asked = ask(model=model, max_tokens=32_000, thinking={"type": "adaptive"})
    async with Upstream([answer(thinking("Hm.", "c2ln"), "Yes.")]) as upstream:
        reply = await make("databricks-chat", upstream.url).send(asked, TURN)
        async with reply:
            body = (await reply.message()).body
        sent = upstream.last.body.get("thinking")
    assert sent == (None if budget is None else {"type": "enabled", "budget_tokens": budget})
    assert "thinking" in reply.handling.changes
    assert body["content"][0] == thinking("Hm.", "c2ln")
