"""Names of models: from what a client asks for to what the provider has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.providers.models import CURRENT, ModelMap, adaptive_only, refused_by_model, takes_budget

DATABRICKS = ModelMap(prefix="databricks-")
PLAIN = ModelMap()
OWN = ModelMap(
    default="databricks-claude-opus-4-5",
    explicit={"claude-sonnet-4-5": "my-sonnet", "claude-opus-*": "my-opus", "gpt": "databricks-gpt-5"},
    prefix="databricks-",
)
TIERS = ModelMap(
    explicit={"claude-opus-4-1": "old-opus"}, prefix="databricks-", tiers={"opus": "big", "haiku": "small"}
)
LOCAL = ModelMap(default="qwen3", explicit={"claude-opus-*": "qwen3-big"}, foreign=True)


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        (DATABRICKS, "claude-sonnet-4-5", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-sonnet-4-5-20250929", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-opus-4-8[1m]", "databricks-claude-opus-4-8"),
        (DATABRICKS, "claude-sonnet-4-20250514[1m]", "databricks-claude-sonnet-4"),
        (DATABRICKS, "claude-3-7-sonnet-latest", "databricks-claude-3-7-sonnet"),
        (DATABRICKS, "claude-opus-5-5", "databricks-claude-opus-5-5"),
        (DATABRICKS, "databricks-claude-haiku-4-5", "databricks-claude-haiku-4-5"),
        (DATABRICKS, "databricks-claude-haiku-4-5[1m]", "databricks-claude-haiku-4-5"),
        (DATABRICKS, "system.ai.claude-opus-5-5", "system.ai.claude-opus-5-5"),
        (DATABRICKS, "my-endpoint", "my-endpoint"),
        (DATABRICKS, "claude-2.1", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-2", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-v1.3", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-instant-1.2", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-3-opus-20240229", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, "claude-3-5-haiku-20241022", "databricks-claude-sonnet-4-5"),
        (DATABRICKS, " ", "databricks-claude-sonnet-4-5"),
        (PLAIN, "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
        (PLAIN, "claude-opus-4-8[1m]", "claude-opus-4-8"),
        (PLAIN, "claude-2.1", "claude-sonnet-4-5"),
        (PLAIN, "my-deployment", "my-deployment"),
        (OWN, "claude-sonnet-4-5-20250929", "my-sonnet"),
        (OWN, "claude-sonnet-4-5[1m]", "my-sonnet"),
        (OWN, "claude-opus-4-8-20990101", "my-opus"),
        (OWN, "gpt", "databricks-gpt-5"),
        (OWN, "claude-2.1", "databricks-claude-opus-4-5"),
        (OWN, "claude-haiku-4-5", "databricks-claude-haiku-4-5"),
        (TIERS, "claude-opus-5-5", "big"),
        (TIERS, "claude-opus-4-1", "old-opus"),
        (TIERS, "claude-3-opus-20240229", "big"),
        (TIERS, "claude-haiku-4-5-20251001", "small"),
        (TIERS, "claude-sonnet-4-5", "databricks-claude-sonnet-4-5"),
        (TIERS, "databricks-claude-opus-4-5", "databricks-claude-opus-4-5"),
        (LOCAL, "claude-opus-5-5", "qwen3-big"),
        (LOCAL, "claude-haiku-4-5", "qwen3"),
        (LOCAL, "llama3", "llama3"),
        (ModelMap(foreign=True), "claude-haiku-4-5", "claude-haiku-4-5"),
    ],
)
def test_names(names: ModelMap, asked: str, expected: str) -> None:
    assert names.upstream(asked) == expected


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
        ("claude-opus-4-8[1m]", "claude-opus-4-8"),
        ("claude-haiku-4-5", "mine"),
        ("claude-2.1", "claude-2.1"),
    ],
)
def test_a_name_may_be_left_as_it_was_asked_for(asked: str, name: str) -> None:
    names = ModelMap("d", {"claude-haiku-*": "mine", "*": "*"}, "databricks-", {"opus": "tier"})
    assert names.upstream(asked) == name


@given(st.text(min_size=1))
def test_any_name_gets_one_that_stays_as_it_is(asked: str) -> None:
    name = DATABRICKS.upstream(asked)
    assert name
    assert DATABRICKS.upstream(name) == DATABRICKS.upstream(DATABRICKS.upstream(name))


def test_what_is_offered() -> None:
    assert [model.id for model in PLAIN.offered()] == list(CURRENT)
    assert PLAIN.offered()[0].display_name == "Claude Opus 5.5"
    offered = OWN.offered(["databricks-claude-opus-4-5", "databricks-gpt-5", "databricks-claude-sonnet-4-5"])
    assert [model.id for model in offered] == ["claude-sonnet-4-5", "claude-opus-4-5"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("databricks-claude-opus-5-5", True),
        ("claude-haiku-5-5-20260901", True),
        ("claude-opus-6", True),
        ("claude-opus-4-8", False),
        ("claude-sonnet-4-5", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-3-7-sonnet", False),
    ],
)
def test_which_models_only_think_adaptively(name: str, expected: bool) -> None:
    assert adaptive_only(name) is expected


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("databricks-claude-opus-5-5", {"enabled", "disabled"}),
        ("claude-sonnet-5", {"enabled"}),
        ("claude-opus-4-8", {"enabled"}),
        ("claude-opus-4-7-20260401", {"enabled"}),
        ("claude-sonnet-4-6", set()),
        ("claude-sonnet-4-5", {"adaptive"}),
        ("claude-sonnet-4-5-20250929", {"adaptive"}),
        ("claude-sonnet-4-20250514", {"adaptive"}),
        ("claude-3-7-sonnet", {"adaptive"}),
        ("system.ai.claude-haiku-4-5", {"adaptive"}),
        ("my-endpoint", set()),
        ("gpt-5", set()),
    ],
)
def test_which_thinking_a_model_refuses(name: str, kinds: set[str]) -> None:
    assert refused_by_model(name) == {f"thinking:{kind}" for kind in kinds}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("databricks-claude-3-7-sonnet", True),
        ("databricks-claude-sonnet-4", True),
        ("claude-opus-4-1-20250805", True),
        ("databricks-claude-sonnet-4-6", True),
        ("databricks-claude-opus-4-7", False),
        ("databricks-claude-opus-5-5", False),
        ("databricks-claude-3-5-sonnet", False),
        ("databricks-llama-4", False),
        ("my-claude", False),
    ],
)
def test_which_models_are_known_to_think_by_a_budget(name: str, expected: bool) -> None:
    assert takes_budget(name) is expected
