"""The real Claude Code CLI calls our tools over `/mcp`: with and without permission, all tools at once or searched for."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.cli.claude import Reached, _wake
from sidecar.core.secret import SecretStr
from tests.conftest import Rig
from tests.journeys.conftest import NATIVE, Serve, Start
from tests.journeys.plays import Json, call, message, text
from tests.journeys.upstream import Asked, Say, Upstream
from tests.journeys.wire import JSON, blocks

TOOL = "mcp__sidecar__skills_list"
SEARCH = pytest.mark.parametrize("search", ["true", "false"], ids=["searched", "all-at-once"])


def config(base_url: str) -> str:
    headers = {"Authorization": "Bearer ${SIDECAR_TOKEN_OF_THE_TEST}"}
    return json.dumps({"mcpServers": {"sidecar": {"type": "http", "url": f"{base_url}/mcp", "headers": headers}}})


def result_of(body: Json) -> Json:
    """The newest tool result that the model is told."""
    return [block for block in blocks(body, "user") if block["type"] == "tool_result"][-1]


def calling(words: str) -> Callable[[Asked], Say]:
    """A model that calls our tool, waits for the server where the CLI says so, and at last says these words."""

    def answer(asked: Asked) -> Say:
        results = [block for block in blocks(asked.body, "user") if block["type"] == "tool_result"]
        told = json.dumps(results[-1]["content"]) if results else ""
        number = len(results) + 1
        if "still connecting" in told:
            return Say(message(call("WaitForMcpServers", number)))
        waited = [block["name"] for block in blocks(asked.body, "assistant") if block["type"] == "tool_use"][-1:]
        if not results or waited == ["WaitForMcpServers"]:
            return Say(message(call(TOOL, number)))
        return Say(message(text(words)))

    return answer


def names(asked: Asked) -> set[str]:
    return {tool.get("name", "") for tool in asked.body.get("tools") or ()}


@SEARCH
async def test_the_cli_calls_our_tool_when_it_may(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, search: str
) -> None:
    if search == "true":  # as a model does it that is told of the search: it looks for the tool before it calls it
        looking = Say(message(call("ToolSearch", 1, query=f"select:{TOOL}", max_results=5)))
        upstream.script = [looking, Say(message(call(TOOL, 2))), Say(message(text("Six skills.")))]
    else:
        upstream.beside = calling("Six skills.")
    sidecar = await serve("--auth", "token", SIDECAR_TOKEN="token-of-the-journey", **NATIVE.set_for(upstream))
    await asyncio.to_thread(_wake, Reached(sidecar.base_url, SecretStr("token-of-the-journey")))
    done = await (
        await ask(
            sidecar, "Which skills are there?", "--mcp-config", config(sidecar.base_url), "--allowedTools", "mcp__sidecar",
            *JSON, cli=claude, ANTHROPIC_AUTH_TOKEN="token-of-the-journey",
            SIDECAR_TOKEN_OF_THE_TEST="token-of-the-journey", ENABLE_TOOL_SEARCH=search,
        )
    ).outcome()  # fmt: skip
    assert (done.code, done.json["result"]) == (0, "Six skills."), done.out + done.err
    assert done.json["permission_denials"] == []
    told = result_of(upstream.asked[-1].body)
    assert not told.get("is_error"), told
    assert "review-diff" in json.dumps(told["content"])
    if search == "false":
        assert {TOOL, "mcp__sidecar__skills_load", "mcp__sidecar__mcp_servers"} <= names(upstream.asked[-1])


async def test_without_permission_the_call_is_refused_and_the_model_told(
    upstream: Upstream, serve: Serve, ask: Start, claude: str
) -> None:
    upstream.beside = calling("I may not.")
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (
        await ask(
            sidecar, "Which skills are there?", "--mcp-config", config(sidecar.base_url), *JSON, cli=claude,
            SIDECAR_TOKEN_OF_THE_TEST="of-no-account", ENABLE_TOOL_SEARCH="false",
        )
    ).outcome()  # fmt: skip
    assert (done.code, done.json["result"]) == (0, "I may not."), done.out + done.err
    assert [denied["tool_name"] for denied in done.json["permission_denials"]] == [TOOL]
    told = result_of(upstream.asked[-1].body)
    assert told["is_error"] is True
    assert "permission" in json.dumps(told["content"])


@pytest.mark.parametrize("release", ["claude", "old_claude"], ids=["new", "old"])
async def test_sidecar_claude_brings_the_tools_along_and_writes_no_file(
    upstream: Upstream, start: Start, rig: Rig, tally: Path, tmp_path: Path, environment: dict[str, str], release: str
) -> None:
    """The prompt stands first, as people write it; the user's own settings and the project stay as they were."""
    upstream.beside = calling("Six skills.")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "claude").symlink_to(getattr(rig, release))
    # Only the token lets in here, so it must have reached the header.
    done = await (
        await start(
            sys.executable, "-m", "sidecar", "claude", "Which skills are there?", "-p", "--allowedTools", "mcp__sidecar",
            *JSON, PATH=f"{folder}:{environment['PATH']}", ENABLE_TOOL_SEARCH="false", SIDECAR_AUTH="token", **NATIVE.set_for(upstream),
        )
    ).outcome()  # fmt: skip
    assert (done.code, done.json["result"]) == (0, "Six skills."), done.out + done.err
    assert "review-diff" in json.dumps(result_of(upstream.asked[-1].body)["content"])
    own = json.loads((tmp_path / "claude" / ".claude.json").read_text(encoding="utf-8"))
    assert not [one for one in (own, *own["projects"].values()) if "sidecar" in one.get("mcpServers", {})]
    assert not (tally / ".mcp.json").exists()


async def test_once_connected_every_terminal_of_ours_reaches_the_tools(
    serve: Serve, start: Start, claude: str, tmp_path: Path
) -> None:
    """What the extension's command runs: it notes neither the port nor the token, so both may change."""
    words = ("--transport", "http", "sidecar", "${ANTHROPIC_BASE_URL}/mcp")
    added = await (
        await start(claude, "mcp", "add", *words, "--header", "Authorization: Bearer ${CLAUDE_SIDECAR_TOKEN}")
    ).outcome()
    assert added.code == 0, added.out + added.err
    sidecar = await serve("--auth", "token", SIDECAR_TOKEN="token-of-the-journey")
    variables = {"ANTHROPIC_BASE_URL": sidecar.base_url, "CLAUDE_SIDECAR_TOKEN": "token-of-the-journey"}
    listed = await (await start(claude, "mcp", "list", **variables)).outcome()
    assert "Connected" in listed.out, listed.out + listed.err
    assert "token-of-the-journey" not in (tmp_path / "claude" / ".claude.json").read_text(encoding="utf-8")


async def test_the_clis_own_commands_still_work_behind_it(start: Start) -> None:
    done = await (await start(sys.executable, "-m", "sidecar", "claude", "mcp", "list")).outcome()
    assert done.code == 0, done.out + done.err
    assert "No MCP servers configured" in done.out
