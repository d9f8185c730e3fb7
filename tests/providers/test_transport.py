"""The HTTP client: limits, proxies, compression, and what it never does."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import time
import traceback

import pytest

from sidecar.core.errors import SetupError, UpstreamCut, UpstreamError, UpstreamUnreachable
from sidecar.providers.transport import Limits, Transport
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, events, fault

HEADERS = {"content-type": "application/json"}


async def body_of(transport: Transport, url: str, *, stream: bool = False) -> bytes:
    answered = await transport.post(url, HEADERS, b"{}", stream=stream)
    try:
        return await answered.read()
    finally:
        await answered.aclose()


async def test_a_get_a_post_and_a_second_life() -> None:
    transport = Transport()
    async with Upstream([Scripted(body=b"one"), Scripted(body=b"two")]) as upstream:
        upstream.models = ["m"]
        assert await body_of(transport, upstream.url) == b"one"
        await transport.aclose()
        await transport.aclose()
        assert await body_of(transport, upstream.url) == b"two"
        listed = await transport.get(f"{upstream.url}/v1/models", {})
        assert b'"m"' in await listed.read()
        await listed.aclose()
    await transport.aclose()


@pytest.mark.parametrize(
    ("header", "value"), [("authorization", "Bearer secret-of-ours-1"), ("x-api-key", "secret-of-ours-1")]
)
async def test_a_key_that_a_provider_repeats_is_neither_relayed_nor_logged(header, value, caplog) -> None:
    transport = Transport()
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"bad key secret-of-ours-1"}}'
    async with Upstream([Scripted(status=400, body=body)]) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await transport.post(upstream.url, HEADERS | {header: value}, b"{}", stream=False)
    await transport.aclose()
    assert caught.value.relay == body.replace(b"secret-of-ours-1", b"***")
    assert "bad key ***" in caught.value.sentence
    assert "secret-of-ours" not in caplog.text
    assert "bad key ***" in caplog.text


async def test_an_answer_larger_than_the_limit_is_refused() -> None:
    transport = Transport(limits=Limits(body=1000))
    async with Upstream([Scripted(body=b"x" * 1001), Scripted(body=b"x" * 1000)]) as upstream:
        with pytest.raises(UpstreamError, match="larger than 1000 bytes") as caught:
            await body_of(transport, upstream.url)
        frames = [frame.f_locals for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        assert [held["parts"] for held in frames if "parts" in held] == [[]], "whoever keeps the error keeps no body"
        assert len(await body_of(transport, upstream.url)) == 1000
    await transport.aclose()


async def test_compressed_answers_are_read_though_none_was_asked_for() -> None:
    transport = Transport()
    turn = Scripted(body=gzip.compress(b"words"), headers={"content-encoding": "gzip"})
    async with Upstream([turn]) as upstream:
        assert await body_of(transport, upstream.url) == b"words"
        assert upstream.last.headers["accept-encoding"] == "identity"
    await transport.aclose()


async def test_no_cookie_is_kept() -> None:
    transport = Transport()
    async with Upstream([Scripted(body=b"x", headers={"set-cookie": "a=b; Path=/"})] * 2) as upstream:
        for _ in range(2):
            await body_of(transport, upstream.url)
        assert "cookie" not in upstream.last.headers
    await transport.aclose()


async def test_a_failures_endless_body_is_not_waited_for() -> None:
    transport = Transport(limits=Limits(tries=1))
    turn = Scripted(status=400, frames=(b"x" * 100,) * 5000)
    async with Upstream([turn]) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await body_of(transport, upstream.url)
        assert caught.value.status == 400
        await upstream.until(lambda: upstream.last.state != "open")
    await transport.aclose()


def silent_listener() -> socket.socket:
    """A port whose connections are never accepted: with its queue full, connecting hangs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    return listener


async def test_the_tries_together_stay_below_the_total() -> None:
    limits = Limits(connect=0.4, total=1.5, pause=0.05)
    transport = Transport(limits=limits)
    with silent_listener() as listener:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        begun = time.monotonic()
        with pytest.raises(UpstreamUnreachable, match="No connection"):
            await body_of(transport, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        took = time.monotonic() - begun
        for filler in fillers:
            filler.close()
    assert took < limits.total + 0.5
    await transport.aclose()


@pytest.mark.parametrize("limits", [Limits(connect=1.0, total=1.2), Limits(longest_wait=0.2)])
async def test_a_wait_that_is_too_long_or_would_pass_the_total_is_the_clients(limits: Limits) -> None:
    transport = Transport(limits=limits)
    async with Upstream([fault(429, retry_after="0.3"), answer("never")]) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await body_of(transport, upstream.url)
        assert len(upstream.requests) == 1
    assert caught.value.retry_after == 0.3
    await transport.aclose()


@pytest.mark.parametrize(
    ("rest", "client_pause", "tries"),
    [(60.0, 0.0, [3, 1, 1]), (0.0, 0.0, [3, 3, 3]), (60.0, 60.0, [3, 3, 3])],
    ids=["a client that tries again", "long after", "another request that looks the same"],
)
async def test_what_a_client_sends_again_by_itself_is_tried_once(
    rest: float, client_pause: float, tries: list[int]
) -> None:
    """Clients try again themselves: ours would multiply with theirs."""
    transport = Transport(limits=Limits(pause=0.001, rest=rest, client_pause=client_pause))

    async def asked(upstream: Upstream, body: bytes = b"{}") -> int:
        seen = len(upstream.requests)
        with contextlib.suppress(UpstreamError):
            async with await transport.post(upstream.url, {}, body, stream=False):
                pass
        return len(upstream.requests) - seen

    async with Upstream([fault(529)] * (sum(tries) + 3)) as upstream:
        assert [await asked(upstream) for _ in tries] == tries
        assert await asked(upstream, b'{"another": 1}') == 3
    await transport.aclose()


async def test_a_device_with_a_new_id_is_the_same_client() -> None:
    """Claude Code in a new home may make its id anew between two tries; a new session is another request."""
    transport = Transport(limits=Limits(pause=0.001, client_pause=0.0))

    def body(device: str, session: str) -> bytes:
        user = json.dumps({"device_id": device * 64, "account_uuid": "", "session_id": session})
        return json.dumps({"model": "m", "metadata": {"user_id": user}}, separators=(",", ":")).encode()

    asked = [body("a", "1"), body("b", "1"), body("b", "2")]
    asked = [one.replace(b'\\": \\"', b'\\":\\"') for one in asked]
    async with Upstream([fault(529)] * 7) as upstream:
        counts = []
        for one in asked:
            seen = len(upstream.requests)
            with pytest.raises(UpstreamError):
                await transport.post(upstream.url, {}, one, stream=False)
            counts.append(len(upstream.requests) - seen)
    assert counts == [3, 1, 3]
    await transport.aclose()


async def test_one_long_wait_does_not_tire_it() -> None:
    transport = Transport(limits=Limits(pause=0.001))
    async with Upstream([fault(429, retry_after="30"), fault(529), answer("up")]) as upstream:
        with pytest.raises(UpstreamError):
            await body_of(transport, upstream.url)
        await body_of(transport, upstream.url)
        assert len(upstream.requests) == 3
    await transport.aclose()


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
async def test_the_systems_proxy_is_used_unless_switched_off(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Upstream([Scripted(body=b"by proxy")]) as proxy, Upstream([Scripted(body=b"direct")]) as upstream:
        monkeypatch.setenv(variable, proxy.url.replace("//", "//user:pw@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with_proxy, without = Transport(), Transport(proxies=False)
        assert await body_of(with_proxy, upstream.url) == b"by proxy"
        assert proxy.last.headers["proxy-authorization"].startswith("Basic ")
        assert await body_of(without, upstream.url) == b"direct"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        excepted = Transport()
        upstream.add(Scripted(body=b"direct"))
        assert await body_of(excepted, upstream.url) == b"direct"
        for transport in (with_proxy, without, excepted):
            await transport.aclose()


async def test_a_netrc_of_the_user_changes_nothing(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{tmp_path}/netrc"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a line of set-up
        file.write("machine 127.0.0.1 login someone password theirs\n")
    monkeypatch.setenv("NETRC", path)
    transport = Transport()
    async with Upstream([Scripted(body=b"x")]) as upstream:
        answered = await transport.post(upstream.url, {"authorization": "Bearer mine"}, b"{}", stream=False)
        await answered.aclose()
        assert upstream.last.headers["authorization"] == "Bearer mine"
    await transport.aclose()


@pytest.mark.parametrize("headers", [{"x": "a\r\nb: c"}, {"x\n": "y"}])
async def test_headers_that_would_break_the_request_are_refused(headers: dict[str, str]) -> None:
    transport = Transport()
    async with Upstream([answer("never")]) as upstream:
        with pytest.raises(SetupError):
            await transport.post(upstream.url, headers, b"{}", stream=False)
        assert upstream.requests == []
    await transport.aclose()


async def test_a_key_never_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    transport = Transport(limits=Limits(tries=1))
    async with Upstream([fault(401, {"message": "bad key topsecret for x"})]) as upstream:
        with pytest.raises(UpstreamError), caplog.at_level("DEBUG"):
            await transport.post(upstream.url, {"authorization": "Bearer topsecret"}, b"{}", stream=False)
    assert "bad key" in caplog.text
    assert "topsecret" not in caplog.text
    await transport.aclose()


async def test_no_name_no_port_no_tls() -> None:
    transport = Transport(limits=Limits(tries=1))
    async with Upstream() as upstream:
        for url in ("http://does-not-exist.invalid/", f"https://127.0.0.1:{upstream.port}/"):
            with pytest.raises(UpstreamUnreachable):
                await body_of(transport, url)
    await transport.aclose()


async def test_bytes_arrive_as_they_are_sent() -> None:
    transport = Transport()
    async with Upstream([events(b"a", b"b", cut="stall")]) as upstream:
        answered = await transport.post(upstream.url, HEADERS, b"{}", stream=True)
        got = b""
        async for chunk in answered.chunks():
            got += chunk
            if got == b"ab":
                break
        waiting = asyncio.create_task(anext(answered.chunks()))
        await asyncio.sleep(0)
        await answered.aclose()
        with pytest.raises(UpstreamCut):
            await waiting
        await upstream.until(lambda: upstream.left == 1, timeout=1)
    await transport.aclose()


async def test_a_slow_stream_is_no_silence_and_a_silent_one_is_ended() -> None:
    """The stream as a whole takes longer than silence may; its last frame is followed by nothing."""
    transport = Transport(limits=Limits(idle=0.5))
    turn = Scripted(frames=(b"data: 1\n\n",) * 9, cut="stall", after=8, delay=0.1)
    async with Upstream([turn]) as upstream:
        answered = await transport.post(upstream.url, HEADERS, b"{}", stream=True)
        got, begun = b"", time.monotonic()
        with pytest.raises(UpstreamCut) as caught:
            async for chunk in answered.chunks():
                got, last = got + chunk, time.monotonic()
        assert got.count(b"data") == 8
        assert last - begun > 0.5
        assert 0.4 < time.monotonic() - last < 5
        assert (caught.value.status, caught.value.kind) == (504, "timeout_error")
        await answered.aclose()
        await upstream.until(lambda: upstream.left == 1, timeout=1)
    await transport.aclose()


async def test_who_reads_slowly_hears_no_complaint_of_silence() -> None:
    transport = Transport(limits=Limits(idle=0.2))
    turn = Scripted(frames=(b"data: 1\n\n", b"data: 2\n\n"), cut="stall", after=2)
    async with Upstream([turn]) as upstream:
        answered = await transport.post(upstream.url, HEADERS, b"{}", stream=True)
        chunks = answered.chunks()
        got = await anext(chunks)
        await asyncio.sleep(0.5)  # longer than silence may last
        with pytest.raises(UpstreamCut):  # and then it does last
            async for chunk in chunks:
                got += chunk
        assert got.count(b"data") == 2
        await answered.aclose()
    await transport.aclose()
