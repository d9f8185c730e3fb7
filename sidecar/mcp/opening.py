"""The MCP servers of a workspace as its settings say; nothing is started by it."""

from __future__ import annotations

from pathlib import Path

from sidecar.mcp.sandbox import Confinement
from sidecar.mcp.servers import McpServers, Options
from sidecar.settings import Settings, environment


def open_servers(settings: Settings, state: Path | None, version: str) -> McpServers:
    """The servers; look at them with `refresh` or `watching`. Without a state folder approvals last as long as we do."""
    mcp = settings.mcp
    confinement = Confinement(
        mcp.sandbox_enabled, mcp.sandbox_runtime, mcp.sandbox_image or "", mcp.sandbox_network, mcp.sandbox_writable
    )
    options = Options(
        Path(settings.server.workspace), mcp.manifest, mcp.manifest_dirs, confinement, silence=mcp.timeout_ms / 1000
    )
    return McpServers(options, state, environment(), version)
