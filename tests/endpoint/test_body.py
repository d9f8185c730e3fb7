"""Bodies: large, too large, chunked, stalled, dripping, badly framed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json

import orjson
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.endpoint import body as body_module
from sidecar.endpoint.body import crowded
from sidecar.endpoint.server import Limits
from tests.endpoint.conftest import BODY, TOKEN, parse

SMALL = orjson.dumps(BODY)
LINES = [f"x-api-key: {TOKEN}", "Content-Type: application/json"]


def of_size(megabytes: int) -> bytes:
    return orjson.dumps({**BODY, "messages": [{"role": "user", "content": "x" * (megabytes << 20)}]})


async def test_twenty_megabytes_are_served(serve):
    served = await serve()
    body = of_size(20)
    async with served.post(io.BytesIO(body)) as response:
        assert response.status == 200
    assert served.provider.exchanges[0].request.raw == body


async def test_a_gigabyte_is_refused_before_it_is_sent(serve):
    served = await serve()
    reader, writer = await served.connect()
    writer.write("\r\n".join([*served.head(), *LINES, "Content-Length: 1073741824"]).encode() + b"\r\n\r\n{")
    answered = parse(await _head_and_body(reader))
    assert (answered.status, answered.error) == (413, "request_too_large")
    assert answered.headers["connection"] == "close"
    writer.close()


async def _head_and_body(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = parse(head).headers["content-length"]
    return head + await asyncio.wait_for(reader.readexactly(int(length)), 5)


async def test_an_endless_chunked_body_is_refused_and_not_kept(serve):
    served = await serve(limits=Limits(body_bytes=4 << 20))
    before = psutil.Process().memory_info().rss
    reader, writer = await served.connect()
    writer.write("\r\n".join([*served.head(), *LINES, "Transfer-Encoding: chunked"]).encode() + b"\r\n\r\n")
    chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    async with asyncio.TaskGroup() as group:
        flood = group.create_task(_write_on(writer, chunk))
        answered = parse(await _head_and_body(reader))
        flood.cancel()
    assert (answered.status, answered.error) == (413, "request_too_large")
    assert psutil.Process().memory_info().rss - before < 60_000_000
    assert not served.provider.exchanges
    writer.transport.abort()


async def _write_on(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)


async def test_a_chunked_body_is_read_whole(serve):
    served = await serve()

    async def pieces():
        for at in range(0, len(SMALL), 7):
            yield SMALL[at : at + 7]

    async with served.post(pieces()) as response:
        assert response.status == 200
    assert served.provider.exchanges[0].request.raw == SMALL


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(serve):
    served = await serve()
    reader, writer = await served.connect()
    lines = [*served.head(), *LINES, "Expect: 100-continue", f"Content-Length: {len(SMALL)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(SMALL)
    assert parse(await reader.read()).status == 200
    writer.close()


async def test_a_refused_client_is_not_told_to_go_on(serve):
    served = await serve()
    reader, writer = await served.connect()
    lines = [*served.head(), *LINES[1:], "Expect: 100-continue", f"Content-Length: {len(SMALL)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] == b"401"
    writer.close()


@pytest.mark.parametrize("drip", [False, True])
async def test_a_body_that_stalls_or_drips_is_given_up_while_others_are_served(serve, drip):
    served = await serve(limits=Limits(body_stall=0.2, body_rate=1_000_000))
    reader, writer = await served.connect()
    writer.write("\r\n".join([*served.head(), *LINES, "Content-Length: 5000"]).encode() + b"\r\n\r\n{")
    async with served.post() as response:
        assert response.status == 200
    async with asyncio.TaskGroup() as group:
        dripping = group.create_task(_drip(writer)) if drip else None
        answered = parse(await _head_and_body(reader))
        if dripping:
            dripping.cancel()
    assert (answered.status, answered.error) == (408, "invalid_request_error")
    writer.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "body", [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n\r\n", b"5\r\n{}\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\n"]
)
async def test_broken_chunks_are_malformed(serve, body):
    served = await serve()
    answered = await served.raw(*served.head(), *LINES, "Transfer-Encoding: chunked", body=body)
    assert answered is None or 400 <= answered.status < 500
    assert not served.provider.exchanges


async def test_a_body_that_ends_early_reaches_nobody(serve):
    served = await serve()
    _, writer = await served.connect()
    writer.write("\r\n".join([*served.head(), *LINES, "Content-Length: 500"]).encode() + b"\r\n\r\n" + SMALL)
    await writer.drain()
    writer.close()
    async with served.post() as response:
        assert response.status == 200
    assert len(served.provider.exchanges) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet='a,[{}]"\\\n:é'),
    lambda below: st.lists(below) | st.dictionaries(st.text(alphabet='a,[{}]"\\\n:é'), below),
)


def _values(value: object) -> tuple[int, int]:
    """How many values there are, and how many empty lists and objects are among them."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    told = [_values(one) for one in inside]
    empty = isinstance(value, dict | list) and not value
    return 1 + sum(count for count, _ in told), empty + sum(count for _, count in told)


@given(_JSON, st.integers(1, 12), st.sampled_from([None, 2]), st.booleans(), st.sampled_from([1, 2, 5, 1 << 20]))
def test_values_are_counted_whatever_stands_in_the_texts_and_wherever_a_step_ends(value, most, indent, escaped, step):
    raw = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    count, empty = _values(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_module, "_STEP", step)
        much = crowded(raw, most)
    if much:
        assert count + empty > most
    else:
        assert count <= most


@pytest.mark.parametrize("megabytes", [1, 4])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions"])
async def test_too_many_values_are_refused_before_they_are_made(serve, path, megabytes):
    served = await serve()
    small = b",".join([b'{"a":{}}'] * (megabytes * 120_000))
    body = b'{"model":"claude-test","max_tokens":1,"messages":[{"role":"user","content":"hi"}],"z":[' + small + b"]}"
    async with served.post(io.BytesIO(body), path) as response:
        assert response.status == 413
        error = (await response.json())["error"]
    assert "more than 200,000 values; send fewer" in error["message"]
    assert served.provider.exchanges == []


@pytest.mark.parametrize("text", ['a,b{[\n"\\', "plain words, and more of them. "])
async def test_a_long_text_is_one_value_whatever_stands_in_it(serve, text):
    served = await serve()
    body = {**BODY, "messages": [{"role": "user", "content": text * (1_500_000 // len(text))}]}
    async with served.post(io.BytesIO(orjson.dumps(body))) as response:
        assert response.status == 200
    assert served.provider.exchanges[0].request.raw == orjson.dumps(body)


async def test_a_conversation_as_long_as_any_is_not_too_many_values(serve):
    """Ten times what a window of a million tokens holds in blocks, and hundreds of tools."""
    served = await serve()
    block = {"type": "text", "text": "x" * 200, "cache_control": {"type": "ephemeral"}}
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "description": "d"} for n in range(20)}}
    body = {
        **BODY,
        "messages": [{"role": "user", "content": [block] * 20_000}],
        "tools": [{"name": f"t{n}", "input_schema": schema} for n in range(500)],
    }
    async with served.post(io.BytesIO(orjson.dumps(body))) as response:
        assert response.status == 200
