"""The suppliers of answers. One module each; this is the list of them, imported only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast

from pydantic import SecretStr

from sidecar.core.errors import SetupError
from sidecar.core.ports import Analyst, Provider, Secret
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from sidecar.settings import Settings

REGISTRY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "databricks": "sidecar.providers.databricks:DatabricksProvider",
        "azure_anthropic": "sidecar.providers.azure_anthropic:AzureAnthropicProvider",
        "anthropic": "sidecar.providers.anthropic:AnthropicProvider",
        "openai": "sidecar.providers.openai:OpenAIProvider",
        "offline": "sidecar.providers.offline:OfflineProvider",
    }
)
"""Provider's name as settings spell it → where its class is."""


def provider_class(name: str) -> Any:
    """The class of a provider; its constructor differs from one to the next. Raises SetupError for an unknown name."""
    target = REGISTRY.get(name.strip().lower().replace("-", "_"))
    if target is None:
        raise SetupError(f"PROVIDER={name!r} is not known; use one of {', '.join(REGISTRY)}.", "PROVIDER")
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def create_provider(settings: Settings, analyst: Analyst) -> Provider:
    """The provider that the settings choose; nothing is connected yet. Raises SetupError."""
    make = provider_class(settings.provider.name)
    return cast("Provider", make(*_arguments(settings, analyst)))


def _arguments(settings: Settings, analyst: Analyst) -> tuple[object, ...]:
    """What the chosen provider's class is made with."""
    choice = settings.provider
    if choice.name == "offline":
        return (analyst,)
    prefix = "databricks-" if choice.name == "databricks" else ""
    rest = ModelMap(choice.model_default, choice.model_map, prefix), Transport()
    match choice.name:
        case "databricks":
            bricks = settings.databricks
            return bricks.api_base, _fixed(bricks.api_key), bricks.endpoint_path, *rest
        case "azure_anthropic":
            azure = settings.azure_anthropic
            return azure.endpoint, _fixed(azure.api_key), azure.version, *rest
        case "anthropic":
            return settings.anthropic.upstream_url, _fixed(settings.anthropic.api_key), *rest
        case "openai":
            return settings.openai.base_url, _fixed(settings.openai.api_key), *rest


def _fixed(key: SecretStr | None) -> Secret:
    value = key.get_secret_value() if key is not None else ""

    async def secret() -> str:
        return value

    return secret
