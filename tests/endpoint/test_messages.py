"""Requests to the Messages API: bad ones, large ones, and whole answers."""

from __future__ import annotations

import orjson
import pytest

from sidecar.core.errors import BadInput, NotSupported, SetupError, UpstreamError
from sidecar.core.messages import Message
from tests.endpoint.conftest import BODY
from tests.fakes.provider import Answer, FakeProvider, fails, says, streams

USER = {"role": "user", "content": "hi"}
DEEP = b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
DEEP_INPUT = (
    b'{"model":"m","messages":[{"role":"user","content":[{"type":"x","in":' + b"[" * 900 + b"]" * 900 + b"}]}]}"
)


BAD = [
    (b"", "empty"),
    (b"   ", "empty"),
    (b"{", "JSON"),
    (b"nonsense", "JSON"),
    (b"[]", "object"),
    (b"null", "object"),
    (b'"text"', "object"),
    (b"7", "object"),
    (b"{}", "model"),
    (orjson.dumps({"messages": [USER]}), "model"),
    (orjson.dumps({"model": "m"}), "messages"),
    (orjson.dumps({"model": "m", "messages": []}), "messages"),
    (orjson.dumps({"model": "m", "messages": "hi"}), "messages"),
    (orjson.dumps({"model": "m", "messages": [7]}), "messages"),
    (orjson.dumps({"model": "m", "messages": [{"role": "robot", "content": "x"}]}), "role"),
    (orjson.dumps({"model": "m", "messages": [{"role": "user"}]}), "content"),
    (orjson.dumps({"model": "m", "messages": [{"role": "user", "content": 7}]}), "content"),
    (orjson.dumps({"model": 7, "messages": [USER]}), "model"),
    (orjson.dumps({"model": "", "messages": [USER]}), "model"),
    (orjson.dumps({**BODY, "max_tokens": -1}), "max_tokens"),
    (orjson.dumps({**BODY, "max_tokens": 0}), "max_tokens"),
    (orjson.dumps({**BODY, "max_tokens": "16"}), "max_tokens"),
    (orjson.dumps({**BODY, "max_tokens": 1.5}), "max_tokens"),
    (orjson.dumps({**BODY, "stream": "yes"}), "stream"),
    (orjson.dumps({**BODY, "tools": {}}), "tools"),
    (orjson.dumps({**BODY, "tools": ["x"]}), "tools"),
    (orjson.dumps({**BODY, "system": 7}), "system"),
    (orjson.dumps({**BODY, "temperature": "hot"}), "temperature"),
    (b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":NaN}', "JSON"),
    (b'{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":' + b"9" * 5000 + b"}", ""),
    (b'{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}', "JSON"),
    (DEEP, "JSON"),
]


@pytest.mark.parametrize(("body", "named"), BAD)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_bad_input_is_named_and_goes_nowhere(serve, body, named, path):
    served = await serve()
    async with served.post(body, path) as response:
        told = await response.json()
        assert (response.status, told["error"]["type"]) == (400, "invalid_request_error")
        assert named in told["error"]["message"]
        assert told["request_id"] == response.headers["request-id"]
    assert not served.provider.exchanges


ODD = [
    DEEP_INPUT,
    b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
    b'{"model":"m","messages":[{"role":"user","content":"a\\u0000b"}]}',
    b'{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}',
    orjson.dumps({**BODY, "system": "s\u0000", "unknown": {"a": [1]}, "x" * 1000: None}),
    b'{"model":"../../x\\r\\nHost: y","messages":[{"role":"user","content":"x"}]}',
]


@pytest.mark.parametrize("body", ODD)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_odd_input_never_breaks_the_server(serve, body, path):
    served = await serve()
    async with served.post(body, path) as response:
        assert response.status in {200, 400}
        await response.json()


async def test_the_request_reaches_the_provider_byte_for_byte(serve):
    served = await serve()
    raw = b'{ "model":"claude-test",  "messages":[{"role":"user","content":"\\u0041"}], "new_field": {"n": 1.10} }'
    headers = {"anthropic-beta": "a-1,b-2", "anthropic-version": "2023-06-01", "x-claude-code-session-id": "s1"}
    async with served.post(raw, "/v1/messages?beta=true", headers=headers) as response:
        assert response.status == 200
    exchange = served.provider.exchanges[0]
    assert exchange.request.raw == raw
    assert exchange.request.headers == {"anthropic-beta": "a-1,b-2", "anthropic-version": "2023-06-01"}
    assert (exchange.turn.session, exchange.turn.workspace) == ("s1", "/a/workspace")
    assert exchange.turn.id == response.headers["request-id"]


async def test_the_credential_goes_no_further(serve):
    served = await serve()
    async with served.post(headers={"cookie": "a=b"}):
        pass
    seen = served.provider.exchanges[0]
    assert "token-of" not in repr((seen.request.headers, seen.turn))


async def test_the_bytes_of_a_whole_answer_are_untouched(serve):
    raw = b'{ "type":"message", "content":[],\n "usage":{"x":1.10} }'
    served = await serve(Answer(message=Message(raw)))
    async with served.post() as response:
        assert (response.status, await response.read()) == (200, raw)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["content-length"] == str(len(raw))
    assert served.provider.exchanges[0].closed.is_set()


async def test_a_stream_is_folded_for_a_client_that_wants_it_whole(serve):
    served = await serve(streams("Hel", "lo"))
    async with served.post() as response:
        assert (await response.json())["content"] == [{"type": "text", "text": "Hello"}]


RELAY = (
    b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}'
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadInput("x"), 400, "invalid_request_error"),
        (NotSupported("x"), 501, "not_supported"),
        (SetupError("x", "Y"), 400, "invalid_request_error"),
        (UpstreamError("x", status=429, kind="rate_limit_error", retry_after=0.2), 429, "rate_limit_error"),
        (UpstreamError("x", status=400, kind="invalid_request_error", relay=RELAY), 400, "invalid_request_error"),
        (UpstreamError("x", kind="overloaded_error"), 529, "overloaded_error"),
        (RuntimeError("secret detail"), 500, "api_error"),
        (TimeoutError(), 500, "api_error"),
        (ConnectionResetError(), 500, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_errors_keep_status_and_type(serve, error, status, kind, stream):
    served = await serve(fails(error))
    async with served.post({**BODY, "stream": stream}) as response:
        body = await response.read()
        assert (response.status, orjson.loads(body)["error"]["type"]) == (status, kind)
        assert b"secret detail" not in body
        if isinstance(error, UpstreamError) and error.relay:
            assert body == RELAY
        if status == 429:
            assert response.headers["retry-after"] == "1"


async def test_a_cut_answer_is_no_answer_for_a_client_that_wants_it_whole(serve):
    served = await serve(Answer(acts=streams("Hel").acts[:-1]))
    async with served.post() as response:
        assert (response.status, (await response.json())["error"]["type"]) == (502, "api_error")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(42, 42), (0, 0), (None, 11), (UpstreamError("none", status=404), 11), (UpstreamError("busy", status=529), 11)],
)
async def test_tokens_are_counted_or_estimated(serve, tokens, expected):
    served = await serve(provider=FakeProvider(tokens=tokens))
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello there my dear friend"}]}
    async with served.post(body, "/v1/messages/count_tokens") as response:
        assert (response.status, await response.json()) == (200, {"input_tokens": expected})
        source = "provider" if isinstance(tokens, int) else "estimate;pairs=0"
        assert response.headers["x-sidecar-count"] == source


async def test_many_requests_on_one_connection(serve):
    served = await serve(says("hi"))
    ids = set()
    for _ in range(20):
        async with served.post() as response:
            assert response.status == 200
            ids.add(response.headers["request-id"])
    assert len(ids) == 20
