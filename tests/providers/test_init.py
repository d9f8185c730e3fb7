"""The list of providers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from sidecar.core.errors import SetupError
from sidecar.core.ports import Analyst, Capabilities
from sidecar.providers import REGISTRY, answering, create_provider, provider_class
from sidecar.settings import load


@pytest.mark.parametrize("name", REGISTRY)
def test_each_is_there_and_is_a_provider(name: str) -> None:
    found = provider_class(name)
    for promised in ("name", "send", "count_tokens", "models", "aclose"):
        assert hasattr(found, promised)
    assert found.__doc__


@pytest.mark.parametrize("spelling", ["azure-anthropic", " AZURE_ANTHROPIC "])
def test_spellings(spelling: str) -> None:
    assert provider_class(spelling).__name__ == "AzureAnthropicProvider"


def test_an_unknown_name_is_answered_with_those_known() -> None:
    with pytest.raises(SetupError, match="databricks, azure_anthropic") as caught:
        provider_class("bedrock")
    assert caught.value.variable == "PROVIDER"


def test_the_list_loads_no_provider_that_was_not_asked_for() -> None:
    modules = [target.partition(":")[0] for target in REGISTRY.values()]
    code = f"import sys, sidecar.providers; sys.exit(any(name in sys.modules for name in {modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


HOST = "https://w.example.com"


@pytest.mark.parametrize(
    ("env", "made", "first"),
    [
        ({"DATABRICKS_HOST": HOST, "DATABRICKS_TOKEN": "k"}, "DatabricksProvider", "k"),
        ({"ANTHROPIC_API_KEY": "k"}, "AnthropicProvider", "k"),
        ({"AZURE_ANTHROPIC_ENDPOINT": HOST, "AZURE_ANTHROPIC_API_KEY": "k"}, "AzureAnthropicProvider", "k"),
        ({"OPENAI_BASE_URL": HOST, "OPENAI_API_KEY": "k"}, "OpenAIProvider", "k"),
        ({"OPENAI_BASE_URL": HOST}, "OpenAIProvider", None),
        ({"DATABRICKS_HOST": HOST, "DATABRICKS_CLIENT_ID": "i"}, "DatabricksProvider", None),
        ({"AZURE_ANTHROPIC_ENDPOINT": HOST, "AZURE_ANTHROPIC_AUTH": "entra"}, "AzureAnthropicProvider", None),
        ({}, "OfflineProvider", None),
    ],
)
async def test_settings_make_their_provider(env: dict[str, str], made: str, first: str | None, tmp_path: Path) -> None:
    settings = load({"server.workspace": tmp_path}, env, None)
    provider = create_provider(settings, cast("Analyst", None))
    assert type(provider).__name__ == made
    assert isinstance(provider.capabilities, Capabilities)
    inner = getattr(provider, "_inner", provider)
    if first is not None:
        assert await inner._secret() == first
    await provider.aclose()


async def test_a_profile_names_the_workspace_and_tiers_the_models(tmp_path: Path) -> None:
    file = tmp_path / "cfg"
    file.write_text("[work]\nhost = https://work.example.com\n")
    env = {
        "PROVIDER": "databricks",
        "DATABRICKS_CONFIG_PROFILE": "work",
        "DATABRICKS_CONFIG_FILE": str(file),
        "MODEL_OPUS": "big",
    }
    provider = create_provider(load({"server.workspace": tmp_path}, env, None), cast("Analyst", None))
    inner = provider._inner  # type: ignore[attr-defined]
    assert inner._route.url == "https://work.example.com/serving-endpoints/anthropic/v1/messages"
    assert inner._models.upstream("claude-opus-5-5") == "big"
    await provider.aclose()


@pytest.mark.parametrize(("told", "wanted"), [("", True), ("false", False)])
async def test_a_setting_decides_whether_requests_are_fitted(tmp_path: Path, told: str, wanted: bool) -> None:
    for env in (BRICKS, {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "MODEL_DEFAULT": "m"}):
        given = env | ({"SIDECAR_FIT": told} if told else {})
        provider = create_provider(load({"server.workspace": tmp_path}, given, None), cast("Analyst", None))
        assert provider.learned.wanted is wanted  # type: ignore[attr-defined]
        await provider.aclose()


BRICKS = {"PROVIDER": "databricks", "DATABRICKS_HOST": "https://a.example.com", "DATABRICKS_TOKEN": "k" * 20}


def who(tmp_path: Path, **env: str) -> str:
    return answering(load({}, {name: value for name, value in env.items() if value}, None, tmp_path))


def test_who_answers_is_the_same_for_all_who_ask_the_same(tmp_path: Path) -> None:
    first = who(tmp_path, **BRICKS)
    assert who(tmp_path, **{**BRICKS, "DATABRICKS_TOKEN": "other" * 5}) == first
    config = tmp_path / "bricks.cfg"
    config.write_text("[work]\nhost = https://a.example.com\ntoken = abc\n")
    mine = {"DATABRICKS_CONFIG_PROFILE": "work", "DATABRICKS_CONFIG_FILE": str(config)}
    assert json.loads(who(tmp_path, PROVIDER="databricks", **mine))["host"] == "https://a.example.com"
    assert "k" * 20 not in first


@pytest.mark.parametrize(
    "more",
    [
        {"DATABRICKS_HOST": "https://b.example.com"},
        {"DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/x/invocations"},
        {"SIDECAR_MODEL_MAP": "claude-*=mine"},
        {"MODEL_HAIKU": "mine"},
        {"PROVIDER": "offline"},
    ],
)
def test_another_who_answers_is_another(tmp_path: Path, more: dict[str, str]) -> None:
    assert who(tmp_path, **{**BRICKS, **more}) != who(tmp_path, **BRICKS)


def test_who_would_answer_but_cannot_is_told_without_a_fault(tmp_path: Path) -> None:
    mine = {"DATABRICKS_CONFIG_PROFILE": "absent", "DATABRICKS_CONFIG_FILE": str(tmp_path / "none")}
    assert "host" not in json.loads(who(tmp_path, PROVIDER="databricks", **mine))
