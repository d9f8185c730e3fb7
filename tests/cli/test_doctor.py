"""The doctor finds what a user can get wrong, says how to mend it, and shows no secret."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import ClassVar

import pytest
import redis

from sidecar import __version__
from sidecar.cli import run
from sidecar.cli.doctor import (
    check_collector,
    check_database,
    check_extensions,
    check_git,
    check_mcp,
    check_models,
    check_port,
    check_provider,
    check_python,
    check_shared_cache,
    check_space,
    check_state,
    check_token,
    check_workspace,
)
from sidecar.mcp.approvals import Approvals
from sidecar.settings import load
from sidecar.store.runtime import TOKEN_FILE, announce, keep_token, open_folder
from tests.fakes.redis_server import RedisServer
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, fault, text

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and scripts as POSIX has them")
KEY = "hunter2hunter2hunter2"


@pytest.fixture
def build(tmp_path):
    def make(env=(), **flags):
        return load(flags, {"SIDECAR_STATE_DIR": str(tmp_path / "state"), **dict(env)}, None, tmp_path)

    return make


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# ── single findings ─────────────────────────────────────────────────────────────────────────────────
def test_this_machine_is_well():
    assert [check_python().mark, check_git().mark, check_extensions({}).mark] == ["ok", "ok", "ok"]


def test_a_switched_off_parser():
    finding = check_extensions({"AIOHTTP_NO_EXTENSIONS": "1"})
    assert (finding.mark, finding.mend) == ("fail", "unset AIOHTTP_NO_EXTENSIONS")


@pytest.mark.parametrize("said", ["git version 2.24.1", "", None])
@POSIX
def test_a_git_that_is_missing_or_old(tmp_path, monkeypatch, said):
    monkeypatch.setenv("PATH", str(tmp_path))
    if said is not None:
        (tmp_path / "git").write_text(f"#!/bin/sh\necho '{said}'\n")
        (tmp_path / "git").chmod(0o755)
    assert check_git().mark == "fail"
    assert "install git" in check_git().mend


def test_the_workspace(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert check_workspace(tmp_path / "a" / "b").mend == "git init"
    (tmp_path / "a" / ".git").mkdir()
    assert check_workspace(tmp_path / "a" / "b").mark == "ok"


@POSIX
def test_the_state_folder(tmp_path):
    folder = tmp_path / "x" / "y"
    assert check_state(folder).mark == "ok"
    assert not folder.exists()
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    assert check_state(folder).mend == f"chmod 700 '{folder}'"
    folder.chmod(0o700)
    assert check_state(folder).mark == "ok"
    assert check_state(None).mark == "warn"
    if os.getuid() != 0:
        folder.chmod(0o500)
        assert check_state(folder / "z").mark == "fail"


def test_the_database(tmp_path):
    file = tmp_path / "sidecar.db"
    assert check_database(tmp_path).mark == "ok", "none yet"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 4711")
    newer = check_database(tmp_path)
    assert newer.mark == "fail"
    assert "newer version of Sidecar" in newer.text
    assert "threads and tasks are kept in memory only" in newer.text
    assert newer.mend
    file.write_bytes(b"no database at all " * 200)
    assert check_database(tmp_path).mark == "warn"
    assert "is damaged" in check_database(tmp_path).text


@POSIX
def test_the_token(tmp_path):
    assert check_token(tmp_path).mark == "ok"
    token = keep_token(tmp_path).get_secret_value()
    assert check_token(tmp_path).mark == "ok"
    assert token not in check_token(tmp_path).text
    (tmp_path / TOKEN_FILE).chmod(0o644)
    assert check_token(tmp_path).mend == f"rm '{tmp_path / TOKEN_FILE}'"
    (tmp_path / TOKEN_FILE).unlink()
    (tmp_path / TOKEN_FILE).mkdir()
    assert (check_token(tmp_path).mark, check_token(tmp_path).mend[:2]) == ("fail", "mv")


@pytest.mark.parametrize(("free", "mark"), [(10**12, "ok"), (10**8, "warn"), (10**6, "fail")])
def test_room_on_the_disk(tmp_path, monkeypatch, free, mark):
    """The one thing here that cannot be brought about: a disk with so much room."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    finding = check_space(tmp_path / "not" / "yet")
    assert (finding.mark, "cache clear" in finding.mend) == (mark, mark != "ok")
    assert str(tmp_path) in finding.text


def test_the_port(build, tmp_path, free_port):
    settings = build({"PORT": str(free_port)})
    assert check_port(settings).mark == "ok"
    with socket.create_server(("127.0.0.1", free_port)):
        finding = check_port(settings)
        assert finding.mark == "fail"
        assert str(free_port) in finding.text
        assert f"process {os.getpid()}" in finding.text


class Greeting(BaseHTTPRequestHandler):
    """Says what it is told to."""

    told: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.told)))
        self.end_headers()
        self.wfile.write(self.told)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.mark.parametrize(
    ("told", "mark", "words"),
    [
        (json.dumps({"name": "claude-sidecar", "version": __version__}).encode(), "ok", "running on"),
        (b'{"version": "0.0.1"}', "warn", "still version 0.0.1"),
        (b"hello", "fail", "does not answer"),
        (None, "fail", "does not answer"),
    ],
)
def test_a_sidecar_that_runs_is_asked_how_it_is(build, tmp_path, free_port, told, mark, words):
    with contextlib.ExitStack() as stack:
        if told is not None:
            handler = type("Told", (Greeting,), {"told": told})
            server = stack.enter_context(HTTPServer(("127.0.0.1", free_port), handler))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        url = f"http://127.0.0.1:{free_port}"
        settings = build()
        announce(open_folder(settings.state), base_url=url, port=free_port, provider="offline", workspace=tmp_path)
        finding = check_port(settings)
    assert (finding.mark, words in finding.text, url in finding.text) == (mark, True, True)
    assert (str(os.getpid()) in finding.mend) is (mark != "ok")


SHARED = {"SIDECAR_CACHE_SECRET": "0123456789abcdef0123456789abcdef"}


def test_a_team_s_cache(build, tmp_path):
    with RedisServer(tmp_path, password="of-the-server") as server:
        finding = check_shared_cache(build({**SHARED, "SIDECAR_CACHE_URL": server.url}))
        assert finding.mark == "ok", finding
        assert "gave one back in" in finding.text
        with redis.Redis.from_url(server.url) as client:
            assert client.dbsize() == 0
        wrong = check_shared_cache(build({**SHARED, "SIDECAR_CACHE_URL": server.url.replace("of-the-server", "wrong")}))
        assert (wrong.mark, "password" in wrong.text.lower(), "wrong" in wrong.text) == ("fail", True, False)
        half = check_shared_cache(build({"SIDECAR_CACHE_URL": server.url}))
        assert (half.mark, half.mend) == ("fail", "set SIDECAR_CACHE_SECRET, or unset SIDECAR_CACHE_URL")
    gone = check_shared_cache(build({**SHARED, "SIDECAR_CACHE_URL": server.url}))
    assert gone.mark == "fail"
    assert "of-the-server" not in gone.text


@pytest.mark.parametrize(
    ("turn", "mark", "words"),
    [
        (Scripted(body=b"{}"), "ok", "takes traces and metrics"),
        (fault(401), "warn", "HTTP 401"),
        (None, "warn", "cannot be reached"),
    ],
)
def test_a_collector(build, free_port, turn, mark, words):
    with Upstream(rule=lambda _: turn or answer("")) as collector:
        address = collector.url if turn is not None else f"http://127.0.0.1:{free_port}"
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20k3y"}
        finding = check_collector(build(env))
        assert (finding.mark, words in finding.text, "k3y" in finding.line()) == (mark, True, False)
        if turn is not None:
            (seen,) = collector.requests
            assert (seen.path, seen.headers["authorization"]) == ("/v1/traces", "Bearer k3y")
        else:
            assert "4318" in finding.mend


def test_only_a_collector_that_is_named_is_looked_at(here, capsys, monkeypatch):
    run(["doctor"])
    assert "telemetry" not in capsys.readouterr().out
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    assert "telemetry" not in _run(capsys), "with --no-call nobody is asked"
    run(["doctor"])
    assert "telemetry" in capsys.readouterr().out


def test_a_team_s_cache_that_is_far_away(build, tmp_path, monkeypatch):
    async def slow(_settings) -> float:
        return 0.2

    monkeypatch.setattr("sidecar.cli.doctor.tried", slow)
    finding = check_shared_cache(build({**SHARED, "SIDECAR_CACHE_URL": "redis://h"}))
    assert (finding.mark, "200 ms" in finding.text) == ("warn", True)


def test_only_a_cache_that_is_shared_is_looked_at(here, capsys, monkeypatch):
    assert "cache " not in _run(capsys)
    monkeypatch.setenv("SIDECAR_CACHE_URL", "redis://127.0.0.1:1")
    assert "cache " in _run(capsys)


def _run(capsys) -> str:
    run(["doctor", "--no-call"])
    return capsys.readouterr().out


# ── the provider ────────────────────────────────────────────────────────────────────────────────────
def databricks(url: str) -> dict[str, str]:
    return {"DATABRICKS_API_BASE": url, "DATABRICKS_API_KEY": KEY}


def test_mcp_servers_are_looked_at_and_not_started(build, tmp_path):
    settings = build()
    manifest = tmp_path / ".mcp.json"
    assert (check_mcp(settings).mark, check_mcp(settings).text) == ("ok", "0 found, 0 approved")
    manifest.write_text('{"mcpServers": {"one": {"command": "node"}, "bad": {}}}')
    assert check_mcp(settings).mark == "warn"
    assert "'bad' needs either a command or a url" in check_mcp(settings).text
    manifest.write_text('{"mcpServers": {"one": {"command": "node"}}}')
    assert check_mcp(settings).text == "1 found, 0 approved"
    Approvals(settings.state).give("one", str(manifest), {"command": "another"}, ())
    found = check_mcp(settings)
    assert (found.mark, found.text) == ("warn", "not as approved: one")
    assert found.mend == "look at it: sidecar mcp approve one"


def test_offline_needs_nothing(build):
    assert check_provider(build(), call=True).mark == "ok"


def test_a_provider_without_its_settings(build):
    finding = check_provider(build({"PROVIDER": "databricks"}), call=True)
    assert (finding.mark, finding.mend) == ("fail", "export DATABRICKS_API_BASE=…")


def test_a_provider_that_is_not_to_be_asked(build):
    finding = check_provider(build(databricks("https://a.example.com")), call=False)
    assert finding.mark == "ok"
    assert "not asked" in finding.text


def test_a_provider_that_cannot_be_reached(build, free_port):
    finding = check_provider(build(databricks(f"http://127.0.0.1:{free_port}")), call=True)
    assert finding.mark == "fail"
    assert f"http://127.0.0.1:{free_port}" in finding.mend
    assert KEY not in finding.text


@pytest.mark.parametrize(
    ("turn", "mark", "words", "mend"),
    [
        (answer(text("p")), "ok", "answered in", ""),
        (fault(401, "no such key"), "fail", "refuses the key", "DATABRICKS_API_KEY"),
        (fault(403, "not allowed"), "fail", "refuses the key", "DATABRICKS_API_KEY"),
        (fault(404, "no such endpoint"), "fail", "no such endpoint or model", "MODEL_DEFAULT"),
        (fault(500, "broken"), "fail", "databricks", "check the address"),
        (fault(429, "slow down"), "warn", "busy", "again later"),
    ],
)
def test_what_a_provider_answers(build, turn, mark, words, mend):
    with Upstream([turn] * 4) as upstream:
        finding = check_provider(build(databricks(upstream.url)), call=True)
        asked = [json.loads(seen.raw) for seen in upstream.requests]
    assert finding.mark == mark, finding
    assert words in finding.text
    assert mend in finding.mend
    assert KEY not in f"{finding}"
    assert all(body["max_tokens"] == 1 for body in asked)
    assert asked


# ── the whole ───────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def here(tmp_path, monkeypatch, free_port):
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PORT", str(free_port))
    return tmp_path


NAMES = [
    "python",
    "aiohttp",
    "git",
    "settings",
    "workspace",
    "state",
    "token",
    "database",
    "disk",
    "endpoint",
    "provider",
    "index",
    "mcp",
    "claude",
    "way",
    "safety",
    "shell",
    "proxy",
]


SERVERS = {"server", "servers"}
"""One finding for each language server that this machine has, and for those that it lacks."""


def test_a_healthy_machine(here, capsys):
    assert run(["doctor"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert [name for line in lines if (name := line.split()[1]) not in SERVERS] == NAMES
    assert all(line.split()[0] in {"ok", "warn"} for line in lines)


def test_json(here, capsys, monkeypatch):
    monkeypatch.setenv("DATABRICKS_API_KEY", KEY)
    monkeypatch.setenv("PROVIDER", "databricks")
    monkeypatch.setenv("SIDECAR_TOKEN", KEY)
    assert run(["doctor", "--json"]) == 1
    shown = capsys.readouterr().out
    assert KEY not in shown
    report = json.loads(shown)
    assert report["ok"] is False
    assert [name for finding in report["findings"] if (name := finding["name"]) not in SERVERS] == NAMES
    assert all(finding["mend"] for finding in report["findings"] if finding["mark"] != "ok")


def test_quiet_shows_only_what_is_not_well(here, capsys):
    assert run(["doctor", "--quiet", "--provider", "azure_anthropic"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert lines
    assert all(not line.startswith("ok") for line in lines)


def test_settings_that_cannot_be_read_end_it(here, capsys, monkeypatch):
    monkeypatch.setenv("PORT", "x")
    assert run(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert 'PORT is "x"' in shown
    assert "Traceback" not in shown


# ── signing in, and what the workspace serves ───────────────────────────────────────────────────────
def listed(*endpoints: tuple[str, str]) -> bytes:
    return json.dumps(
        {"endpoints": [{"name": name, "task": "llm/v1/chat", "state": {"ready": ready}} for name, ready in endpoints]}
    ).encode()


SERVED = listed(("databricks-claude-haiku-4-5", "READY"), ("my-opus", "NOT_READY"), ("databricks-llama", "READY"))


@pytest.mark.parametrize(
    ("env", "mark", "words", "mend"),
    [
        ({}, "ok", "databricks-claude-haiku-4-5: served", ""),
        ({"MODEL_HAIKU": "databricks-claude-haiku-4-5", "MODEL_DEFAULT": "databricks-llama"}, "ok", "llama", ""),
        ({"MODEL_SONNET": "mistyped"}, "warn", "does not serve mistyped", "(databricks-claude-haiku-4-5)"),
        ({"MODEL_OPUS": "my-opus"}, "warn", "not ready: my-opus", "MODEL_OPUS"),
        ({"SIDECAR_MODEL_MAP": "claude-*=gone"}, "warn", "does not serve gone", "MODEL_MAP"),
        ({"DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/gone/invocations"}, "warn", "does not serve gone", "MODEL_"),
        ({"DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/databricks-llama/invocations"}, "ok", "llama", ""),
    ],
)
def test_a_model_that_the_workspace_does_not_serve(build, env, mark, words, mend):
    with Upstream([Scripted(body=SERVED)]) as upstream:
        finding = check_models(build(databricks(upstream.url) | env), told=False)
        assert [seen.path for seen in upstream.requests] == ["/api/2.0/serving-endpoints"]
    assert finding is not None
    assert (finding.mark, words in finding.text, mend in finding.mend) == (mark, True, True), finding
    assert KEY not in f"{finding}"


def test_a_path_past_the_endpoints_says_nothing_of_them(build):
    with Upstream([Scripted(body=SERVED)]) as upstream:
        env = databricks(upstream.url) | {"DATABRICKS_ENDPOINT_PATH": "/ai-gateway/anthropic"}
        assert check_models(build(env), told=False) is None
    assert check_models(build({"PROVIDER": "anthropic", "ANTHROPIC_API_KEY": KEY}), told=False) is None
    assert check_models(build(), told=False) is None


def test_a_workspace_that_does_not_list_is_told_of_once(build):
    with Upstream([fault(403, "no"), fault(403, "no")]) as upstream:
        settings = build(databricks(upstream.url))
        finding = check_models(settings, told=False)
        assert finding is not None
        assert (finding.mark, "right to list" in finding.mend) == ("warn", True)
        assert check_models(settings, told=True) is None


def test_a_list_that_does_not_come_is_not_waited_for(build):
    begun = time.monotonic()
    with Upstream([Scripted(silent=True)]) as upstream:
        finding = check_models(build(databricks(upstream.url)), told=False)
    assert finding is not None
    assert "in time" in finding.text
    assert time.monotonic() - begun < 15


WORKSPACE = {"DATABRICKS_API_BASE": "http://127.0.0.1:9"}
AZURE = {"PROVIDER": "azure_anthropic", "ANTHROPIC_ENDPOINT": "http://127.0.0.1:9/anthropic"}


@pytest.mark.parametrize(
    ("env", "ways"),
    [
        (WORKSPACE | {"PROVIDER": "databricks"}, ["DATABRICKS_API_KEY", "DATABRICKS_CONFIG_PROFILE", "CLIENT_SECRET"]),
        (AZURE, ["ANTHROPIC_API_KEY", "az login", "AZURE_ANTHROPIC_AUTH=entra"]),
    ],
)
def test_without_a_key_every_way_to_sign_in_is_named(build, env, ways):
    finding = check_provider(build(env), call=True)
    assert finding.mark == "fail"
    assert all(way in finding.mend for way in ways), finding.mend


@pytest.mark.parametrize(
    ("env", "first"),
    [
        ({"DATABRICKS_CLIENT_ID": "me", "DATABRICKS_CLIENT_SECRET": KEY}, "`databricks auth login`"),
        ({"PROVIDER": "azure_anthropic", "AZURE_ANTHROPIC_AUTH": "entra"}, "`az login`"),
    ],
)
def test_a_sign_in_that_is_refused_says_how_to_sign_in(build, tmp_path, monkeypatch, env, first):
    for name in list(os.environ):
        if name.startswith(("DATABRICKS_", "AZURE_", "ARM_", "IDENTITY_", "MSI_", "IMDS_")):
            monkeypatch.delenv(name)
    for name, value in {"HOME": str(tmp_path), "PATH": "", "NO_PROXY": "*", "IDENTITY_HEADER": "h"}.items():
        monkeypatch.setenv(name, value)
    with Upstream(rule=lambda seen: fault(400, "who are you?")) as upstream:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi")
        azure = {"ANTHROPIC_ENDPOINT": f"{upstream.url}/anthropic"}
        finding = check_provider(build({"DATABRICKS_API_BASE": upstream.url} | azure | env), call=True)
        assert upstream.requests
    assert (finding.mark, finding.mend.startswith(first)) == ("fail", True), finding
    assert KEY not in f"{finding}"


@POSIX
def test_a_git_that_the_folder_brings_along_is_not_started(tmp_path, monkeypatch):
    (tmp_path / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho git version 2.50.0\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{tmp_path}:{os.environ['PATH']}")
    assert check_git().mark == "ok"
    assert not (tmp_path / "ran").exists()
