"""The route of the numbers: who gets them, in which form. What they are is tested with the meter and the whole sidecar."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sidecar.assistant.turn import AnswerTurn
from sidecar.endpoint.metrics import Metrics
from sidecar.endpoint.server import Access, Endpoint, Identity
from sidecar.store.turns import TurnRecord
from sidecar.telemetry.meter import Meter
from tests.endpoint.conftest import TOKEN, Served
from tests.fakes.provider import FakeProvider


async def test_only_who_may_come_in_reads_them():
    meter = Meter()
    meter.count(TurnRecord("a", 0.0, asked="m"))
    provider = FakeProvider()
    endpoint = Endpoint(AnswerTurn(provider), identity=Identity("sidecar", "1"), access=Access("token", TOKEN), port=0)
    endpoint.add(Metrics(meter, version="1.2").routes())
    async with endpoint:
        served = Served(endpoint, provider, None)
        refused = await served.raw(*served.head("GET", "/metrics"))
        assert (refused.status, refused.error) == (401, "authentication_error")
        told = await served.raw(*served.head("GET", "/metrics"), f"x-api-key: {TOKEN}")
    assert (told.status, told.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert told.headers["server"] == "sidecar"
    read = {family.name: family.samples[0] for family in text_string_to_metric_families(told.body.decode())}
    assert read["sidecar_info"].labels == {"version": "1.2"}
    assert read["sidecar_requests"].value == 1
