"""The JSON is what the published protocol says, read by its own classes."""

from __future__ import annotations

from typing import Any

import orjson
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from sidecar.store.turns import TurnRecord
from sidecar.telemetry.meter import Meter
from sidecar.telemetry.otlp import metrics, spans, trace_of

RESOURCE = {"service.name": "sidecar"}
FULL = TurnRecord(
    "req_1", 1_700_000_000.5, session="s", agent="a", provider="databricks", asked="claude-x", served="databricks-claude-x",
    stream=True, status=200, stop_reason="tool_use", input=5, output=7, cache_read=0, cost=0.5, ms=1500.0, first_ms=20.0,
    tools=("Read", "Bash"), cache="miss: new", retries=1, changes=("model",), upstream="up_1",
)  # fmt: skip


def read(value: dict[str, Any], kind: Any) -> Any:
    """The protocol's own message from our JSON, through bytes as they travel; unknown fields fail."""
    return json_format.Parse(orjson.dumps(value), kind())


def attributes(given: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in given}


def test_a_request_is_a_span():
    told = spans([FULL], RESOURCE, "1.2")
    (resource,) = read(told, ExportTraceServiceRequest).resource_spans
    assert attributes(resource.resource.attributes) == RESOURCE
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("sidecar", "1.2")
    (span,) = scope.spans
    assert (span.name, span.kind, span.status.code) == (
        "chat claude-x",
        Span.SPAN_KIND_SERVER,
        Status.STATUS_CODE_UNSET,
    )
    assert span.end_time_unix_nano - span.start_time_unix_nano == 1_500_000_000
    assert span.start_time_unix_nano == 1_700_000_000_500_000_000
    found = attributes(span.attributes)
    assert found["gen_ai.request.model"] == "claude-x"
    assert found["gen_ai.response.model"] == "databricks-claude-x"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.cache_read.input_tokens"]) == (5, 0)
    assert (found["sidecar.request.id"], found["sidecar.upstream.request.id"]) == ("req_1", "up_1")
    assert [value.string_value for value in found["sidecar.tools"].values] == ["Read", "Bash"]
    assert (found["sidecar.cost_usd"], found["sidecar.stream"]) == (0.5, True)
    assert "error.type" not in found


def test_ids_are_hex_as_the_json_form_wants_them_and_follow_from_the_requests():
    (span,) = spans([FULL], {}, "")["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert span["traceId"] == trace_of("req_1")
    assert len(bytes.fromhex(span["traceId"])) == 16
    assert len(bytes.fromhex(span["spanId"])) == 8


def test_a_failure_is_one():
    failed = TurnRecord("r", 1.0, asked="m", outcome="error", status=529, error="overloaded_error")
    (span,) = read(spans([failed], {}, ""), ExportTraceServiceRequest).resource_spans[0].scope_spans[0].spans
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "overloaded_error")
    assert attributes(span.attributes)["http.response.status_code"] == 529


def test_what_was_counted_is_cumulative():
    meter = Meter()
    meter.count(FULL)
    told = metrics(meter.read(), RESOURCE, "1.2", since=1.0, now=2.5)
    (scope,) = read(told, ExportMetricsServiceRequest).resource_metrics[0].scope_metrics
    found = {metric.name: metric for metric in scope.metrics}
    requests = found["sidecar.requests"].sum
    assert (requests.is_monotonic, requests.aggregation_temporality) == (True, 2)
    (point,) = requests.data_points
    assert attributes(point.attributes) == {"model": "databricks-claude-x", "outcome": "done", "error": ""}
    assert (point.as_double, point.start_time_unix_nano, point.time_unix_nano) == (1, 1_000_000_000, 2_500_000_000)
    (spread,) = found["sidecar.request.duration"].histogram.data_points
    assert (spread.count, spread.sum, len(spread.bucket_counts)) == (1, 1.5, len(spread.explicit_bounds) + 1)
    assert spread.bucket_counts[4] == 1
    assert found["sidecar.request.duration"].unit == "s"
