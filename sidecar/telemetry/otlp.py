"""What was counted, and each request as a span, in the JSON form of OpenTelemetry's protocol (OTLP/HTTP). Pure.

Source: opentelemetry-proto 1.x and its JSON mapping (ids in hex, 64-bit numbers as text); names of attributes by the
semantic conventions for generative AI where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from sidecar.store.turns import TurnRecord
from sidecar.telemetry.meter import SECONDS, Labels, Reading, Spread

_SERVER: Final = 2  # SPAN_KIND_SERVER
_ERROR: Final = 2  # STATUS_CODE_ERROR
_CUMULATIVE: Final = 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
_OPERATION: Final = "chat"


def metrics(
    readings: Iterable[Reading], resource: Mapping[str, str], version: str, *, since: float, now: float
) -> dict[str, Any]:
    """An `ExportMetricsServiceRequest`; times are UTC seconds."""
    times = {"startTimeUnixNano": _nanos(since), "timeUnixNano": _nanos(now)}
    told = [_metric(reading, times) for reading in readings]
    scope = {"scope": {"name": "sidecar", "version": version}, "metrics": told}
    return {"resourceMetrics": [{"resource": _resource(resource), "scopeMetrics": [scope]}]}


def spans(records: Sequence[TurnRecord], resource: Mapping[str, str], version: str) -> dict[str, Any]:
    """An `ExportTraceServiceRequest` with one span a request."""
    scope = {"scope": {"name": "sidecar", "version": version}, "spans": [_span(record) for record in records]}
    return {"resourceSpans": [{"resource": _resource(resource), "scopeSpans": [scope]}]}


def trace_of(ident: str) -> str:
    """The trace's id, from the request's: who knows one finds the other."""
    return sha256(ident.encode()).hexdigest()[:32]


def _metric(reading: Reading, times: Mapping[str, str]) -> dict[str, Any]:
    instrument = reading.instrument
    told: dict[str, Any] = {"name": instrument.name, "description": instrument.about, "unit": instrument.unit}
    points = [{"attributes": _attributes(labels), **times, **_value(value)} for labels, value in reading.values]
    form: dict[str, Any] = {"aggregationTemporality": _CUMULATIVE, "dataPoints": points}
    if instrument.kind == "counter":
        return {**told, "sum": {**form, "isMonotonic": True}}
    return {**told, "histogram": form}


def _value(value: float | Spread) -> dict[str, Any]:
    if not isinstance(value, Spread):
        return {"asDouble": float(value)}
    return {
        "count": str(sum(value.counts)),
        "sum": value.total,
        "bucketCounts": [str(count) for count in value.counts],
        "explicitBounds": list(SECONDS),
    }


def _span(record: TurnRecord) -> dict[str, Any]:
    trace = trace_of(record.id)
    span = {
        "traceId": trace,
        "spanId": sha256(trace.encode()).hexdigest()[:16],
        "name": f"{_OPERATION} {record.asked}",
        "kind": _SERVER,
        "startTimeUnixNano": _nanos(record.started),
        "endTimeUnixNano": _nanos(record.started + record.ms / 1000),
        "attributes": [_attribute(name, value) for name, value in _told(record) if value not in (None, "", ())],
    }
    return span if record.outcome != "error" else {**span, "status": {"code": _ERROR, "message": record.error}}


def _told(record: TurnRecord) -> Iterator[tuple[str, Any]]:
    yield "gen_ai.operation.name", _OPERATION
    yield "gen_ai.provider.name", record.provider
    yield "gen_ai.request.model", record.asked
    yield "gen_ai.response.model", record.served
    yield "gen_ai.response.finish_reasons", (record.stop_reason,) if record.stop_reason else ()
    yield "gen_ai.usage.input_tokens", record.input
    yield "gen_ai.usage.output_tokens", record.output
    yield "gen_ai.usage.cache_read.input_tokens", record.cache_read
    yield "gen_ai.usage.cache_creation.input_tokens", record.cache_write
    yield "gen_ai.conversation.id", record.session
    yield "http.response.status_code", record.status
    yield "error.type", record.error
    yield "sidecar.request.id", record.id
    yield "sidecar.upstream.request.id", record.upstream
    yield "sidecar.agent.id", record.agent
    yield "sidecar.outcome", record.outcome
    yield "sidecar.stream", record.stream
    yield "sidecar.first_byte_ms", record.first_ms
    yield "sidecar.prompt_cache", record.cache
    yield "sidecar.cost_usd", record.cost
    yield "sidecar.own_cache_saved_usd", record.saved
    yield "sidecar.retries", record.retries
    yield "sidecar.changes", record.changes
    yield "sidecar.tools", record.tools


def _resource(resource: Mapping[str, str]) -> dict[str, Any]:
    return {"attributes": _attributes(tuple(resource.items()))}


def _attributes(labels: Labels) -> list[dict[str, Any]]:
    return [_attribute(name, value) for name, value in labels]


def _attribute(name: str, value: Any) -> dict[str, Any]:
    return {"key": name, "value": _any(value)}


def _any(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case tuple():
            return {"arrayValue": {"values": [_any(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}


def _nanos(seconds: float) -> str:
    return str(int(seconds * 1_000_000_000))
