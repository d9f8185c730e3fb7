"""The doctor finds what a user can get wrong, says how to mend it, and shows no secret."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from sidecar.cli import run
from sidecar.cli.doctor import (
    check_claude,
    check_extensions,
    check_git,
    check_mcp,
    check_models,
    check_port,
    check_provider,
    check_proxies,
    check_python,
    check_state,
    check_token,
    check_workspace,
)
from sidecar.mcp.approvals import Approvals
from sidecar.settings import load
from sidecar.store.runtime import TOKEN_FILE, announce, keep_token, open_folder
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


def program(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "claude").write_text(script)
    (folder / "claude").chmod(0o755)


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


@POSIX
@pytest.mark.parametrize(
    ("script", "mark", "words"),
    [
        (None, "warn", "not on your PATH"),
        ("#!/bin/sh\necho '2.1.330 (Claude Code)'\n", "ok", "2.1.330 (Claude Code)"),
        ("#!/bin/sh\nexit 1\n", "warn", "does not start"),
        ("no program", "warn", "does not start"),
    ],
)
def test_the_claude_cli(tmp_path, script, mark, words):
    if script is not None:
        program(tmp_path / "programs", script)
    finding = check_claude({"PATH": str(tmp_path / "programs")})
    assert finding.mark == mark
    assert words in finding.text
    assert (finding.mend == "") is (mark == "ok")


@pytest.mark.parametrize(
    ("env", "mark"),
    [
        ({}, "ok"),
        ({"HTTPS_PROXY": "http://u:hunter2@p"}, "warn"),
        ({"http_proxy": "http://p"}, "warn"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "a, 127.0.0.1"}, "ok"),
        ({"HTTPS_PROXY": "http://p", "no_proxy": "*"}, "ok"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "example.com"}, "warn"),
    ],
)
def test_proxies(env, mark):
    finding = check_proxies(env)
    assert finding.mark == mark
    assert "hunter2" not in finding.text


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


@POSIX
def test_the_token(tmp_path):
    assert check_token(tmp_path).mark == "ok"
    token = keep_token(tmp_path).get_secret_value()
    assert check_token(tmp_path).mark == "ok"
    assert token not in check_token(tmp_path).text
    (tmp_path / TOKEN_FILE).chmod(0o644)
    assert check_token(tmp_path).mend == f"rm '{tmp_path / TOKEN_FILE}'"


def test_the_port(build, tmp_path, free_port):
    settings = build({"PORT": str(free_port)})
    assert check_port(settings).mark == "ok"
    with socket.create_server(("127.0.0.1", free_port)):
        finding = check_port(settings)
        assert finding.mark == "fail"
        assert str(free_port) in finding.text
        announce(
            open_folder(settings.state), base_url="http://127.0.0.1:5", port=5, provider="offline", workspace=tmp_path
        )
        assert "running on http://127.0.0.1:5" in check_port(settings).text


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
    "endpoint",
    "provider",
    "mcp",
    "claude",
    "proxy",
]


def test_a_healthy_machine(here, capsys):
    assert run(["doctor"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert [line.split()[1] for line in lines] == NAMES
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
    assert [finding["name"] for finding in report["findings"]] == NAMES
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
