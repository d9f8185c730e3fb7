"""The list of providers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sidecar.core.errors import SetupError
from sidecar.providers import REGISTRY, provider_class


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
