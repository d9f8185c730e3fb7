"""The real CLI before a plain server of chat completions, such as Ollama or vLLM: answers, tools, pictures, faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.conftest import Serve, Start, Way
from tests.journeys.plays import Json, call, message, text
from tests.journeys.test_wire_blocks import png
from tests.journeys.upstream import Refuse, Say, Upstream
from tests.journeys.wire import JSON, blocks

OPENAI = Way(
    "openai",
    "/v1/chat/completions",
    ("authorization", "Bearer key-of-the-journey"),
    {
        "PROVIDER": "openai",
        "OPENAI_BASE_URL": "{base}/v1",
        "OPENAI_API_KEY": "key-of-the-journey",
        "MODEL_DEFAULT": "qwen3-coder",
    },
)


async def test_plain_answer(upstream: Upstream, serve: Serve, ask: Start, claude: str) -> None:
    """One model answers for all that the CLI asks for; nothing of Anthropic's own fields reaches the server."""
    upstream.script = [Say(message(text("Forty-two.")))]
    sidecar = await serve(**OPENAI.set_for(upstream))
    done = await (await ask(sidecar, "What is six times seven?", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Forty-two."), done.out
    assert done.json["usage"]["input_tokens"] == 1200
    (asked,) = upstream.asked
    name, value = OPENAI.credential
    assert (asked.path, asked.headers[name], asked.body["model"]) == (OPENAI.path, value, "qwen3-coder")
    assert not {"system", "thinking", "context_management", "metadata", "top_k"} & set(asked.body)
    assert not {"anthropic-beta", "anthropic-version", "x-api-key"} & set(asked.headers)
    assert asked.body["stream_options"] == {"include_usage": True}
    assert {said["role"] for said in asked.body["messages"]} <= {"system", "user", "assistant", "tool"}
    assert all(tool["type"] == "function" for tool in asked.body["tools"])
    assert "cache_control" not in json.dumps(asked.body)


async def test_tools_and_pictures(upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path) -> None:
    """The CLI's tools, called side by side: a picture comes as one, an edit is on the disk."""
    file = tally / "tally" / "fees.py"
    (tally / "logo.png").write_bytes(png(8))
    upstream.script = [
        Say(message(call("Read", 1, file_path=str(file)), call("Read", 2, file_path=str(tally / "logo.png")))),
        Say(message(call("Edit", 3, file_path=str(file), old_string="percent=0.9", new_string="percent=0.8"))),
        Say(message(text("Done."))),
    ]
    sidecar = await serve(**OPENAI.set_for(upstream))
    allowed = ("--permission-mode", "acceptEdits")
    done = await (await ask(sidecar, "Lower the fee", *JSON, *allowed, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Done."), done.out
    assert "CHARITY = Tariff(percent=0.8" in file.read_text()
    results = {
        said["tool_call_id"]: said["content"] for said in upstream.asked[1].body["messages"] if said["role"] == "tool"
    }
    assert set(results) == {"toolu_0001", "toolu_0002"}
    assert "What a merchant pays" in json.dumps(results["toolu_0001"])
    (picture,) = [block for block in blocks(upstream.asked[1].body, "user") if block["type"] == "image_url"]
    assert picture["image_url"]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, {"error": {"message": "prompt is too long", "code": "context_length_exceeded"}}, "rompt is too long"),
        (401, {"error": {"message": "no such key", "type": "invalid_api_key"}}, "Failed to authenticate"),
        (404, {"error": {"message": "no such model"}}, "issue with the selected model"),
        (500, {"error": {"message": "out of memory"}}, "API Error: 500"),
    ],
)
async def test_faults(
    upstream: Upstream, serve: Serve, ask: Start, rig: Rig, status: int, body: Json, told: str
) -> None:
    upstream.script = [Refuse(status, body) for _ in range(20)]
    sidecar = await serve(**OPENAI.set_for(upstream))
    done = await (await ask(sidecar, "Are you there?", *JSON, CLAUDE_CODE_MAX_RETRIES="0")).outcome()
    assert (done.code, done.json["is_error"], done.json["api_error_status"]) == (1, True, status), done.out
    assert told in done.json["result"]


async def test_a_field_that_the_server_does_not_know_is_left_out(
    upstream: Upstream, serve: Serve, ask: Start, claude: str
) -> None:
    refused: Json = {"error": {"message": 'json: unknown field "stream_options"', "type": "invalid_request_error"}}
    upstream.script = [Refuse(400, refused), Say(message(text("Now."))), Say(message(text("Again.")))]
    sidecar = await serve(**OPENAI.set_for(upstream))
    for wanted in ("Now.", "Again."):
        done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude)).outcome()
        assert (done.code, done.json["result"]) == (0, wanted), done.out
    assert ["stream_options" in asked.body for asked in upstream.asked] == [True, False, False]
