"""Each row of the wire: native providers get and give it byte for byte, chat completions in their own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.events import Event
from sidecar.core.messages import MessagesRequest
from tests.fakes.upstream import Upstream, answer, events, text, thinking, tool_use
from tests.providers.asking import TURN, Make

Json = dict[str, Any]
PLAIN = ["azure_anthropic", "anthropic"]
"""Native providers that keep the model's name."""

USE = tool_use("Read", {"p": 1}, "t1")
USED = {"id": "t1", "type": "function", "function": {"name": "Read", "arguments": '{"p":1}'}}
READ = {"name": "Read", "description": "d", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "function": {"name": "Read", "description": "d", "parameters": {"type": "object"}}}
VERSION = {"anthropic-version": "2023-06-01"}
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
SEARCHED = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": "https://x", "title": "X", "encrypted_content": "e"}]}  # fmt: skip
SERVED = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}}
UNKNOWN = {"type": "x_from_the_future", "deep": {"n": [1, None, 0.5]}}
REDACTED = {"type": "redacted_thinking", "data": "ZW5j"}
BUDGET = {"type": "enabled", "budget_tokens": 31999}


def user(*content: Any) -> Json:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def model(*content: Json) -> Json:
    return {"role": "assistant", "content": list(content)}


def result(*content: Json, **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": "t1", "content": list(content), **more}


def tool(content: str, ident: str = "t1") -> Json:
    return {"role": "tool", "tool_call_id": ident, "content": content}


def calls(*made: Json, content: Any = None) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": list(made)}


HI = user("hi")
REQUESTS: dict[str, tuple[Json, Json]] = {
    # row: (what the client sends, what of it chat completions at Databricks get)
    "system role": (
        {"messages": [HI, {"role": "system", "content": "news", "output_config": {"effort": "low"}}]},
        {"messages": [user("hi\n\nnews")]},
    ),
    "deferred tools and tool_reference": (
        {
            "tools": [{"name": "DeferredToolPlaceholder", "input_schema": {}, "defer_loading": True}, {**READ, "defer_loading": True}],
            "messages": [HI, model(USE), user(result({"type": "tool_reference", "tool_name": "Read"}))],
        },
        {"tools": [FUNCTION], "messages": [HI, calls(USED), tool("The tool Read is available now.")]},
    ),
    "adaptive thinking": ({"thinking": {"type": "adaptive", "display": "updates"}}, {"thinking": None}),
    "budgeted thinking": ({"thinking": BUDGET, "max_tokens": 64000}, {"thinking": BUDGET}),
    "signed thinking goes back": (
        {"thinking": BUDGET, "max_tokens": 64000, "messages": [HI, model(thinking("hm", "c2ln"), text("so")), HI]},
        {"messages": [HI, {"role": "assistant", "content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm", "signature": "c2ln"}]}, text("so")]}, HI]},
    ),
    "redacted and unsigned thinking goes back": (
        {"messages": [HI, model(REDACTED, thinking("hm", ""), text("so")), HI]},
        {"messages": [HI, {"role": "assistant", "content": "so"}, HI]},
    ),
    "images, also in results": (
        {"messages": [user(PNG), model(USE), user(result(text("see"), PNG))]},
        {"messages": [user(PNG_PART), calls(USED), tool("see"), user(PNG_PART)]},
    ),
    "documents": (
        {"messages": [user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "citations": {"enabled": True}})]},
        {"messages": [user("document:\nwords")]},
    ),
    "server tools that ran": (
        {"messages": [HI, model(SERVED, SEARCHED, text("found")), HI]},
        {"messages": [HI, calls({"id": "s1", "type": "function", "function": {"name": "web_search", "arguments": '{"query":"q"}'}}), tool(json.dumps(SEARCHED["content"][0], separators=(",", ":")), "s1"), {"role": "assistant", "content": "found"}, HI]},
    ),
    "a server tool beside the client's": (
        {"tools": [READ, {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]},
        {"tools": [FUNCTION]},
    ),
    "context management, metadata, unknown fields": (
        {"context_management": {"edits": []}, "metadata": {"user_id": "u"}, "service_tier": "auto", "x_new": {"a": [1.0]}},
        {"context_management": None, "metadata": None, "service_tier": None, "x_new": None},
    ),
    "output_config": (
        {"output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"output_config": None, "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}}},
    ),
    "cache marks": (
        {"system": [{**text("s"), **MARK}], "tools": [{**READ, **MARK}], "messages": [user({**text("hi"), **MARK})]},
        {"tools": [FUNCTION], "messages": [{"role": "system", "content": "s"}, user("hi")]},
    ),
    "parallel calls and their results in another order": (
        {"messages": [HI, model(USE, {**USE, "id": "t2"}), user({**result(text("2")), "tool_use_id": "t2"}, result(text("1"), is_error=True))]},
        {"messages": [HI, calls(USED, {**USED, "id": "t2"}), tool("Error: 1"), tool("2", "t2")]},
    ),
    "stop sequences and a choice of tools": (
        {"tools": [READ], "tool_choice": {"type": "tool", "name": "Read"}, "stop_sequences": ["</block>"]},
        {"tool_choice": {"type": "function", "function": {"name": "Read"}}, "stop": ["</block>"], "stop_sequences": None},
    ),
}  # fmt: skip


def request(body: Json, **more: Any) -> MessagesRequest:
    """A request with odd spacing, so that bytes which were written again would differ."""
    whole = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [HI], "stream": True, **body, **more}
    return MessagesRequest.parse(json.dumps(whole, separators=(" , ", " :  ")).encode(), VERSION)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("row", [row for row in REQUESTS if row != "adaptive thinking"])
async def test_a_request_reaches_a_native_provider_byte_for_byte(make: Make, name: str, row: str) -> None:
    sent = request(REQUESTS[row][0])
    async with Upstream([answer("ok")]) as upstream, await make(name, upstream.url).send(sent, TURN) as reply:
        await reply.message()
    assert upstream.last.raw == sent.raw
    assert reply.handling.changes == ()


async def test_adaptive_thinking_reaches_a_model_that_has_it(make: Make) -> None:
    sent = request(REQUESTS["adaptive thinking"][0], model="claude-opus-4-8")
    async with Upstream([answer("ok"), answer("ok")]) as upstream:
        for name in PLAIN:
            async with await make(name, upstream.url).send(sent, TURN) as reply:
                await reply.message()
        assert [seen.raw for seen in upstream.requests] == [sent.raw] * 2


@pytest.mark.parametrize("row", REQUESTS)
async def test_a_request_reaches_chat_completions_in_their_words(make: Make, row: str) -> None:
    body, expected = REQUESTS[row]
    async with Upstream([answer("ok")]) as upstream:
        reply = await make("databricks-chat", upstream.url).send(request(body), TURN)
        async with reply:
            await reply.message()
        sent = upstream.last.body
    assert {field: sent.get(field) for field in expected} == expected


ANSWERS: dict[str, tuple[list[Json], str]] = {
    "thinking with its signature": ([thinking("Let me see.", "c2ln"), text("so")], "end_turn"),
    "redacted thinking": ([REDACTED, text("so")], "end_turn"),
    "a server tool and its result": ([SERVED, SEARCHED, text("found")], "end_turn"),
    "unknown blocks": ([UNKNOWN, {"type": "mcp_tool_use", "id": "m", "name": "x", "input": {"a": 1}}], "end_turn"),
    "parallel calls": ([USE, {**USE, "id": "t2", "input": {}}], "tool_use"),
    "a call before the end of a turn": ([USE], "end_turn"),
    "cut off by its length": ([text("so")], "max_tokens"),
    "cut off by the window": ([text("so")], "model_context_window_exceeded"),
    "a refusal": ([text("no")], "refusal"),
    "a pause": ([SERVED], "pause_turn"),
    "a stop sequence": ([text("<block>no")], "stop_sequence"),
    "no blocks": ([], "end_turn"),
}
COUNTS = {"input_tokens": 11, "output_tokens": 22, "cache_read_input_tokens": 33, "cache_creation_input_tokens": 44}


@pytest.mark.parametrize("name", [*PLAIN, "databricks"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("row", ANSWERS)
async def test_a_native_answer_is_handed_on_whole(make: Make, name: str, row: str, stream: bool) -> None:
    blocks, stop = ANSWERS[row]
    async with Upstream([answer(*blocks, stop_reason=stop, usage=COUNTS)]) as upstream:
        reply = await make(name, upstream.url).send(request({}, stream=stream), TURN)
        async with reply:
            body = (await reply.message()).body
    assert body["content"] == json.loads(json.dumps(blocks))
    assert body["stop_reason"] == stop
    assert body["usage"] == COUNTS
    assert body["model"] == "claude-sonnet-4-5"


@pytest.mark.parametrize("name", ["databricks-chat", "openai"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("row", ["thinking with its signature", "parallel calls", "cut off by its length", "no blocks"])
async def test_an_answer_of_chat_completions_becomes_the_same(make: Make, name: str, row: str, stream: bool) -> None:
    blocks, stop = ANSWERS[row]
    async with Upstream([answer(*blocks, stop_reason=stop, usage=COUNTS)]) as upstream:
        reply = await make(name, upstream.url).send(request({}, stream=stream), TURN)
        async with reply:
            body = (await reply.message()).body
    assert body["content"] == blocks
    assert body["stop_reason"] == stop
    # chat completions tell of what was read from the cache, not of what was written to it
    assert body["usage"] == {**COUNTS, "cache_creation_input_tokens": 0}


@pytest.mark.parametrize("name", [*PLAIN, "databricks"])
async def test_safeguards_and_what_is_said_of_them_pass_where_they_are_known(make: Make, name: str) -> None:
    """The field and its beta go out, the results come back; a provider without them is not asked."""
    results = {"safeguard_results": [{"name": "prompt_injection", "flagged": False, "score": 0.25}]}
    first = {"type": "message_start", "message": {"id": "m", "model": "claude-sonnet-4-5", "content": [], **results}}
    last = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": COUNTS, **results}
    frames = [Event.make(one).raw for one in (first, last, {"type": "message_stop"})]
    asked = MessagesRequest.parse(
        request({"safeguards": {"mode": "classify"}}).raw, {**VERSION, "anthropic-beta": "safeguards-2026-09-01"}
    )
    async with Upstream([events(*frames)]) as upstream:
        provider = make(name, upstream.url)
        if not provider.capabilities.safeguards:
            with pytest.raises(BadInput, match="safeguards"):
                await provider.send(asked, TURN)
            assert upstream.requests == []
            return
        async with await provider.send(asked, TURN) as reply:
            got = [event.raw async for event in reply.events()]
        assert upstream.last.body["safeguards"] == {"mode": "classify"}
        assert upstream.last.headers["anthropic-beta"] == "safeguards-2026-09-01"
    assert got == frames
