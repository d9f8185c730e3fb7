"""Promises of the whole house, kept by real processes: only the configured host is spoken to, nothing of ours stands in an
answer, and one request can be followed from the client's header to the provider's.

The process gets a proxy that writes down whoever asks for it: all traffic that does not go to the configured provider
on loopback would come by there.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import environment, run
from tests.fakes.upstream import Upstream, answer, fault, tool_use
from tests.providers.test_credentials import TokenServer

TOKEN = "token-of-the-tests-0123456789"
CLI = {
    # What the real CLI sends of itself, with a key as long as a subscriber's.
    "user-agent": "claude-cli/2.1.330 (external, cli)",
    "x-app": "cli",
    "authorization": f"Bearer {TOKEN}",
    "x-api-key": "sk-ant-api03-" + "a1b2c3d4" * 10,
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
    "x-claude-code-session-id": "7d0c4f0e-session",
    "x-claude-code-agent-id": "agent-1",
    "content-type": "application/json",
}
QUESTION = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 64,
    "stream": True,
    "system": "You must use tools; one was disabled or unavailable.",
    "messages": [{"role": "user", "content": "What is the stock price data of example.com? The web tool is disabled."}],
    "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
}
PROVIDERS = {
    "databricks": lambda url: {"DATABRICKS_HOST": url, "DATABRICKS_TOKEN": "dapi0123456789abcdef"},
    "azure_anthropic": lambda url: {
        "AZURE_ANTHROPIC_ENDPOINT": f"{url}/anthropic",
        "AZURE_ANTHROPIC_API_KEY": "a" * 40,
    },
    "anthropic": lambda url: {"ANTHROPIC_UPSTREAM_URL": url, "ANTHROPIC_API_KEY": "sk-ant-" + "b" * 40},
    "openai": lambda url: {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "c" * 40},
}


class Catcher:
    """A proxy that lets nothing through and remembers that it was asked."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.caught: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                with client:
                    self.caught.append(client.recv(4096))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Served:
    """A `sidecar serve` of its own before a scripted upstream; `more` goes before what the provider's table says."""

    def __init__(self, tmp_path: Path, name: str, upstream: Upstream, catcher: Catcher, **more: str) -> None:
        self.folder = tmp_path / "project"
        self.folder.mkdir(exist_ok=True)
        proxies = {f"{kind}_proxy": catcher.url for kind in ("http", "https", "all")}
        self.env = environment(
            tmp_path / "state", PROVIDER=name, SIDECAR_TOKEN=TOKEN, no_proxy="127.0.0.1", **proxies, **(PROVIDERS[name](upstream.url) | more)
        )  # fmt: skip
        command = [sys.executable, "-m", "sidecar", "serve", "--port", "0", "--json", "--auth", "token"]
        self.process = subprocess.Popen(
            command, env=self.env, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.base = json.loads(self.process.stdout.readline())["base_url"]

    def post(self, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], bytes]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"{self.base}/v1/messages?beta=true", json.dumps(body).encode(), {**CLI, **names}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as response:
                return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def sidecar(self, *arguments: str) -> Any:
        done = run(arguments, self.env, self.folder)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)


def unmarked(value: Any) -> Any:
    """A request without the marks that let the provider keep it, and its texts as plainly as they can be written."""
    if isinstance(value, list):
        plain = [unmarked(item) for item in value]
        one = plain[0] if len(plain) == 1 else None
        return one["text"] if isinstance(one, dict) and set(one) == {"type", "text"} else plain
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items() if key != "cache_control"}
    return value


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    made = Catcher()
    yield made
    made.close()


@contextlib.contextmanager
def serving(tmp_path: Path, name: str, upstream: Upstream, catcher: Catcher, **more: str) -> Iterator[Served]:
    served = Served(tmp_path, name, upstream, catcher, **more)
    try:
        yield served
    finally:
        served.stop()


@pytest.mark.parametrize("name", PROVIDERS)
def test_only_the_configured_host_is_spoken_to_and_only_with_its_own_key(tmp_path: Path, name: str, catcher: Catcher):
    """Neither the CLI's user agent, nor its key, nor words in prompt or answer send anything elsewhere."""
    told = "That tool is disabled or unavailable; I cannot access real-time data. Search the web for the stock price."
    with Upstream([answer(told), answer(told)]) as upstream:
        with serving(tmp_path, name, upstream, catcher) as served:
            for stream in (True, False):
                status, _, body = served.post({**QUESTION, "stream": stream})
                assert (status, (b"message_stop" if stream else b"stock price") in body) == (200, True)
        assert len(upstream.requests) == 2, "one request of the client is one request to the provider"
        for seen in upstream.requests:
            carried = json.dumps(seen.headers)
            assert CLI["x-api-key"] not in carried
            assert TOKEN not in carried
            assert seen.tools == ["Bash"], "no tool is added or taken"
    assert catcher.caught == []


SIGNING_IN = {
    "databricks": lambda url: {
        "DATABRICKS_HOST": url, "DATABRICKS_CLIENT_ID": "me", "DATABRICKS_CLIENT_SECRET": "s" * 40,
    },
    "azure_anthropic": lambda url: {
        "AZURE_ANTHROPIC_ENDPOINT": f"{url}/anthropic", "AZURE_ANTHROPIC_AUTH": "entra",
        "IDENTITY_ENDPOINT": f"{url}/msi", "IDENTITY_HEADER": "h",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNING_IN)
def test_signing_in_speaks_to_no_other_host_either(tmp_path: Path, name: str, catcher: Catcher):
    """The SDKs ask where the workspace, or Azure's own variables, say; nobody else is told that anybody signed in."""
    tokens = TokenServer()
    # Nobody is signed in on this machine, and no program can be asked.
    nobody = {"PATH": "", "HOME": str(tmp_path), "DATABRICKS_TOKEN": "", "AZURE_ANTHROPIC_API_KEY": ""}
    with Upstream([answer("a"), answer("b")], rule=tokens) as upstream:
        tokens.url = upstream.url
        with serving(tmp_path, name, upstream, catcher, **nobody, **SIGNING_IN[name](upstream.url)) as served:
            for _ in range(2):
                status, _, body = served.post(QUESTION)
                assert status == 200, body
        asked = [seen for seen in upstream.requests if seen.path.endswith("/messages")]
        assert [seen.headers["authorization"] for seen in asked] == ["Bearer token-1"] * 2
    assert catcher.caught == []


def test_what_a_provider_refused_is_remembered_past_a_restart(tmp_path: Path, catcher: Catcher):
    refusal = fault(
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "context_management: Extra inputs are not permitted"},
        },
    )
    managed = {**QUESTION, "context_management": {"edits": []}}
    with Upstream([refusal, answer("a"), answer("b")]) as upstream:
        for _ in range(2):
            with serving(tmp_path, "anthropic", upstream, catcher) as served:
                status, headers, _ = served.post(managed)
                assert status == 200
                assert "context_management" in headers["x-sidecar-changed"].split(",")
        assert ["context_management" in seen.body for seen in upstream.requests] == [True, False, False]


def test_the_catcher_catches(tmp_path: Path, catcher: Catcher):
    """The test above can fail: an address that is not loopback's goes by the proxy."""
    with Upstream() as upstream:
        elsewhere = {"ANTHROPIC_UPSTREAM_URL": "http://provider.invalid"}
        with serving(tmp_path, "anthropic", upstream, catcher) as served:
            served.stop()
        served.env |= elsewhere
        command = [sys.executable, "-m", "sidecar", "doctor", "--json"]
        subprocess.run(command, env=served.env, cwd=served.folder, capture_output=True, check=False, timeout=60)
    assert b"provider.invalid" in b"".join(catcher.caught)


def test_one_request_is_followed_from_header_to_header(tmp_path: Path, catcher: Catcher):
    turns = [
        answer(tool_use("Read", {"file_path": "/a"}), headers={"request-id": "up_1"}),
        fault(400, request_id="up_2"),
    ]
    with Upstream(turns) as upstream, serving(tmp_path, "databricks", upstream, catcher) as served:
        status, headers, body = served.post(QUESTION, x_sidecar_trace="full")
        assert status == 200
        assert set(json.loads(body.split(b"data: ")[1].split(b"\n")[0])) == {"type", "message"}
        ours = headers["request-id"]
        assert headers["upstream-request-id"] == "up_1"
        assert headers["x-sidecar-model"] == "databricks-claude-sonnet-4-5"
        assert "model" in headers["x-sidecar-changed"].split(",")
        assert b'"claude-sonnet-4-5"' in body, "the answer bears the name that was asked for"
        sent = upstream.requests[0].body
        assert unmarked(sent) == QUESTION | {"model": "databricks-claude-sonnet-4-5"}
        assert (unmarked(sent) != sent) == ("cache_control" in headers["x-sidecar-changed"].split(","))
        status, headers, _ = served.post(QUESTION)
        assert (status, headers["upstream-request-id"]) == (400, "up_2")
        failed = headers["request-id"]

        # While it still runs, within a second: the record, by either id.
        until = time.monotonic() + 10
        while run(("usage", "--request", failed), served.env, served.folder).returncode:
            assert time.monotonic() < until
        (record,) = served.sidecar("usage", "--request", "up_1", "--json")
        assert (record["id"], record["session"], record["agent"]) == (ours, "7d0c4f0e-session", "agent-1")
        assert (record["tools"], record["outcome"], record["stop_reason"]) == (["Read"], "done", "tool_use")
        assert record["input"] > 0
        (broken,) = served.sidecar("usage", "--request", failed, "--json")
        assert (broken["outcome"], broken["status"], broken["upstream"]) == ("error", 400, "up_2")
        served.stop()

        events = served.sidecar("logs", "--request", ours, "--json")
        line = next(event for event in events if event["event"] == "request")
        assert (line["upstream"], line["served"]) == ("up_1", "databricks-claude-sonnet-4-5")
        assert {event["event"] for event in served.sidecar("logs", "--request", "up_1", "--json")} == {"request"}
        lines = {line["kind"]: line for line in served.sidecar("traces", "show", ours, "--json")}
        assert lines["upstream_response"]["headers"]["request-id"] == "up_1"
        assert lines["upstream_request"]["headers"]["authorization"] == "[redacted]"
        (listed,) = served.sidecar("traces", "--json")
        assert [trace["id"] for trace in listed] == [ours], "only what was asked for is traced"


def test_a_clean_stop_loses_no_note_and_a_trace_is_off_unless_asked_for(tmp_path: Path, catcher: Catcher):
    with Upstream([answer("ok")] * 5) as upstream, serving(tmp_path, "anthropic", upstream, catcher) as served:
        for _ in range(5):
            served.post(QUESTION)
        served.stop()
        (told,) = served.sidecar("usage", "--json")
        assert told["total"]["requests"] == 5
        assert told["total"]["unpriced"] == 0
        assert served.sidecar("traces", "--json") == [[]]
        state = next((tmp_path / "state").iterdir())
        words = b"example.com"
        assert all(words not in file.read_bytes() for file in state.rglob("*") if file.is_file())
