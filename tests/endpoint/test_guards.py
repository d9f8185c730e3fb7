"""Who may come in: tables of requests as they look on the wire."""

from __future__ import annotations

import asyncio
import os
import sys

import orjson
import pytest

from sidecar.core.errors import SetupError
from sidecar.endpoint.guards import Access, HostRule, is_loopback
from tests.endpoint.conftest import BODY, TOKEN, Served
from tests.fakes.provider import says

BEARER = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"


async def send(served: Served, *lines: str | bytes, head: list[str] | None = None, body: bytes | None = None):
    body = orjson.dumps(BODY) if body is None else body
    lines = (*(head or served.head()), *lines, f"Content-Length: {len(body)}")
    answered = await served.raw(*lines, body=body)
    assert answered is not None
    assert not [name for name in answered.headers if name.startswith("access-control-")]
    assert answered.headers["request-id"]
    return answered


HOSTS = [
    ("127.0.0.1:{port}", 200),
    ("localhost:{port}", 200),
    ("LOCALHOST:{port}", 200),
    ("[::1]:{port}", 200),
    ("evil.example", 403),
    ("evil.example:{port}", 403),
    ("localhost.evil.example:{port}", 403),
    ("evil-localhost:{port}", 403),
    ("127.0.0.1.evil.example:{port}", 403),
    ("localhost.:{port}", 403),
    ("127.0.0.1", 403),
    ("localhost:1", 403),
    ("localhost:{port}1", 403),
    ("0.0.0.0:{port}", 403),
    ("127.1:{port}", 403),
    ("[::]:{port}", 403),
    ("user@localhost:{port}", 403),
    ("", 403),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
async def test_host_is_compared_whole(serve, host, status):
    served = await serve()
    head = served.head(host=host.format(port=served.endpoint.port))
    answered = await send(served, BEARER, JSON, head=head)
    assert answered.status == status
    assert len(served.provider.exchanges) == (status == 200)


@pytest.mark.parametrize("lines", [["Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}"], []])
async def test_a_doubled_or_missing_host_is_malformed(serve, lines):
    served = await serve()
    hosts = [line.format(port=served.endpoint.port) for line in lines]
    answered = await send(served, *hosts, BEARER, JSON, head=["POST /v1/messages HTTP/1.1"])
    assert (answered.status, answered.error) == (400, "invalid_request_error")
    assert not served.provider.exchanges


@pytest.mark.parametrize(
    "line",
    [
        "Origin: https://evil.example", "Origin: null", "Origin: http://localhost:{port}", "Origin:",
        "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: ?",
        "X-Forwarded-Host: localhost", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 proxy",
    ],
)  # fmt: skip
async def test_what_pages_and_proxies_add_is_refused_even_with_a_token(serve, line):
    served = await serve()
    answered = await send(served, line.format(port=served.endpoint.port), BEARER, JSON)
    assert (answered.status, answered.error) == (403, "permission_error")
    assert not served.provider.exchanges


@pytest.mark.parametrize("line", ["Sec-Fetch-Site: none", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"])
async def test_what_plain_clients_send_is_let_in(serve, line):
    assert (await send(await serve(), line, BEARER, JSON)).status == 200


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=x", "Content-Type: text/json", "X-Nothing: 1",
        "Content-Type: application/json, text/plain", "Content-Type: application/jsonp",
    ],
)  # fmt: skip
async def test_only_json_is_taken(serve, line):
    served = await serve()
    answered = await send(served, line, BEARER)
    assert (answered.status, answered.error) == (415, "invalid_request_error")
    assert not served.provider.exchanges


async def test_json_with_a_parameter_is_json(serve):
    assert (await send(await serve(), "Content-Type: Application/JSON; charset=utf-8", BEARER)).status == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_compressed_bodies_are_refused_unread(serve, coding):
    answered = await send(await serve(), f"Content-Encoding: {coding}", BEARER, JSON, body=b"\x1f\x8b" + b"0" * 1000)
    assert answered.status == 415


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "PUT", "DELETE", "PATCH", "TRACE", "HEAD"])
async def test_other_methods_find_no_grant(serve, method):
    served = await serve()
    answered = await served.raw(*served.head(method), BEARER)
    assert answered.status == 405
    assert answered.headers["allow"] == "POST"


async def test_a_preflight_is_granted_nothing(serve):
    served = await serve()
    asked = ["Origin: https://evil.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x"]
    answered = await served.raw(*served.head("OPTIONS"), *asked)
    assert answered.status == 403
    assert not [name for name in answered.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/", "/v1/messages", "/mcp"])
async def test_websocket_is_never_accepted(serve, path):
    served = await serve()
    lines = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    head = [line.replace("close", "Upgrade") for line in served.head("GET", path)]
    reader, writer = await served.connect()
    writer.write("\r\n".join([*head, *lines, BEARER]).encode() + b"\r\n\r\n")
    status = await asyncio.wait_for(reader.readline(), 5)
    assert b" 403 " in status
    writer.close()


@pytest.mark.parametrize(
    "start",
    [
        "GET http://evil.example/ HTTP/1.1",
        "GET http://127.0.0.1/ HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
    ],
)
async def test_this_is_no_proxy(serve, start):
    served = await serve()
    answered = await served.raw(start, f"Host: 127.0.0.1:{served.endpoint.port}", "Connection: close", BEARER)
    assert 400 <= answered.status < 500


WRONG = [
    [],
    ["Authorization: Bearer wrong"],
    [f"Authorization: Bearer {TOKEN[:-1]}"],
    [f"Authorization: Bearer {TOKEN}x"],
    ["Authorization: Bearer"],
    ["Authorization: Bearer "],
    ["Authorization:"],
    ["x-api-key:"],
    ["x-api-key: wrong"],
    [f"Authorization: Basic {TOKEN}"],
    [f"Authorization: {TOKEN}"],
    [f"Cookie: token={TOKEN}"],
    [f"x-api-token: {TOKEN}"],
    ["Authorization: Bearer t\u00f6k\u00e9n".encode("latin-1")],
    ["x-api-key: \u2603\U0001f600".encode()],
    [b"x-api-key: \xff\xfe\x80"],
]


@pytest.mark.parametrize("lines", WRONG)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models", "/mcp", "/nothing/here"])
async def test_without_the_token_nothing(serve, lines, path):
    served = await serve()
    answered = await send(served, *lines, JSON, head=served.head("POST", f"{path}?token={TOKEN}&key={TOKEN}"))
    assert (answered.status, answered.error) == (401, "authentication_error")
    assert answered.headers["x-should-retry"] == "false"
    assert TOKEN.encode() not in answered.body
    assert not served.provider.exchanges


@pytest.mark.parametrize(
    "lines",
    [
        [BEARER], [f"authorization: bearer {TOKEN}"], [f"X-Api-Key: {TOKEN}"],
        [BEARER, "x-api-key: another"], ["Authorization: Bearer another", f"x-api-key: {TOKEN}"],
    ],
)  # fmt: skip
async def test_the_token_comes_either_way(serve, lines):
    assert (await send(await serve(), *lines, JSON)).status == 200


async def test_a_token_that_is_not_ascii(serve):
    served = await serve(access=Access("token", "t\u00f6k\u00e9n\u2603"))
    assert (await send(served, "x-api-key: t\u00f6k\u00e9n\u2603".encode(), JSON)).status == 200
    assert (await send(served, "x-api-key: t\u00f6k\u00e9n".encode(), JSON)).status == 401


@pytest.mark.skipif(sys.platform != "linux", reason="the owner of a socket is read from Linux's procfs")
@pytest.mark.parametrize("lines", [[], ["Authorization: Bearer whatever"], ["x-api-key: sk-ant-something"]])
async def test_auto_lets_in_processes_of_the_same_user(serve, lines):
    served = await serve(access=Access("auto", TOKEN))
    assert (await send(served, *lines, JSON)).status == 200


async def test_auto_lets_in_the_token(serve):
    assert (await send(await serve(access=Access("auto", TOKEN)), BEARER, JSON)).status == 200


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("line", "status"), [("", 401), (f"x-api-key: {TOKEN}\\r\\n", 200)])
async def test_auto_keeps_other_users_out_unless_they_have_the_token(serve, line, status):
    served = await serve(access=Access("auto", TOKEN))
    port, body = served.endpoint.port, orjson.dumps(BODY).decode()
    code = f"""
import encodings.idna, os, socket
os.setuid(65534)
s = socket.create_connection(("127.0.0.1", {port}))
s.sendall(b"POST /v1/messages HTTP/1.1\\r\\nHost: localhost:{port}\\r\\nConnection: close\\r\\n{line}"
          b"Content-Type: application/json\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n" + {body!r}.encode())
print(s.makefile().readline())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert f" {status} ".encode() in out
    assert len(served.provider.exchanges) == (status == 200)


async def test_none_asks_for_nothing_but_keeps_pages_out(serve):
    served = await serve(says("hi"), access=Access("none"))
    assert (await send(served, JSON)).status == 200
    assert (await send(served, JSON, "Origin: null")).status == 403


def test_token_mode_needs_a_token():
    for token in (None, ""):
        with pytest.raises(SetupError) as raised:
            Access("token", token)
        assert raised.value.variable == "SIDECAR_TOKEN"
    assert TOKEN not in repr(Access("token", TOKEN))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("10.0.0.7:9000", True), ("localhost:9000", True), ("[fd00::1]:9000", True), ("10.0.0.7", True),
        ("evil.example:8080", False), ("0.0.0.0:8080", False), ("[::]:8080", False), ("", False), ("[", False),
    ],
)  # fmt: skip
def test_beyond_loopback_a_host_is_an_address(host, allowed):
    assert HostRule(("0.0.0.0",), 8080, loopback=False).allows(host) is allowed


def test_port_80_may_be_left_out():
    assert HostRule(("127.0.0.1",), 80, loopback=True).allows("localhost")
    assert not HostRule(("127.0.0.1",), 8080, loopback=True).allows("localhost")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("", False), ("192.168.0.1", False), ("example.org", False)],
)  # fmt: skip
def test_what_is_loopback(host, loopback):
    assert is_loopback(host) is loopback
