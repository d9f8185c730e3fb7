"""OpenAI's own SDK as a client, against a real endpoint around a scripted provider."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import openai
import orjson
import pydantic
import pytest

from sidecar.core.errors import UpstreamError
from sidecar.core.events import PING, unfold
from sidecar.core.ports import Model
from sidecar.endpoint.server import Access, Limits
from tests.endpoint.conftest import TOKEN
from tests.fakes.provider import Answer, FakeProvider, delta, fails, message, opening, says, streams

ASK = {"model": "claude-test", "messages": [{"role": "user", "content": "hi"}]}
PATH = "/v1/chat/completions"
CALL = [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.fixture
async def connect() -> AsyncIterator:
    clients: list[openai.AsyncOpenAI] = []

    def make(served, key: str = TOKEN) -> openai.AsyncOpenAI:
        url = f"{served.endpoint.base_url}/v1"
        clients.append(openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def test_a_whole_answer(serve, connect):
    served = await serve(says("Hello.", usage={"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2}))
    answer = await connect(served).chat.completions.create(**ASK, max_completion_tokens=9, stop="x")
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello.", "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (7, 2, 9)
    assert answer.usage.prompt_tokens_details.cached_tokens == 4
    assert answer._request_id.startswith("req_")
    body = served.provider.exchanges[0].request.body
    assert body == {"model": "claude-test", "max_tokens": 9, "messages": ASK["messages"], "stop_sequences": ["x"]}


async def test_a_streamed_answer(serve, connect):
    client = connect(await serve(streams("Hel", "lo")))
    stream = await client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert [chunk.choices[0].delta.content for chunk in chunks if chunk.choices] == ["", "Hel", "lo", None]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 2)


async def test_the_stream_helper(serve, connect):
    client = connect(await serve(streams("Hel", "lo")))
    async with client.chat.completions.stream(**ASK) as stream:
        seen = [event.type async for event in stream]
        final = await stream.get_final_completion()
    assert "content.delta" in seen
    assert final.choices[0].message.content == "Hello"


@pytest.mark.parametrize("streamed", [False, True])
async def test_calls_and_their_results(serve, connect, streamed):
    called = message("", content=CALL, stop_reason="tool_use")
    first = Answer(acts=list(unfold(called))) if streamed else Answer(message=called)
    served = await serve(first, says("Sunny."))
    client = connect(served)
    if streamed:
        async with client.chat.completions.stream(**ASK, tools=[TOOL]) as stream:
            answer = await stream.get_final_completion()
    else:
        answer = await client.chat.completions.create(**ASK, tools=[TOOL], tool_choice="required")
    said = answer.choices[0].message
    (made,) = said.tool_calls
    assert (answer.choices[0].finish_reason, made.id) == ("tool_calls", "toolu_1")
    assert orjson.loads(made.function.arguments) == {"city": "Bern"}
    result = {"role": "tool", "tool_call_id": made.id, "content": "sun"}
    history = [*ASK["messages"], said.model_dump(exclude_none=True), result]
    done = await client.chat.completions.create(model="claude-test", messages=history, tools=[TOOL])
    assert done.choices[0].message.content == "Sunny."
    sent = served.provider.exchanges[1].request.body["messages"][1:]
    assert sent == [
        {"role": "assistant", "content": CALL},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}]},
    ]


async def test_a_form_for_the_answer(serve, connect):
    class City(pydantic.BaseModel):
        name: str

    served = await serve(says('{"name": "Bern"}'))
    answer = await connect(served).chat.completions.parse(**ASK, response_format=City)
    assert answer.choices[0].message.parsed == City(name="Bern")
    form = served.provider.exchanges[0].request.body["output_config"]["format"]
    assert (form["type"], form["schema"]["required"]) == ("json_schema", ["name"])


async def test_the_sync_client(serve):
    served = await serve(streams("Hel", "lo"), says("Hello."))

    def ask() -> tuple[str, str]:
        with openai.OpenAI(base_url=f"{served.endpoint.base_url}/v1", api_key=TOKEN, max_retries=0) as client:
            pieces = [c.choices[0].delta.content or "" for c in client.chat.completions.create(**ASK, stream=True)]
            whole = client.chat.completions.create(**ASK)
            return "".join(pieces), whole.choices[0].message.content

    assert await asyncio.to_thread(ask) == ("Hello", "Hello.")


async def test_models(serve, connect):
    served = await serve(provider=FakeProvider(models=[Model("claude-a", "A"), Model("claude-b", "B")]))
    listed = [model async for model in connect(served).models.list()]
    assert [(model.id, model.object, model.created) for model in listed] == [
        ("claude-a", "model", 0),
        ("claude-b", "model", 0),
    ]


ERRORS = [
    (UpstreamError("slow", status=429, kind="rate_limit_error", retry_after=3), openai.RateLimitError, "rate_limit_exceeded"),
    (UpstreamError("no", status=401, kind="authentication_error"), openai.AuthenticationError, "invalid_api_key"),
    (UpstreamError("no", status=403, kind="permission_error"), openai.PermissionDeniedError, None),
    (UpstreamError("no", status=404, kind="not_found_error"), openai.NotFoundError, "model_not_found"),
    (UpstreamError("prompt is too long: 9 tokens > 8 maximum", status=400, kind="invalid_request_error", relay=b"{}"), openai.BadRequestError, "context_length_exceeded"),
    (UpstreamError("busy", status=529, kind="overloaded_error"), openai.InternalServerError, None),
    (RuntimeError("a fault of ours"), openai.InternalServerError, None),
]  # fmt: skip


@pytest.mark.parametrize(("error", "raised", "code"), ERRORS)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors_are_the_sdk_s_own(serve, connect, stream, error, raised, code):
    client = connect(await serve(fails(error))).with_options(max_retries=0)
    with pytest.raises(raised) as caught:
        await client.chat.completions.create(**ASK, stream=stream)
    told = caught.value
    assert told.code == code
    assert told.body["message"]
    assert told.request_id.startswith("req_")
    if isinstance(error, UpstreamError):
        assert told.status_code == error.status
        assert told.body["message"] == error.sentence
    if isinstance(error, UpstreamError) and error.retry_after:
        assert told.response.headers["retry-after"] == "3"


async def test_the_sdk_tries_again(serve, connect):
    served = await serve(fails(UpstreamError("busy", status=529, kind="overloaded_error", retry_after=0)), says("Ok."))
    answer = await connect(served).with_options(max_retries=1).chat.completions.create(**ASK)
    assert answer.choices[0].message.content == "Ok."


async def test_guards_speak_the_same_tongue(serve, connect):
    served = await serve()
    with pytest.raises(openai.AuthenticationError) as caught:
        await connect(served, "wrong").chat.completions.create(**ASK)
    assert caught.value.code == "invalid_api_key"
    for options, status in [({"headers": {"content-type": "text/plain"}}, 415), ({"body": b"{"}, 400), ({"body": {**ASK, "n": 2}}, 400)]:  # fmt: skip
        body = options.pop("body", ASK)
        async with served.post(body, PATH, **options) as response:
            told = orjson.loads(await response.read())
            assert (response.status, set(told)) == (status, {"error"})
            assert response.headers["x-request-id"] == response.headers["request-id"]
    wrong = await served.raw(*served.head("GET", PATH, f"Authorization: Bearer {TOKEN}"))
    assert (wrong.status, set(wrong.json)) == (405, {"error"})
    assert served.provider.exchanges == []


async def test_a_body_that_is_too_large(serve):
    served = await serve(limits=Limits(body_bytes=1000), access=Access("none", TOKEN))
    async with served.post({**ASK, "user": "x" * 2000}, PATH) as response:
        assert (response.status, set(orjson.loads(await response.read()))) == (413, {"error"})


async def test_an_error_in_the_middle_is_raised(serve, connect):
    broken = streams("Hel", UpstreamError("busy", status=529, kind="overloaded_error"))
    client = connect(await serve(broken))
    heard = []
    with pytest.raises(openai.APIError, match="busy"):
        async for chunk in await client.chat.completions.create(**ASK, stream=True):
            heard.append(chunk.choices[0].delta.content)  # noqa: PERF401 - kept also where the loop is broken
    assert heard == ["", "Hel"]


async def test_a_cut_stream_does_not_look_complete(serve):
    served = await serve(Answer(acts=[*opening(), delta("Hel")]))
    async with served.post({**ASK, "stream": True}, PATH) as response:
        raw = await response.read()
    assert b"[DONE]" not in raw
    assert b'"finish_reason":"stop"' not in raw
    assert orjson.loads(raw.split(b"data: ")[-1])["error"]["type"] == "server_error"


async def test_silence_is_broken_by_comments(serve, connect):
    gate = asyncio.Event()
    served = await serve(streams(PING, "Hel", gate, "lo"), limits=Limits(first_ping=0.02, ping=0.02))
    async with served.post({**ASK, "stream": True}, PATH) as response:
        raw = b""
        while raw.count(b": ping\n\n") < 3:
            raw += await response.content.readany()
        gate.set()
        raw += await response.read()
    assert raw.endswith(b"data: [DONE]\n\n")
    assert b"event:" not in raw


async def test_who_leaves_stops_the_provider(serve, connect):
    served = await serve(streams("Hel", asyncio.Event()))
    stream = await connect(served).chat.completions.create(**ASK, stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    async with asyncio.timeout(5):
        await served.provider.exchanges[0].closed.wait()
    assert served.provider.exchanges[0].cancelled


async def test_what_was_left_out_is_told(serve):
    served = await serve(says("Hello."), fails(UpstreamError("no", status=400)), streams("x"))
    for stream in (False, False, True):
        async with served.post({**ASK, "seed": 1, "user": "me", "stream": stream}, PATH) as response:
            await response.read()
            assert response.headers["x-sidecar-changed"] == "seed,user"
    assert served.provider.exchanges[0].turn.unsaid == ("seed", "user")


async def test_betas_and_unknown_fields_go_on(serve, connect):
    served = await serve(says("Hello."))
    await connect(served).chat.completions.create(
        **ASK, extra_body={"thinking": {"type": "adaptive"}}, extra_headers={"anthropic-beta": "a-1"}
    )
    request = served.provider.exchanges[0].request
    assert request.body["thinking"] == {"type": "adaptive"}
    assert request.headers["anthropic-beta"] == "a-1"


async def test_a_large_request_is_read_aside(serve, connect):
    served = await serve(says("Hello."))
    words = "x" * (3 * 1024 * 1024)
    await connect(served).chat.completions.create(model="m", messages=[{"role": "user", "content": words}])
    assert served.provider.exchanges[0].request.body["messages"][0]["content"] == words


async def test_a_client_without_the_v1(serve):
    served = await serve()
    client = openai.OpenAI(base_url=served.endpoint.base_url, api_key=TOKEN, max_retries=0)
    with contextlib.closing(client), pytest.raises(openai.NotFoundError, match="ends with /v1"):
        await asyncio.to_thread(client.chat.completions.create, **ASK)
