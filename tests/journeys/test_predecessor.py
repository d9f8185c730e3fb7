"""Flaws of a forerunner that a user of the real CLI met, each by its number, and that they are not here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.app.test_promises import Catcher
from tests.journeys.conftest import AZURE, NATIVE, Serve, Start, Way
from tests.journeys.plays import Json, call, message, text
from tests.journeys.upstream import Asked, Refuse, Say, Upstream
from tests.journeys.wire import JSON, blocks, side_by_side, tool_named

WAYS = pytest.mark.parametrize("way", [NATIVE, AZURE], ids=lambda way: way.name)


def results(body: Json) -> list[Json]:
    """What the client's tools came to."""
    return [block for block in blocks(body, "user") if block["type"] == "tool_result"]


@WAYS
async def test_o1_each_turn_runs_once(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str, tally: Path
) -> None:
    """One question with one command is two requests, and the command's effect is there once."""
    upstream.script = [Say(message(call("Bash", 1, command="echo once >> effects"))), Say(message(text("Done.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Do it once", *JSON, "--allowedTools", "Bash", cli=claude)).outcome()
    assert (done.code, done.json["result"], done.json["num_turns"]) == (0, "Done.", 2), done.out
    assert len(upstream.asked) == 2
    assert (tally / "effects").read_text() == "once\n"


async def test_o2_the_clis_permissions_and_folder_are_its_own(
    upstream: Upstream, serve: Serve, start: Start, claude: str, tally: Path, tmp_path: Path
) -> None:
    """A command that the user has not allowed does not run, and an allowed one runs where the CLI was started."""
    where = tmp_path / "elsewhere"
    where.mkdir()
    sidecar = await serve(**NATIVE.set_for(upstream))
    address = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
    flags = {"denied": "--disallowedTools Bash", "allowed": "--allowedTools Bash"}
    for case, flag in flags.items():
        upstream.script = [Say(message(call("Bash", 1, command=f"touch {case}; pwd"))), Say(message(text("Done.")))]
        command = f"cd '{where}' && '{claude}' -p 'Say where you are' --output-format json {flag}"
        done = await (await start("bash", "-c", command, **address)).outcome()
        assert (done.code, done.json["result"]) == (0, "Done."), done.out
        (result,) = results(upstream.asked[-1].body)
        assert bool(result.get("is_error")) is (case == "denied")
        assert (str(where) in json.dumps(result["content"])) is (case == "allowed")
    assert sorted(path.name for path in where.iterdir() if path.is_file()) == ["allowed"]
    assert not {"allowed", "denied"} & {path.name for path in tally.iterdir()}


SERVER = """\
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    schema = {"type": "object", "properties": {"who": {"type": "string"}}}
    answers = {
        "initialize": {"protocolVersion": asked.get("params", {}).get("protocolVersion", "2025-06-18"),
                       "capabilities": {"tools": {}}, "serverInfo": {"name": "greeter", "version": "1"}},
        "tools/list": {"tools": [{"name": "greet", "description": "Greets.", "inputSchema": schema}]},
        "tools/call": {"content": [{"type": "text", "text": "Good day, " +
                       str(asked.get("params", {}).get("arguments", {}).get("who"))}]},
    }
    method = asked["method"]
    reply = {"result": answers[method]} if method in answers else {"error": {"code": -32601, "message": method}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **reply}), flush=True)
"""


async def test_o3_o9_read_edit_glob_agents_and_mcp_work_from_the_cli(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path, tmp_path: Path
) -> None:
    file = tally / "tally" / "fees.py"
    (tmp_path / "greeter.py").write_text(SERVER, encoding="utf-8")
    manifest = {"mcpServers": {"greeter": {"command": sys.executable, "args": [str(tmp_path / "greeter.py")]}}}
    (tmp_path / "mcp.json").write_text(json.dumps(manifest), encoding="utf-8")

    def delegate(asked: Asked) -> Say:
        order = {"description": "Look", "prompt": "Say what a fee is.", "subagent_type": "general-purpose"}
        return Say(message(call(tool_named(asked.body, "Task", "Agent"), 4, **order, run_in_background=False)))

    upstream.script = [
        Say(message(call("Glob", 1, pattern="tally/f*.py"), call("Read", 2, file_path=str(file)))),
        Say(message(call("Edit", 3, file_path=str(file), old_string="percent=0.9", new_string="percent=0.8"))),
        delegate,
        Say(message(text("A fee is a price."))),
        Say(message(call("mcp__greeter__greet", 5, who="Ada"))),
        Say(message(text("All of it."))),
    ]
    sidecar = await serve(**NATIVE.set_for(upstream))
    allowed = ("--mcp-config", str(tmp_path / "mcp.json"), "--allowedTools", "Glob,Read,Edit,Task,Agent,mcp__greeter")
    done = await (await ask(sidecar, "Use them all", *JSON, *allowed, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "All of it."), done.out
    assert "CHARITY = Tariff(percent=0.8" in file.read_text()
    told = {result["tool_use_id"]: json.dumps(result["content"]) for result in results(upstream.asked[-1].body)}
    assert "fees.py" in told["toolu_0001"]
    assert "What a merchant pays" in told["toolu_0002"]
    assert "A fee is a price." in told["toolu_0004"]
    assert "Good day, Ada" in told["toolu_0005"]


@WAYS
async def test_n1_the_real_cli_with_a_subscribers_key_asks_the_configured_provider_alone(
    upstream: Upstream, serve: Serve, start: Start, way: Way, claude: str
) -> None:
    """A long key of Anthropic's own form: neither it nor the conversation goes anywhere but to the provider."""
    catcher = Catcher()
    try:
        upstream.script = [Say(message(text("Yes.")))]
        past = {f"{kind}_proxy": catcher.url for kind in ("http", "https", "all")} | {"no_proxy": "127.0.0.1"}
        sidecar = await serve(**way.set_for(upstream), **past)
        key = "sk-ant-api03-" + "a1b2c3d4" * 10
        where = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_API_KEY": key}
        done = await (await start(claude, "-p", "Are you there?", *JSON, **where)).outcome()
        assert (done.code, done.json["result"]) == (0, "Yes."), done.out
        (asked,) = upstream.asked
        assert asked.path == way.path
        assert key not in json.dumps([dict(asked.headers), asked.body])
        assert catcher.caught == []
    finally:
        catcher.close()


@WAYS
async def test_n3_a_rate_limit_is_an_error_and_never_an_answer(
    serve: Serve, start: Start, way: Way, claude: str
) -> None:
    """The user sees the limit as without us, and nothing of it enters the conversation."""
    busy = {"type": "error", "error": {"type": "rate_limit_error", "message": "Too many."}}
    direct, through = await side_by_side(
        serve, start, claude, lambda: [Refuse(429, busy)] * 20, way, CLAUDE_CODE_MAX_RETRIES="1"
    )
    for seen in (direct, through):
        said = seen.outcome.json
        assert (seen.outcome.code, said["is_error"], said["api_error_status"]) == (1, True, 429)
        assert all(asked.body["messages"][-1]["role"] != "assistant" for asked in seen.asked)


@WAYS
async def test_n4_n6_the_clis_tools_arrive_whole_and_alone(serve: Serve, start: Start, way: Way, claude: str) -> None:
    """Neither a definition is cut nor a tool added, with tools and without."""
    for arguments in ((), ("--tools", "")):
        direct, through = await side_by_side(
            serve, start, claude, lambda: [Say(message(text("Yes.")))], way, arguments=arguments
        )
        (one,), (other,) = direct.asked, through.asked
        assert other.body.get("tools") == one.body.get("tools")
        assert other.body.get("tool_choice") == one.body.get("tool_choice")
