"""`sidecar mcp` as it is typed: list, approve after a look, test, revoke, and our own tools for other clients."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from sidecar.cli.mcp import shown
from tests.mcp.conftest import fake

COMMAND = [sys.executable, "-m", "sidecar", "mcp"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "work"
    folder.mkdir()
    write(folder, {"one": fake(f"starts={tmp_path / 'starts'}"), "bad": {}})
    return folder


def write(folder: Path, servers: dict) -> None:
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")


def run(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=here,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_servers_are_listed_and_not_started(here: Path, tmp_path: Path) -> None:
    done = run(here, "list")
    assert done.returncode == 0
    assert done.stdout == f"one  not approved  ({here}/.mcp.json)\n"
    assert "'bad' needs either a command or a url" in done.stderr
    assert "sidecar mcp approve one" in done.stderr
    told = json.loads(run(here, "list", "--json").stdout)
    assert [(row["name"], row["state"]) for row in told["servers"]] == [("one", "new")]
    assert len(told["problems"]) == 1
    assert not (tmp_path / "starts").exists()


def test_an_approval_wants_a_person(here: Path, tmp_path: Path) -> None:
    done = run(here, "approve", "one")
    assert done.returncode == 2
    assert "not sandboxed: it runs as you" in done.stderr
    assert "run it in a terminal, or add --yes" in done.stderr
    assert not (tmp_path / "starts").exists()


def test_from_approval_to_revocation(here: Path) -> None:
    done = run(here, "approve", "one", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "approved"
    assert "say: Says a word back." in done.stderr
    assert run(here, "list").stdout.startswith("one  approved, 3 tools  (")
    tested = json.loads(run(here, "test", "--json").stdout)["servers"][0]
    assert (tested["ok"], tested["tools"], tested["problem"]) == (True, ["say", "environment", "fail"], "")
    write(here, {"one": fake("quiet")})
    assert "changed since it was approved" in run(here, "list").stdout
    again = run(here, "approve", "one", "--yes")
    assert "  changed  args: [" in again.stderr
    assert run(here, "revoke", "one").returncode == 0
    assert run(here, "revoke", "one").returncode == 1
    assert "not approved" in run(here, "list").stdout


def test_tools_that_changed_are_shown_before_they_are_approved_again(here: Path, tmp_path: Path) -> None:
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps([{"name": "say", "description": "Says.", "inputSchema": {"type": "object"}}]))
    write(here, {"one": fake(f"tools={listed}")})
    assert run(here, "approve", "one", "--yes").returncode == 0
    listed.write_text(json.dumps([{"name": "say", "description": "Sends\x1b[2J.", "inputSchema": {"type": "object"}}]))
    tested = run(here, "test")
    assert tested.returncode == 1
    assert "its tools changed since they were approved" in tested.stdout
    assert "say: another description" in tested.stdout
    again = run(here, "approve", "one", "--yes")
    assert "say: Sends\\u001b[2J." in again.stderr
    assert "changed  say: another description" in again.stderr
    assert "\x1b" not in again.stderr
    assert run(here, "test").returncode == 0


def test_a_server_that_cannot_be_started_is_told(here: Path) -> None:
    write(here, {"one": fake("crash")})
    done = run(here, "approve", "one", "--yes")
    assert done.returncode == 2
    assert "cannot start" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(here, "test", "one").returncode == 1


def test_an_unknown_server_is_a_negative_result(here: Path) -> None:
    for command in ("approve", "revoke"):
        done = run(here, command, "nothing")
        assert (done.returncode, done.stdout) == (1, "")
        assert "There is no MCP server 'nothing'" in done.stderr


def test_texts_of_others_cannot_move_the_cursor_or_turn_letters() -> None:
    assert shown("a\x1b[2Jb\u202ec\u200bd\ne") == "a\\u001b[2Jb\\u202ec\\u200bd\\u000ae"
    assert shown("größe → ✓") == "größe → ✓"


async def test_our_tools_are_served_on_standard_input_and_output(here: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "sidecar", "mcp", "serve"], cwd=here, env=dict(os.environ)
    )
    async with asyncio.timeout(60), Client(server) as client:
        assert client.server_info is not None
        assert client.server_info.name == "sidecar"
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"skills_list", "skills_load", "mcp_servers"} <= tools
        listed = await client.call_tool("skills_list", {})
        assert "review-diff" in listed.content[0].text
        await client.call_tool("skills_load", {"name": "onboard"})
        refused = await client.call_tool("mcp_servers", {})
        assert refused.is_error
        assert "The skill onboard is active" in refused.content[0].text
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert {"review-diff", "release-notes"} <= prompts


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
async def test_a_signal_ends_it_while_it_waits_for_input(here: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", cwd=here, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    process.stdin.write(json.dumps(message).encode() + b"\n")
    async with asyncio.timeout(60):
        assert json.loads(await process.stdout.readline())["result"]["serverInfo"]["name"] == "sidecar"
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    process.stdin.close()
