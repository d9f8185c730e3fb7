"""What an answer holds comes back in the CLI's next request as the provider sent it: the real CLI's own turns."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.conftest import CHAT, NATIVE, Serve, Start, Way
from tests.journeys.plays import Json, call, message, text, thinking
from tests.journeys.upstream import Asked, Say, Upstream
from tests.journeys.wire import JSON, blocks, side_by_side, tool_named

BOTH = pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)

KEPT: dict[str, list[Json]] = {
    "thinking": [thinking("I look at the fees first.", "EqQBCkgIBRABGAIiQL+/=="), text("I look.")],
    "empty-signature": [thinking("A thought.", ""), text("I look.")],
    "redacted": [{"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a"}, text("I look.")],
    "unknown": [
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "look", "server_name": "far", "input": {"a": [1, "ü"]}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": [text("Seen.")]},
    ],
    "server-tool": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "sidecar_notes", "input": {"query": "fees"}},
        {"type": "sidecar_notes_tool_result", "tool_use_id": "srvtoolu_1", "content": {"kept": [1.5, None]}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
async def test_blocks_come_back_verbatim(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path, case: str
) -> None:
    sent = [*KEPT[case], call("Read", 1, file_path=str(tally / "tally" / "fees.py"))]
    upstream.script = [Say(message(*sent)), Say(message(text("Done.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (await ask(sidecar, "Look at the fees", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Done."), done.out
    assert blocks(upstream.asked[1].body, "assistant") == sent


@pytest.mark.parametrize("model", ["claude-opus-5-5", "databricks-claude-sonnet-4-5"])
async def test_a_signed_thought_comes_back_through_chat_completions(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path, model: str
) -> None:
    """The reasoning part that a model which thinks has signed is what it gets again, beside its call."""
    read = call("Read", 1, file_path=str(tally / "tally" / "fees.py"))
    first = message(thinking("A long thought.", "c2ln"), text("I look."), read)
    upstream.script = [Say(first), Say(message(text("Ok.")))]
    path = {"DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/{model}/invocations"}
    sidecar = await serve(**CHAT.set_for(upstream) | path)
    done = await (await ask(sidecar, "Look at the fees", *JSON, "--model", model, cli=claude)).outcome()
    name = "databricks-" + model.removeprefix("databricks-")
    assert upstream.asked[0].path == f"/serving-endpoints/{name}/invocations"
    assert (done.code, done.json["result"]) == (0, "Ok."), done.out
    (said,) = [one for one in upstream.asked[1].body["messages"] if one["role"] == "assistant"]
    signed = {"type": "summary_text", "text": "A long thought.", "signature": "c2ln"}
    assert said["content"] == [{"type": "reasoning", "summary": [signed]}, text("I look.")]
    assert [one["id"] for one in said["tool_calls"]] == [read["id"]]


@BOTH
async def test_deferred_tools(upstream: Upstream, serve: Serve, ask: Start, way: Way) -> None:
    """The new CLI keeps tools back until the model searches for them; its search and what it found reach the provider."""

    def search(asked: Asked) -> Say:
        return Say(message(call("ToolSearch", 1, query="select:WebFetch", max_results=1)))

    upstream.script = [search, Say(message(text("Found.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Which tools are there?", *JSON)).outcome()
    assert (done.code, done.json["result"]) == (0, "Found."), done.out
    first, second = (asked.body for asked in upstream.asked)
    if way.chat:
        offered = [[tool["function"]["name"] for tool in body["tools"]] for body in (first, second)]
        assert "DeferredToolPlaceholder" not in offered[0]
        assert "WebFetch" in offered[1]
        assert "defer_loading" not in json.dumps(second)
        (result,) = [one for one in second["messages"] if one["role"] == "tool"]
        assert "WebFetch" in json.dumps(result["content"])
        return
    assert any(tool.get("defer_loading") for tool in first["tools"])
    (found,) = [block for block in blocks(second, "user") if block["type"] == "tool_result"]
    assert found["content"] == [{"type": "tool_reference", "tool_name": "WebFetch"}]
    assert [tool["defer_loading"] for tool in second["tools"] if tool["name"] == "WebFetch"] == [True]


@BOTH
async def test_system_in_the_middle(serve: Serve, start: Start, way: Way, claude: str) -> None:
    """`role: system` among the messages goes on as it is; chat completions hear its words, all of them."""
    direct, through = await side_by_side(serve, start, claude, lambda: [Say(message(text("Yes.")))], way)
    (one,), (other,) = direct.asked, through.asked
    between = [said for said in one.body["messages"] if said["role"] == "system"]
    assert between
    if way is NATIVE:
        assert [said for said in other.body["messages"] if said["role"] == "system"] == between
        assert [said["role"] for said in other.body["messages"]] == [said["role"] for said in one.body["messages"]]
        return
    heard = "\n".join(strings(other.body["messages"]))
    assert [
        words for said in between for words in strings(said["content"]) if len(words) > 20 and words not in heard
    ] == []


def strings(value: object) -> Iterator[str]:
    """Every string within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def png(side: int) -> bytes:
    """A square picture of one colour."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xc0\x40\x20" * side) * side)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


@BOTH
async def test_picture_that_the_cli_reads(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str, tally: Path
) -> None:
    (tally / "logo.png").write_bytes(png(8))
    upstream.script = [Say(message(call("Read", 1, file_path=str(tally / "logo.png")))), Say(message(text("Copper.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "What colour is the logo?", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Copper."), done.out
    body = upstream.asked[1].body
    if way.chat:
        (url,) = [b["image_url"]["url"] for b in blocks(body, "user") if b["type"] == "image_url"]
        kind, _, data = url.partition(";base64,")
        assert kind == "data:image/png"
    else:
        (result,) = [block for block in blocks(body, "user") if block["type"] == "tool_result"]
        (picture,) = [part["source"] for part in result["content"] if part["type"] == "image"]
        assert picture["media_type"] == "image/png"
        data = picture["data"]
    assert base64.b64decode(data).startswith(b"\x89PNG")


@BOTH
async def test_sub_agent(upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str) -> None:
    """A sub-agent's own requests reach the provider, its report goes back to the agent that called it."""

    def names(body: Json) -> Json:
        return {"tools": [tool.get("function", tool) for tool in body["tools"]]}

    def delegate(asked: Asked) -> Say:
        tool = tool_named(names(asked.body), "Task", "Agent")
        order = {"description": "Look", "prompt": "Say what a fee is.", "subagent_type": "general-purpose"}
        return Say(message(call(tool, 1, **order, run_in_background=False)))

    upstream.script = [delegate, Say(message(text("A fee is a price."))), Say(message(text("Told.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Let somebody look", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Told."), done.out
    first, second, third = (json.dumps(asked.body["messages"]) for asked in upstream.asked)
    assert "Say what a fee is." not in first
    assert "Say what a fee is." in second
    assert "A fee is a price." in third


async def test_parallel_tools_in_any_order(upstream: Upstream, serve: Serve, ask: Start, rig: Rig, tally: Path) -> None:
    """The slow call first: its result is its own, wherever the CLI puts it."""
    slow, quick = call("Bash", 1, command="sleep 0.5; echo slow"), call("Bash", 2, command="echo quick")
    upstream.script = [Say(message(slow, quick)), Say(message(text("Both.")))]
    sidecar = await serve(**CHAT.set_for(upstream))
    allowed = ("--allowedTools", "Bash")
    done = await (await ask(sidecar, "Run both", *JSON, *allowed)).outcome()
    assert (done.code, done.json["result"]) == (0, "Both."), done.out
    told = {
        m["tool_call_id"]: json.dumps(m["content"]) for m in upstream.asked[1].body["messages"] if m["role"] == "tool"
    }
    assert "slow" in told[slow["id"]]
    assert "quick" in told[quick["id"]]
