"""Chat-completions servers: where they are asked."""

from __future__ import annotations

from typing import cast

import pytest

from sidecar.core.errors import SetupError
from sidecar.core.ports import Analyst
from sidecar.providers import create_provider
from sidecar.providers.models import ModelMap
from sidecar.providers.openai import OpenAIProvider
from sidecar.providers.transport import Transport
from sidecar.settings import load
from tests.fakes.upstream import Upstream, answer, text
from tests.providers.asking import TURN, ask, secret


@pytest.mark.parametrize(
    ("tail", "path"),
    [
        ("/v1", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/openai/deployments/x?api-version=1", "/openai/deployments/x/chat/completions?api-version=1"),
    ],
)
async def test_address(tail: str, path: str) -> None:
    transport = Transport()
    models = ModelMap(explicit={"claude-*": "qwen3"})
    async with Upstream([answer("ok")]) as upstream:
        provider = OpenAIProvider(upstream.url + tail, secret, models, transport)
        async with await provider.send(ask(), TURN) as reply:
            body = (await reply.message()).body
        seen = upstream.last
    await provider.aclose()
    assert (body["model"], body["content"]) == ("claude-sonnet-4-5", [text("ok")])
    assert (seen.path, seen.body["model"]) == (path, "qwen3")
    assert seen.body["stream_options"] == {"include_usage": True}


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(SetupError, match="OPENAI_BASE_URL"):
        OpenAIProvider("", secret, ModelMap(), Transport())


async def test_a_server_that_wants_no_key_is_sent_none() -> None:
    async with Upstream([answer("ok")]) as upstream:
        settings = load({}, {"OPENAI_BASE_URL": f"{upstream.url}/v1"}, None)
        provider = create_provider(settings, cast("Analyst", None))
        async with await provider.send(ask(), TURN) as reply:
            body = (await reply.message()).body
        seen = upstream.last
    await provider.aclose()
    assert body["content"] == [text("ok")]
    assert "authorization" not in seen.headers
