"""Anthropic's models on Azure: the Messages API with Azure's key and version."""

from __future__ import annotations

from sidecar.core.ports import Secret
from sidecar.providers.addresses import base_url, messages_url
from sidecar.providers.models import ModelMap, refused_by_model
from sidecar.providers.native import NativeProvider, Route
from sidecar.providers.transport import Transport


class AzureAnthropicProvider(NativeProvider):
    """`endpoint` is the whole URL, or a base that gets `/v1/messages`; `version` is the `anthropic-version`.

    With `entra` the secret is a token of Entra ID, else a key.
    """

    def __init__(
        self,
        endpoint: str,
        secret: Secret,
        version: str,
        models: ModelMap,
        transport: Transport,
        entra: bool = False,  # noqa: FBT001, FBT002 - one of two ways to sign in
    ) -> None:
        url = messages_url(base_url(endpoint, "ANTHROPIC_ENDPOINT"))
        name, scheme = ("authorization", "Bearer ") if entra else ("x-api-key", "")
        route = Route(url=url, credential=name, scheme=scheme, version=version or "2023-06-01", counts=True)
        super().__init__("azure_anthropic", route, secret, models, transport, by_model=refused_by_model)
