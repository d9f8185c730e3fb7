"""Anthropic itself, or any server of the Messages API."""

from __future__ import annotations

from sidecar.core.ports import Secret
from sidecar.providers.addresses import base_url, messages_url
from sidecar.providers.models import ModelMap
from sidecar.providers.native import NativeProvider, Route
from sidecar.providers.transport import Transport


class AnthropicProvider(NativeProvider):
    """`base` is the server's address, with or without `/v1/messages`."""

    def __init__(self, base: str, secret: Secret, models: ModelMap, transport: Transport) -> None:
        route = Route(url=messages_url(base_url(base, "ANTHROPIC_UPSTREAM_URL")), counts=True)
        super().__init__("anthropic", route, secret, models, transport)
