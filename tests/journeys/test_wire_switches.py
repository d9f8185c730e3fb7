"""What a user may set for the CLI, and what its requests may carry: each arrives where it should, and nowhere else."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.journeys.conftest import CHAT, NATIVE, Serve, Start, Way
from tests.journeys.plays import Json, call, message, text
from tests.journeys.processes import Terminal
from tests.journeys.test_wire_blocks import png, strings
from tests.journeys.upstream import Say, Upstream
from tests.journeys.wire import JSON, blocks, side_by_side

TOKEN = "token-of-the-journey-0123456789"
ANTHROPIC = Way(
    "anthropic",
    "/v1/messages",
    ("x-api-key", "key-of-the-journey"),
    {"PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": "{base}", "ANTHROPIC_API_KEY": "key-of-the-journey"},
)


def settings(folder: Path, **values: object) -> None:
    """A settings file of the CLI, in its folder."""
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(values), encoding="utf-8")


# ── credentials ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["auth-token", "api-key", "both", "helper", "settings-env"])
async def test_every_way_to_tell_the_cli_its_key(
    upstream: Upstream, serve: Serve, start: Start, claude: str, tmp_path: Path, how: str
) -> None:
    """The token opens our door, however it comes, and the provider sees its own key alone."""
    upstream.script = [Say(message(text("Yes.")))]
    sidecar = await serve("--auth", "token", **NATIVE.set_for(upstream), SIDECAR_TOKEN=TOKEN)
    where = {"ANTHROPIC_BASE_URL": sidecar.base_url}
    ways: dict[str, Mapping[str, str]] = {
        "auth-token": {"ANTHROPIC_AUTH_TOKEN": TOKEN},
        "api-key": {"ANTHROPIC_API_KEY": TOKEN},
        "both": {"ANTHROPIC_AUTH_TOKEN": TOKEN, "ANTHROPIC_API_KEY": "sk-ant-api03-" + "x" * 80},
        "helper": {},
        "settings-env": {},
    }
    if how == "helper":
        settings(tmp_path / "claude", apiKeyHelper=f"echo {TOKEN}")
    elif how == "settings-env":
        settings(tmp_path / "claude", env={**where, "ANTHROPIC_AUTH_TOKEN": TOKEN})
        where = {}
    done = await (await start(claude, "-p", "Are you there?", *JSON, **where, **ways[how])).outcome()
    assert (done.code, done.json["result"]) == (0, "Yes."), done.out
    (asked,) = upstream.asked
    carried = json.dumps(dict(asked.headers))
    assert TOKEN not in carried
    assert "sk-ant" not in carried
    assert asked.headers["authorization"] == "Bearer key-of-the-journey"


@pytest.mark.parametrize("project", [False, True], ids=["user", "project"])
async def test_the_clis_settings_go_before_everything_and_the_doctor_says_so(
    upstream: Upstream, serve: Serve, start: Start, claude: str, tally: Path, tmp_path: Path, project: bool
) -> None:
    """The fact behind a line of the doctor: an address in a settings file leads the CLI past us."""
    sidecar = await serve(**NATIVE.set_for(upstream))
    elsewhere = {"ANTHROPIC_BASE_URL": upstream.base_url}
    settings(tally / ".claude" if project else tmp_path / "claude", env=elsewhere)
    upstream.script = [Say(message(text("Not through us.")))]
    where = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
    done = await (await start(claude, "-p", "Are you there?", *JSON, **where)).outcome()
    assert (done.code, done.json["result"]) == (0, "Not through us."), done.out
    assert [asked.path for asked in upstream.asked] == ["/v1/messages"]
    doctor = await (await start(sys.executable, "-m", "sidecar", "doctor", "--no-call", "--json", **where)).outcome()
    (way,) = [finding for finding in doctor.json["findings"] if finding["name"] == "way"]
    assert (way["mark"], "ANTHROPIC_BASE_URL" in way["mend"]) == ("fail", True)
    assert upstream.base_url not in doctor.out


async def test_a_wrong_token_is_said_at_once(upstream: Upstream, serve: Serve, ask: Start, claude: str) -> None:
    sidecar = await serve("--auth", "token", **NATIVE.set_for(upstream), SIDECAR_TOKEN=TOKEN)
    done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["is_error"]) == (1, True), done.out
    assert "sidecar claude" in done.json["result"]
    assert upstream.asked == []


async def test_custom_headers_reach_us_and_no_further(
    upstream: Upstream, serve: Serve, ask: Start, claude: str
) -> None:
    """Headers of ours do what they say; whatever else the user adds is not the provider's business."""
    upstream.script = [Say(message(text("One."))), Say(message(text("Two.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    more = {"ANTHROPIC_CUSTOM_HEADERS": "x-sidecar-cache: off\nx-of-my-company: secret-number"}
    for wanted in ("One.", "Two."):
        done = await (await ask(sidecar, "The same?", *JSON, "--tools", "", cli=claude, **more)).outcome()
        assert (done.code, done.json["result"]) == (0, wanted), done.out
    assert all("secret-number" not in json.dumps(dict(asked.headers)) for asked in upstream.asked)


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────
SAFEGUARDS = {"safeguards": {"mode": "classify", "names": ["prompt_injection"]}}
VERDICT = {"safeguard_results": [{"name": "prompt_injection", "flagged": False, "score": 0.25}]}
BETA = "safeguards-2026-09-01"


async def test_safeguards_go_both_ways(serve: Serve, start: Start, claude: str) -> None:
    """A provider that has them gets the field and its beta, and what it says of them comes back to the client."""
    direct, through = await side_by_side(
        serve,
        start,
        claude,
        lambda: [Say(message(text("Checked."), **VERDICT))],
        ANTHROPIC,
        CLAUDE_CODE_EXTRA_BODY=json.dumps(SAFEGUARDS),
        ANTHROPIC_BETAS=BETA,
    )
    assert through.told == direct.told
    for seen in (direct, through):
        (asked,) = seen.asked
        assert asked.body["safeguards"] == SAFEGUARDS["safeguards"]
        assert BETA in asked.headers["anthropic-beta"].split(",")


@pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)
async def test_safeguards_where_there_are_none(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str
) -> None:
    """A provider without them is not asked as if they were there: one 400 that names the field."""
    sidecar = await serve(**way.set_for(upstream))
    more = {"CLAUDE_CODE_EXTRA_BODY": json.dumps(SAFEGUARDS), "ANTHROPIC_BETAS": BETA}
    done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude, **more)).outcome()
    assert (done.code, done.json["is_error"], done.json["api_error_status"]) == (1, True, 400), done.out
    assert "safeguards" in done.json["result"]
    assert upstream.asked == []


@pytest.mark.parametrize("search", ["true", "false"])
async def test_tool_search_switched(serve: Serve, start: Start, claude: str, search: str) -> None:
    """Deferred or not: the tools reach the provider as the CLI sent them."""
    direct, through = await side_by_side(
        serve, start, claude, lambda: [Say(message(text("Yes.")))], ENABLE_TOOL_SEARCH=search
    )
    (one,), (other,) = direct.asked, through.asked
    assert other.body["tools"] == one.body["tools"]
    deferred = any(tool.get("defer_loading") for tool in one.body["tools"])
    assert deferred is (search == "true" and not claude.endswith("2.1.197")), "the old CLI defers MCP's tools alone"


NAMES: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "variable": ((), {"ANTHROPIC_MODEL": "claude-opus-4-8"}, "databricks-claude-opus-4-8"),
    "option": (("--model", "claude-sonnet-4-6"), {}, "databricks-claude-sonnet-4-6"),
    "alias": (("--model", "opus"), {"ANTHROPIC_DEFAULT_OPUS_MODEL": "my-opus"}, "my-opus"),
    "large-window": (("--model", "claude-opus-4-8[1m]"), {}, "databricks-claude-opus-4-8"),
    "the-providers-own": (("--model", "databricks-claude-opus-4-8"), {}, "databricks-claude-opus-4-8"),
}


@pytest.mark.parametrize("case", NAMES)
async def test_names_of_models(upstream: Upstream, serve: Serve, ask: Start, claude: str, case: str) -> None:
    """However the user names a model: the provider hears its own name for it, the user's session keeps the one asked for."""
    arguments, variables, name = NAMES[case]
    upstream.script = [Say(message(text("Yes."), model=name))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    limit = {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "1234", **variables}
    done = await (await ask(sidecar, "Are you there?", *JSON, *arguments, cli=claude, **limit)).outcome()
    assert (done.code, done.json["result"]) == (0, "Yes."), done.out
    (asked,) = upstream.asked
    assert (asked.body["model"], asked.body["max_tokens"]) == (name, 1234)


async def test_the_doctor_knows_the_real_cli(serve: Serve, start: Start, upstream: Upstream) -> None:
    """On a machine that is well but for one variable, which these journeys set themselves."""
    upstream.script = [Say(message(text("p")))]
    away = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    command = (sys.executable, "-m", "sidecar", "doctor", "--json")
    doctor = await (await start(*command, **NATIVE.set_for(upstream), **away, HOME="/nonexistent")).outcome()
    found = {finding["name"]: finding for finding in doctor.json["findings"]}
    assert found["claude"]["mark"] == "ok", found
    assert [name for name, finding in found.items() if finding["mark"] == "warn"] == ["models", "safety"]
    assert "unset CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC" in found["safety"]["mend"]


@pytest.mark.parametrize("switch", ["CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "CLAUDE_CODE_DISABLE_THINKING"])
async def test_what_is_switched_off_stays_off(serve: Serve, start: Start, claude: str, switch: str) -> None:
    direct, through = await side_by_side(serve, start, claude, lambda: [Say(message(text("Yes.")))], **{switch: "1"})
    assert through.told == direct.told
    (one,), (other,) = direct.asked, through.asked
    assert list(other.body) == list(one.body)
    assert other.headers.get("anthropic-beta") == one.headers.get("anthropic-beta")
    assert other.body.get("thinking") == one.body.get("thinking")


async def test_adaptive_thinking_becomes_a_budget_where_only_a_budget_can_be_said(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path
) -> None:
    """Chat completions before the newest models: the CLI asks for adaptive thinking of a model that it maps elsewhere."""
    upstream.script = [
        Say(message(call("Read", 1, file_path=str(tally / "tally" / "fees.py")))),
        Say(message(text("Done."))),
    ]
    more = {"SIDECAR_MODEL_MAP": "claude-*=databricks-claude-sonnet-4-5"}
    sidecar = await serve(**CHAT.set_for(upstream), **more)
    done = await (await ask(sidecar, "Look", *JSON, "--model", "claude-opus-4-8", cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Done."), done.out
    first, second = (asked.body for asked in upstream.asked)
    assert first["thinking"]["type"] == "enabled"
    assert 1024 <= first["thinking"]["budget_tokens"] <= first["max_tokens"] // 2
    assert "thinking" not in second, "its call was made without a signed thought: a budget would be refused now"


# ── attachments ─────────────────────────────────────────────────────────────────────────────────────
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


@pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)
async def test_a_pdf_that_the_cli_reads(
    upstream: Upstream, serve: Serve, ask: Start, way: Way, claude: str, tally: Path
) -> None:
    """As a document where there are documents; said in words, not lost, where there are none."""
    (tally / "terms.pdf").write_bytes(PDF)
    upstream.script = [Say(message(call("Read", 1, file_path=str(tally / "terms.pdf")))), Say(message(text("Terms.")))]
    sidecar = await serve(**way.set_for(upstream))
    done = await (await ask(sidecar, "What is in the terms?", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Terms."), done.out
    said = upstream.asked[1].body["messages"]
    if way is NATIVE:
        (document,) = [block["source"] for block in _within(said) if block.get("type") == "document"]
        assert base64.b64decode(document["data"]) == PDF
    else:
        assert base64.b64encode(PDF).decode() not in json.dumps(said)
        assert any("application/pdf that this provider cannot be sent" in words for words in strings(said))


def _within(value: object) -> list[Json]:
    """Every object within a JSON value."""
    if isinstance(value, dict):
        return [value, *(found for one in value.values() for found in _within(one))]
    return [found for one in value for found in _within(one)] if isinstance(value, list) else []


async def test_a_picture_that_the_user_sends(
    upstream: Upstream, serve: Serve, start: Start, claude: str, tmp_path: Path
) -> None:
    """A picture in the prompt itself, beside words."""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png(8)).decode()}
    upstream.script = [Say(message(text("Copper.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    prompt = {"role": "user", "content": [{"type": "image", "source": source}, text("What colour?")]}
    (tmp_path / "prompt").write_text(
        json.dumps({"type": "user", "message": prompt, "parent_tool_use_id": None, "session_id": ""}) + "\n",
        encoding="utf-8",
    )
    formats = "--input-format stream-json --output-format stream-json --verbose"
    command = f"cat '{tmp_path / 'prompt'}' | '{claude}' -p {formats}"
    where = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
    done = await (await start("bash", "-c", command, **where)).outcome()
    assert done.code == 0, done.out
    pictures = [block for block in blocks(upstream.asked[0].body, "user") if block["type"] == "image"]
    assert [picture["source"] for picture in pictures] == [source]


# ── counts ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("counts", [True, False], ids=["provider-counts", "provider-does-not"])
async def test_context_in_a_terminal(
    upstream: Upstream, serve: Serve, environment: Mapping[str, str], tally: Path, claude: str, counts: bool
) -> None:
    """`/context` asks for many counts at once: the provider's where it counts, asked but once where it does not."""
    upstream.tokens = 4321 if counts else None
    sidecar = await serve(**ANTHROPIC.set_for(upstream))
    credentials = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
    command = (claude, "--permission-mode", "default")
    async with Terminal.open(*command, cwd=tally, environment={**environment, **credentials}) as terminal:
        await terminal.shows("? for shortcuts")
        terminal.type("/context")
        await terminal.shows("/context")
        terminal.type("\r")
        await terminal.shows("Free space")
    assert upstream.counted
    assert upstream.asked == []
    assert all(one.path == "/v1/messages/count_tokens" for one in upstream.counted)
    assert all(one.headers["x-api-key"] == "key-of-the-journey" for one in upstream.counted)
