"""The scripted upstream itself: on a thread, as a process, with rules, and what it notes down."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.upstream import Upstream, answer, fault, from_json, side_requests, stall, text, tool_use

ROOT = Path(__file__).resolve().parents[2]
ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def post(url: str, body: dict[str, Any], timeout: float = 10) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"x-test": "1"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_on_a_thread_with_a_rule_beside_the_script() -> None:
    with Upstream([answer("main", tool_use("Read", {"a": 1}))], rule=side_requests) as upstream:
        url = f"{upstream.url}/v1/messages"
        assert post(url, ASK)[1]["content"] == [text("ok")]
        told = post(url, {**ASK, "tools": [{"name": "Read"}]})[1]
        assert told["content"] == [text("main"), tool_use("Read", {"a": 1})]
        assert told["stop_reason"] == "tool_use"
        status, error = post(url, {**ASK, "tools": [{"name": "Read"}]})
        assert (status, "no more turns" in error["error"]["message"]) == (400, True)
        assert [seen.tools for seen in upstream.requests] == [[], ["Read"], ["Read"]]
        assert upstream.last.headers["x-test"] == "1"
        upstream.wait(lambda: all(seen.state == "done" for seen in upstream.requests))


def test_chat_completions_are_spoken_on_their_paths() -> None:
    with Upstream([answer("a"), answer("b"), fault(404, {"error_code": "X"})]) as upstream:
        for tail in ("/serving-endpoints/x/invocations", "/v1/chat/completions"):
            assert post(upstream.url + tail, ASK)[1]["choices"][0]["finish_reason"] == "stop"
        assert post(f"{upstream.url}/x/invocations", ASK) == (404, {"error_code": "X"})


def test_who_leaves_is_noticed_on_the_thread_too() -> None:
    with Upstream([stall()]) as upstream:
        with pytest.raises(TimeoutError):
            post(upstream.url, ASK, timeout=0.05)
        upstream.wait(lambda: upstream.left == 1, timeout=5)
        with pytest.raises(TimeoutError, match="left"):
            upstream.wait(lambda: False, timeout=0.01)


async def test_streams_are_written_as_they_are_scripted() -> None:
    async with Upstream([answer("one two")]) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        body = json.dumps({**ASK, "stream": True}).encode()
        writer.write(b"POST /v1/messages HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        wire = await reader.read()
        writer.close()
    assert b"content-type: text/event-stream" in wire.lower()
    assert wire.count(b"event: content_block_delta") == 2
    assert wire.endswith(b'data: {"type": "message_stop"}\n\n')


def test_a_json_script() -> None:
    turns = from_json(
        [
            {"text": "a", "delay": 0.5},
            {"tool": "Read", "input": {"x": 1}, "id": "t1"},
            {"blocks": [text("b")], "cut": "eof", "after": 2},
            {"status": 429, "headers": {"retry-after": "1"}, "body": {"error_code": "X"}},
            {"status": 200, "body": "<html>"},
        ]
    )
    assert turns[0] == answer("a", delay=0.5)
    assert turns[1] == answer(tool_use("Read", {"x": 1}, "t1"))
    assert turns[2] == answer("b", cut="eof", after=2)
    assert (turns[3].status, turns[3].body) == (429, b'{"error_code": "X"}')
    assert turns[4].body == b"<html>"


def test_as_a_process(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"text": "from a file"}]), encoding="utf-8")
    command = [sys.executable, "-m", "tests.fakes.upstream", "--script", str(script), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            assert post(f"{url}/v1/messages", ASK)[1]["content"] == [text("from a file")]
        finally:
            process.terminate()
