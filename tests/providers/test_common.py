"""What every provider owes, run for each against the scripted upstream on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from sidecar.core.errors import UpstreamCut, UpstreamError
from sidecar.core.events import Accumulator, Event
from sidecar.core.ports import Provider
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, events, fault, html, redirect, stall, text, thinking, tool_use
from tests.providers.asking import CHAT, KEY, NATIVE, QUICK, TURN, Make, ask

ALL = [*NATIVE, *CHAT]
every = pytest.mark.parametrize("name", ALL)
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

PARALLEL = (
    thinking("Let me look at both.", "c2lnbmF0dXJl"),
    text("I read two files. "),
    tool_use("Read", {"file_path": "ä.py", "limit": 3}, "toolu_1"),
    tool_use("Read", {"file_path": "b.py"}, "toolu_2"),
)


async def collected(provider: Provider, **changes: Any) -> list[Event]:
    async with await provider.send(ask(**changes), TURN) as reply:
        return [event async for event in reply.events()]


@every
@both_ways
async def test_text_thinking_and_parallel_tools_arrive(make: Make, name: str, stream: bool) -> None:
    async with Upstream([answer(*PARALLEL)]) as upstream:
        reply = await make(name, upstream.url).send(ask(stream=stream), TURN)
        async with reply:
            body = (await reply.message()).body
    assert body["content"] == list(PARALLEL)
    assert body["stop_reason"] == "tool_use"
    assert body["role"] == "assistant"
    assert body["usage"]["input_tokens"] == 12
    assert body["usage"]["output_tokens"] == 7
    assert body["usage"]["cache_read_input_tokens"] == 3
    assert reply.headers["request-id"] == "req_scripted"


@every
async def test_a_whole_answer_can_be_had_as_events_and_the_reverse(make: Make, name: str) -> None:
    async with Upstream([answer("Hello there."), answer("Hello there.")]) as upstream:
        provider = make(name, upstream.url)
        folded = [Accumulator(), Accumulator()]
        for number, streamed in enumerate([True, False]):
            for event in await collected(provider, stream=streamed):
                folded[number].feed(event)
    assert folded[0].complete
    assert folded[1].complete
    assert folded[0].message().body["content"] == folded[1].message().body["content"] == [text("Hello there.")]


@every
async def test_events_are_seen_while_the_provider_still_speaks(make: Make, name: str) -> None:
    async with Upstream([answer("one two three four", cut="stall", after=5)]) as upstream:
        async with await make(name, upstream.url).send(ask(), TURN) as reply:
            async for event in reply.events():
                if event.type == "content_block_delta":
                    break
            assert upstream.last.state == "open"
        await upstream.until(lambda: upstream.left == 1)


@every
async def test_the_model_and_max_tokens_are_filled_in(make: Make, name: str) -> None:
    async with Upstream([answer("ok")]) as upstream:
        async with await make(name, upstream.url).send(
            ask(stream=False, model="claude-2.1", max_tokens=None), TURN
        ) as reply:
            await reply.message()
        sent = upstream.last.body
    assert sent["max_tokens"] == 4096
    assert (
        sent.get("model")
        == {
            "databricks": "databricks-claude-sonnet-4-5",
            "databricks-chat": None,
            "azure_anthropic": "claude-sonnet-4-5",
            "anthropic": "claude-sonnet-4-5",
            "openai": "claude-sonnet-4-5",
        }[name]
    )


@every
@pytest.mark.parametrize("model", ["../../x", "http://evil/", "a\r\nx-evil: 1", "m?x=1#y", "\x00", "ü" * 50])
async def test_a_models_name_changes_neither_url_nor_headers(make: Make, name: str, model: str) -> None:
    async with Upstream([answer("ok"), answer("ok")]) as upstream:
        provider = make(name, upstream.url)
        for asked in ("claude-sonnet-4-5", model):
            async with await provider.send(ask(stream=False, model=asked), TURN) as reply:
                await reply.message()
        plain, odd = upstream.requests
    assert odd.path == plain.path
    changed = {key for key in odd.headers if odd.headers[key] != plain.headers.get(key)}
    assert changed <= {"content-length"}


@every
async def test_only_the_providers_own_credential_goes_out(make: Make, name: str) -> None:
    mine = {"anthropic-beta": "a-1,b-2", "anthropic-version": "2023-06-01"}
    theirs = {"authorization": "Bearer client", "x-api-key": "client", "cookie": "c=1", "x-app": "cli"}
    async with Upstream([answer("ok")]) as upstream:
        async with await make(name, upstream.url).send(ask(stream=False, headers=mine | theirs), TURN) as reply:
            await reply.message()
        sent = upstream.last.headers
    assert "client" not in json.dumps(sent)
    assert "cookie" not in sent
    assert "x-app" not in sent
    assert sent["accept-encoding"] == "identity"
    if name in {"azure_anthropic", "anthropic"}:
        assert sent["x-api-key"] == KEY
        assert "authorization" not in sent
    else:
        assert sent["authorization"] == f"Bearer {KEY}"
    if name in NATIVE:
        assert {key: sent[key] for key in mine} == mine


# ── faults before the first byte ────────────────────────────────────────────────────────────────────
KINDS = [
    (400, "invalid_request_error"),
    (401, "authentication_error"),
    (403, "permission_error"),
    (404, "not_found_error"),
    (413, "request_too_large"),
    (429, "rate_limit_error"),
    (500, "api_error"),
    (501, "not_supported"),
    (503, "api_error"),
    (529, "overloaded_error"),
]
SHAPES = {
    "databricks": {"error_code": "SOME_CODE", "message": "Workspace 1234567890123456 says no"},
    "openai": {"error": {"message": "Workspace 1234567890123456 says no", "type": "x", "code": "y"}},
    "anthropic": {"type": "error", "error": {"type": None, "message": "Workspace 1234567890123456 says no"}},
}


@every
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("status", "kind"), KINDS)
async def test_a_failure_keeps_status_and_type_and_no_account_ids(
    make: Make, name: str, shape: str, status: int, kind: str
) -> None:
    body = json.loads(json.dumps(SHAPES[shape]))
    if shape == "anthropic":
        body["error"]["type"] = kind
    script = [fault(status, body, request_id="req_9", anthropic_ratelimit_requests_remaining="0", set_cookie="a=b")] * 3
    async with Upstream(script) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await make(name, upstream.url).send(ask(), TURN)
    error = caught.value
    assert (error.status, error.kind) == (status, kind)
    assert "1234567890123456" not in error.sentence or error.relay
    assert error.request_id == "req_9"
    assert dict(error.headers) == {"request-id": "req_9", "anthropic-ratelimit-requests-remaining": "0"}
    relayed = shape == "anthropic" and status in {400, 413}
    assert error.relay == (json.dumps(body).encode() if relayed else None)


@every
@both_ways
@pytest.mark.parametrize(
    ("turn", "status"),
    [
        (html(200), 502),
        (html(500), 502),
        (html(404), 404),
        (html(400), 400),
        (html(503), 503),
        (redirect("http://127.0.0.1:1/evil"), 502),
        (redirect("/elsewhere", 307), 502),
        (Scripted(body=b"", status=200), 502),
        (Scripted(body=b"", status=204), 502),
        (Scripted(body=b"[]", status=200), 502),
        (Scripted(body=b'{"content": [{"type":', status=200), 502),
        (Scripted(body=b'{"hello": 1}', status=200), 502),
        (fault(200), 502),
        (Scripted(body=b"{}", headers={"content-type": "image/png"}), 502),
    ],
)
async def test_what_is_no_answer_is_a_502_and_redirects_are_not_followed(
    make: Make, name: str, stream: bool, turn: Scripted, status: int
) -> None:
    async with Upstream([turn] * 3) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await make(name, upstream.url).send(ask(stream=stream), TURN)
        paths = {seen.path for seen in upstream.requests}
        count = len(upstream.requests)
    assert (caught.value.status, caught.value.relay) == (status, None)
    assert "<" not in caught.value.sentence
    assert len(paths) == 1
    assert count == (3 if turn.status in {500, 503} else 1)


@every
async def test_a_failure_that_passes_is_got_over(make: Make, name: str) -> None:
    script = [fault(529), fault(429, retry_after="0.01"), answer("ok")]
    async with Upstream(script) as upstream:
        assert (await collected(make(name, upstream.url)))[-1].type == "message_stop"
        assert len(upstream.requests) == 3


@every
@pytest.mark.parametrize(
    ("turn", "tries"),
    [
        (fault(429, retry_after="11"), 1),
        (fault(529, retry_after="3600"), 1),
        (fault(429, retry_after="0.01"), 3),
        (fault(503, retry_after="nonsense"), 3),
        (fault(503, retry_after="Mon, 23 Nov 2020 10:00:00 GMT"), 3),
        (fault(503, retry_after="Mon, 23 Nov 2099 10:00:00 GMT"), 1),
        (fault(500, x_should_retry="false"), 1),
        (fault(501), 1),
        (fault(400), 1),
        (fault(401), 1),
    ],
)
async def test_how_often_is_tried(make: Make, name: str, turn: Scripted, tries: int) -> None:
    async with Upstream([turn] * 5) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await make(name, upstream.url).send(ask(), TURN)
        assert len(upstream.requests) == tries
    if turn.headers.get("retry-after") == "11":
        assert caught.value.retry_after == 11


@every
@both_ways
async def test_nobody_there(make: Make, name: str, stream: bool) -> None:
    async with Upstream() as upstream:
        url = upstream.url
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match="cannot be reached") as caught:
        await make(name, url).send(ask(stream=stream), TURN)
    assert caught.value.status == 502
    assert time.monotonic() - begun < 5


@every
async def test_the_pool_survives_a_restart_of_the_provider(make: Make, name: str) -> None:
    async with Upstream([answer("one", linger=0.02), answer("two")]) as upstream:
        provider = make(name, upstream.url)
        await collected(provider)
        await collected(provider)
        assert upstream.requests[0].peer == upstream.requests[1].peer, "the connection is used again"
    async with Upstream([answer("three")], port=upstream.port):
        assert (await collected(provider))[-1].type == "message_stop"


# ── faults in the answer ────────────────────────────────────────────────────────────────────────────
@every
@pytest.mark.parametrize("cut", ["abort", "eof"])
@pytest.mark.parametrize("after", [0, 1, 4])
async def test_a_cut_stream_gives_its_beginning_and_then_fails(make: Make, name: str, cut: str, after: int) -> None:
    async with Upstream([answer("one two three four five", cut=cut, after=after), answer("again")]) as upstream:
        seen: list[str] = []
        async with await make(name, upstream.url).send(ask(), TURN) as reply:
            with pytest.raises(UpstreamCut):
                async for event in reply.events():
                    seen += [event.type]
        assert len(upstream.requests) == 1, "nothing is tried again once the answer has begun"
    assert "message_stop" not in seen
    assert (seen == []) == (after == 0)


@every
async def test_a_cut_in_the_middle_of_a_frame_does_not_look_complete(make: Make, name: str) -> None:
    async with Upstream([answer("x")]) as upstream:
        full = b"".join(event.raw for event in await collected(make("anthropic", upstream.url)))
    chunked = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DO'
    half = full[:-3] if name in NATIVE else chunked
    async with Upstream([events(half)]) as upstream:
        reply = await make(name, upstream.url).send(ask(), TURN)
        async with reply:
            with pytest.raises(UpstreamCut):
                await reply.message()


@every
@pytest.mark.parametrize("cut", ["abort", "eof"])
async def test_a_cut_whole_answer_fails(make: Make, name: str, cut: str) -> None:
    async with Upstream([answer("one two three", cut=cut, after=40)]) as upstream:
        with pytest.raises(UpstreamCut):
            await make(name, upstream.url).send(ask(stream=False), TURN)
        assert len(upstream.requests) == 1


@every
async def test_a_stream_that_falls_silent_is_given_up(make: Make, name: str) -> None:
    async with Upstream([answer("one two three four", cut="stall", after=5)]) as upstream:
        async with await make(name, upstream.url).send(ask(), TURN) as reply:
            with pytest.raises(UpstreamCut, match="stopped sending"):
                async for _ in reply.events():
                    pass
        await upstream.until(lambda: upstream.left == 1)


@every
@both_ways
async def test_a_provider_that_never_begins_is_given_up_and_not_asked_again(
    make: Make, name: str, stream: bool
) -> None:
    async with Upstream([stall()]) as upstream:
        with pytest.raises(UpstreamError, match="did not begin") as caught:
            await make(name, upstream.url).send(ask(stream=stream), TURN)
        assert caught.value.status == 504
        await upstream.until(lambda: upstream.left == 1)
        assert len(upstream.requests) == 1


# ── leaving ─────────────────────────────────────────────────────────────────────────────────────────
PATIENT = type(QUICK)(pause=0.01)


@every
@both_ways
async def test_cancelling_before_the_head_closes_the_connection(make: Make, name: str, stream: bool) -> None:
    async with Upstream([stall()]) as upstream:
        task = asyncio.create_task(make(name, upstream.url, limits=PATIENT).send(ask(stream=stream), TURN))
        await upstream.until(lambda: len(upstream.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.until(lambda: upstream.left == 1, timeout=1)


@every
@both_ways
async def test_cancelling_while_an_answer_is_read_closes_the_connection(make: Make, name: str, stream: bool) -> None:
    after = 4 if stream else 30

    async def read(provider: Provider) -> None:
        async with await provider.send(ask(stream=stream), TURN) as reply:
            await reply.message()

    async with Upstream([answer("one two three four", cut="stall", after=after)]) as upstream:
        task = asyncio.create_task(read(make(name, upstream.url, limits=PATIENT)))
        await upstream.until(lambda: len(upstream.requests) == 1 and upstream.last.sent == (4 if stream else 0))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.until(lambda: upstream.left == 1, timeout=1)


@every
@pytest.mark.parametrize("after", [0, 4])
async def test_closing_the_reply_closes_the_connection(make: Make, name: str, after: int) -> None:
    async with Upstream([answer("one two three four", cut="stall", after=after)]) as upstream:
        reply = await make(name, upstream.url, limits=PATIENT).send(ask(), TURN)
        if after:
            await anext(aiter(reply.events()))
        await reply.aclose()
        await reply.aclose()
        await upstream.until(lambda: upstream.left == 1, timeout=1)


@every
async def test_cancelling_between_two_tries_ends_the_trying(make: Make, name: str) -> None:
    async with Upstream([fault(429, retry_after="9"), answer("never")]) as upstream:
        limits = type(QUICK)()
        task = asyncio.create_task(make(name, upstream.url, limits=limits).send(ask(), TURN))
        await upstream.until(lambda: len(upstream.requests) == 1 and upstream.last.state == "done")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(upstream.requests) == 1


@every
async def test_models_have_ids_that_the_client_accepts(make: Make, name: str) -> None:
    offered = await make(name, "http://127.0.0.1:1").models()
    assert offered
    assert all(model.id.startswith("claude-") and model.display_name for model in offered)


@every
async def test_many_at_once_do_not_mix(make: Make, name: str) -> None:
    def echo(seen: Any) -> Scripted:
        return answer(str(seen.body["messages"][-1]["content"]), delay=0.002)

    async with Upstream(rule=echo) as upstream:
        provider = make(name, upstream.url, limits=PATIENT)

        async def one(number: int) -> bool:
            words = f"w{number} " * 4
            async with await provider.send(ask(messages=[{"role": "user", "content": words}]), TURN) as reply:
                return bool((await reply.message()).body["content"] == [text(words)])

        assert all(await asyncio.gather(*(one(number) for number in range(30))))
