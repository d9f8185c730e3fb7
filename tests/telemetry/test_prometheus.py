"""The text is what Prometheus' own parser reads, and says what was counted."""

from __future__ import annotations

import time

from prometheus_client.parser import text_string_to_metric_families

from sidecar.store.turns import TurnRecord
from sidecar.telemetry.meter import Meter
from sidecar.telemetry.prometheus import exposition


def families(text: str):
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_official_parser_reads_it():
    meter = Meter()
    meter.count(
        TurnRecord("a", 0.0, asked="m", served="m", input=5, cost=0.5, cache="hit", saved=1.0, retries=1, ms=40.0)
    )
    meter.count(TurnRecord("b", 0.0, asked="m", served="m", input=5, cost=0.5, first_ms=30.0, ms=99_999_999.0))
    read = families(exposition(meter, version="1.2", provider="databricks"))
    (info,) = read["sidecar_info"].samples
    assert info.labels == {"version": "1.2", "provider": "databricks"}
    (cost,) = read["sidecar_cost_dollars"].samples
    assert (cost.name, cost.value) == ("sidecar_cost_dollars_total", 1.0)
    assert {name for name in read if name.startswith("sidecar")} == {
        "sidecar_info", "sidecar_requests", "sidecar_request_duration_seconds", "sidecar_request_first_byte_seconds",
        "sidecar_tokens", "sidecar_cost_dollars", "sidecar_own_cache_saved_dollars", "sidecar_prompt_cache",
        "sidecar_upstream_retries",
    }  # fmt: skip
    assert all(family.documentation for family in read.values())
    duration = read["sidecar_request_duration_seconds"]
    assert duration.type == "histogram"
    buckets = {s.labels["le"]: s.value for s in duration.samples if s.name.endswith("_bucket")}
    assert (buckets["0.1"], buckets["600"], buckets["+Inf"]) == (1, 1, 2)
    assert [s.value for s in duration.samples if s.name.endswith("_count")] == [2]


def test_the_process_itself_is_told_of():
    read = families(exposition(Meter()))
    values = {name: family.samples[0].value for name, family in read.items()}
    assert values["process_resident_memory_bytes"] > 1_000_000
    assert values["process_cpu_seconds"] > 0
    assert 0 < values["process_start_time_seconds"] <= time.time()


def test_a_models_name_cannot_forge_a_row():
    name = 'm"} 1\nforged 7\\'
    meter = Meter()
    meter.count(TurnRecord("a", 0.0, asked=name))
    read = families(exposition(meter))
    assert "forged" not in read
    assert read["sidecar_requests"].samples[0].labels["model"] == name
