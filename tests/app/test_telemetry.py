"""`/metrics` and the collector, in their place: a whole sidecar before a provider and a collector on loopback."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from sidecar.app import Sidecar
from sidecar.settings import load
from sidecar.telemetry.otlp import trace_of
from tests.fakes.upstream import Seen, Turn, Upstream, answer, fault, text

TOKEN = "token-of-the-tests-0123456789"
QUESTION = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "A secret plan"}]}

REFUSED = {"type": "error", "error": {"type": "invalid_request_error", "message": "too odd"}}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "later"}}


def taken(seen: Seen) -> Turn | None:
    """A collector's answer to a report."""
    return Turn(body=b"{}", headers={"content-type": "application/json"}) if seen.path.startswith("/v1/") and "anthropic-version" not in seen.headers else None  # fmt: skip


def settings(tmp_path: Path, upstream: Upstream, **more: str):
    workspace = tmp_path / "project"
    workspace.mkdir(exist_ok=True)
    base = {
        "PROVIDER": "databricks", "DATABRICKS_HOST": upstream.url, "DATABRICKS_TOKEN": "dapi" + "k" * 20,
        "SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "SIDECAR_TOKEN": TOKEN, "SIDECAR_AUTH": "token",
    }  # fmt: skip
    return load({}, base | more, None, workspace)


async def ask(http: aiohttp.ClientSession, sidecar: Sidecar, **body: Any) -> tuple[int, str]:
    url = f"{sidecar.status().base_url}/v1/messages"
    async with http.post(url, json=QUESTION | body, headers={"x-api-key": TOKEN}) as response:
        await response.read()
        return response.status, response.headers["request-id"]


async def scraped(http: aiohttp.ClientSession, sidecar: Sidecar) -> dict[str, float]:
    """Every row of `/metrics` that is ours, as `name{labels}`."""
    async with http.get(f"{sidecar.status().base_url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}) as got:
        assert (got.status, got.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        shown = await got.text()
    rows = [sample for family in text_string_to_metric_families(shown) for sample in family.samples]
    return {f"{row.name}{json.dumps(row.labels, sort_keys=True)}": row.value for row in rows}


async def until(http: aiohttp.ClientSession, sidecar: Sidecar, requests: int) -> dict[str, float]:
    """The numbers, when so many requests are in them: records are made within half a second."""
    async with asyncio.timeout(10):
        while True:
            rows = await scraped(http, sidecar)
            if sum(value for name, value in rows.items() if name.startswith("sidecar_requests_total")) >= requests:
                return rows


@pytest.mark.parametrize("records", ["true", "false"])
async def test_prometheus_reads_what_was_asked_and_what_it_took(tmp_path: Path, records: str):
    script = [answer(text("ok")), fault(400, REFUSED)]
    async with (
        Upstream(script) as upstream,
        aiohttp.ClientSession() as http,
        Sidecar(settings(tmp_path, upstream, SIDECAR_RECORDS=records), version="1.2") as sidecar,
    ):
        assert 'sidecar_info{"provider": "databricks", "version": "1.2"}' in await scraped(http, sidecar)
        assert (await ask(http, sidecar))[0] == 200
        assert (await ask(http, sidecar))[0] == 200, "out of our own cache"
        assert (await ask(http, sidecar, max_tokens=10))[0] == 400
        rows = await until(http, sidecar, 3)
    model = '"model": "databricks-claude-sonnet-4-5"'
    assert rows[f'sidecar_requests_total{{"error": "", {model}, "outcome": "done"}}'] == 2
    assert rows[f'sidecar_requests_total{{"error": "invalid_request_error", {model}, "outcome": "error"}}'] == 1
    assert rows['sidecar_prompt_cache_total{"reason": "", "result": "hit"}'] == 1
    assert rows[f'sidecar_tokens_total{{"kind": "own_cache", {model}}}'] > 0
    assert rows[f'sidecar_request_duration_seconds_count{{{model}, "outcome": "done"}}'] == 2
    assert len(upstream.requests) == 2


async def test_numbers_are_for_those_who_may_come_in(tmp_path: Path):
    async with (
        Upstream() as upstream,
        aiohttp.ClientSession() as http,
        Sidecar(settings(tmp_path, upstream), version="1") as sidecar,
    ):
        url = f"{sidecar.status().base_url}/metrics"
        async with http.get(url) as refused:
            assert refused.status == 401
            assert b"sidecar_" not in await refused.read()
        async with http.post(url, json={}, headers={"x-api-key": TOKEN}) as wrong:
            assert (wrong.status, wrong.headers["allow"]) == (405, "GET")


async def test_without_a_place_for_state_it_is_counted_all_the_same(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("HOME")
    blocked = tmp_path / "file"
    blocked.write_text("")
    async with Upstream([answer(text("ok"))]) as upstream, aiohttp.ClientSession() as http:
        placed = settings(tmp_path, upstream, SIDECAR_STATE_DIR=str(blocked / "state"))
        async with Sidecar(placed, version="1") as sidecar:
            await ask(http, sidecar)
            await until(http, sidecar, 1)


async def test_the_collector_that_is_named_gets_spans_and_sums_and_no_words(tmp_path: Path):
    async with (
        Upstream(rule=taken) as collector,
        Upstream([answer(text("An answer")), fault(529, OVERLOADED, **{"retry-after": "60"})]) as upstream,
    ):
        named = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20c0l,x-a=b",
        }
        async with (
            aiohttp.ClientSession() as http,
            Sidecar(settings(tmp_path, upstream, **named), version="1.2") as sidecar,
        ):
            _, done = await ask(http, sidecar, stream=True)
            _, failed = await ask(http, sidecar, max_tokens=10)
        reports = {seen.path: seen for seen in collector.requests}
        assert sorted(reports) == ["/v1/metrics", "/v1/traces"]
        assert {seen.headers["authorization"] for seen in collector.requests} == {"Bearer c0l"}
        assert all(
            words not in seen.raw
            for seen in collector.requests
            for words in (b"secret plan", b"An answer", TOKEN.encode())
        )
        told = json_format.Parse(reports["/v1/traces"].raw, ExportTraceServiceRequest())
        spans = told.resource_spans[0].scope_spans[0].spans
        ids = [
            json.loads(reports["/v1/traces"].raw)["resourceSpans"][0]["scopeSpans"][0]["spans"][n]["traceId"]
            for n in (0, 1)
        ]
        assert ids == [trace_of(done), trace_of(failed)]
        assert [span.status.message for span in spans] == ["", "overloaded_error"]
        sums = json_format.Parse(reports["/v1/metrics"].raw, ExportMetricsServiceRequest())
        names = {metric.name for metric in sums.resource_metrics[0].scope_metrics[0].metrics}
        assert {"sidecar.requests", "sidecar.tokens", "sidecar.request.duration"} <= names


async def test_a_collector_that_is_away_stops_no_answer(tmp_path: Path):
    async with Upstream([answer(text("ok"))]) as upstream, aiohttp.ClientSession() as http:
        away = settings(tmp_path, upstream, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
        async with Sidecar(away, version="1") as sidecar:
            assert (await ask(http, sidecar))[0] == 200


async def test_nobody_is_told_where_no_collector_is_named(tmp_path: Path):
    async with Upstream([answer(text("ok"))]) as upstream, aiohttp.ClientSession() as http:
        async with Sidecar(settings(tmp_path, upstream), version="1") as sidecar:
            await ask(http, sidecar)
        assert [seen.path for seen in upstream.requests] == ["/serving-endpoints/anthropic/v1/messages"]
