"""Kept answers shared in a team through a Redis server (or Valkey), behind the ones that are kept on this machine.

The server is asked only where neither memory nor disk has an answer, for 50 ms at most; connecting is done beside, so
no question waits for it. A server that fails is left alone for a while and told of once: everything goes on with what
is kept here. What lies there is sealed (`store.sealing`); nothing that comes from there is believed beyond that.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from sidecar.core.errors import SetupError, StoreError
from sidecar.settings.groups import Cache
from sidecar.store.answers import Answers, CacheLimits, CacheStats, Clock, Counts, SharedStats
from sidecar.trace import get_logger

log = get_logger("store")

T = TypeVar("T")

PATIENCE: Final = 0.05
"""Seconds that a question waits for the server."""

_WRITING: Final = 1.0  # seconds for an answer to be stored; nobody waits for that
_CONNECTING: Final = 2.0
_REST: Final = 30.0  # seconds that a server which failed is left alone
_STRIKES: Final = 3  # failures in a row after which it is
_PAGE: Final = 500  # names looked at in one step of a scan
_SCHEMES: Final = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
_FAULTS: Final = (OSError, ValueError, TypeError)  # the last: an option in the address that nobody knows
_INSTALL: Final = "pip install 'claude-sidecar[redis]'"


class Sealing(Protocol):
    """What of `store.sealing.Sealer` is used here; it is imported only where answers are shared."""

    prefix: str

    def name(self, key: str) -> str:
        """See there."""

    def sealed(self, name: str, answer: bytes, now: float) -> bytes:
        """See there."""

    def opened(self, name: str, sealed: bytes, now: float, ttl: float) -> tuple[bytes, float] | None:
        """See there."""


class Link:
    """A connection to the server that is made when it is first wanted and rests after failures.

    `address` is the server's without a password.
    """

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._url, self.address = _addresses(url)
        self._clock = clock or Clock()
        self._client: Any = None
        self._opening: asyncio.Task[None] | None = None
        self._strikes = 0
        self._rest_until = 0.0
        self._warned = False
        self._faults: tuple[type[BaseException], ...] = _FAULTS
        self.problem = ""

    async def run(self, act: Callable[[Any], Awaitable[T]], otherwise: T, patience: float = PATIENCE) -> T:
        """What `act` returns of the client; `otherwise` where the server is not there or takes longer."""
        if self._resting or self._client is None:
            self._open_soon()
            return otherwise
        try:
            async with asyncio.timeout(patience):
                result = await act(self._client)
        except self._faults as error:
            self._failed(error, f"it did not answer within {patience:g} s")
            return otherwise
        self._strikes = 0
        return result

    async def connected(self) -> bool:
        """Wait until the server answers, or will not: for those who came to use it alone."""
        self._open_soon()
        if self._opening is not None:
            await asyncio.wait({self._opening})
        return self._client is not None and not self._resting

    async def aclose(self) -> None:
        """Let go of the server."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._client is not None:
            with contextlib.suppress(*self._faults):
                async with asyncio.timeout(PATIENCE):
                    await self._client.aclose()
            self._client = None

    @property
    def _resting(self) -> bool:
        return self._clock.steady() < self._rest_until

    def _open_soon(self) -> None:
        """Begin to connect beside whoever asks, unless that is under way or the server is left alone."""
        if not self._resting and self._client is None and (self._opening is None or self._opening.done()):
            self._opening = asyncio.get_running_loop().create_task(self._open(), name="shared answers")

    async def _open(self) -> None:
        # Imported on another thread: it takes a tenth of a second.
        redis: Any = await asyncio.to_thread(importlib.import_module, "redis.asyncio")
        self._faults = (redis.RedisError, *_FAULTS)
        client: Any = None
        try:
            client = _client(redis, self._url)
            async with asyncio.timeout(_CONNECTING):
                await client.ping()
        except self._faults as error:
            self._strikes = _STRIKES
            self._failed(error, f"no connection within {_CONNECTING:g} s")
            if client is not None:
                with contextlib.suppress(*self._faults):
                    await client.aclose()
            return
        self._client, self._strikes, self.problem = client, 0, ""
        log.info("cache_shared", server=self.address)

    def _failed(self, error: BaseException, late: str) -> None:
        self._strikes += 1
        self.problem = late if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        if self._strikes < _STRIKES:
            return
        self._strikes = 0
        self._rest_until = self._clock.steady() + _REST
        if not self._warned:
            self._warned = True
            log.warning("cache_not_shared", server=self.address, reason=self.problem)


class SharedAnswers:
    """Implements `AnswerStore`: what is kept here first, then the server."""

    def __init__(
        self, own: Answers, link: Link, sealer: Sealing, limits: CacheLimits, clock: Clock | None = None
    ) -> None:
        self._own = own
        self._link = link
        self._sealer = sealer
        self._limits = limits
        self._clock = clock or Clock()

    async def get(self, key: str) -> bytes | None:
        """See `AnswerStore.get`."""
        answer = await self._own.get(key)
        if answer is not None:
            return answer
        name = self._sealer.name(key)
        most = self._limits.answer_bytes + 1024
        # A part of the value, however large it is: what is cut does not open.
        sealed = await self._link.run(lambda client: client.getrange(name, 0, most), b"")
        found = self._sealer.opened(name, sealed, self._clock.wall(), self._limits.ttl) if sealed else None
        if found is None:
            return None
        answer, stored = found
        self._own.credit(Counts(hits=1, misses=-1))
        self._own.remember(key, answer, stored)
        return answer

    def why(self, key: str) -> str:
        """See `AnswerStore.why`."""
        return self._own.why(key)

    def credit(self, counts: Counts) -> None:
        """See `AnswerStore.credit`."""
        self._own.credit(counts)

    async def put(self, key: str, answer: bytes) -> None:
        """See `AnswerStore.put`."""
        await self._own.put(key, answer)
        if len(answer) > self._limits.answer_bytes:
            return
        name = self._sealer.name(key)
        sealed = self._sealer.sealed(name, answer, self._clock.wall())
        life = max(1, int(self._limits.ttl * 1000))
        await self._link.run(lambda client: client.set(name, sealed, px=life), None, _WRITING)

    async def clear(self) -> int:
        """See `AnswerStore.clear`: here, and of the server what is this team's."""
        own = await self._own.clear()
        if not await self._link.connected():
            return own
        return own + await self._link.run(self._unlink_all, 0, 10 * _WRITING)

    async def stats(self) -> CacheStats:
        """See `AnswerStore.stats`."""
        own = await self._own.stats()
        count: int | None = None
        if await self._link.connected():
            count = await self._link.run(self._count_all, None, 10 * _WRITING)
        return replace(own, shared=SharedStats(self._link.address, count, self._link.problem))

    async def aclose(self) -> None:
        """See `AnswerStore.aclose`."""
        await self._link.aclose()
        await self._own.aclose()

    async def there_and_back(self) -> float:
        """Store an answer on the server and fetch it, and take it away again; how long the fetching took. Raises StoreError."""
        if not await self._link.connected():
            raise StoreError(f"{self._link.address}: {self._link.problem}")
        name = self._sealer.name("there and back")
        sealed = self._sealer.sealed(name, b"there and back", self._clock.wall())
        await self._link.run(lambda client: client.set(name, sealed, px=10_000), None, _WRITING)
        began = time.perf_counter()
        back = await self._link.run(lambda client: client.getrange(name, 0, len(sealed)), b"", _WRITING)
        took = time.perf_counter() - began
        await self._link.run(lambda client: client.unlink(name), 0, _WRITING)
        if back != sealed:
            raise StoreError(f"{self._link.address}: {self._link.problem or 'what was stored did not come back'}")
        return took

    async def _count_all(self, client: Any) -> int | None:
        return len([name async for name in self._names(client)])

    async def _unlink_all(self, client: Any) -> int:
        names = [name async for name in self._names(client)]
        for start in range(0, len(names), _PAGE):
            await client.unlink(*names[start : start + _PAGE])
        return len(names)

    def _names(self, client: Any) -> Any:
        return client.scan_iter(match=f"{self._sealer.prefix}*", count=_PAGE)


async def tried(settings: Cache) -> float:
    """Seconds that an answer takes to the team's server and back, tried with one of no meaning.

    Raises SetupError for a setting that is missing, StoreError where the server does not play its part.
    """
    answers = shared_answers(Answers(None), settings)
    if not isinstance(answers, SharedAnswers):
        raise SetupError("SIDECAR_CACHE_URL names no server.", "SIDECAR_CACHE_URL")
    async with contextlib.aclosing(answers):
        return await answers.there_and_back()


def shared_answers(own: Answers, settings: Cache) -> SharedAnswers | Answers:
    """The answers with the team's server behind them; the very same where the settings name none. Raises SetupError."""
    if settings.url is None:
        return own
    link = Link(settings.url.get_secret_value())
    return SharedAnswers(own, link, _sealer(settings), CacheLimits.of(settings))


def _sealer(settings: Cache) -> Sealing:
    for needed in ("redis", "cryptography"):
        if importlib.util.find_spec(needed) is None:
            raise SetupError(f"SIDECAR_CACHE_URL needs the library {needed}: {_INSTALL}.", "SIDECAR_CACHE_URL")
    sealing: Any = importlib.import_module("sidecar.store.sealing")
    secret = settings.secret.get_secret_value() if settings.secret is not None else ""
    if len(secret) < sealing.SHORTEST:
        raise SetupError(
            f"SIDECAR_CACHE_URL shares answers, so SIDECAR_CACHE_SECRET is needed, the same for the whole team and at "
            f"least {sealing.SHORTEST} characters: make one with `openssl rand -hex 32`.",
            "SIDECAR_CACHE_SECRET",
        )
    made: Sealing = sealing.Sealer(secret)
    return made


def _addresses(url: str) -> tuple[str, str]:
    """The address as the client wants it, and as it may be shown. Raises SetupError."""
    scheme = shown = None
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        where = parts.path if scheme == "unix" else f"{host}:{parts.port or 6379}{parts.path}"
        shown = f"{scheme}://{where}" if host or scheme == "unix" else None
    if scheme is None or shown is None:
        raise SetupError(
            "SIDECAR_CACHE_URL must be redis://…, rediss://… (with TLS), valkey://…, valkeys://… or unix://….",
            "SIDECAR_CACHE_URL",
        )
    return urlunsplit(urlsplit(url)._replace(scheme=scheme)), shown


def _client(redis: Any, url: str) -> Any:
    """A client that tries once, and does nothing by itself beside."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - an extra
    from redis.maint_notifications import MaintNotificationsConfig  # noqa: PLC0415 - an extra

    return redis.Redis.from_url(
        url,
        protocol=2,
        retry=redis.retry.Retry(NoBackoff(), 0),
        socket_connect_timeout=_CONNECTING,
        socket_timeout=10 * _WRITING,
        max_connections=8,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
