"""The route that Prometheus asks: numbers of what was answered, for those who may come in."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from sidecar.endpoint.call import Call, Route
from sidecar.endpoint.errors import PLAIN
from sidecar.telemetry.meter import Meter


class Metrics:
    """The handler around a meter; `info` says which Sidecar this is."""

    def __init__(self, meter: Meter, **info: str) -> None:
        self._meter = meter
        self._info = info

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        yield Route("GET", "/metrics", self.show)

    async def show(self, call: Call) -> web.StreamResponse:
        """All numbers, in Prometheus' text format."""
        from sidecar.telemetry import prometheus  # noqa: PLC0415 - only those who are watched pay for it

        body = prometheus.exposition(self._meter, **self._info).encode()
        headers = {**PLAIN, "content-type": prometheus.MEDIA, "request-id": call.turn.id}
        return web.Response(body=body, headers=headers)
