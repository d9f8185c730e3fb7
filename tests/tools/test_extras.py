"""Skills and servers in a toolbox as the application puts them there, and taken out again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from sidecar.core.tool import Caller
from sidecar.settings import from_machine
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.extras import extras
from tests.mcp.conftest import Yard, fake


async def test_the_families_follow_what_is_approved_elsewhere(tmp_path: Path) -> None:
    workspace, state = tmp_path / "work", tmp_path / "state"
    workspace.mkdir()
    (workspace / ".mcp.json").write_text(json.dumps({"mcpServers": {"one": fake()}}), encoding="utf-8")
    box = WorkspaceToolBox()
    settings = from_machine({"server.workspace": workspace})
    async with extras(box, settings, state, "1"), asyncio.timeout(30):
        names = [spec.name for spec in box.specs()]
        assert {"skills_list", "skills_load", "skills_finish", "mcp_servers", "mcp_call"} <= set(names)
        assert box.find("one__say") is None
        heard = asyncio.Event()
        box.subscribe(heard.set)
        yard = Yard(workspace, state)
        async with yard.stack:
            await yard.approved("one")
        await heard.wait()
        assert (await box.call("one__say", {"word": "here"}, Caller("me"))).text == "here"
        await box.call("skills_load", {"name": "review-diff"}, Caller("me"))
        assert (await box.call("one__say", {"word": "here"}, Caller("me"))).error
    assert not (await box.call("skills_list", {}, Caller("me"))).error


async def test_the_users_skills_lie_where_claude_code_keeps_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "mine"))
    folder = tmp_path / "mine" / "skills" / "own"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\ndescription: My own.\n---\nDo it.\n", encoding="utf-8")
    box = WorkspaceToolBox()
    async with extras(box, from_machine({"server.workspace": tmp_path}), None, "1"):
        assert "- own: My own." in (await box.call("skills_list", {}, Caller())).text
