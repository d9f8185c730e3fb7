"""The two official SDKs as clients of a running `sidecar serve`, before a native provider and one of chat completions.

The endpoint's own cases are in tests/endpoint; here everything is real but the provider, which plays a script.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anthropic
import openai
import pytest

from tests.fakes.upstream import Seen, Turn, Upstream, answer, fault, stall, tool_use
from tests.journeys.processes import Sidecar, free_port

BYPASS = {"x-sidecar-cache": "bypass"}
KEY = "of-no-account-0123456789"
MODEL = "claude-sonnet-5-5"
ASK = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "What is the weather in Bern?"}]}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}}}
TOOL = {"name": "weather", "description": "d", "input_schema": {"type": "object"}}
CALL = tool_use("weather", {"city": "Bern"}, "toolu_w")


@dataclass
class Front:
    """A running sidecar with its two kinds of clients, and what is behind it."""

    url: str
    upstream: Upstream
    native: bool
    claude: anthropic.AsyncAnthropic
    chat: openai.AsyncOpenAI


def counts_not(seen: Seen) -> Turn | None:
    """A rule for a provider that has no count of tokens (unless `tokens` says one)."""
    return fault(404) if "count_tokens" in seen.path else None


@pytest.fixture(params=["native", "chat"])
async def front(
    request: pytest.FixtureRequest, clean_environment: Mapping[str, str], tmp_path: Path
) -> AsyncIterator[Front]:
    native = request.param == "native"
    async with Upstream(rule=counts_not) as upstream:
        way = (
            {"PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "k" * 20, "ANTHROPIC_UPSTREAM_URL": upstream.url}
            if native
            else {"PROVIDER": "openai", "OPENAI_API_KEY": "k" * 20, "OPENAI_BASE_URL": f"{upstream.url}/v1"}
        )
        own = {
            "SIDECAR_STATE_DIR": str(tmp_path / "state"),
            "SIDECAR_TOOLS": "never",
        }  # what goes over the wire is the subject
        environment = {**clean_environment, **way, **own}
        workspace = tmp_path / "project"
        workspace.mkdir()
        sidecar = await Sidecar.serve("--auth", "none", workspace=workspace, environment=environment, port=free_port())
        claude = anthropic.AsyncAnthropic(base_url=sidecar.base_url, api_key=KEY, max_retries=0)
        chat = openai.AsyncOpenAI(base_url=f"{sidecar.base_url}/v1", api_key=KEY, max_retries=0)
        yield Front(sidecar.base_url, upstream, native, claude, chat)
        await claude.close()
        await chat.close()
        await sidecar.close()


# ── OpenAI's SDK ────────────────────────────────────────────────────────────────────────────────────
async def test_chat_whole_and_streamed(front: Front) -> None:
    front.upstream.add(answer("It is sunny."), answer("It is sunny."))
    whole = await front.chat.chat.completions.create(**ASK, temperature=0.5)
    assert (whole.choices[0].message.content, whole.model) == ("It is sunny.", MODEL)
    assert (whole.usage.prompt_tokens, whole.usage.prompt_tokens_details.cached_tokens) == (15, 3)
    assert front.upstream.last.body["temperature"] == 0.5
    stream = await front.chat.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
    pieces = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in pieces if c.choices) == "It is sunny."
    assert (pieces[-1].usage.prompt_tokens, pieces[-1].usage.completion_tokens) == (15, 7)
    assert "stream_options" not in front.upstream.last.body or not front.native


async def test_chat_sync(front: Front) -> None:
    front.upstream.add(answer("It is sunny."), answer("It rains."))

    def ask() -> list[str]:
        with openai.OpenAI(base_url=f"{front.url}/v1", api_key=KEY, max_retries=0) as client:
            whole = client.chat.completions.create(**ASK).choices[0].message.content
            stream = client.chat.completions.create(**ASK, stream=True, seed=7)
            return [whole, "".join(chunk.choices[0].delta.content or "" for chunk in stream)]

    # The second is the first's answer given again: a hint that no provider sees makes no other question of it.
    assert await asyncio.to_thread(ask) == ["It is sunny.", "It is sunny."]
    assert len(front.upstream.requests) == 1


async def test_chat_tools_there_and_back(front: Front) -> None:
    front.upstream.add(answer("I look.", CALL), answer("Sunny."))
    async with front.chat.chat.completions.stream(**ASK, tools=[CHAT_TOOL], parallel_tool_calls=False) as stream:
        final = await stream.get_final_completion()
    said = final.choices[0].message
    (call,) = said.tool_calls
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == (
        "toolu_w",
        "weather",
        {"city": "Bern"},
    )
    assert final.choices[0].finish_reason == "tool_calls"
    asked = front.upstream.last.body
    assert front.upstream.last.tools == ["weather"]
    if front.native:
        assert asked["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    else:
        assert asked["parallel_tool_calls"] is False
    result = {"role": "tool", "tool_call_id": call.id, "content": "sun"}
    history = [*ASK["messages"], said.model_dump(exclude_none=True, exclude={"parsed"}), result]
    done = await front.chat.chat.completions.create(**{**ASK, "messages": history}, tools=[CHAT_TOOL])
    assert done.choices[0].message.content == "Sunny."
    sent = front.upstream.last.body["messages"]
    if front.native:
        assert sent[1]["content"][1]["id"] == sent[2]["content"][0]["tool_use_id"] == "toolu_w"
    else:
        assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] == "toolu_w"


async def test_chat_errors(front: Front) -> None:
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}}  # fmt: skip
    front.upstream.add(fault(429, b"slow", retry_after="60"), fault(401), fault(400, refusal), fault(404))
    client = front.chat.with_options(max_retries=0)
    with pytest.raises(openai.RateLimitError) as slow:
        await client.chat.completions.create(**ASK)
    assert (slow.value.response.headers["retry-after"], slow.value.code) == ("60", "rate_limit_exceeded")
    assert slow.value.request_id.startswith("req_")
    with pytest.raises(openai.AuthenticationError):
        await client.chat.completions.create(**ASK, stream=True)
    with pytest.raises(openai.BadRequestError) as long:
        await client.chat.completions.create(**ASK)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(**ASK)
    asked = len(front.upstream.requests)
    with pytest.raises(openai.BadRequestError, match="n: this cannot be asked"):
        await client.chat.completions.create(**ASK, n=2)
    assert len(front.upstream.requests) == asked


async def test_chat_cut_in_the_middle(front: Front) -> None:
    front.upstream.add(answer("one two three four five", cut="abort", after=5))
    heard = []
    with pytest.raises(openai.APIError, match="broke in the middle"):
        async for chunk in await front.chat.chat.completions.create(**ASK, stream=True):
            heard += [choice.delta.content for choice in chunk.choices]
    assert "one " in heard


async def test_chat_client_leaves(front: Front) -> None:
    front.upstream.add(answer("one two three", cut="stall", after=5))
    stream = await front.chat.chat.completions.create(**ASK, stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await front.upstream.until(lambda: front.upstream.left == 1, timeout=5)


async def test_chat_client_leaves_before_the_first_byte(front: Front) -> None:
    front.upstream.add(stall())
    with pytest.raises(openai.APITimeoutError):
        await front.chat.with_options(timeout=0.5).chat.completions.create(**ASK)
    await front.upstream.until(lambda: front.upstream.left == 1, timeout=5)


async def test_chat_is_recorded_and_traced_like_the_rest(front: Front) -> None:
    front.upstream.add(answer("It is sunny."))
    asked = front.chat.chat.completions.with_raw_response
    raw = await asked.create(**ASK, seed=7, extra_headers={"x-sidecar-cache": "bypass"})
    assert raw.headers["x-sidecar-cache"] == "bypass;reason=bypass"
    assert raw.headers["x-sidecar-changed"].split(",")[-1] == "seed"
    assert raw.headers["request-id"] == raw.headers["x-request-id"]


# ── what is learned ─────────────────────────────────────────────────────────────────────────────────
async def test_an_estimate_learns_from_the_usage_and_says_so(front: Front, tmp_path: Path) -> None:
    words = "def answer(self, request):\n    return self.provider.send(request)\n" * 60
    long = {**ASK, "messages": [{"role": "user", "content": words}]}
    counted = front.claude.messages.with_raw_response.count_tokens
    before = await counted(model=MODEL, messages=long["messages"])
    told = round((await before.parse()).input_tokens * 1.3)
    for number in range(3):
        usage = {"input_tokens": told - 3, "cache_read_input_tokens": 3}
        front.upstream.add(answer("ok", usage=usage))
        if number % 2:
            await front.claude.messages.create(**long, extra_headers=BYPASS)
        else:
            stream = await front.chat.chat.completions.create(**long, extra_headers=BYPASS, stream=True)
            async for _ in stream:
                pass
    async with asyncio.timeout(20):
        while (after := await counted(model=MODEL, messages=long["messages"])).headers["x-sidecar-count"] != "estimate;pairs=3":  # fmt: skip
            await asyncio.sleep(0.02)  # it is learned on a thread, a moment later
    assert (await after.parse()).input_tokens == pytest.approx(told, rel=0.01)
    (notes,) = (tmp_path / "state").glob("**/tokens.json")
    assert "answer" not in notes.read_text()


# ── Anthropic's SDK ─────────────────────────────────────────────────────────────────────────────────
async def test_messages_whole_and_by_the_stream_helper(front: Front) -> None:
    front.upstream.add(answer("It is sunny."), answer("It rains."))
    whole = await front.claude.messages.create(**ASK)
    assert (whole.content[0].text, whole.stop_reason, whole.usage.cache_read_input_tokens) == (
        "It is sunny.",
        "end_turn",
        3,
    )
    async with front.claude.messages.stream(**ASK, system="other") as stream:
        pieces = [text async for text in stream.text_stream]
        final = await stream.get_final_message()
    assert pieces == ["It ", "rains."]
    assert (final.content[0].text, final.usage.output_tokens) == ("It rains.", 7)


async def test_messages_tools(front: Front) -> None:
    front.upstream.add(answer("I look.", CALL), answer("Sunny."))
    async with front.claude.messages.stream(**ASK, tools=[TOOL]) as stream:
        first = await stream.get_final_message()
    assert (first.stop_reason, first.content[1].input) == ("tool_use", {"city": "Bern"})
    result = {"type": "tool_result", "tool_use_id": "toolu_w", "content": "sun"}
    history = [*ASK["messages"], {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    done = await front.claude.messages.create(**{**ASK, "messages": history}, tools=[TOOL])
    assert done.content[0].text == "Sunny."


async def test_messages_betas(front: Front) -> None:
    front.upstream.add(answer("ok"))
    await front.claude.beta.messages.create(**ASK, betas=["interleaved-thinking-2025-05-14"])
    sent = front.upstream.last.headers.get("anthropic-beta")
    assert sent == ("interleaved-thinking-2025-05-14" if front.native else None)


async def test_messages_counted(front: Front) -> None:
    front.upstream.tokens = 321
    asked = front.claude.messages.with_raw_response
    counted = await asked.count_tokens(model=MODEL, messages=ASK["messages"], tools=[TOOL])
    if front.native:
        assert ((await counted.parse()).input_tokens, counted.headers["x-sidecar-count"]) == (321, "provider")
    else:
        assert 350 < (await counted.parse()).input_tokens < 450
        assert counted.headers["x-sidecar-count"] == "estimate;pairs=0"


async def test_messages_errors(front: Front) -> None:
    front.upstream.add(fault(429, retry_after="60"), fault(403))
    with pytest.raises(anthropic.RateLimitError) as slow:
        await front.claude.messages.create(**ASK)
    assert slow.value.response.headers["retry-after"] == "60"
    with pytest.raises(anthropic.PermissionDeniedError):
        await front.claude.messages.create(**ASK, stream=True)
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        await front.claude.messages.create(**{**ASK, "messages": []})


async def test_both_list_the_same_models(front: Front) -> None:
    theirs = [model.id async for model in front.claude.models.list()]
    ours = [model.id async for model in front.chat.models.list()]
    assert theirs == ours
    assert all(name.startswith("claude-") for name in ours)
    assert MODEL in ours
