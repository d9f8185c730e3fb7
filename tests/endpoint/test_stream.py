"""Streams: as they happen, with pings, with an honest end, and closed behind a client that leaves."""

from __future__ import annotations

import asyncio
import gc

import psutil
import pytest

from sidecar.core.errors import UpstreamCut, UpstreamError
from sidecar.core.events import Event
from sidecar.endpoint.server import Limits
from tests.endpoint.conftest import BODY
from tests.fakes.provider import Answer, closing, delta, opening, streams

ASK = {**BODY, "stream": True}
SOON = 5.0


def quick(**limits: float) -> Limits:
    return Limits(first_ping=0.02, ping=0.02, **limits)


async def frames(response) -> list[bytes]:
    raw = await response.read()
    return [part + b"\n\n" for part in raw.split(b"\n\n")[:-1]]


def names(raw: list[bytes]) -> list[str]:
    return [part.partition(b"\n")[0].removeprefix(b"event: ").decode() for part in raw]


async def test_the_bytes_of_events_are_handed_on_untouched(serve):
    odd = Event("content_block_delta", b'event:content_block_delta\r\ndata: {"type" :"content_block_delta"}\r\n\r\n')
    unknown = Event("x_future", b'event: x_future\ndata: {"type":"x_future","n":1.10}\n\n')
    served = await serve(Answer(acts=[*opening(), odd, unknown, *closing()]))
    async with served.post(ASK) as response:
        assert response.status == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["request-id"].startswith("req_")
        body = await response.read()
    assert body == b"".join(e.raw for e in [*opening(), odd, unknown, *closing()])


async def test_each_event_reaches_the_client_before_the_next_one_exists(serve):
    gates = [asyncio.Event() for _ in range(3)]
    served = await serve(streams("one", gates[0], "two", gates[1], "three", gates[2]))
    async with served.post(ASK) as response:
        for number, (piece, gate) in enumerate(zip(("one", "two", "three"), gates, strict=True), start=3):
            received = b""
            while piece.encode() not in received:
                received += await asyncio.wait_for(response.content.readany(), SOON)
            assert served.provider.exchanges[0].brought == number
            gate.set()
        rest = await response.read()
    assert rest.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


async def test_a_whole_message_is_streamed_as_events(serve):
    served = await serve()
    async with served.post(ASK) as response:
        assert names(await frames(response)) == [
            "message_start", "content_block_start", "content_block_delta",
            "content_block_stop", "message_delta", "message_stop",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status", "kind", "headers"),
    [
        (UpstreamError("slow down", status=429, kind="rate_limit_error", retry_after=6.2), 429, "rate_limit_error", {"retry-after": "7"}),
        (UpstreamError("busy", status=529, kind="overloaded_error"), 529, "overloaded_error", {}),
        (UpstreamError("key", status=401, kind="authentication_error"), 401, "authentication_error", {"x-should-retry": "false"}),
        (UpstreamError("no", status=200, kind="api_error"), 502, "api_error", {}),
        (UpstreamCut("gone"), 502, "api_error", {}),
    ],
)  # fmt: skip
async def test_an_error_before_the_first_byte_has_its_own_status(serve, error, status, kind, headers):
    for answer in (Answer(error=error), Answer(acts=[error])):
        served = await serve(answer)
        async with served.post(ASK) as response:
            told = await response.json()
            assert (response.status, told["error"]["type"], told["error"]["message"]) == (status, kind, error.sentence)
            assert told["request_id"] == response.headers["request-id"]
            assert headers.items() <= {k.lower(): v for k, v in response.headers.items()}.items()


async def test_a_stream_that_begins_with_an_error_is_an_http_error_with_the_same_body(serve):
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "extra": 1}
    served = await serve(Answer(acts=[Event.make(told)]))
    async with served.post(ASK) as response:
        assert (response.status, await response.json()) == (529, told)


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ([], "api_error"),  # a clean end that came too early
        ([UpstreamCut("broke off")], "api_error"),
        ([UpstreamError("busy", status=529, kind="overloaded_error")], "overloaded_error"),
        ([RuntimeError("our own fault")], "api_error"),
        ([Event.make({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}), *closing()], "overloaded_error"),
    ],
)  # fmt: skip
async def test_a_later_error_is_an_event_and_nothing_looks_complete(serve, tail, kind):
    served = await serve(Answer(acts=[*opening(), delta("par"), *tail]))
    async with served.post(ASK) as response:
        assert response.status == 200
        raw = await frames(response)
    assert names(raw) == ["message_start", "content_block_start", "content_block_delta", "error"]
    assert f'"type":"{kind}"'.encode() in raw[-1]
    assert b"our own fault" not in raw[-1]
    await asyncio.wait_for(served.provider.exchanges[0].closed.wait(), SOON)


async def test_pings_break_silence_before_the_provider_answers_and_an_error_is_then_an_event(serve):
    gate = asyncio.Event()
    error = UpstreamError("too busy", status=529, kind="overloaded_error")
    served = await serve(Answer(before=gate, error=error), limits=quick())
    async with served.post(ASK) as response:
        assert response.status == 200
        received = b""
        while received.count(b"event: ping\n") < 2:
            received += await asyncio.wait_for(response.content.readany(), SOON)
        gate.set()
        received += await response.read()
    assert b'"overloaded_error"' in received
    assert b"message_stop" not in received


async def test_pings_break_silence_in_the_middle_and_never_an_event(serve):
    gate = asyncio.Event()
    served = await serve(streams("one", gate, "two"), limits=quick())
    async with served.post(ASK) as response:
        received = b""
        while received.count(b"event: ping\n") < 3:
            received += await asyncio.wait_for(response.content.readany(), SOON)
        gate.set()
        received += await response.read()
    without = received.replace(b'event: ping\ndata: {"type":"ping"}\n\n', b"")
    assert without == b"".join(e.raw for e in [*opening(), delta("one"), delta("two"), *closing()])


async def test_a_lively_stream_has_no_pings(serve):
    served = await serve(streams(*["x"] * 50))
    async with served.post(ASK) as response:
        assert "ping" not in names(await frames(response))


MOMENTS = {
    "before the provider's head": lambda gate: Answer(before=gate, acts=[]),
    "before the first event": lambda gate: Answer(acts=[gate, *opening()]),
    "in the middle": lambda gate: streams("one", gate, "two"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("size", [10, 600_000])
async def test_a_client_that_leaves_takes_the_provider_with_it(serve, moment, streamed, size):
    served = await serve(MOMENTS[moment](asyncio.Event()))
    message = {"role": "user", "content": "x" * size}
    async with asyncio.TaskGroup() as group:
        client = group.create_task(_read_all(served, {**ASK, "stream": streamed, "messages": [message]}))
        exchange = await served.provider.next_exchange()
        while moment == "in the middle" and exchange.brought < 3:
            await asyncio.sleep(0)
        client.cancel()
        await asyncio.wait_for(exchange.closed.wait(), SOON)
    assert exchange.cancelled


async def _read_all(served, body) -> None:
    async with served.post(body) as response:
        await response.read()


async def test_a_client_that_leaves_while_pings_go_out_takes_the_provider_with_it(serve):
    served = await serve(Answer(before=asyncio.Event()), limits=quick())
    async with served.post(ASK) as response:
        assert await asyncio.wait_for(response.content.readany(), SOON)
        response.close()
    exchange = await served.provider.next_exchange()
    await asyncio.wait_for(exchange.closed.wait(), SOON)
    assert exchange.cancelled


async def test_a_client_that_reads_nothing_holds_the_provider_back(serve):
    big = delta("x" * 100_000)
    served = await serve(Answer(acts=[*opening(), *[big] * 2_000, *closing()]), limits=quick())
    _, writer = await served.connect()
    body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    gc.collect()
    before = psutil.Process().memory_info().rss
    lines = served.head(
        "POST",
        "/v1/messages",
        "x-api-key: token-of-the-tests-0123456789",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    exchange = await served.provider.next_exchange()
    brought = -1
    while brought != exchange.brought or not brought:  # until nothing moves any more
        brought = exchange.brought
        await asyncio.sleep(0.1)
    assert brought < 200  # of 2,000: what kernel buffers and ours can hold
    assert psutil.Process().memory_info().rss - before < 40_000_000
    writer.transport.abort()
    await asyncio.wait_for(exchange.closed.wait(), SOON)


async def test_the_client_need_not_wait_for_a_provider_that_keeps_its_stream_open(serve):
    served = await serve(Answer(acts=[*opening(), *closing(), asyncio.Event()]), limits=Limits(tail=60, stop=0))
    async with served.post(ASK) as response:
        assert (await asyncio.wait_for(frames(response), SOON))[-1].startswith(b"event: message_stop")


async def test_headers_of_the_provider_that_the_client_may_see(serve):
    headers = {
        "request-id": "req_theirs", "anthropic-ratelimit-requests-remaining": "9", "retry-after": "1",
        "set-cookie": "a=b", "access-control-allow-origin": "*", "content-type": "text/html",
    }  # fmt: skip
    for body in (ASK, BODY):
        served = await serve(streams("hi", headers=headers))
        async with served.post(body) as response:
            assert response.headers["upstream-request-id"] == "req_theirs"
            assert response.headers["request-id"] != "req_theirs"
            assert response.headers["anthropic-ratelimit-requests-remaining"] == "9"
            assert not {"set-cookie", "access-control-allow-origin"} & {name.lower() for name in response.headers}
            assert "text/html" not in response.headers["content-type"]


def followed(event: Event) -> Event:
    """The event as one read brings it together with the next."""
    event.more = True
    return event


async def test_events_of_one_read_go_out_together_and_in_order(serve):
    gate = asyncio.Event()
    pieces = [followed(delta("one")), followed(delta("two")), delta("three")]
    acts = [*opening(), *pieces, gate, followed(delta("four")), *closing()]
    served = await serve(Answer(acts=acts))
    async with served.post(ASK) as response:
        received = b""
        while b"three" not in received:
            received += await asyncio.wait_for(response.content.readany(), SOON)
        assert b"one" in received
        assert b"four" not in received
        gate.set()
        received += await response.read()
    assert received == b"".join(act.raw for act in acts if isinstance(act, Event))


async def test_what_is_held_goes_out_before_the_error_that_ends_the_stream(serve):
    served = await serve(Answer(acts=[*opening(), followed(delta("held")), UpstreamCut("gone")]))
    async with served.post(ASK) as response:
        raw = await frames(response)
    assert names(raw)[-2:] == ["content_block_delta", "error"]
    assert b"held" in raw[-2]


async def test_an_error_in_the_first_read_has_its_own_status(serve):
    first = [followed(event) for event in opening()]
    served = await serve(Answer(acts=[*first, UpstreamError("busy", status=529, kind="overloaded_error")]))
    async with served.post(ASK) as response:
        assert response.status == 529
