"""Any server of chat completions: Ollama, vLLM, LM Studio, OpenRouter, Azure OpenAI, OpenAI."""

from __future__ import annotations

from sidecar.core.ports import Secret
from sidecar.providers.addresses import base_url, joined
from sidecar.providers.chat import ChatProvider, ChatRoute
from sidecar.providers.dialects.openai import PLAIN
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport


class OpenAIProvider(ChatProvider):
    """`base` is the address up to and with its version (`…/v1`); it gets `/chat/completions` unless it ends so.

    Without a `secret` no key is sent: Ollama, vLLM and LM Studio want none.
    """

    def __init__(self, base: str, secret: Secret | None, models: ModelMap, transport: Transport) -> None:
        head, mark, query = base_url(base, "OPENAI_BASE_URL").partition("?")
        url = head if head.endswith("/chat/completions") else joined(head, "chat/completions")
        super().__init__("openai", ChatRoute(url + mark + query, PLAIN), secret, models, transport)
