"""Providers by name against a URL, and requests for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Provider
from sidecar.core.turn import Turn
from sidecar.providers.anthropic import AnthropicProvider
from sidecar.providers.azure_anthropic import AzureAnthropicProvider
from sidecar.providers.databricks import DatabricksProvider
from sidecar.providers.models import ModelMap
from sidecar.providers.openai import OpenAIProvider
from sidecar.providers.transport import Limits, Transport

KEY = "dapi-secret-0123456789"
TURN = Turn(id="req_test")
NATIVE = ["databricks", "azure_anthropic", "anthropic"]
CHAT = ["databricks-chat", "openai"]
QUICK = Limits(connect=1.0, idle=0.5, answer=0.5, pause=0.01, total=5.0)


async def secret() -> str:
    return KEY


def provider(name: str, url: str, transport: Transport, models: ModelMap | None = None) -> Provider:
    names = models or ModelMap(prefix="databricks-" if name.startswith("databricks") else "")
    match name:
        case "databricks":
            return DatabricksProvider(url, secret, "/serving-endpoints/anthropic/v1/messages", names, transport)
        case "databricks-chat":
            return DatabricksProvider(url, secret, "/serving-endpoints/claude/invocations", names, transport)
        case "azure_anthropic":
            return AzureAnthropicProvider(f"{url}/anthropic", secret, "2023-06-01", names, transport)
        case "anthropic":
            return AnthropicProvider(url, secret, names, transport)
        case _:
            return OpenAIProvider(f"{url}/v1", secret, names, transport)


def ask(*, stream: bool = True, headers: dict[str, str] | None = None, **changes: Any) -> MessagesRequest:
    body: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 64,
        "stream": stream,
        **changes,
    }
    return MessagesRequest.parse(json.dumps({k: v for k, v in body.items() if v is not None}).encode(), headers)


Make = Callable[..., Provider]
