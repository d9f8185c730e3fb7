"""Reports to a real collector's two routes over HTTP: in time, at the end, past its faults, and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from sidecar.store.turns import TurnRecord
from sidecar.telemetry.exporter import Exporter, Pace
from sidecar.telemetry.meter import Meter

QUICK = Pace(spans=0.01, metrics=0.03, patience=2.0, farewell=2.0, longest=0.02)
RECORD = TurnRecord("req_1", 1.0, asked="m", ms=1.0)


@dataclass
class Collector:
    """Takes reports in; `answers` are the statuses of the next ones, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.path, {k.lower(): v for k, v in request.headers.items()}, await request.json()))
        self._came.set()
        return web.json_response({}, status=self.answers.pop(0) if self.answers else 200)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._came.clear()
                await self._came.wait()

    def ids(self) -> list[str]:
        """Names of the requests whose spans came, in their order."""
        told = [
            body["resourceSpans"][0]["scopeSpans"][0]["spans"] for path, _, body in self.got if path == "/v1/traces"
        ]
        return [
            next(a["value"]["stringValue"] for a in span["attributes"] if a["key"] == "sidecar.request.id")
            for spans in told
            for span in spans
        ]

    def metrics(self) -> list[float]:
        """How many requests each report of metrics had."""
        scopes = [body["resourceMetrics"][0]["scopeMetrics"][0] for path, _, body in self.got if path == "/v1/metrics"]
        return [
            sum(point["asDouble"] for metric in scope["metrics"] if metric["name"] == "sidecar.requests" for point in metric["sum"]["dataPoints"])
            for scope in scopes
        ]  # fmt: skip


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    app.router.add_post("/v1/metrics", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@contextlib.asynccontextmanager
async def reporting(url: str, meter: Meter, pace: Pace = QUICK, **headers: str) -> AsyncIterator[None]:
    exporter = Exporter(url, headers, meter, "1.2", pace=pace)
    try:
        yield
    finally:
        await exporter.aclose()


async def test_spans_and_metrics_are_sent_in_time_with_the_users_headers(collector: Collector):
    meter = Meter()
    async with reporting(collector.url + "/", meter, **{"x-key": "k1"}):
        meter.count(RECORD)
        await collector.until(lambda: bool(collector.ids() and collector.metrics()))
    assert collector.ids() == ["req_1"]
    assert collector.metrics()[0] == 1
    for _, headers, _ in collector.got:
        assert (headers["x-key"], headers["content-type"]) == ("k1", "application/json")


async def test_where_nothing_was_asked_nothing_is_sent(collector: Collector):
    async with reporting(collector.url, Meter(), replace(QUICK, metrics=0.0)):
        for _ in range(3):
            await asyncio.sleep(0)
    assert collector.got == []


async def test_the_end_reports_what_is_left(collector: Collector):
    meter = Meter()
    async with reporting(collector.url, meter, replace(QUICK, spans=3600)):
        meter.count(RECORD)
    assert (collector.ids(), collector.metrics()) == (["req_1"], [1.0])


def told_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


async def test_what_a_busy_collector_did_not_take_comes_again_and_is_told_once(collector: Collector, caplog):
    caplog.set_level("INFO")
    collector.answers = [503, 429]
    meter = Meter()
    async with reporting(collector.url, meter, replace(QUICK, metrics=3600)):
        meter.count(RECORD)
        await collector.until(lambda: len(collector.ids()) >= 3)
    assert collector.ids() == ["req_1"] * 3
    assert [event["event"] for event in told_of(caplog)] == ["telemetry_not_sent", "telemetry_again"]


async def test_what_it_refuses_is_not_sent_again(collector: Collector):
    collector.answers = [400]
    meter = Meter()
    async with reporting(collector.url, meter, replace(QUICK, metrics=3600)):
        meter.count(RECORD)
        await collector.until(lambda: bool(collector.ids()))
        meter.count(replace(RECORD, id="req_2"))
        await collector.until(lambda: "req_2" in collector.ids())
    assert collector.ids() == ["req_1", "req_2"]


async def test_nobody_there_is_told_once_with_what_to_look_at(caplog):
    meter = Meter()
    async with reporting("http://127.0.0.1:9", meter, replace(QUICK, spans=3600)):
        meter.count(RECORD)
    (told,) = told_of(caplog)
    assert (told["event"], told["host"]) == ("telemetry_not_sent", "127.0.0.1")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in told["note"]


async def test_the_line_is_bounded_and_the_newest_stay(collector: Collector):
    meter = Meter()
    async with reporting(collector.url, meter, replace(QUICK, spans=3600)):
        for number in range(5_000):
            meter.count(replace(RECORD, id=str(number)))
    assert collector.ids() == [str(number) for number in range(5_000 - 2_048, 5_000)]
    assert collector.metrics() == [5_000]


@pytest.mark.parametrize("spans", [3600.0, 0.01], ids=["asked at the end", "in the middle of a report"])
async def test_a_collector_that_does_not_answer_does_not_hold_up_the_end(spans: float):
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    asked, gone = asyncio.Event(), asyncio.Event()
    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    meter, loop = Meter(), asyncio.get_running_loop()
    url = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}"
    async with reporting(url, meter, replace(QUICK, spans=spans, patience=60.0, farewell=0.05)):
        meter.count(RECORD)
        if spans < 1:
            await asked.wait()
        began = loop.time()
    assert loop.time() - began < 2
    await gone.wait()
    hanging.close()
    await hanging.wait_closed()
