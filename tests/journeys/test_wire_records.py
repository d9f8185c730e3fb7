"""What the user is told of a session afterwards: usage as the provider counted it, cache, records, logs, traces."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import urllib.request
from typing import Any

import pytest

from tests.app.test_telemetry import taken
from tests.conftest import Rig
from tests.fakes.upstream import Upstream as ScriptedProvider
from tests.journeys.conftest import CHAT, NATIVE, Serve, Start, Way
from tests.journeys.plays import call, message, text
from tests.journeys.upstream import Asked, Say, Upstream
from tests.journeys.wire import JSON, tool_named

BOTH = pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)
SIDECAR = (sys.executable, "-m", "sidecar")
COUNTED = {
    "input_tokens": 1201,
    "output_tokens": 34,
    "cache_read_input_tokens": 5003,
    "cache_creation_input_tokens": 707,
}


@BOTH
async def test_usage_is_what_the_provider_counted(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str
) -> None:
    upstream.script = [Say(message(text("Yes."), usage=COUNTED))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude)).outcome()
    assert done.code == 0, done.out
    assert {name: done.json["usage"][name] for name in COUNTED} == COUNTED


@BOTH
async def test_usage_of_a_plain_answer(upstream: Upstream, serve: Serve, ask: Start, way: Way, rig: Rig) -> None:
    """The stream breaks inside its first block: the old CLI asks again without one, and counts what that brings."""
    half = Say(message(text("Half of i\nt"), usage=dict.fromkeys(COUNTED, 7)), cut_before=3)
    upstream.script = [half, Say(message(text("All."), usage=COUNTED))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Tell me all", *JSON, cli=rig.old_claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "All."), done.out
    assert [bool(asked.body.get("stream")) for asked in upstream.asked] == [True, False]
    (spent,) = done.json["modelUsage"].values()
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    assert [spent[name] for name in names] == list(COUNTED.values())


async def test_what_calls_no_tool_is_answered_once(
    upstream: Upstream, serve: Serve, ask: Start, start: Start, claude: str
) -> None:
    """The same question without tools, twice: the provider is asked once, and `sidecar cache stats` tells of it."""
    upstream.script = [Say(message(text("Forty-two.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    for _ in range(2):
        done = await (await ask(sidecar, "What is six times seven?", *JSON, "--tools", "", cli=claude)).outcome()
        assert (done.code, done.json["result"]) == (0, "Forty-two."), done.out
    assert len(upstream.asked) == 1
    # The numbers are gathered for a moment before they are written, so that no answer waits for the disk.
    async with asyncio.timeout(20):
        while (told := await stats(start))["hits"] == 0:
            pass
    assert (told["entries"], told["hits"], told["misses"]) == (1, 1, 1), told


async def stats(start: Start) -> dict[str, Any]:
    """What `sidecar cache stats` tells now."""
    done = await (await start(*SIDECAR, "cache", "stats", "--json")).outcome()
    assert done.code == 0, done.err
    return done.json


async def test_what_may_call_tools_is_asked_each_time(upstream: Upstream, serve: Serve, ask: Start) -> None:
    upstream.script = [Say(message(text("First."))), Say(message(text("Second.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    for wanted in ("First.", "Second."):
        done = await (await ask(sidecar, "What is six times seven?", *JSON)).outcome()
        assert (done.code, done.json["result"]) == (0, wanted), done.out


async def test_session_is_on_record(upstream: Upstream, serve: Serve, ask: Start, start: Start) -> None:
    """A session with a sub-agent: usage, log and traces tell of its requests by the provider's id, and of no secret."""
    upstream.script = [delegate, Say(message(text("A price."))), Say(message(text("Told."), usage=COUNTED))]
    sidecar = await serve(**NATIVE.set_for(upstream), SIDECAR_TRACE="full")
    done = await (await ask(sidecar, "Let somebody look", *JSON)).outcome()
    assert (done.code, done.json["result"]) == (0, "Told."), done.out
    await sidecar.close()  # a clean stop leaves nothing unwritten

    async def told(*arguments: str) -> str:
        run = await (await start(*SIDECAR, *arguments, "--json")).outcome()
        assert run.code == 0, run.err
        return run.out

    session = done.json["session_id"]
    (row,) = json.loads(await told("usage", "--by", "session", "--session", session))["rows"]
    assert (row["key"], row["requests"], row["failed"]) == (session, 3, 0)
    assert (row["input"], row["output"], row["cache_read"]) == (2400 + 1201, 34 * 3, 5003)

    main, agent = [json.loads(await told("usage", "--request", f"req_upstream_{n}")) for n in (1, 2)]
    assert [bool(record["agent"]) for record in (main, agent)] == [False, True]
    assert agent["session"] == session
    assert main["tools"] in (["Task"], ["Agent"])

    log = [json.loads(line) for line in (await told("logs", "--request", main["id"])).splitlines()]
    assert "request" in {line["event"] for line in log}
    traces = json.loads(await told("traces"))
    assert main["id"] in {trace["id"] for trace in traces}
    trace = await told("traces", "show", main["id"])
    assert "Let somebody look" in trace
    assert "Say what a fee is." in trace
    assert "key-of-the-journey" not in trace


async def test_the_cli_s_requests_are_counted_for_prometheus_and_a_collector(
    upstream: Upstream, serve: Serve, ask: Start, claude: str
) -> None:
    upstream.script = [Say(message(text("Told."), usage=COUNTED))]
    async with ScriptedProvider(rule=taken) as collector:
        sidecar = await serve(**NATIVE.set_for(upstream), OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        done = await (await ask(sidecar, "How much?", *JSON, cli=claude)).outcome()
        assert done.code == 0, done.out
        tokens = 'sidecar_tokens_total{model="MODEL",kind="cache_read"} 5003.0'
        async with asyncio.timeout(10):
            while tokens not in (shown := await asyncio.to_thread(numbers, sidecar.base_url)):
                await asyncio.sleep(0.05)
        assert 'sidecar_requests_total{model="MODEL",outcome="done",error=""} 1.0' in shown
        await sidecar.close()
        reports = {seen.path: seen.raw.decode() for seen in collector.requests}
    assert set(reports) == {"/v1/traces", "/v1/metrics"}
    assert done.json["session_id"] in reports["/v1/traces"]
    assert "How much?" not in "".join(reports.values())


def numbers(base_url: str) -> str:
    """What Prometheus would read, with the model's name, which differs from one CLI to the next, taken out."""
    with urllib.request.urlopen(f"{base_url}/metrics", timeout=10) as answer:
        return re.sub(r'model="[^"]+"', 'model="MODEL"', answer.read().decode())


def delegate(asked: Asked) -> Say:
    """The model hands the work to a sub-agent and waits for it."""
    order = {"description": "Look", "prompt": "Say what a fee is.", "subagent_type": "general-purpose"}
    return Say(message(call(tool_named(asked.body, "Task", "Agent"), 1, **order, run_in_background=False)))
