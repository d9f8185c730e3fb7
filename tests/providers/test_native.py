"""What only the Messages API's own speakers owe: bytes handed on as they are, and their count of tokens."""

from __future__ import annotations

import pytest

from sidecar.core.errors import SetupError, UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import MessagesRequest
from sidecar.providers.models import ModelMap
from sidecar.providers.native import NativeProvider, Route, credential
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, events, fault
from tests.providers.asking import NATIVE, TURN, Make, ask

native = pytest.mark.parametrize("name", NATIVE)
HEAD = b'{"model":"claude-sonnet-4-5"'
REST = b' , "messages":[{"role":"user","content":"\\u00e4 hi"}],"max_tokens":9,"n":123456789012345678901,"stream":%s}'


@native
@pytest.mark.parametrize("stream", [True, False])
async def test_the_requests_bytes_go_out_untouched_but_for_the_models_name(make: Make, name: str, stream: bool) -> None:
    rest = REST % (b"true" if stream else b"false")
    request = MessagesRequest.parse(HEAD + rest)
    async with Upstream([answer("ok")]) as upstream:
        async with await make(name, upstream.url).send(request, TURN) as reply:
            await reply.message()
        sent = upstream.last.raw
    assert sent == (HEAD.replace(b"claude", b"databricks-claude") if name == "databricks" else HEAD) + rest


WIRE = (
    b'event: message_start\r\ndata: {"type": "message_start",  "message": {"n": 123456789012345678901}}\r\n\r\n'
    b'event: from_the_future\r\ndata: {"x":1e400}\r\n\r\n'
    b"event: ping\r\ndata: {}\r\n\r\n"
    b'id: 3\r\nevent: message_stop\r\ndata: {"type":"message_stop"}\r\n\r\n'
)


@native
async def test_the_answers_bytes_are_handed_on_untouched(make: Make, name: str) -> None:
    async with Upstream([events(WIRE)]) as upstream, await make(name, upstream.url).send(ask(), TURN) as reply:
        seen = [event async for event in reply.events()]
    assert b"".join(event.raw for event in seen) == WIRE


@native
async def test_a_whole_answers_bytes_are_handed_on_untouched(make: Make, name: str) -> None:
    body = b'{"content" : [], "id":"msg_1", "big":123456789012345678901}'
    turn = Scripted(body=body, headers={"content-type": "application/json; charset=utf-8"})
    async with Upstream([turn]) as upstream:
        provider = make(name, upstream.url)
        async with await provider.send(ask(stream=False), TURN) as reply:
            assert (await reply.message()).raw == body


@native
async def test_an_error_in_the_stream_ends_it_and_hides_the_providers_words(make: Make, name: str) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"node 1234567890123456"}}\n\n'
    async with Upstream(
        [events(WIRE.partition(b"event: ping")[0], error, b"event: late\ndata: {}\n\n"), events(error)]
    ) as upstream:
        provider = make(name, upstream.url)
        async with await provider.send(ask(), TURN) as reply:
            seen: list[Event] = [event async for event in reply.events()]
        async with await provider.send(ask(), TURN) as reply:
            with pytest.raises(UpstreamError) as caught:
                await reply.message()
    assert seen[-1].data["error"]["type"] == "overloaded_error"
    assert b"1234567890123456" not in seen[-1].raw
    assert (caught.value.status, caught.value.kind) == (529, "overloaded_error")


@native
async def test_a_version_is_sent_for_clients_that_send_none(make: Make, name: str) -> None:
    async with Upstream([answer("ok"), answer("ok"), answer("ok")]) as upstream:
        provider = make(name, upstream.url)
        odd = {"anthropic-version": "2024-01-01", "anthropic-beta": "a\r\nx-evil: 1"}
        for headers in ({}, odd, {"anthropic-beta": "ü"}):
            async with await provider.send(ask(headers=headers), TURN) as reply:
                await reply.message()
        sent = [seen.headers for seen in upstream.requests]
    assert [headers["anthropic-version"] for headers in sent] == ["2023-06-01", "2024-01-01", "2023-06-01"]
    assert all("x-evil" not in headers and "anthropic-beta" not in headers for headers in sent)


async def test_tokens_are_counted_where_the_provider_counts(make: Make) -> None:
    async with Upstream() as upstream:
        upstream.tokens = 42
        for name in ("azure_anthropic", "anthropic"):
            asked = ask(temperature=0.5, tools=[{"name": "x"}], headers={"anthropic-beta": "token-counting"})
            assert await make(name, upstream.url).count_tokens(asked, TURN) == 42
            assert upstream.last.path.endswith("/v1/messages/count_tokens")
            assert set(upstream.last.body) == {"model", "messages", "tools"}
            assert upstream.last.headers["anthropic-beta"] == "token-counting"
        count = len(upstream.requests)
        assert await make("databricks", upstream.url).count_tokens(ask(), TURN) is None
        assert len(upstream.requests) == count


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_provider_without_a_count_is_asked_once(make: Make, status: int) -> None:
    async with Upstream([fault(status)]) as upstream:
        provider = make("anthropic", upstream.url)
        assert await provider.count_tokens(ask(), TURN) is None
        assert await provider.count_tokens(ask(), TURN) is None
        assert len(upstream.requests) == 1


async def test_a_failed_count_is_an_error(make: Make) -> None:
    async with Upstream([fault(400), Scripted(body=b'{"input_tokens": "many"}'), Scripted(body=b"{")]) as upstream:
        provider = make("anthropic", upstream.url)
        with pytest.raises(UpstreamError) as caught:
            await provider.count_tokens(ask(), TURN)
        assert caught.value.status == 400
        assert await provider.count_tokens(ask(), TURN) is None
        with pytest.raises(UpstreamError, match="complete JSON"):
            await provider.count_tokens(ask(), TURN)


@pytest.mark.parametrize("value", ["", "  ", "a\r\nb", "kéy", "a\x00b"])
async def test_a_key_that_no_header_can_carry_is_named(value: str) -> None:
    async def secret() -> str:
        return value

    with pytest.raises(SetupError, match="key"):
        await credential(secret)


async def test_line_ends_around_a_key_do_no_harm_and_it_is_asked_for_each_time() -> None:
    keys = iter(["one\n", "two"])

    async def secret() -> str:
        return next(keys)

    transport = Transport()
    async with Upstream([answer("a"), answer("b")]) as upstream:
        route = Route(url=f"{upstream.url}/v1/messages?a=b", credential="authorization", scheme="Bearer ")
        provider = NativeProvider("x", route, secret, ModelMap(), transport)
        for _ in range(2):
            async with await provider.send(ask(), TURN) as reply:
                await reply.message()
        assert [seen.headers["authorization"] for seen in upstream.requests] == ["Bearer one", "Bearer two"]
        assert upstream.last.path == "/v1/messages?a=b"
        assert route.count_url == f"{upstream.url}/v1/messages/count_tokens?a=b"
    await provider.aclose()
