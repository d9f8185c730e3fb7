"""The client that Claude Code and many others are built on: Anthropic's own SDK, against a real endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import pytest

from sidecar.core.errors import UpstreamError
from sidecar.core.ports import Model
from tests.endpoint.conftest import TOKEN
from tests.fakes.provider import FakeProvider, fails, streams

ASK = {"model": "claude-test", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def connect() -> AsyncIterator:
    clients: list[anthropic.AsyncAnthropic] = []

    def make(served, key: str = TOKEN) -> anthropic.AsyncAnthropic:
        clients.append(anthropic.AsyncAnthropic(base_url=served.endpoint.base_url, api_key=key, max_retries=0))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def test_a_whole_answer(serve, connect):
    answer = await connect(await serve()).messages.create(**ASK)
    assert (answer.content[0].text, answer.stop_reason, answer.usage.output_tokens) == ("Hello.", "end_turn", 2)


async def test_a_streamed_answer(serve, connect):
    client = connect(await serve(streams("Hel", "lo", " there")))
    async with client.messages.stream(**ASK) as stream:
        assert [text async for text in stream.text_stream] == ["Hel", "lo", " there"]
        assert (await stream.get_final_message()).stop_reason == "end_turn"


async def test_tokens_and_models(serve, connect):
    served = await serve(provider=FakeProvider(tokens=7, models=[Model("claude-a", "A"), Model("claude-b", "B")]))
    client = connect(served)
    counted = await client.messages.count_tokens(model="m", messages=ASK["messages"])
    assert counted.input_tokens == 7
    listed = [model async for model in client.models.list()]
    assert [model.id for model in listed] == ["claude-a", "claude-b"]
    assert await client.models.retrieve("claude-b") == listed[1]
    with pytest.raises(anthropic.NotFoundError, match="no model 'claude c/d'") as raised:
        await client.models.retrieve("claude c/d")
    assert raised.value.body["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("stream", [False, True])
async def test_errors_are_the_sdk_s_own(serve, connect, stream):
    served = await serve(fails(UpstreamError("slow down", status=429, kind="rate_limit_error", retry_after=3)))
    with pytest.raises(anthropic.RateLimitError) as raised:
        await connect(served).messages.create(**ASK, stream=stream)
    assert raised.value.response.headers["retry-after"] == "3"
    assert raised.value.request_id.startswith("req_")
    with pytest.raises(anthropic.AuthenticationError):
        await connect(served, "wrong").messages.create(**ASK, stream=stream)


async def test_an_error_in_the_middle_is_raised(serve, connect):
    broken = streams("Hel", UpstreamError("busy", status=529, kind="overloaded_error"))
    client = connect(await serve(broken))
    with pytest.raises(anthropic.APIStatusError, match="busy"):
        async with client.messages.stream(**ASK) as stream:
            async for _ in stream.text_stream:
                pass
