"""The MCP servers of a workspace as its settings say; nothing is started by it."""

from __future__ import annotations

from pathlib import Path

from sidecar.mcp.sandbox import Confinement
from sidecar.mcp.servers import McpServers, Options, Show
from sidecar.settings import Settings, environment


def open_servers(settings: Settings, state: Path | None, version: str, show: Show | None = None) -> McpServers:
    """The servers; look at them with `refresh` or `watching`. Without a state folder approvals last as long as we do.

    `show` shows a person an address to sign in at; where somebody is there, starts may take as long as people do.
    """
    mcp = settings.mcp
    confinement = Confinement(
        mcp.sandbox_enabled, mcp.sandbox_runtime, mcp.sandbox_image or "", mcp.sandbox_network, mcp.sandbox_writable
    )
    options = Options(
        Path(settings.server.workspace),
        mcp.manifest,
        mcp.manifest_dirs,
        confinement,
        start=300.0 if show is not None else 60.0,
        silence=mcp.timeout_ms / 1000,
        hang=0.0 if show is not None else mcp.hang_ms / 1000,
    )
    return McpServers(options, state, environment(), version, show)
