"""Azure Anthropic: the forms of its address, its key and its version."""

from __future__ import annotations

import pytest

from sidecar.core.errors import SetupError
from sidecar.providers.azure_anthropic import AzureAnthropicProvider
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Upstream, answer
from tests.providers.asking import KEY, TURN, ask, secret


@pytest.mark.parametrize(
    ("tail", "path"),
    [
        ("", "/v1/messages"),
        ("/anthropic/", "/anthropic/v1/messages"),
        ("/anthropic/v1/messages", "/anthropic/v1/messages"),
        ("/anthropic/v1/messages?api-version=2025", "/anthropic/v1/messages?api-version=2025"),
    ],
)
@pytest.mark.parametrize(("version", "sent"), [("", "2023-06-01"), ("2024-10-01", "2024-10-01")])
async def test_address_and_version(tail: str, path: str, version: str, sent: str) -> None:
    transport = Transport()
    async with Upstream([answer("ok")]) as upstream:
        provider = AzureAnthropicProvider(upstream.url + tail, secret, version, ModelMap(), transport)
        async with await provider.send(ask(), TURN) as reply:
            await reply.message()
        seen = upstream.last
    await provider.aclose()
    assert seen.path == path
    assert seen.headers["x-api-key"] == KEY
    assert seen.headers["anthropic-version"] == sent
    assert provider.name == "azure_anthropic"


def test_an_endpoint_that_is_no_address_is_named() -> None:
    with pytest.raises(SetupError, match="ANTHROPIC_ENDPOINT"):
        AzureAnthropicProvider("nonsense here", secret, "", ModelMap(), Transport())
