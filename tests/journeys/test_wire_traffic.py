"""The CLI's other traffic through us: titles, safety checks, web search, token counts, discovery, telemetry, fields."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.conftest import CHAT, NATIVE, Serve, Start, Way
from tests.journeys.plays import Json, call, message, text
from tests.journeys.upstream import Asked, Say, Upstream
from tests.journeys.wire import JSON, OPEN, blocks, saved, side_by_side

BOTH = pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)


def is_check(asked: Asked) -> bool:
    """Whether this is auto mode's safety check, in either of its two stages."""
    return not asked.body.get("tools") and "<block>" in json.dumps(asked.body["messages"][-1])


def verdict_on(asked: Asked, verdict: str) -> Say:
    """The model's verdict: the first stage wants one word and stops there, the second wants its thoughts, too."""
    if asked.body.get("stop_sequences") or asked.body.get("stop"):
        return Say(message(text(f"<block>{verdict}"), stop_reason="stop_sequence", stop_sequence="</block>"))
    return Say(message(text(f"<thinking>It pushes.</thinking><block>{verdict}</block><reason>It pushes.</reason>")))


def is_title(asked: Asked) -> bool:
    """Whether this is the call for a title."""
    return "title" in json.dumps(asked.body.get("output_config") or asked.body.get("response_format") or "")


@BOTH
@pytest.mark.parametrize("verdict", ["no", "yes"])
async def test_auto_modes_safety_check(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, tally: Path, verdict: str
) -> None:
    """The check is the provider's to answer, and what it says decides whether the command runs (the old release has none)."""
    upstream.beside = lambda asked: verdict_on(asked, verdict) if is_check(asked) else None
    upstream.script = [
        Say(message(call("Bash", 1, command="touch made-by-the-model; git push"))),
        Say(message(text("Tried."))),
    ]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "Make a file", *JSON, "--permission-mode", "auto", **OPEN)).outcome()
    assert (done.code, done.json["result"]) == (0, "Tried."), done.out
    checks = [asked.body for asked in upstream.asked if is_check(asked)]
    assert len(checks) == {"no": 1, "yes": 2}[verdict]
    assert all(not check.get("stream") and not check.get("tools") for check in checks)
    assert (tally / "made-by-the-model").exists() is (verdict == "no")


@pytest.mark.parametrize("release", ["old_claude", "claude"])
async def test_title_call(upstream: Upstream, serve: Serve, ask: Start, rig: Rig, release: str) -> None:
    upstream.beside = lambda asked: Say(message(text('{"title": "Fees"}'))) if is_title(asked) else None
    upstream.script = [Say(message(text("Yes.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (await ask(sidecar, "Tell me of the fees of this", *JSON, cli=getattr(rig, release), **OPEN)).outcome()
    assert (done.code, done.json["result"]) == (0, "Yes."), done.out
    titles = [asked.body for asked in upstream.asked if is_title(asked)]
    assert len(titles) == (1 if release == "old_claude" else 0)


async def test_web_search_of_the_provider(upstream: Upstream, serve: Serve, ask: Start, claude: str) -> None:
    """The CLI's WebSearch asks for a tool that runs at the provider, and reads its result blocks."""
    hits = [
        {
            "type": "web_search_result",
            "url": "https://a.example/",
            "title": "Of fees",
            "encrypted_content": "x",
            "page_age": None,
        }
    ]
    found = message(
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "fees"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": hits},
        text("Fees are prices."),
    )
    upstream.beside = lambda asked: Say(found) if "web_search_20250305" in json.dumps(asked.body.get("tools")) else None
    upstream.script = [Say(message(call("WebSearch", 1, query="fees"))), Say(message(text("Searched.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (await ask(sidecar, "Search for fees", *JSON, "--allowedTools", "WebSearch", cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Searched."), done.out
    (result,) = [block for block in blocks(upstream.asked[-1].body, "user") if block["type"] == "tool_result"]
    assert "https://a.example/" in json.dumps(result)
    assert "Fees are prices." in json.dumps(result)


async def test_web_search_where_there_is_none(upstream: Upstream, serve: Serve, ask: Start, claude: str) -> None:
    """Chat completions have no such tool: the model is told so as the tool's result, and the turn goes on."""
    upstream.script = [Say(message(call("WebSearch", 1, query="fees"))), Say(message(text("Without it, then.")))]
    sidecar = await serve(**CHAT.set_for(upstream))
    done = await (await ask(sidecar, "Search for fees", *JSON, "--allowedTools", "WebSearch", cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Without it, then."), done.out
    assert len(upstream.asked) == 2
    (result,) = [said for said in upstream.asked[1].body["messages"] if said["role"] == "tool"]
    assert "web_search_20250305" in json.dumps(result)


@pytest.mark.parametrize(
    "stop", ["max_tokens", "pause_turn", "refusal", "model_context_window_exceeded", "stop_of_tomorrow"]
)
async def test_stop_reasons_mean_the_same(serve: Serve, start: Start, rig: Rig, stop: str) -> None:
    direct, through = await side_by_side(
        serve,
        start,
        rig.claude,
        lambda: [Say(message(text("Half."), stop_reason=stop)), Say(message(text("The rest.")))],
    )
    assert (through.told, len(through.asked)) == (direct.told, len(direct.asked))


@pytest.mark.parametrize(("stop", "times"), [("max_tokens", 2), ("refusal", 2)])
async def test_stop_reasons_of_chat_completions(
    upstream: Upstream, serve: Serve, ask: Start, stop: str, times: int
) -> None:
    upstream.script = [Say(message(text("Half."), stop_reason=stop)), Say(message(text("The rest.")))]
    sidecar = await serve(**CHAT.set_for(upstream))
    done = await (await ask(sidecar, "Tell me all", *JSON)).outcome()
    assert (done.code, len(upstream.asked)) == (0, times), done.out


async def test_fields_and_betas_go_on_unchanged(serve: Serve, start: Start, claude: str) -> None:
    """Everything that the CLI sends, straight and through us: the same keys with the same values, but for the model's name."""
    more = {"CLAUDE_CODE_EXTRA_BODY": '{"field_of_tomorrow": {"deep": [1.5, null, "ü"]}}'}
    direct, through = await side_by_side(serve, start, claude, lambda: [Say(message(text("Yes.")))], **more)
    (one,), (other,) = direct.asked, through.asked
    assert other.body["field_of_tomorrow"] == {"deep": [1.5, None, "ü"]}
    assert other.headers["anthropic-beta"] == one.headers["anthropic-beta"]
    assert other.headers["anthropic-version"] == one.headers["anthropic-version"]
    told = {name for name in one.headers if name.lower() == "user-agent" or name.lower().startswith("x-stainless-")}
    assert len(told) > 5
    assert {name: other.headers[name] for name in told} == {name: one.headers[name] for name in told}
    assert not {"x-app", "x-claude-code-session-id"} & {name.lower() for name in other.headers}, (
        "the provider's no business"
    )
    assert list(other.body) == list(one.body)
    assert other.body["model"] == "databricks-" + one.body["model"]
    differing = {"model", "metadata", "messages", "system"}
    for name in set(one.body) - differing:
        assert other.body[name] == one.body[name], name
    assert other.body["context_management"]["edits"]
    assert other.body["output_config"]["effort"]


@BOTH
async def test_counts_for_context(upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str) -> None:
    """`/context` asks for many counts at once; where the provider has none, each is answered with an estimate."""
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "/context", *JSON, cli=claude)).outcome()
    assert done.code == 0, done.out
    assert "Context Usage" in done.json["result"], done.out
    assert [asked.path for asked in upstream.asked] == []


async def test_models_are_discovered(serve: Serve, ask: Start, upstream: Upstream, claude: str, tmp_path: Path) -> None:
    upstream.script = [Say(message(text("Yes.")))]
    upstream.beside = lambda asked: Say(message(text("{}"))) if is_title(asked) else None
    sidecar = await serve(**NATIVE.set_for(upstream))
    more = {**OPEN, "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"}
    done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude, **more)).outcome()
    assert done.code == 0, done.out
    with urllib.request.urlopen(f"{sidecar.base_url}/v1/models?limit=1000", timeout=10) as answer:
        ours = [model["id"] for model in json.load(answer)["data"]]
    cached = saved(tmp_path / "claude" / "cache" / "gateway-models.json")
    assert ours
    assert [model["id"] for model in cached["models"]] == ours, cached


async def test_telemetry_has_a_place_to_go(
    serve: Serve, ask: Start, upstream: Upstream, claude: str, tmp_path: Path
) -> None:
    """The CLI's exporters, pointed at us, find their receivers: nothing of them stands in its error output."""
    upstream.script = [Say(message(text("Yes.")))]
    sidecar = await serve("-v", **NATIVE.set_for(upstream))
    more = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sidecar.base_url,
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_LOGS_EXPORT_INTERVAL": "200",
    }
    done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude, **more)).outcome()
    assert (done.code, done.json["result"], done.err) == (0, "Yes.", ""), done.err
    await sidecar.close()
    received = {line["path"]: line["status"] for line in requests_in_log(tmp_path / "state")}
    assert {path: received.get(path) for path in ("/v1/metrics", "/v1/logs")} == {"/v1/metrics": 200, "/v1/logs": 200}


def requests_in_log(state: Path) -> list[Json]:
    """What the log says of each request."""
    (log,) = state.rglob("sidecar.log")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] == "request"]
