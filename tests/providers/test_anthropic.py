"""Anthropic itself and servers like it: where they are asked."""

from __future__ import annotations

import pytest

from sidecar.core.errors import SetupError
from sidecar.providers.anthropic import AnthropicProvider
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Upstream, answer
from tests.providers.asking import TURN, ask, secret


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/messages"])
async def test_address(tail: str) -> None:
    transport = Transport()
    async with Upstream([answer("ok")]) as upstream:
        provider = AnthropicProvider(upstream.url + tail, secret, ModelMap(), transport)
        async with await provider.send(ask(), TURN) as reply:
            await reply.message()
        assert upstream.last.path == "/v1/messages"
    await provider.aclose()
    assert provider.name == "anthropic"


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(SetupError, match="ANTHROPIC_UPSTREAM_URL"):
        AnthropicProvider("https://user:pass@x", secret, ModelMap(), Transport())
