"""The real Claude Code CLI through a provider: answers, tools, streams as they happen, and what can go wrong."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.conftest import AZURE, CHAT, NATIVE, Serve, Start, Way
from tests.journeys.plays import Json, call, message, text
from tests.journeys.processes import LIMIT, free_port
from tests.journeys.upstream import Refuse, Say, Upstream

JSON = ("--output-format", "json")
STREAM = ("--output-format", "stream-json", "--verbose", "--include-partial-messages")


async def test_plain_answer(upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str) -> None:
    upstream.script = [Say(message(text("Forty-two.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "What is six times seven?", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Forty-two."), done.err
    assert done.json["usage"]["input_tokens"] == 1200
    (asked,) = upstream.asked
    name, value = way.credential
    assert (asked.path, asked.headers[name]) == (way.path, value)
    assert "of-no-account" not in json.dumps(dict(asked.headers))
    assert "six times seven" in json.dumps(asked.body)


@pytest.mark.parametrize(
    ("way", "release"),
    [(NATIVE, "claude"), (NATIVE, "old_claude"), (CHAT, "claude"), (AZURE, "claude")],
    ids=["databricks", "databricks-old", "invocations", "azure"],
)
async def test_tool_turn_changes_the_file(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, release: str, tally: Path, rig: Rig
) -> None:
    """The CLI's own Read and Edit, called by the provider, run on this disk."""
    file = tally / "tally" / "fees.py"
    upstream.script = [
        Say(message(text("I look first."), call("Read", 1, file_path=str(file)))),
        Say(message(call("Edit", 2, file_path=str(file), old_string="percent=0.9", new_string="percent=0.8"))),
        Say(message(text("Charities pay 0.8 percent now."))),
    ]
    sidecar = await serve(**way.set_for(upstream))
    allowed = ("--permission-mode", "acceptEdits")
    done = await (
        await ask(sidecar, "Lower the fee for charities", *JSON, *allowed, cli=getattr(rig, release))
    ).outcome()
    assert (done.code, done.json["result"]) == (0, "Charities pay 0.8 percent now."), done.err
    assert "CHARITY = Tariff(percent=0.8, fixed=10)" in file.read_text()
    assert len(upstream.asked) == 3
    assert "What a merchant pays for a capture." in json.dumps(upstream.asked[1].body["messages"][-1])


async def test_parallel_tools(upstream: Upstream, serve: Serve, ask: Start, way: Way, tally: Path) -> None:
    """Two calls in one message: each result goes back under its own call's id."""
    names = ["money", "bank"]
    reads = [call("Read", n, file_path=str(tally / "tally" / f"{name}.py")) for n, name in enumerate(names)]
    upstream.script = [Say(message(*reads)), Say(message(text("Read both.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Read both files", *JSON)).outcome()
    assert (done.code, done.json["result"]) == (0, "Read both."), done.err
    results = _results(upstream.asked[1].body)
    assert set(results) == {read["id"] for read in reads}
    assert "Amounts of money in minor units." in results[reads[0]["id"]]
    assert "Sends payouts to the bank." in results[reads[1]["id"]]


def _results(body: Json) -> dict[str, str]:
    """Tool results by the id of their call, in either form."""
    found: dict[str, str] = {}
    for said in body["messages"]:
        if said["role"] == "tool":
            found[said["tool_call_id"]] = json.dumps(said["content"])
        elif isinstance(said["content"], list):
            found |= {
                block["tool_use_id"]: json.dumps(block["content"])
                for block in said["content"]
                if block.get("type") == "tool_result"
            }
    return found


async def test_stream_is_seen_as_it_happens(upstream: Upstream, serve: Serve, ask: Start, way: Way) -> None:
    """The CLI shows the first words while the provider has not said the rest."""
    held = Say(message(text("First words.\n"), text("The rest.")), hold_before=2 if way.chat else 4)
    upstream.script = [held]
    sidecar = await serve(**way.set_for(upstream))
    running = await ask(sidecar, "Speak slowly", *STREAM)
    seen = ""
    async for line in running.lines():
        seen += _words(json.loads(line))
        if "First words." in seen:
            break
    assert seen.strip() == "First words."
    await asyncio.wait_for(held.holding.wait(), LIMIT)
    held.go.set()
    async for line in running.lines():
        seen += _words(json.loads(line))
    assert seen.split("\n")[-1] == "The rest."


def _words(line: Json) -> str:
    event = line.get("event") or {}
    return str(event.get("delta", {}).get("text", "")) if event.get("type") == "content_block_delta" else ""


async def test_waits_as_long_as_a_429_asks(upstream: Upstream, serve: Serve, ask: Start, way: Way) -> None:
    busy: Json = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Too many tokens this minute."}
    upstream.script = [Refuse(429, busy, {"retry-after": "2"}), Say(message(text("Now I can.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Are you there?", *JSON)).outcome()
    assert (done.code, done.json["result"]) == (0, "Now I can."), done.err
    first, second = upstream.asked
    assert second.at - first.at >= 2


async def test_lasting_429_reaches_the_user(upstream: Upstream, serve: Serve, ask: Start, way: Way) -> None:
    busy: Json = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Too many tokens this minute."}
    upstream.script = [Refuse(429, busy, {"retry-after": "0"}) for _ in range(20)]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Are you there?", *JSON, CLAUDE_CODE_MAX_RETRIES="0")).outcome()
    assert (done.code, done.json["is_error"], done.json["api_error_status"]) == (1, True, 429), done.out


async def test_recovers_from_a_cut_stream(upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str) -> None:
    """The provider breaks off inside the first block; the CLI asks again, streaming or not, and gets the whole."""
    upstream.script = [Say(message(text("Half of i\nt")), cut_before=3), Say(message(text("All of it.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Tell me all", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "All of it."), done.out + done.err
    assert len(upstream.asked) == 2


async def test_killing_the_cli_hangs_up_at_the_provider(upstream: Upstream, serve: Serve, ask: Start, way: Way) -> None:
    held = Say(message(text("First words.\n"), text("Never said.")), hold_before=2)
    upstream.script = [held]
    sidecar = await serve(**way.set_for(upstream))
    running = await ask(sidecar, "Speak slowly", *STREAM)
    await asyncio.wait_for(held.holding.wait(), LIMIT)
    assert not held.left.is_set()
    running.signal(signal.SIGKILL)
    await asyncio.wait_for(held.left.wait(), LIMIT)


async def test_provider_that_is_down_is_named(serve: Serve, ask: Start) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    sidecar = await serve(DATABRICKS_API_BASE=address, DATABRICKS_API_KEY="key-of-the-journey")
    done = await (await ask(sidecar, "Are you there?", *JSON, CLAUDE_CODE_MAX_RETRIES="0")).outcome()
    assert (done.code, done.json["is_error"]) == (1, True), done.out
    assert "Traceback" not in done.out + done.err


@pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)
async def test_wrong_key_is_said_once(upstream: Upstream, serve: Serve, ask: Start, way: Way) -> None:
    """A key that the provider refuses: no minutes of retries, and the upstream's own words stay out."""
    refused: Json = {"error_code": "401", "message": "Credential was not sent or was of an unsupported type"}
    upstream.script = [Refuse(401, refused) for _ in range(20)]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Are you there?", *JSON)).outcome()
    assert (done.code, done.json["is_error"]) == (1, True), done.out
    assert len(upstream.asked) <= 2
