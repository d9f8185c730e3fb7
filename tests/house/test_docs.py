"""Whatever has a name for users stands in the docs: settings, commands, routes, providers, editor methods."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def doc(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_environment_variable_is_documented() -> None:
    text = doc("settings.md")
    source = (ROOT / "sidecar/settings/groups.py").read_text(encoding="utf-8")
    names = set(re.findall(r'"((?:[A-Z][A-Z0-9]*_)+[A-Z0-9]+|PORT|PROVIDER)"', source))
    assert len(names) >= 30
    assert sorted(n for n in names if f"`{n}`" not in text) == []


def test_every_command_is_documented() -> None:
    from sidecar.cli import COMMANDS

    names = set(COMMANDS)
    assert names >= {"serve", "lsp", "claude", "env", "doctor", "risk", "config"}
    text = doc("commands.md")
    assert sorted(n for n in names if f"`sidecar {n}" not in text) == []


def test_every_editor_method_is_documented() -> None:
    from sidecar.editor.protocol import HOST_REQUESTS, NOTIFICATIONS, REQUESTS

    text = doc("editor-protocol.md")
    assert sorted(m for m in {*REQUESTS, *NOTIFICATIONS, *HOST_REQUESTS} if f"`{m}`" not in text) == []


def test_every_route_is_documented() -> None:
    text = doc("http.md")
    routes = set()
    for path in (ROOT / "sidecar/endpoint").glob("*.py"):
        routes |= set(re.findall(r'"(/(?:v1|api|health)[\w/:]*)"', path.read_text(encoding="utf-8")))
    assert {"/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/health"} <= routes
    assert sorted(r for r in routes if f"`{r}`" not in text and f" {r}`" not in text) == []


@pytest.mark.parametrize("name", ["databricks", "azure_anthropic", "offline"])
def test_every_provider_is_registered_and_documented(name: str) -> None:
    assert name in (ROOT / "sidecar/providers/__init__.py").read_text(encoding="utf-8")
    assert f"`{name}`" in doc("settings.md")


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "vscode-extension").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                broken += [f"{path.relative_to(ROOT)} → {target}"]
    assert broken == []
