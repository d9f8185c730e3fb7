"""Routes beside the conversation: who is here, is it alive, which models, and a sink for the client's telemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import NotFound
from sidecar.core.messages import Json, encode
from sidecar.core.ports import Model
from sidecar.endpoint.body import read_body
from sidecar.endpoint.call import Call, Route
from sidecar.endpoint.errors import json_response
from sidecar.endpoint.guards import Access, carries_token
from sidecar.endpoint.limits import Limits

_TELEMETRY = frozenset({"application/json", "application/x-protobuf"})
_UNKNOWN_DATE = "1970-01-01T00:00:00Z"  # what the Models API itself gives for a release date that is not known


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server says of itself; the workspace only to those who bring the token."""

    name: str
    version: str
    workspace: str = ""


class Operations:
    """Handlers that need to know who we are and how we stand."""

    def __init__(
        self, answer: AnswerTurn, identity: Identity, access: Access, limits: Limits, is_ready: Callable[[], bool]
    ) -> None:
        self._answer = answer
        self._identity = identity
        self._access = access
        self._limits = limits
        self._is_ready = is_ready

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        for path in ("/", "/api/hello"):
            yield Route("GET", path, self.hello, open=True)
            yield Route("HEAD", path, self.hello, open=True)
        yield Route("GET", "/health", self.health, open=True)
        yield Route("HEAD", "/health", self.health, open=True)
        yield Route("GET", "/v1/models", self.models)
        yield Route("GET", "/v1/models/:id", self.model)
        for signal in ("metrics", "logs", "traces"):
            yield Route("POST", f"/v1/{signal}", self.drop, media=_TELEMETRY)

    async def hello(self, call: Call) -> web.StreamResponse:
        """Name and version; the workspace, too, for who brings the token."""
        told: Json = {"name": self._identity.name, "version": self._identity.version}
        if carries_token(call.request, self._access.token):
            told["workspace"] = self._identity.workspace
        return _json(call, told)

    async def health(self, call: Call) -> web.StreamResponse:
        """Whether the process lives and takes requests; 503 while it is stopping."""
        ready = self._is_ready()
        return _json(call, {"live": True, "ready": ready}, status=200 if ready else 503)

    async def models(self, call: Call) -> web.StreamResponse:
        """The models on offer, as the Models API lists them and as OpenAI does, in one; all on one page."""
        data = [_listed(model) for model in await self._answer.models()]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return _json(call, {"object": "list", "data": data, "has_more": False, **ends})

    async def model(self, call: Call) -> web.StreamResponse:
        """One of them, as the list has it. Raises NotFound."""
        wanted = unquote(call.request.raw_path.partition("?")[0].rpartition("/")[2])
        found = next((model for model in await self._answer.models() if model.id == wanted), None)
        if found is None:
            raise NotFound(f"There is no model {wanted[:100]!r} here; GET /v1/models lists those that there are.")
        return _json(call, _listed(found))

    async def drop(self, call: Call) -> web.StreamResponse:
        """The client's OpenTelemetry goes nowhere; a 404 would make its exporter complain at every flush."""
        await read_body(call.request, self._limits)
        return _json(call, {})


def _listed(model: Model) -> Json:
    shown = {"type": "model", "id": model.id, "display_name": model.display_name, "created_at": _UNKNOWN_DATE}
    return {**shown, "object": "model", "created": 0, "owned_by": "anthropic"}


def _json(call: Call, value: Json, status: int = 200) -> web.Response:
    return json_response(encode(value), {"request-id": call.turn.id}, status=status)
