"""Sends traces and metrics to the collector that the user names, now and then, beside everything else.

A collector that is slow or away costs nothing but what it misses: spans wait in a bounded line, metrics are sums that
the next report holds again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson

from sidecar.store.turns import TurnRecord
from sidecar.telemetry import otlp
from sidecar.telemetry.meter import Meter
from sidecar.trace import get_logger

log = get_logger("telemetry")

_MOST_WAITING: Final = 2_048
_AT_ONCE: Final = 512
_PASSING: Final = frozenset({429, 502, 503, 504})
"""What a collector answers when it wants to be asked again (OTLP specification)."""
FAULTS: Final = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What sending can end with."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between reports of spans and of metrics, how long one may take, how long the last one at the end may."""

    spans: float = 5.0
    metrics: float = 60.0
    patience: float = 10.0
    farewell: float = 2.0
    longest: float = 60.0
    """Between tries while the collector is away."""


class Exporter:
    """Reports what a meter counts to `endpoint`, the base that gets `/v1/traces` and `/v1/metrics`."""

    def __init__(
        self, endpoint: str, headers: Mapping[str, str], meter: Meter, version: str, *, pace: Pace | None = None
    ) -> None:
        self._base = endpoint.rstrip("/")
        self._headers = {**headers, "content-type": "application/json"}
        self._meter = meter
        self._version = version
        self._pace = pace or Pace()
        self._resource = {
            "service.name": "sidecar",
            "service.version": version,
            "service.instance.id": f"{os.getpid()}-{int(meter.started)}",
        }
        self._waiting: deque[TurnRecord] = deque(maxlen=_MOST_WAITING)
        self._session: aiohttp.ClientSession | None = None
        self._closing = asyncio.Event()
        self._failing = False
        self._counted = False
        meter.subscribe(self._hear)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="telemetry")

    def _hear(self, record: TurnRecord) -> None:
        self._counted = True
        self._waiting.append(record)

    async def aclose(self) -> None:
        """Report what is left, if that goes quickly, and end."""
        self._closing.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.farewell):
                await self._task  # which may be in the middle of a report
                await self._report_spans()
                await self._report_metrics()
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        pause, told = self._pace.spans, time.monotonic()
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()
                    return
            well = await self._report_spans()
            if time.monotonic() - told >= self._pace.metrics:
                well = await self._report_metrics() and well
                told = time.monotonic()
            pause = self._pace.spans if well else min(pause * 2, self._pace.longest)

    async def _report_spans(self) -> bool:
        """Send the spans that wait; those that a collector could not take just now wait on."""
        while self._waiting:
            count = min(_AT_ONCE, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            if not await self._post("/v1/traces", otlp.spans(batch, self._resource, self._version)):
                room = _MOST_WAITING - len(self._waiting)
                self._waiting.extendleft(reversed(batch[-room:] if room else []))
                return False
        return True

    async def _report_metrics(self) -> bool:
        if not self._counted:
            return True
        readings = self._meter.read()
        told = otlp.metrics(readings, self._resource, self._version, since=self._meter.started, now=time.time())
        return await self._post("/v1/metrics", told)

    async def _post(self, path: str, value: dict[str, Any]) -> bool:
        """Whether that is done with: taken, or refused in a way that sending it again would not mend."""
        try:
            status = await self.asked(path, value)
        except FAULTS as error:
            self._complain(type(error).__name__)
            return False
        if status == 200:
            if self._failing:
                log.info("telemetry_again", host=urlsplit(self._base).hostname)
            self._failing = False
            return True
        self._complain(f"HTTP {status}")
        return status not in _PASSING

    async def asked(self, path: str, value: dict[str, Any]) -> int:
        """The status that the collector answers a report with. Raises one of `FAULTS`."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._pace.patience)
            jar = aiohttp.DummyCookieJar()
            proxy = await asyncio.to_thread(_system_proxy, self._base)
            self._session = aiohttp.ClientSession(timeout=timeout, proxy=proxy, cookie_jar=jar)
        url, body = f"{self._base}{path}", orjson.dumps(value)
        async with self._session.post(url, data=body, headers=self._headers, allow_redirects=False) as response:
            return response.status

    def _complain(self, reason: str) -> None:
        """Say once that the collector takes nothing, and what to look at."""
        if not self._failing:
            mend = "OTEL_EXPORTER_OTLP_ENDPOINT must be the base address of OTLP over HTTP (mostly port 4318)"
            log.warning("telemetry_not_sent", host=urlsplit(self._base).hostname, reason=reason, note=mend)
        self._failing = True


async def tried(endpoint: str, headers: Mapping[str, str]) -> str:
    """What is wrong with a collector, in a few words; "" where it takes reports. It is sent an empty one."""
    exporter = Exporter(endpoint, headers, Meter(), "")
    try:
        status = await exporter.asked("/v1/traces", otlp.spans((), {}, ""))
    except FAULTS as error:
        return f"it cannot be reached ({type(error).__name__})"
    finally:
        await exporter.aclose()
    return "" if status == 200 else f"it answers with HTTP {status}"


def _system_proxy(url: str) -> str | None:
    """The proxy that the system's settings name for this address."""
    address = urlsplit(url)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)
