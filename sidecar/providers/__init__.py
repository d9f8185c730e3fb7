"""The suppliers of answers. One module each; this is the list of them, imported only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast

import orjson

from sidecar.core.errors import SetupError
from sidecar.core.ports import Analyst, Notebook, Provider, Secret
from sidecar.core.secret import SecretStr
from sidecar.providers.credentials import Fixed, databricks_login, entra_login, profile_host
from sidecar.providers.learning import Learner
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from sidecar.settings import Settings
from sidecar.settings.groups import Databricks

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


_WHO_ASKS: Final = {"api_key", "profile", "config_file", "client_id", "client_secret", "auth_type", "auth", "scope"}


def provider_class(name: str) -> Any:
    """The class of a provider; its constructor differs from one to the next. Raises SetupError for an unknown name."""
    target = REGISTRY.get(name.strip().lower().replace("-", "_"))
    if target is None:
        raise SetupError(f"PROVIDER={name!r} is not known; use one of {', '.join(REGISTRY)}.", "PROVIDER")
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def create_provider(settings: Settings, analyst: Analyst, notebook: Notebook | None = None) -> Provider:
    """The provider that the settings choose; nothing is connected yet. Raises SetupError.

    What it learns about its endpoint goes into the notebook, where there is one.
    """
    make = provider_class(settings.provider.name)
    provider = cast("Provider", make(*_arguments(settings, analyst)))
    if isinstance(provider, Learner):
        provider.learned.wanted = settings.provider.fit
        if notebook is not None:
            provider.learned.keep_in(notebook)
    return provider


def answering(settings: Settings) -> str:
    """Who answers: the provider, where it is and how it maps the names of models, as JSON. Not who asks it, nor how.

    The same on every machine of a team that asks the same; it holds no secret.
    """
    name = settings.provider.name
    groups = {group: dict(getattr(settings, group, {})) for group in ("provider", name)}
    told: dict[str, Any] = {
        group: {field: value for field, value in fields.items() if field not in _WHO_ASKS}
        for group, fields in groups.items()
    }
    if name == "databricks":
        with suppress(SetupError):  # then nobody answers
            told["host"] = _host(settings.databricks)
    return orjson.dumps(told, default=str).decode()


def _arguments(settings: Settings, analyst: Analyst) -> tuple[object, ...]:
    """What the chosen provider's class is made with."""
    choice = settings.provider
    if choice.name == "offline":
        return (analyst,)
    kinds = {"opus": choice.opus, "sonnet": choice.sonnet, "haiku": choice.haiku}
    models = ModelMap(
        choice.model_default,
        choice.model_map,
        "databricks-" if choice.name == "databricks" else "",
        {kind: model for kind, model in kinds.items() if model},
        foreign=choice.name == "openai",
    )
    rest = models, Transport()
    match choice.name:
        case "databricks":
            return *_databricks(settings.databricks), settings.databricks.endpoint_path, *rest
        case "azure_anthropic":
            azure = settings.azure_anthropic
            entra = azure.auth == "entra"
            secret = entra_login(azure.scope) if entra else _fixed(azure.api_key)
            return azure.endpoint, secret, azure.version, *rest, entra
        case "anthropic":
            return settings.anthropic.upstream_url, _fixed(settings.anthropic.api_key), *rest
        case "openai":
            key = settings.openai.api_key
            return settings.openai.base_url, _fixed(key) if key is not None else None, *rest


def _databricks(bricks: Databricks) -> tuple[str, Secret]:
    """The workspace's address, and how it is told who asks."""
    host = _host(bricks)
    if not bricks.signs_in:
        return host, _fixed(bricks.api_key)
    given = {
        "host": host,
        "profile": bricks.profile,
        "config_file": str(bricks.config_file),
        "client_id": bricks.client_id,
        "client_secret": bricks.client_secret.get_secret_value() if bricks.client_secret else None,
        "auth_type": bricks.auth_type,
    }
    return host, databricks_login({name: value for name, value in given.items() if value})


def _host(bricks: Databricks) -> str:
    return bricks.api_base or profile_host(bricks.profile or "DEFAULT", bricks.config_file)


def _fixed(key: SecretStr | None) -> Secret:
    return Fixed(key.get_secret_value() if key is not None else "")
