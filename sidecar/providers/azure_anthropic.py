"""Anthropic's models on Azure: the Messages API with Azure's key and version."""

from __future__ import annotations

from sidecar.core.ports import Secret
from sidecar.providers.addresses import base_url, messages_url
from sidecar.providers.models import ModelMap
from sidecar.providers.native import NativeProvider, Route
from sidecar.providers.transport import Transport


class AzureAnthropicProvider(NativeProvider):
    """`endpoint` is the whole URL, or a base that gets `/v1/messages`; `version` is the `anthropic-version`."""

    def __init__(self, endpoint: str, secret: Secret, version: str, models: ModelMap, transport: Transport) -> None:
        url = messages_url(base_url(endpoint, "ANTHROPIC_ENDPOINT"))
        route = Route(url=url, version=version or "2023-06-01", counts=True)
        super().__init__("azure_anthropic", route, secret, models, transport)
