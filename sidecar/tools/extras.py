"""Put the families `skills` and `mcp` into a toolbox, and keep them current."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sidecar.assistant.skills import Skills
from sidecar.mcp.opening import open_servers
from sidecar.settings import Settings, environment
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.mcp import McpTools
from sidecar.tools.skills import SkillTools


@asynccontextmanager
async def extras(box: WorkspaceToolBox, settings: Settings, state: Path | None, version: str) -> AsyncIterator[None]:
    """While inside, skills and approved MCP servers are on offer; then every server is ended."""
    workspace = Path(settings.server.workspace)
    skills = Skills(user=_user_skills(), workspace=workspace, trusted=settings.trusted)
    skill_tools = SkillTools(skills, box)
    box.put("skills", skill_tools.tools())
    unguard = box.guard(skill_tools.check)
    servers = open_servers(settings, state, version)
    mcp_tools = McpTools(servers, box)
    try:
        async with servers.watching():
            unsubscribe = servers.subscribe(lambda: box.put("mcp", mcp_tools.tools()))
            box.put("mcp", mcp_tools.tools())
            try:
                yield
            finally:
                unsubscribe()
    finally:
        unguard()


def _user_skills() -> Path | None:
    """Where Claude Code keeps the user's own skills."""
    folder = environment().get("CLAUDE_CONFIG_DIR", "")
    try:
        return (Path(folder) if folder else Path.home() / ".claude") / "skills"
    except RuntimeError:
        return None
