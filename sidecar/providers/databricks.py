"""Databricks' model serving: its Messages path by default, chat completions for a path that ends in `/invocations`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Capabilities, Model, Secret
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn
from sidecar.providers.addresses import base_url, joined, messages_url
from sidecar.providers.chat import ChatProvider, ChatRoute
from sidecar.providers.dialects.openai import DATABRICKS, Flavour
from sidecar.providers.endpoints import PATH, EndpointList, ServingEndpoint
from sidecar.providers.learning import Learned
from sidecar.providers.models import ModelMap, refused_by_model
from sidecar.providers.native import NativeProvider, Route
from sidecar.providers.transport import Transport

DEFAULT_PATH: Final = "/serving-endpoints/anthropic/v1/messages"

_NAME: Final = "databricks"
_INVOKED: Final = re.compile(r"/serving-endpoints/([^/]+)/invocations$")
_CHAT_BY_NAME: Final = Flavour(reasoning=True, usage_option=False, top_k=True, parallel_option=False, effort=False)

NATIVE: Final = Capabilities(safeguards=False, refuses=frozenset({"tags", "beta:request-tags-2026-08-21"}))
"""Databricks checks fields strictly (its gateway answers unknown ones with a 400)."""


class DatabricksProvider:
    """`base` is the workspace's address, `path` where its models are served. Implements `core.ports.Provider`."""

    def __init__(self, base: str, secret: Secret, path: str, models: ModelMap, transport: Transport) -> None:
        root = base_url(base, "DATABRICKS_API_BASE")
        url = joined(root, path or DEFAULT_PATH)
        self._url = url
        self._models = models
        self._endpoints = EndpointList(joined(root, PATH), secret, transport)
        self._inner: ChatProvider | NativeProvider
        if url.endswith("/invocations"):
            self._inner = ChatProvider(_NAME, ChatRoute(url, DATABRICKS), secret, models, transport)
        elif url.endswith("/chat/completions"):
            self._inner = ChatProvider(_NAME, ChatRoute(url, _CHAT_BY_NAME), secret, models, transport)
        else:
            route = Route(url=messages_url(url), credential="authorization", scheme="Bearer ")
            self._inner = NativeProvider(_NAME, route, secret, models, transport, NATIVE, refused_by_model)

    @property
    def name(self) -> str:
        """`databricks`."""
        return _NAME

    @property
    def capabilities(self) -> Capabilities:
        """What the chosen path is known to take."""
        return self._inner.capabilities

    @property
    def learned(self) -> Learned:
        """What its endpoints refused."""
        return self._inner.learned

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. See `core.ports.Provider.send`."""
        return await self._inner.send(request, turn)

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """None: Databricks does not count."""
        return await self._inner.count_tokens(request, turn)

    async def models(self) -> Sequence[Model]:
        """Models on offer: those of the workspace's endpoints that are Claude's and ready, else by the map of names."""
        listed = await self._endpoints.known()
        return self._models.offered([one.name for one in listed if one.ready and one.chats and "claude" in one.name])

    def endpoint_for(self, model: str) -> str | None:
        """The serving endpoint behind Databricks' name for a model; None where the path leads past the endpoints."""
        fixed = _INVOKED.search(self._url)
        if fixed and fixed[1] != "{model}":
            return fixed[1]
        return model if "/serving-endpoints/" in self._url else None

    async def endpoints(self) -> tuple[ServingEndpoint, ...]:
        """The workspace's serving endpoints, asked now. Raises UpstreamError, SetupError."""
        return await self._endpoints.ask()

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()
