"""Flaws that a forerunner of such a proxy had on its way to the provider, each by its number, and that they are not here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sidecar.assistant.tokens import estimate
from sidecar.core.errors import UpstreamError
from tests.fakes.upstream import Upstream, answer, fault, text, thinking, tool_use
from tests.providers.asking import CHAT, NATIVE, TURN, Make, ask

every = pytest.mark.parametrize("name", [*NATIVE, *CHAT])
databricks = pytest.mark.parametrize("name", ["databricks", "databricks-chat"])
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "description": "A path. " * 50}}}
TOOLS = [{"name": f"Tool{n}", "description": "What it does. " * 200, "input_schema": SCHEMA} for n in range(24)]
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
HISTORY = [
    {"role": "user", "content": "read it"},
    {"role": "assistant", "content": [tool_use("Tool1", {"path": "a"}, "t1")]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "text"}]},
]


async def body_of(provider: Any, **changes: Any) -> Any:
    async with await provider.send(ask(**changes), TURN) as reply:
        return (await reply.message()).body


@every
@both_ways
async def test_o13_a_streamed_requests_error_has_its_own_status_and_the_apis_type(
    make: Make, name: str, stream: bool
) -> None:
    async with Upstream([fault(403, {"error_code": "PERMISSION_DENIED", "message": "no"})]) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await make(name, upstream.url).send(ask(stream=stream), TURN)
    assert (caught.value.status, caught.value.kind) == (403, "permission_error")


@every
async def test_n2_every_request_goes_to_the_configured_provider(make: Make, name: str) -> None:
    kinds: list[dict[str, Any]] = [
        {"messages": HISTORY, "tools": TOOLS},
        {"max_tokens": 64, "stop_sequences": ["</block>"]},
        {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}},
    ]
    async with Upstream([answer("ok")] * 6) as upstream:
        provider = make(name, upstream.url)
        for changes in kinds:
            for stream in (True, False):
                await body_of(provider, stream=stream, **changes)
        assert len(upstream.requests) == 6


@every
async def test_n3_a_429_is_a_429_after_three_requests_at_most(make: Make, name: str) -> None:
    async with Upstream([fault(429, {"message": "slow down"}, retry_after="0.01")] * 9) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await make(name, upstream.url).send(ask(), TURN)
        assert len(upstream.requests) == 3
    assert (caught.value.status, caught.value.kind) == (429, "rate_limit_error")


@every
async def test_n4_tool_definitions_arrive_whole(make: Make, name: str) -> None:
    async with Upstream([answer("ok")]) as upstream:
        await body_of(make(name, upstream.url), tools=TOOLS)
        sent = upstream.last.body["tools"]
    if name in CHAT:
        inner = [tool["function"] for tool in sent]
        sent = [{"name": t["name"], "description": t["description"], "input_schema": t["parameters"]} for t in inner]
    assert sent == TOOLS


@every
async def test_n6_a_client_without_tools_gets_none(make: Make, name: str) -> None:
    async with Upstream([answer("ok")]) as upstream:
        await body_of(make(name, upstream.url))
        assert "tools" not in upstream.last.body
        assert "tool_choice" not in upstream.last.body


@databricks
@both_ways
async def test_n7_usage_is_the_providers_and_a_count_knows_tools(make: Make, name: str, stream: bool) -> None:
    counts = {"input_tokens": 4321, "output_tokens": 17, "cache_read_input_tokens": 5}
    async with Upstream([answer("ok", usage=counts)]) as upstream:
        usage = (await body_of(make(name, upstream.url), stream=stream))["usage"]
    assert {field: usage[field] for field in counts} == counts
    plain = {"messages": [{"role": "user", "content": "hi"}]}
    assert estimate({**plain, "tools": TOOLS}).scaled(1.0) > estimate(plain).scaled(1.0) + 24 * 500


@every
async def test_n8_who_leaves_takes_the_providers_connection_along(make: Make, name: str) -> None:
    async with Upstream([answer("one two three", cut="stall", after=4)]) as upstream:
        task = asyncio.ensure_future(body_of(make(name, upstream.url)))
        await upstream.until(lambda: bool(upstream.requests) and upstream.last.sent >= 4)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.until(lambda: upstream.left == 1, timeout=1)


@databricks
async def test_n9_nothing_of_a_conversation_is_lost_on_the_way_to_databricks(make: Make, name: str) -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    asked: dict[str, Any] = {
        "system": [{**text("Be brief."), **mark}],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "max_tokens": 9000,
        "messages": [
            {"role": "user", "content": [PICTURE, text("what is it?")]},
            {"role": "assistant", "content": [thinking("A thought.", "c2ln"), text("A picture.")]},
            {"role": "user", "content": "sure?"},
        ],
    }
    async with Upstream([answer(thinking("Hm.", "c2ln"), "Yes.")]) as upstream:
        body = await body_of(make(name, upstream.url), **asked)
        sent = upstream.last.body
    if name == "databricks":
        assert {field: sent[field] for field in asked} == asked
    else:
        said = str(sent)
        for word in ("Be brief.", "data:image/png;base64,aGk=", "what is it?", "A thought.", "c2ln", "A picture."):
            assert word in said
        assert sent["thinking"] == asked["thinking"]
    assert body["content"] == [thinking("Hm.", "c2ln"), text("Yes.")]
