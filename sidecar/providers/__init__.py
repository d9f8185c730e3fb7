"""The suppliers of answers. One module each; this is the list of them, imported only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from sidecar.core.errors import SetupError

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
