"""The one HTTP client of all providers: pool, time limits, retries before the first byte, and the error table's door.

Nothing here knows what the bytes mean. No redirect is followed, no cookie is kept, and no netrc is read; a proxy is
used as the system's settings name it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from sidecar.core.errors import SetupError, UpstreamCut, UpstreamError, UpstreamUnreachable
from sidecar.core.ports import TAP
from sidecar.core.turn import Handling
from sidecar.providers import faults
from sidecar.trace import get_logger

log = get_logger("providers")

_RETRIED: Final = frozenset({429, 500, 502, 503, 504, 529})
_LARGEST_FAULT: Final = 256 * 1024
_MOST_URLS: Final = 64
_RECALLED: Final = 64  # bodies that were given up
# In its first seconds in a new home Claude Code may make up its device's id anew, also between two tries.
_DEVICE: Final = re.compile(rb'\\"device_id\\":\\"[0-9a-f]{1,128}\\"')


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much. All times in seconds, sizes in bytes."""

    connect: float = 6.0
    idle: float = 120.0
    """Silence allowed before the first byte of a stream and between its bytes."""
    answer: float = 600.0
    """Silence allowed while a whole answer is awaited."""
    tries: int = 3
    pause: float = 0.5
    """Before the second try; doubled before the third."""
    longest_wait: float = 10.0
    """A longer `retry-after` is the client's to wait."""
    total: float = 20.0
    """No try begins that could not connect before this much has passed."""
    client_pause: float = 0.3
    """A client that tries again by itself waits so long at least."""
    rest: float = 60.0
    """So long after all tries failed, the same body that comes again is tried once: see docs/http.md."""
    body: int = 64 * 1024 * 1024
    """The largest whole answer."""


class TransportAnswer:
    """An answer whose head has come: `status`, `headers` (lower case), and the body to be read once."""

    def __init__(self, response: aiohttp.ClientResponse, limits: Limits, silence: float) -> None:
        self._response = response
        self._limits = limits
        self._silence = silence
        self.status = response.status
        self.retries = 0
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; "" when none was named."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises UpstreamCut if the connection breaks or falls silent."""
        content = self._response.content
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = None  # from here on the patience below
        patience = _Patience(content, self._silence)
        now = asyncio.get_running_loop().time
        try:
            with _faults_told():
                while True:
                    patience.since = now()
                    part = await content.readany()
                    patience.since = None
                    if not part:
                        return
                    yield part
        finally:
            patience.end()

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamCut if it breaks off, UpstreamError if it is larger than the limit."""
        parts: list[bytes] = []
        size = 0
        with _faults_told():
            while part := await self._response.content.readany():
                parts.append(part)
                size += len(part)
                if size > self._limits.body:
                    parts.clear()  # the error's traceback would keep them
                    raise UpstreamError(f"The provider's answer is larger than {self._limits.body} bytes.")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def glance(self) -> bytes:
        """The beginning of a failed answer's body, as much as can be had soon; never raises for a broken one."""
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(2):
                async for chunk in self.chunks():
                    parts.append(chunk)
                    if sum(map(len, parts)) > _LARGEST_FAULT:
                        break
        except (TimeoutError, UpstreamError):
            log.debug("fault.body_broken", status=self.status)
        return b"".join(parts)

    async def settle(self, patience: float = 0.25) -> None:
        """Take the end of a body whose last event has been read, so that the connection can be used again."""
        try:
            async with asyncio.timeout(patience):
                async for _ in self.chunks():
                    pass
        except (TimeoutError, UpstreamError):
            log.debug("answer.no_end")

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end: then it has gone back to the pool."""
        self._response.close()


class _Patience:
    """Ends a body that is awaited in silence for too long, with one timer: aiohttp sets its own again with every read.

    `since` is when the waiting began; None while nobody waits: who does not read cannot complain of silence.
    """

    def __init__(self, content: aiohttp.StreamReader, silence: float) -> None:
        self._content = content
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self.since: float | None = None
        self._timer = self._loop.call_later(silence, self._look)

    def end(self) -> None:
        """Nothing more is awaited."""
        self._timer.cancel()

    def _look(self) -> None:
        waited = 0.0 if self.since is None else self._loop.time() - self.since
        if waited >= self._silence:
            self._content.set_exception(TimeoutError())
        else:
            self._timer = self._loop.call_later(self._silence - waited, self._look)


class Transport:
    """Posts requests and hands back answers with status 200; every other outcome is an UpstreamError."""

    def __init__(self, *, limits: Limits | None = None, proxies: bool = True) -> None:
        self._limits = limits or Limits()
        self._proxies = proxies
        self._proxy_of: dict[tuple[str, str | None], _Proxy] = {}
        self._url: dict[str, URL] = {}
        self._timeout: dict[float, aiohttp.ClientTimeout] = {}
        self._session: aiohttp.ClientSession | None = None
        self._given_up: dict[int, float] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, stream: bool) -> TransportAnswer:
        """Send `body`; the answer must be closed by the caller.

        Tries at most three times, for lost connections and for 429 and 5xx, and only until the head of an answer has
        come; once, where all three failed for the very same body and the client tries again by itself. Raises
        UpstreamUnreachable where there was no answer, UpstreamError for what the provider answered.
        """
        silence = self._limits.idle if stream else self._limits.answer
        return await self._attempts(lambda: self._ask("POST", url, headers, body, silence), headers, body)

    async def get(self, url: str, headers: Mapping[str, str]) -> TransportAnswer:
        """Like `post`, for a question without a body."""
        silence = self._limits.idle
        return await self._attempts(lambda: self._ask("GET", url, headers, None, silence), headers, b"")

    async def aclose(self) -> None:
        """Close all connections. Another request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _attempts(
        self, ask: Callable[[], Awaitable[TransportAnswer]], headers: Mapping[str, str], body: bytes
    ) -> TransportAnswer:
        begun = time.monotonic()
        for attempt in range(1, self._limits.tries + 1):
            try:
                answer = await ask()
            except UpstreamUnreachable as error:
                failure: UpstreamError = error
                again = error.status != 504
            else:
                if answer.status == 200:
                    answer.retries = attempt - 1
                    return answer
                failure = await _failure(answer, _secrets(headers))
                again = answer.status in _RETRIED
            wait = self._wait(failure, attempt, begun, body) if again else None
            if wait is None:
                failure.handling = Handling(retries=attempt - 1)
                raise failure
            log.info("retry", status=failure.status, attempt=attempt, wait=round(wait, 2))
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt either returned or raised")

    def _wait(self, failure: UpstreamError, attempt: int, begun: float, body: bytes) -> float | None:
        """Seconds until the next try; None where there is none."""
        now = time.monotonic()
        body = _DEVICE.sub(b"", body)
        if attempt >= self._limits.tries or self._comes_again(body, begun):
            self._given_up[hash(body)] = now
            while len(self._given_up) > _RECALLED:
                del self._given_up[next(iter(self._given_up))]
            return None
        if failure.headers.get("x-should-retry") == "false":
            return None
        elapsed = now - begun
        wait = failure.retry_after
        if wait is None:
            wait = self._limits.pause * 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - only spreads
        if wait > self._limits.longest_wait or elapsed + wait + self._limits.connect > self._limits.total:
            return None
        return wait

    def _comes_again(self, body: bytes, begun: float) -> bool:
        """Whether this is a client's own next try of what was given up: the same bytes but for a device's id, after a pause such as clients make."""
        since = begun - self._given_up.get(hash(body), -math.inf)
        return bool(body) and self._limits.client_pause <= since < self._limits.rest

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, silence: float
    ) -> TransportAnswer:
        target = self._url_of(url)
        proxy = await self._proxy(target)
        if tap := TAP.get():
            tap.asked(method, url, headers, body)
        try:
            response = await self._open().request(
                method,
                target,
                data=body,
                headers={"accept-encoding": "identity", **headers, **proxy.in_request},
                allow_redirects=False,
                timeout=self._patience(silence),
                proxy=proxy.url,
                proxy_headers=proxy.in_tunnel,
            )
        except (aiohttp.ConnectionTimeoutError, aiohttp.SocketTimeoutError, TimeoutError) as error:
            raise _silent(target, error) from error
        except aiohttp.InvalidURL as error:
            raise SetupError(f"The provider's address {url!r} is not a usable URL.") from error
        except (aiohttp.ClientError, ConnectionError, OSError) as error:
            raise _unreachable(target, error) from error
        except ValueError as error:
            raise SetupError("The provider's key or address holds characters that no request may carry.") from error
        answer = TransportAnswer(response, self._limits, silence)
        if tap:
            tap.answered(answer.status, answer.headers)
        return answer

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                max_line_size=64 * 1024,
                max_field_size=64 * 1024,
            )
        return self._session

    def _url_of(self, text: str) -> URL:
        """The address, taken apart once: a provider has few."""
        url = self._url.get(text)
        if url is None:
            if len(self._url) >= _MOST_URLS:
                self._url.clear()
            url = self._url[text] = URL(text)
        return url

    def _patience(self, silence: float) -> aiohttp.ClientTimeout:
        if silence not in self._timeout:
            connect = self._limits.connect
            self._timeout[silence] = aiohttp.ClientTimeout(None, connect, sock_read=silence, sock_connect=connect)
        return self._timeout[silence]

    async def _proxy(self, url: URL) -> _Proxy:
        """The proxy for this address. Looked up once for each host: on some systems it takes a while."""
        if not self._proxies:
            return _Proxy()
        key = url.scheme, url.host
        if key not in self._proxy_of:
            self._proxy_of[key] = await asyncio.to_thread(_system_proxy, url)
        return self._proxy_of[key]


@dataclass(frozen=True, slots=True)
class _Proxy:
    url: URL | None = None
    in_request: Mapping[str, str] = field(default_factory=dict)
    in_tunnel: Mapping[str, str] = field(default_factory=dict)


def _system_proxy(url: URL) -> _Proxy:
    host = url.host or ""
    address = getproxies().get(url.scheme)
    if not address or proxy_bypass(host):
        return _Proxy()
    proxy = URL(address if "://" in address else f"http://{address}")
    if not proxy.user:
        return _Proxy(proxy)
    credentials = {"proxy-authorization": aiohttp.encode_basic_auth(proxy.user, proxy.password or "")}
    bare = proxy.with_user(None)
    return _Proxy(bare, in_tunnel=credentials) if url.scheme == "https" else _Proxy(bare, in_request=credentials)


async def _failure(answer: TransportAnswer, secrets: tuple[str, ...]) -> UpstreamError:
    try:
        body = await answer.glance()
    finally:
        await answer.aclose()
    for secret in secrets:  # some repeat a key that they call wrong
        body = body.replace(secret.encode(), b"***")
    failure = faults.fault(answer.status, answer.headers, body, time.time())
    log.warning("upstream.fault", status=answer.status, kind=failure.kind, detail=faults.detail(body))
    return failure


def _secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The credentials among these headers, to be kept out of the log."""
    values = (headers.get("authorization", "").removeprefix("Bearer "), headers.get("x-api-key", ""))
    return tuple(value for value in values if value)


@contextlib.contextmanager
def _faults_told() -> Iterator[None]:
    """What can go wrong while a body is read, as our own errors."""
    try:
        yield
    except TimeoutError as error:
        raise UpstreamCut(
            "The provider stopped sending in the middle of its answer; please try again.",
            status=504,
            kind="timeout_error",
        ) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise UpstreamCut(
            "The connection to the provider broke in the middle of its answer; please try again."
        ) from error


def _silent(url: URL, error: Exception) -> UpstreamUnreachable:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamUnreachable(f"No connection to the provider at {url.host} in time; is the address right?")
    return UpstreamUnreachable(
        f"The provider at {url.host} did not begin to answer in time.", status=504, kind="timeout_error"
    )


def _unreachable(url: URL, error: Exception) -> UpstreamUnreachable:
    log.warning("upstream.unreachable", host=url.host, error=type(error).__name__)
    if isinstance(error, aiohttp.ClientSSLError):
        return UpstreamUnreachable(f"No secure connection to the provider at {url.host}: {type(error).__name__}.")
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return UpstreamUnreachable(f"The proxy on the way to {url.host} cannot be used; check the proxy settings.")
    return UpstreamUnreachable(f"The provider at {url.host} cannot be reached; is the address right and up?")
