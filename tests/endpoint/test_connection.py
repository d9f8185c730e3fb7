"""Noise on the wire: answered in the API's form or hung up on, and the server lives on."""

from __future__ import annotations

import logging

import pytest

from sidecar.endpoint.server import Limits
from tests.endpoint.conftest import TOKEN

HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"

NOISE = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "zeros": b"\0" * 500,
    "text": b"hello?\r\n\r\n",
    "http 0.9": b"GET /\r\n\r\n",
    "http 2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "odd version": b"GET / HTTP/9.9\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "odd method": b"G\x01T / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "long url": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
    "space in name": HEAD + b"X y: z\r\n\r\n",
    "folded header": HEAD + b"X: y\r\n z\r\nContent-Length: 0\r\n\r\n",
    "bare cr": HEAD + b"X: y\rz\r\n\r\n",
    "nul in header": HEAD + b"X: y\0z\r\n\r\n",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "plus length": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "huge length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length and chunked": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd coding": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", NOISE)
async def test_noise_is_refused(serve, kind):
    served = await serve()
    answered = await served.exchange(NOISE[kind].replace(b"%d", str(served.endpoint.port).encode()))
    assert answered is None or (400 <= answered.status < 500 and answered.error)
    assert not served.provider.exchanges
    async with served.post() as response:
        assert response.status == 200


@pytest.mark.parametrize("line", ["CONNECT example.com:443?token=%s HTTP/1.1", "GET http://u:%s@[x HTTP/1.1"])
async def test_an_address_that_cannot_be_read_is_not_repeated(serve, line):
    served = await serve()
    answered = await served.raw(line % TOKEN, "Host: 127.0.0.1")
    assert answered.error == "invalid_request_error"
    assert TOKEN.encode() not in answered.body


async def test_a_smuggled_request_is_not_run(serve):
    served = await serve()
    port = str(served.endpoint.port).encode()
    inner = b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nx-api-key: %s\r\nContent-Type: application/json\r\n" % (
        port, TOKEN.encode(),
    )  # fmt: skip
    outer = (
        b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        % port
    )
    await served.exchange(outer + b"0\r\n\r\n" + inner + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
    assert not served.provider.exchanges


async def test_a_malformed_request_leaves_no_traceback_in_the_log(serve, caplog):
    served = await serve()
    with caplog.at_level(logging.DEBUG):
        await served.exchange(NOISE["tls"])
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /v1/mess", b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Slow: "],
    ids=["nothing", "half a line", "half a head"],
)
async def test_a_connection_without_a_whole_head_is_dropped_while_others_are_served(serve, sent):
    served = await serve(limits=Limits(head=0.3))
    connections = [await served.connect() for _ in range(30)]
    for _, writer in connections:
        writer.write(sent)
    async with served.post() as response:
        assert response.status == 200
    for reader, writer in connections:
        assert await reader.read() == b""
        writer.close()


async def test_an_idle_connection_is_dropped_but_not_while_it_is_answered(serve):
    served = await serve(limits=Limits(head=0.2))
    reader, writer = await served.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % served.endpoint.port)
    assert b"200" in await reader.readline()
    await reader.read()
    writer.close()
