"""The list of attacks and bad input, each by its id, against the whole running program and a provider that counts.

H: who may speak to us. A: the token. J: bodies. P: the wire itself. S: what is left behind. A request that is refused
never reaches the provider, and the next good one is answered.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pickle
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.app.test_promises import TOKEN, Catcher, Served
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer

KEY = "dapi0123456789abcdef"
GOOD = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
RAW = json.dumps(GOOD).encode()
BEARER = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes as POSIX has them")


@dataclass(frozen=True)
class Answered:
    """What came back; status 0 where the server just hung up."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The error's type; fails unless this is an error as the API writes it."""
        told = json.loads(self.body)
        assert told["type"] == "error"
        assert told["error"]["message"]
        return str(told["error"]["type"])


class Target:
    """The running program, its provider, and sockets to it."""

    def __init__(self, served: Served, upstream: Upstream) -> None:
        self.served = served
        self.upstream = upstream
        self.port = int(served.base.rpartition(":")[2])

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.served.process.pid)

    def send(self, data: bytes, *, seconds: float = 10.0) -> Answered:
        """Send bytes and read to the end."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            with contextlib.suppress(ConnectionError):
                while chunk := connection.recv(65536):
                    received += chunk
        return parsed(received)

    def ask(self, *lines: str | bytes, body: bytes = RAW, start: str = "", host: str | None = None) -> Answered:
        """A request of these header lines that closes its connection; `host` "" leaves that header out."""
        named = f"Host: {f'127.0.0.1:{self.port}' if host is None else host.format(port=self.port)}"
        head = [start or "POST /v1/messages?beta=true HTTP/1.1", *([] if host == "" else [named]), "Connection: close"]
        given = [one if isinstance(one, bytes) else one.replace("{port}", str(self.port)).encode() for one in lines]
        length = (
            b""
            if any(b"ength:" in one or b"ncoding: chunked" in one for one in given)
            else b"Content-Length: %d" % len(body)
        )
        return self.send(
            b"\r\n".join([*(one.encode() for one in head), *given, *([length] if length else [])]) + b"\r\n\r\n" + body
        )

    def good(self) -> bool:
        """Whether an ordinary request is answered."""
        return self.ask(BEARER, JSON).status == 200


def parsed(received: bytes) -> Answered:
    if not received:
        return Answered(0, {}, b"")
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answered(int(status.split()[1]), headers, body)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    catcher = Catcher()
    with Upstream(rule=lambda _: answer("ok")) as upstream:
        served = Served(tmp_path_factory.mktemp("attacked"), "databricks", upstream, catcher)
        try:
            yield Target(served, upstream)
            assert catcher.caught == []
        finally:
            served.stop()
            catcher.close()


@pytest.fixture(autouse=True)
def lives_on(target: Target) -> Iterator[None]:
    """Whatever a test did: the program answers the next one, and has not told on itself."""
    yield
    assert target.good()


@contextlib.contextmanager
def nothing_asked(target: Target) -> Iterator[None]:
    """The provider is not asked meanwhile."""
    before = len(target.upstream.requests)
    yield
    assert len(target.upstream.requests) == before


# ── H: who may speak to us ──────────────────────────────────────────────────────────────────────────
HOSTS: dict[str, tuple[list[str], str, int]] = {
    "H01-foreign": ([], "evil.example", 403),
    "H02-foreign-with-our-port": ([], "evil.example:{port}", 403),
    "H03-prefixed": ([], "evil-localhost:{port}", 403),
    "H04-suffixed": ([], "localhost.evil.example:{port}", 403),
    "H05-doubled": (["Host: 127.0.0.1:{port}"], "127.0.0.1:{port}", 400),
    "H06-missing": ([], "", 400),
    "H07-every-interface": ([], "0.0.0.0:{port}", 403),
    "H08-another-port": ([], "127.0.0.1:1", 403),
    "H09-user-information": ([], "user@127.0.0.1:{port}", 403),
    "H10-short-form": ([], "127.1:{port}", 403),
    "H11-foreign-origin": (["Origin: https://evil.example"], "127.0.0.1:{port}", 403),
    "H12-null-origin": (["Origin: null"], "127.0.0.1:{port}", 403),
    "H13-our-own-origin": (["Origin: http://127.0.0.1:{port}"], "127.0.0.1:{port}", 403),
    "H14-cross-site": (["Sec-Fetch-Site: cross-site"], "127.0.0.1:{port}", 403),
    "H15-same-site": (["Sec-Fetch-Site: same-site"], "127.0.0.1:{port}", 403),
    "H16-forwarded": (["X-Forwarded-Host: evil.example"], "127.0.0.1:{port}", 403),
}


@pytest.mark.parametrize("case", HOSTS)
def test_h_hosts_and_origins(target: Target, case: str) -> None:
    lines, host, status = HOSTS[case]
    with nothing_asked(target):
        answered = target.ask(*lines, BEARER, JSON, host=host)
    assert answered.status == status
    assert answered.kind == ("permission_error" if status == 403 else "invalid_request_error")
    assert not [name for name in answered.headers if name.startswith("access-control")]


PAGES: dict[str, tuple[str, list[str], set[int]]] = {
    "H17-preflight": (
        "OPTIONS /v1/messages HTTP/1.1",
        ["Origin: https://evil.example", "Access-Control-Request-Method: POST"],
        {403},
    ),
    "H18-reflection": ("GET /health HTTP/1.1", ["Origin: https://evil.example"], {403}),
    "H19-plain-form": ("POST /v1/messages HTTP/1.1", [BEARER, "Content-Type: text/plain"], {415}),
    "H20-url-encoded": (
        "POST /v1/messages HTTP/1.1",
        [BEARER, "Content-Type: application/x-www-form-urlencoded"],
        {415},
    ),
    "H21-multipart": ("POST /v1/messages HTTP/1.1", [BEARER, "Content-Type: multipart/form-data; boundary=x"], {415}),
    "H22-websocket": (
        "GET /v1/messages HTTP/1.1",
        [BEARER, "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
        {403, 405},
    ),
    "H23-absolute-form": ("POST http://evil.example/v1/messages HTTP/1.1", [BEARER, JSON], {400}),
    "H23-connect": ("CONNECT evil.example:443 HTTP/1.1", [BEARER], {400, 405}),
}


@pytest.mark.parametrize("case", PAGES)
def test_h_what_pages_and_proxies_try(target: Target, case: str) -> None:
    start, lines, statuses = PAGES[case]
    with nothing_asked(target):
        answered = target.ask(*lines, start=start)
    assert answered.status in statuses
    assert not [name for name in answered.headers if name.startswith("access-control")]


def test_h24_only_loopback_is_listened_on(target: Target) -> None:
    listening = [one.laddr.ip for one in target.process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
    assert set(listening) <= {"127.0.0.1", "::1"}
    assert listening


# ── A: the token ────────────────────────────────────────────────────────────────────────────────────
CREDENTIALS: dict[str, list[str | bytes]] = {
    "A01-none": [],
    "A02-wrong": ["Authorization: Bearer wrong"],
    "A03-near": [f"Authorization: Bearer {TOKEN[:-1]}"],
    "A03-longer": [f"x-api-key: {TOKEN}x"],
    "A04-query": [],
    "A05-basic": [f"Authorization: Basic {TOKEN}"],
    "A06-empty": ["Authorization: Bearer ", "x-api-key:"],
    "A07-not-ascii": ["Authorization: Bearer tökén".encode("latin-1"), b"x-api-key: \xff\xfe"],
}
DOORS = {"messages": "POST /v1/messages", "A08-count": "POST /v1/messages/count_tokens", "A08-models": "GET /v1/models", "A09-mcp": "POST /mcp"}  # fmt: skip


@pytest.mark.parametrize("case", CREDENTIALS)
@pytest.mark.parametrize("door", DOORS)
def test_a_without_the_token_nothing(target: Target, case: str, door: str) -> None:
    with nothing_asked(target):
        answered = target.ask(*CREDENTIALS[case], JSON, start=f"{DOORS[door]}?token={TOKEN}&api_key={TOKEN} HTTP/1.1")
    assert (answered.status, answered.kind) == (401, "authentication_error")
    assert TOKEN.encode() not in answered.body
    assert answered.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["/", "/health", "/api/hello", "/favicon.ico", "/docs", "/metrics", "/dashboard"])
def test_a11_pages_for_everybody_tell_nothing(target: Target, path: str) -> None:
    answered = target.ask(start=f"GET {path} HTTP/1.1", body=b"")
    told = answered.body.decode()
    for secret in (str(target.served.folder), KEY, TOKEN, target.upstream.url, "databricks"):
        assert secret not in told


def test_a12_token_and_cookies_stay_here(target: Target) -> None:
    assert target.ask(BEARER, JSON, "Cookie: session=secret-cookie", f"x-api-key: {TOKEN}").status == 200
    carried = json.dumps(target.upstream.last.headers) + target.upstream.last.path
    assert TOKEN not in carried
    assert "secret-cookie" not in carried


# ── J: bodies ───────────────────────────────────────────────────────────────────────────────────────
def changed(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


MALFORMED: dict[str, bytes] = {
    "J01-cut": b'{"model": "m", "messages": [',
    "J02-nonsense": b"hello",
    "J03-empty": b"",
    "J04-blank": b"  \r\n ",
    "J05-array": b"[]",
    "J06-null": b"null",
    "J07-string": b'"text"',
    "J08-number": b"7",
    "J09-no-model": b'{"messages":[{"role":"user","content":"x"}]}',
    "J10-no-messages": b'{"model":"m"}',
    "J11-messages-of-the-wrong-type": changed(messages="hi"),
    "J12-negative": changed(max_tokens=-1),
    "J13-NaN": RAW.replace(b'"max_tokens": 9', b'"temperature": NaN'),
    "J14-5000-digits": RAW.replace(b"9", b"9" * 5000),
    "J20-bad-utf-8": RAW.replace(b"hi", b"\xff\xfe"),
    "J27-utf-16": json.dumps(GOOD).encode("utf-16"),
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_j_malformed_bodies(target: Target, case: str, path: str) -> None:
    with nothing_asked(target):
        answered = target.ask(BEARER, JSON, body=MALFORMED[case], start=f"POST {path} HTTP/1.1")
    assert (answered.status, answered.kind) == (400, "invalid_request_error")
    assert b"Traceback" not in answered.body


DEEP = b'{"model":"m","messages":[{"role":"user","content":[{"type":"x","in":%s%s}]}]}'
ODD: dict[str, bytes] = {
    "J15-100000-deep": b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "J16-1000-deep": DEEP % (b"[" * 1000, b"]" * 1000),
    "J17-lone-surrogate": RAW.replace(b"hi", b"\\ud800"),
    "J18-nul": RAW.replace(b"hi", b"a\\u0000b"),
    "J19-duplicate-keys": b'{"model":"x",' + RAW[1:],
}


@pytest.mark.parametrize("case", ODD)
def test_j_odd_bodies(target: Target, case: str) -> None:
    assert target.ask(BEARER, JSON, body=ODD[case]).status in {200, 400}


def test_j22_unknown_fields_are_passed_on(target: Target) -> None:
    unknown = {"x_new": {"deep": [1, None, "ü"]}, "service_tier": "auto"}
    assert target.ask(BEARER, JSON, body=changed(**unknown)).status == 200
    assert {name: target.upstream.last.body[name] for name in unknown} == unknown


def test_j29_20_megabytes_are_served(target: Target) -> None:
    text = "x" * 20_000_000
    assert target.ask(BEARER, JSON, body=changed(messages=[{"role": "user", "content": text}])).status == 200
    assert len(target.upstream.last.raw) > 20_000_000


@contextlib.contextmanager
def no_more_memory_than(target: Target, growth: int) -> Iterator[None]:
    before = target.process.memory_info().rss
    yield
    assert target.process.memory_info().rss - before < growth


def test_j30_a_gigabyte_is_refused_at_once(target: Target) -> None:
    begun = time.monotonic()
    with nothing_asked(target), no_more_memory_than(target, 50_000_000):
        answered = target.ask(BEARER, JSON, "Content-Length: 1073741824", body=b"{")
    assert (answered.status, answered.kind) == (413, "request_too_large")
    assert time.monotonic() - begun < 4


def test_j31_120_megabytes_in_chunks_are_refused(target: Target) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with nothing_asked(target), no_more_memory_than(target, 150_000_000):
        answered = target.ask(BEARER, JSON, "Transfer-Encoding: chunked", body=chunk * 120 + b"0\r\n\r\n")
    assert answered.status in {0, 413}, "an answer, or the hang-up that comes while the rest is still being sent"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_j32_a_compressed_bomb_is_refused_unread(target: Target, coding: str) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    with nothing_asked(target), no_more_memory_than(target, 50_000_000):
        answered = target.ask(BEARER, JSON, f"Content-Encoding: {coding}", body=bomb)
    assert answered.status == 415


@pytest.mark.parametrize(
    "model", ["../../api/2.0/secrets", "http://evil.example/", "m?x=1#y", "a\r\nx-evil: 1", "\x00"]
)
def test_j33_a_models_name_changes_neither_address_nor_headers(target: Target, model: str) -> None:
    assert target.good()
    plain = target.upstream.last
    assert target.ask(BEARER, JSON, body=changed(model=model)).status == 200
    odd = target.upstream.last
    assert odd.path == plain.path
    assert {name for name in odd.headers if odd.headers[name] != plain.headers.get(name)} <= {"content-length"}


@pytest.mark.parametrize("size", [100, 4000, 64 * 1024])
def test_j34_a_long_beta_header(target: Target, size: int) -> None:
    answered = target.ask(BEARER, JSON, f"anthropic-beta: {'a' * size}")
    assert answered.status in {200, 400, 431}
    if answered.status == 200:
        assert target.upstream.last.headers["anthropic-beta"] == "a" * size


# ── P: the wire itself ──────────────────────────────────────────────────────────────────────────────
HEAD = f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:@\r\nConnection: close\r\n{BEARER}\r\n{JSON}\r\n".encode()
BARE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:@\r\nConnection: close\r\n"
INNER = HEAD + b"Content-Length: %d\r\n\r\n" % len(RAW) + RAW
WIRE: dict[str, bytes] = {
    "P01-bad-chunk-size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "P02-huge-chunk-size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    "P03-negative-length": HEAD + b"Content-Length: -1\r\n\r\n",
    "P04-length-with-plus": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "P05-two-lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "P06-length-and-chunked": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "P07-odd-coding": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "P08-space-in-a-name": HEAD + b"X y: z\r\nContent-Length: 0\r\n\r\n",
    "P09-folded-header": HEAD + b"X: y\r\n z\r\nContent-Length: 0\r\n\r\n",
    "P10-nul-in-a-header": BARE + b"X: y\0z\r\n\r\n",
    "P11-bare-cr": BARE + b"X: y\rz\r\n\r\n",
    "P12-long-header": BARE + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "P13-many-headers": BARE + b"X: y\r\n" * 20_000 + b"\r\n",
    "P14-long-url": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: 127.0.0.1:@\r\n\r\n",
    "P15-odd-method": b"G\x01T / HTTP/1.1\r\nHost: 127.0.0.1:@\r\n\r\n",
    "P15-unknown-method": b"BREW / HTTP/1.1\r\nHost: 127.0.0.1:@\r\nConnection: close\r\n\r\n",
    "P16-tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "P16-http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "P16-noise": b"\0" * 500 + b"\r\n\r\n",
    "P17-smuggled": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "P17-smuggled-behind-a-short-length": HEAD + b"Content-Length: 2\r\n\r\n{}" + INNER,
}


@pytest.mark.parametrize("case", WIRE)
def test_p_broken_requests(target: Target, case: str) -> None:
    with nothing_asked(target):
        answered = target.send(WIRE[case].replace(b"127.0.0.1:@", b"127.0.0.1:%d" % target.port))
    assert answered.status in {0, 400, 405, 413, 414, 431}


PATHS = ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/static/../../etc/passwd",
         "/v1/../../../etc/passwd", "//etc/passwd", "/etc/passwd%00.json", "/....//....//etc/passwd", "/%252e%252e/etc/passwd"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_p18_no_path_leads_to_a_file(target: Target, path: str) -> None:
    answered = target.ask(BEARER, start=f"GET {path} HTTP/1.1", body=b"")
    assert answered.status in {400, 404}
    assert b"root:" not in answered.body


def served_meanwhile(target: Target) -> bool:
    begun = time.monotonic()
    return target.good() and time.monotonic() - begun < 3


SLOW: dict[str, tuple[int, Callable[[Target], bytes]]] = {
    "P19-slow-head": (30, lambda _: b"POST /v1/messages HTTP/1.1\r\nHost: 12"),
    "P20-300-idle": (300, lambda _: b""),
    "P21-stalled-head": (30, lambda _: b"POST /v1/messages HTTP/1.1\r\nX-Slow: "),
    "P22-stalled-body": (30, lambda target: HEAD.replace(b"@", b"%d" % target.port) + b"Content-Length: 5000\r\n\r\n{"),
    "P23-silence-behind-a-request": (
        30,
        lambda target: b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % target.port,
    ),
}


@pytest.mark.parametrize("case", SLOW)
def test_p_others_are_served_while_many_are_slow(target: Target, case: str) -> None:
    """That such connections are dropped in the end stands, with shorter limits, in `tests/endpoint/test_connection.py`."""
    count, data = SLOW[case]
    with contextlib.ExitStack() as held:
        for _ in range(count):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", target.port), timeout=10))
            connection.sendall(data(target))
        assert served_meanwhile(target)


# ── S: what is left behind ──────────────────────────────────────────────────────────────────────────
SECRETS = (KEY, TOKEN)


def state_files(target: Target) -> list[Path]:
    folder = target.served.folder.parent / "state"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_s03_no_key_in_an_answer(target: Target) -> None:
    """Not in a good answer, nor in what is made of a provider's failure that repeats the key."""
    leaking = json.dumps({"error_code": "X", "message": f"bad token {KEY}"}).encode()
    kept, target.upstream._rule = target.upstream._rule, lambda _: Scripted(status=403, body=leaking)
    try:
        refused = target.ask(BEARER, JSON, "x-sidecar-cache: bypass")
    finally:
        target.upstream._rule = kept
    assert refused.status == 403
    for answered in (refused, target.ask(BEARER, JSON)):
        assert not [secret for secret in SECRETS if secret.encode() in answered.body]
        assert not [secret for secret in SECRETS if secret in json.dumps(answered.headers)]


def test_s04_s05_no_key_in_traces_logs_and_records(target: Target) -> None:
    assert target.ask(BEARER, JSON, "x-sidecar-trace: full", body=changed(metadata={"user_id": TOKEN})).status == 200
    target.served.sidecar("traces", "--json")
    assert state_files(target)
    for path in state_files(target):
        if path.name == "token":
            continue
        written = path.read_bytes()
        assert KEY.encode() not in written, path
        assert TOKEN.encode() not in written, path


def test_s06_no_request_forges_a_line_of_the_log(target: Target) -> None:
    forged = '{"event": "forged", "level": "info"}'
    for line in (f"/x%0a{forged.replace(' ', '')}", f"/\x1b[2Jx{forged.replace(' ', '')}"):
        target.ask(BEARER, f"x-claude-code-session-id: a\x0b{forged}", start=f"GET {line} HTTP/1.1", body=b"")
    target.ask(BEARER, JSON, body=changed(model=f"m\n{forged}\x1b[31m"))
    assert target.good()
    until = time.monotonic() + 10
    logs = [path for path in state_files(target) if path.parent.name == "logs"]
    while not any(b'"status": 200' in path.read_bytes() or b'"status":200' in path.read_bytes() for path in logs):
        assert time.monotonic() < until
    for path in logs:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["event"] != "forged"
            assert "\x1b" not in line


@POSIX
def test_s07_what_is_kept_is_this_users_alone(target: Target) -> None:
    for path in state_files(target):
        assert path.stat().st_mode & 0o777 == 0o600, path
        assert path.parent.stat().st_mode & 0o777 == 0o700, path.parent
        assert path.stat().st_uid == os.getuid()


def test_s08_nothing_that_is_kept_is_a_pickle(target: Target) -> None:
    """What a pickle begins and ends with stands in no file, and the module's name in none of the readers."""
    marks = [pickle.dumps("x", protocol)[:2] for protocol in (2, 3, 4, 5)]
    assert [path for path in state_files(target) if path.read_bytes()[:2] in marks] == []
    source = Path(__file__).parents[2] / "sidecar"
    users = [path.name for path in source.rglob("*.py") if re.search(r"^\s*(?:import|from) pickle", path.read_text("utf-8"), re.MULTILINE)]  # fmt: skip
    assert users == []


def test_s09_nothing_is_left_in_the_workspace(target: Target) -> None:
    assert target.good()
    assert list(target.served.folder.iterdir()) == []
