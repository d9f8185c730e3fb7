"""Settings become options: where manifests lie, what confines servers, how long they may be silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.mcp.opening import open_servers
from sidecar.settings import from_machine
from tests.mcp.conftest import fake


async def test_every_setting_reaches_the_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    single, folder = tmp_path / "single.json", tmp_path / "folder"
    folder.mkdir()
    for path, name in ((single, "a"), (folder / "b.json", "b"), (tmp_path / ".mcp.json", "c")):
        path.write_text(json.dumps({"mcpServers": {name: fake()}}), encoding="utf-8")
    digest = "node@sha256:" + "0" * 64
    for name, value in {
        "MCP_SERVER_MANIFEST": str(single), "MCP_MANIFEST_DIRS": f"{folder}, {tmp_path / 'not there'}",
        "MCP_SANDBOX_ENABLED": "true", "MCP_SANDBOX_IMAGE": digest, "MCP_SANDBOX_RUNTIME": "podman",
        "MCP_SANDBOX_NETWORK": "true", "MCP_SANDBOX_WRITABLE": "true", "MCP_TIMEOUT_MS": "1500",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    servers = open_servers(from_machine({"server.workspace": tmp_path}), tmp_path / "state", "1")
    await servers.refresh()
    assert [view.name for view in servers.views()] == ["a", "b", "c"]
    said = f"sandboxed by podman, image {digest}; network allowed; may write the workspace"
    assert {view.facts["sandbox"] for view in servers.views()} == {said}
    assert servers._options.silence == 1.5


async def test_a_workspace_may_only_close_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"one": fake()}}), encoding="utf-8")
    lines = 'sandbox_enabled = true\nsandbox_network = true\nsandbox_writable = true\nsandbox_runtime = "sh"\nmanifest = "/etc/evil.json"\n'
    (tmp_path / ".sidecar.toml").write_text(f"[mcp]\n{lines}", encoding="utf-8")
    servers = open_servers(from_machine({"server.workspace": tmp_path}), None, "1")
    await servers.refresh()
    assert servers.view("one").facts["sandbox"] == (
        "sandboxed by docker, image not set; no network; reads the workspace only"
    )
    assert servers.problems == ()
