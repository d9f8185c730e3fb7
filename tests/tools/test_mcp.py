"""The family `mcp` in a toolbox: servers told, called by their own names, their tools refused as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sidecar.core.tool import Caller
from sidecar.mcp.servers import McpServers
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.mcp import McpTools
from tests.mcp.conftest import Yard, fake


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    workspace = tmp_path / "work"
    workspace.mkdir()
    async with AsyncExitStack() as stack:
        yield Yard(workspace, tmp_path / "state", stack)


def boxed(servers: McpServers, *off: str) -> WorkspaceToolBox:
    box = WorkspaceToolBox(disallowed_tools=off)
    box.put("mcp", McpTools(servers, box).tools())
    return box


async def test_servers_are_told_with_their_state(yard: Yard) -> None:
    yard.write({"one": fake(), "two": fake(), "bad": {}})
    box = boxed(await yard.approved("one"))
    result = await box.call("workspace_mcp_servers", {}, Caller())
    assert [(row["name"], row["state"]) for row in result.value["servers"]] == [("one", "approved"), ("two", "new")]
    assert "- one: approved; tools: say, environment, fail" in result.text
    assert "'bad' needs either a command or a url" in result.text


async def test_a_tool_is_called_under_its_own_name_and_by_server_and_tool(yard: Yard) -> None:
    yard.write({"one": fake()})
    box = boxed(await yard.approved("one"))
    assert (await box.call("one__say", {"word": "a"}, Caller())).text == "a"
    by_names = {"server": "one", "method": "say", "params": {"word": "b"}}
    assert (await box.call("workspace_mcp_call", by_names, Caller())).text == "b"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"server": "two", "tool": "say"}, "offers no approved tool 'say'"),
        ({"server": "nobody", "tool": "say"}, "There is no MCP server 'nobody'"),
        ({"server": "one", "tool": "nothing"}, "offers no approved tool 'nothing'"),
    ],
)
async def test_what_is_not_approved_is_not_called(yard: Yard, arguments: dict, words: str) -> None:
    yard.write({"one": fake(), "two": fake()})
    result = await boxed(await yard.approved("one")).call("mcp_call", arguments, Caller())
    assert result.error
    assert words in result.text


async def test_a_policy_binds_servers_tools_too(yard: Yard) -> None:
    yard.write({"one": fake()})
    box = boxed(await yard.approved("one"), "one__*")
    assert "POLICY_DISALLOWED_TOOLS" in (await box.call("one__say", {"word": "a"}, Caller())).text
    by_names = {"server": "one", "tool": "say", "arguments": {"word": "a"}}
    assert "POLICY_DISALLOWED_TOOLS" in (await box.call("mcp_call", by_names, Caller())).text


async def test_a_fault_of_a_server_is_a_result(yard: Yard) -> None:
    yard.write({"one": fake("crash-on-call")})
    result = await boxed(await yard.approved("one")).call("one__say", {"word": "a"}, Caller())
    assert result.error
    assert "The MCP server one ended" in result.text
