"""Without any key: the article's own request, and the real CLI answered from our own analysers."""

from __future__ import annotations

import json
import shutil
import socket
import sys

import pytest

from tests.conftest import Rig
from tests.journeys.conftest import Serve, Start
from tests.journeys.processes import free_port

ARTICLE = """\
curl -X POST http://localhost:8080/v1/messages \\
  -H "Content-Type: application/json" \\
  -d '{
        "model": "claude-2.1",
        "messages": [{"role":"user","content":"Summarize the recent diff"}]
      }'
"""
"""The founding article's example, word for word."""

QUESTION = "Summarize the recent diff"


def article_port() -> int:
    """8080, or a free port where somebody on this machine has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8080))
        except OSError:
            return free_port()
    return 8080


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_articles_curl_works_word_for_word(serve: Serve, start: Start) -> None:
    port = article_port()
    await serve(port=port)
    done = await (await start("bash", "-c", ARTICLE.replace("8080", str(port)))).outcome()
    assert done.code == 0, done.err
    message = json.loads(done.out)
    assert (message["type"], message["role"], message["stop_reason"]) == ("message", "assistant", "end_turn")
    text = message["content"][0]["text"]
    assert "tally/settlement.py" in text
    assert "web/statement.ts" in text


async def test_claude_summarizes_the_recent_diff(serve: Serve, start: Start, claude: str) -> None:
    sidecar = await serve("--provider", "offline")
    credentials = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "anything"}
    done = await (await start(claude, "-p", QUESTION, "--output-format", "json", **credentials)).outcome()
    assert done.code == 0, done.out + done.err
    assert "tally/settlement.py" in done.json["result"]
    assert done.json["is_error"] is False


async def test_the_answer_says_that_no_model_gave_it(serve: Serve, start: Start, rig: Rig) -> None:
    sidecar = await serve()
    credentials = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "anything"}
    done = await (await start(rig.claude, "-p", "Write a poem about rain", **credentials)).outcome()
    assert done.code == 0, done.out + done.err
    assert "offline" in done.out.lower()


async def test_sidecar_claude_needs_nothing_set(start: Start) -> None:
    """No sidecar runs, no variable is set: `sidecar claude` starts one and hands the arguments on."""
    done = await (await start(sys.executable, "-m", "sidecar", "claude", "-p", QUESTION)).outcome()
    assert done.code == 0, done.out + done.err
    assert "tally/settlement.py" in done.out


async def test_sidecar_env_points_a_shell_at_the_running_one(serve: Serve, start: Start) -> None:
    await serve()
    script = f'eval "$({sys.executable} -m sidecar env)" && claude -p "{QUESTION}"'
    done = await (await start("bash", "-c", script)).outcome()
    assert done.code == 0, done.out + done.err
    assert "tally/settlement.py" in done.out
