"""Databricks' model serving: its Messages path by default, chat completions for a path that ends in `/invocations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sidecar.core.messages import DROP, MessagesRequest
from sidecar.core.ports import Model, Provider, Secret
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn
from sidecar.providers.addresses import base_url, joined, messages_url
from sidecar.providers.chat import ChatProvider, ChatRoute
from sidecar.providers.dialects.openai import DATABRICKS, Flavour
from sidecar.providers.models import ModelMap, adaptive_only
from sidecar.providers.native import NativeProvider, Route
from sidecar.providers.transport import Transport

DEFAULT_PATH: Final = "/serving-endpoints/anthropic/v1/messages"

_NAME: Final = "databricks"
_CHAT_BY_NAME: Final = Flavour(reasoning=True, usage_option=False, top_k=True, parallel_option=False, effort=False)


class DatabricksProvider:
    """`base` is the workspace's address, `path` where its models are served. Implements `core.ports.Provider`."""

    def __init__(self, base: str, secret: Secret, path: str, models: ModelMap, transport: Transport) -> None:
        url = joined(base_url(base, "DATABRICKS_API_BASE"), path or DEFAULT_PATH)
        self._inner: Provider
        if url.endswith("/invocations"):
            self._inner = ChatProvider(_NAME, ChatRoute(url, DATABRICKS), secret, models, transport)
        elif url.endswith("/chat/completions"):
            self._inner = ChatProvider(_NAME, ChatRoute(url, _CHAT_BY_NAME), secret, models, transport)
        else:
            route = Route(url=messages_url(url), credential="authorization", scheme="Bearer ")
            self._inner = NativeProvider(_NAME, route, secret, models, transport, fit=fit_thinking)

    @property
    def name(self) -> str:
        """`databricks`."""
        return _NAME

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. See `core.ports.Provider.send`."""
        return await self._inner.send(request, turn)

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """None: Databricks does not count."""
        return await self._inner.count_tokens(request, turn)

    async def models(self) -> Sequence[Model]:
        """Models on offer by the map of names."""
        return await self._inner.models()

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()


def fit_thinking(request: MessagesRequest) -> MessagesRequest:
    """For a model that only thinks adaptively: no word of `disabled`, and adaptive in place of a manual budget."""
    thinking = request.body.get("thinking")
    if not isinstance(thinking, dict) or not adaptive_only(request.model):
        return request
    match thinking.get("type"):
        case "disabled":
            return request.replaced(thinking=DROP)
        case "enabled":
            return request.replaced(thinking={"type": "adaptive"})
        case _:
            return request
