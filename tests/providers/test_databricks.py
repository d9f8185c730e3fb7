"""Databricks: which path speaks what, and the models that think adaptively only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.core.errors import BadInput, SetupError
from sidecar.providers.databricks import DatabricksProvider
from sidecar.providers.models import CURRENT, ModelMap
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, fault, text
from tests.providers.asking import KEY, TURN, Make, ask, secret


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


MAPPED = ModelMap(explicit={"claude-opus-4-8": "databricks-claude-sonnet-4-5"}, prefix="databricks-")
BUDGET = {"type": "enabled", "budget_tokens": 9}
ADAPTIVE = {"type": "adaptive", "display": "x"}


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("claude-opus-5-5", {"type": "disabled"}, None),
        ("claude-opus-5-5", BUDGET, {"type": "adaptive"}),
        ("claude-opus-5-5", ADAPTIVE, ADAPTIVE),
        ("claude-opus-4-8", ADAPTIVE, None),  # mapped to a model that only knows budgets
        ("databricks-claude-opus-4-8", {"type": "disabled"}, {"type": "disabled"}),
        ("databricks-claude-opus-4-8", BUDGET, {"type": "adaptive"}),
        ("claude-sonnet-4-6", BUDGET, BUDGET),
        ("claude-sonnet-4-6", ADAPTIVE, ADAPTIVE),
        ("claude-sonnet-4-5", BUDGET, BUDGET),
        ("claude-sonnet-4-5", ADAPTIVE, None),
        ("my-own-endpoint", ADAPTIVE, ADAPTIVE),
        ("claude-opus-5-5", None, None),
    ],
)
async def test_thinking_is_fitted_to_the_model(make: Make, model: str, thinking: Any, expected: Any) -> None:
    async with Upstream([answer("ok")]) as upstream:
        provider = make("databricks", upstream.url, models=MAPPED)
        async with await provider.send(ask(model=model, thinking=thinking), TURN) as reply:
            await reply.message()
        assert upstream.last.body.get("thinking") == expected
    assert ("thinking" in reply.handling.changes) is (thinking != expected)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("claude-sonnet-4-5", "/serving-endpoints/databricks-claude-sonnet-4-5/invocations"),
        ("claude-opus-4-8", "/serving-endpoints/my%20opus/invocations"),
        ("some/model?x#y", "/serving-endpoints/some%2Fmodel%3Fx%23y/invocations"),
    ],
)
async def test_a_path_with_a_place_for_the_model_gets_each_ones_own(make: Make, asked: str, path: str) -> None:
    names = ModelMap(explicit={"claude-opus-4-8": "my opus"}, prefix="databricks-")
    transport = Transport()
    async with Upstream([answer("ok")]) as upstream:
        template = "/serving-endpoints/{model}/invocations"
        provider = DatabricksProvider(upstream.url, secret, template, names, transport)
        async with await provider.send(ask(model=asked), TURN) as reply:
            await reply.message()
        assert upstream.last.path == path
    await provider.aclose()


@pytest.mark.parametrize("asked", ["..", ".", "../../api/2.0/secrets", "a/../..", "a\\..\\b", "a//b"])
async def test_no_name_of_a_model_leads_to_another_path(asked: str) -> None:
    async with Upstream([answer("ok")]) as upstream:
        provider = DatabricksProvider(
            upstream.url, secret, "/serving-endpoints/{model}/invocations", ModelMap(), Transport()
        )
        with pytest.raises(BadInput, match="model"):
            await provider.send(ask(model=asked), TURN)
        assert upstream.requests == []
    await provider.aclose()


LISTED = {
    "endpoints": [
        {"name": "databricks-claude-sonnet-4-5", "task": "llm/v1/chat", "state": {"ready": "READY"}},
        {"name": "databricks-claude-opus-4-1", "task": "llm/v1/chat", "state": {"ready": "NOT_READY"}},
        {"name": "databricks-llama-4", "task": "llm/v1/chat", "state": {"ready": "READY"}},
        {"name": "databricks-bge", "task": "llm/v1/embeddings"},
        {"name": "databricks-claude-haiku-4-5"},
    ]
}


async def test_the_workspace_tells_its_models_once_in_a_while(make: Make) -> None:
    async with Upstream([Scripted(body=json.dumps(LISTED).encode())]) as upstream:
        provider = make("databricks", upstream.url)
        for _ in range(2):
            assert [model.id for model in await provider.models()] == ["claude-sonnet-4-5", "claude-haiku-4-5"]
        assert [(seen.method, seen.path) for seen in upstream.requests] == [("GET", "/api/2.0/serving-endpoints")]
        assert upstream.last.headers["authorization"] == f"Bearer {KEY}"


async def test_a_workspace_that_cannot_tell_leaves_the_list_we_know(make: Make) -> None:
    async with Upstream([fault(403)]) as upstream:
        assert [model.id for model in await make("databricks", upstream.url).models()] == list(CURRENT)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("", "m"),
        ("/serving-endpoints/{model}/invocations", "m"),
        ("/serving-endpoints/my-claude/invocations", "my-claude"),
        ("/serving-endpoints/chat/completions", "m"),
        ("/ai-gateway/anthropic", None),
        ("/ai-gateway/mlflow/v1/chat/completions", None),
    ],
)
def test_the_endpoint_behind_a_model(path: str, endpoint: str | None) -> None:
    provider = DatabricksProvider("https://x", secret, path, ModelMap(), Transport())
    assert provider.endpoint_for("m") == endpoint


def test_what_it_takes_follows_from_the_path() -> None:
    made = [
        DatabricksProvider("https://x", secret, path, ModelMap(), Transport()).capabilities
        for path in ("", "/a/invocations")
    ]
    assert [(one.native, one.cache_control, one.safeguards, one.count_tokens) for one in made] == [
        (True, True, False, False),
        (False, False, False, False),
    ]


async def test_the_fitted_request_is_what_is_sent(make: Make) -> None:
    async with Upstream([answer("ok")]) as upstream:
        asked = ask(model="claude-haiku-5-5", thinking={"type": "disabled"})
        async with await make("databricks", upstream.url).send(asked, TURN) as reply:
            await reply.message()
        assert "thinking" not in upstream.last.body
        assert upstream.last.body["model"] == "databricks-claude-haiku-5-5"
