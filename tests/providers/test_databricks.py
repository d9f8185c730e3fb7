"""Databricks: which path speaks what, and the models that think adaptively only."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.core.errors import SetupError
from sidecar.providers.databricks import DatabricksProvider, fit_thinking
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Upstream, answer, text
from tests.providers.asking import TURN, Make, ask, secret


@pytest.mark.parametrize(
    ("path", "asked", "native"),
    [
        ("", "/serving-endpoints/anthropic/v1/messages", True),
        ("/serving-endpoints/anthropic/v1/messages", "/serving-endpoints/anthropic/v1/messages", True),
        ("/serving-endpoints/anthropic", "/serving-endpoints/anthropic/v1/messages", True),
        ("ai-gateway/anthropic/", "/ai-gateway/anthropic/v1/messages", True),
        ("/serving-endpoints/my-claude/invocations", "/serving-endpoints/my-claude/invocations", False),
        ("/ai-gateway/mlflow/v1/chat/completions", "/ai-gateway/mlflow/v1/chat/completions", False),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_paths(path: str, asked: str, native: bool, stream: bool) -> None:
    transport = Transport()
    async with Upstream([answer("hello")]) as upstream:
        provider = DatabricksProvider(upstream.url + "/", secret, path, ModelMap(prefix="databricks-"), transport)
        async with await provider.send(ask(stream=stream, system="Be brief."), TURN) as reply:
            assert (await reply.message()).body["content"] == [text("hello")]
        seen = upstream.last
    await provider.aclose()
    assert seen.path == asked
    assert provider.name == "databricks"
    assert ("system" in seen.body) is native
    assert seen.body["messages"][0]["role"] == ("user" if native else "system")
    assert seen.body.get("model") == (None if asked.endswith("invocations") else "databricks-claude-sonnet-4-5")


def test_a_base_that_is_no_address_is_named() -> None:
    with pytest.raises(SetupError, match="DATABRICKS_API_BASE"):
        DatabricksProvider("ftp://x", secret, "", ModelMap(), Transport())


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("databricks-claude-opus-5-5", {"type": "disabled"}, None),
        ("databricks-claude-opus-5-5", {"type": "enabled", "budget_tokens": 9}, {"type": "adaptive"}),
        ("databricks-claude-opus-5-5", {"type": "adaptive", "display": "x"}, {"type": "adaptive", "display": "x"}),
        ("databricks-claude-opus-4-8", {"type": "disabled"}, {"type": "disabled"}),
        (
            "databricks-claude-sonnet-4-5",
            {"type": "enabled", "budget_tokens": 9},
            {"type": "enabled", "budget_tokens": 9},
        ),
        ("databricks-claude-opus-5-5", None, None),
    ],
)
def test_thinking_is_fitted_to_the_model(model: str, thinking: Any, expected: Any) -> None:
    assert fit_thinking(ask(model=model, thinking=thinking)).body.get("thinking") == expected


async def test_the_fitted_request_is_what_is_sent(make: Make) -> None:
    async with Upstream([answer("ok")]) as upstream:
        asked = ask(model="claude-haiku-5-5", thinking={"type": "disabled"})
        async with await make("databricks", upstream.url).send(asked, TURN) as reply:
            await reply.message()
        assert "thinking" not in upstream.last.body
        assert upstream.last.body["model"] == "databricks-claude-haiku-5-5"
