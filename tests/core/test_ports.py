"""Every class that stands behind a port has the port's methods, with the same parameters; so do the fakes."""

import inspect
from importlib import import_module

import pytest

from sidecar.core import ports

BEHIND = [
    (ports.Provider, "sidecar.providers.offline", "OfflineProvider"),
    (ports.Provider, "sidecar.providers.databricks", "DatabricksProvider"),
    (ports.Provider, "sidecar.providers.azure_anthropic", "AzureAnthropicProvider"),
    (ports.Provider, "sidecar.providers.anthropic", "AnthropicProvider"),
    (ports.Provider, "sidecar.providers.openai", "OpenAIProvider"),
    (ports.Provider, "sidecar.providers.unready", "UnreadyProvider"),
    (ports.Provider, "tests.fakes.provider", "FakeProvider"),
    (ports.Analyst, "sidecar.tools.analyst", "WorkspaceAnalyst"),
    (ports.Desk, "sidecar.review.desk", "ReviewDesk"),
    (ports.Desk, "tests.fakes.services", "FakeDesk"),
    (ports.Asker, "sidecar.assistant.turn", "AnswerTurn"),
    (ports.Reviewer, "sidecar.critique.reviewer", "ChangeReviewer"),
    (ports.Reviewer, "tests.fakes.services", "FakeReviewer"),
    (ports.Services, "sidecar.app", "Sidecar"),
    (ports.Services, "tests.fakes.services", "FakeServices"),
]


@pytest.mark.parametrize(("port", "module", "name"), BEHIND, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_what_stands_behind_a_port_has_its_methods(port: type, module: str, name: str) -> None:
    real = getattr(import_module(module), name)
    wanted = {n: m for n, m in vars(port).items() if inspect.isfunction(m) and not n.startswith("_")}
    assert wanted
    for method, declared in wanted.items():
        have = getattr(real, method)
        assert list(inspect.signature(have).parameters) == list(inspect.signature(declared).parameters), method
        assert inspect.iscoroutinefunction(have) == inspect.iscoroutinefunction(declared), method
