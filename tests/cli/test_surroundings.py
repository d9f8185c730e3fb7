"""What stands around the CLI: found by name and place, and no value of it is ever told."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from sidecar.cli.surroundings import (
    ClientSettings,
    check_claude,
    check_proxies,
    check_safety,
    check_shell,
    check_way,
    client_settings,
    home_of,
    leads_past,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and scripts as POSIX has them")
OURS = "http://127.0.0.1:8080"
SECRET = "hunter2hunter2hunter2"


def program(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "claude").write_text(script)
    (folder / "claude").chmod(0o755)


@POSIX
@pytest.mark.parametrize(
    ("script", "mark", "words"),
    [
        (None, "warn", "not on your PATH"),
        ("#!/bin/sh\necho '2.1.330 (Claude Code)'\n", "ok", "2.1.330 (Claude Code)"),
        ("#!/bin/sh\necho '2.1.100 (Claude Code)'\n", "warn", "older than 2.1.197"),
        ("#!/bin/sh\necho '3.0.0 (Claude Code)'\n", "ok", "3.0.0"),
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


def write(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


# ── where the CLI is led ────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("env", "mark", "named"),
    [
        ({}, "ok", ""),
        ({"ANTHROPIC_BASE_URL": OURS}, "ok", ""),
        ({"ANTHROPIC_BASE_URL": "http://localhost:8080/"}, "ok", ""),
        ({"ANTHROPIC_BASE_URL": f"{OURS}/v1"}, "fail", "ANTHROPIC_BASE_URL"),
        ({"ANTHROPIC_BASE_URL": f"https://u:{SECRET}@else.example"}, "warn", "ANTHROPIC_BASE_URL"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "fail", "CLAUDE_CODE_USE_BEDROCK"),
        ({"CLAUDE_CODE_USE_VERTEX": "true"}, "fail", "CLAUDE_CODE_USE_VERTEX"),
        ({"CLAUDE_CODE_USE_FOUNDRY": "0"}, "ok", ""),
    ],
)
def test_a_variable_that_leads_past_us(env, mark, named):
    finding = check_way(env, [], OURS)
    assert (finding.mark, named in finding.text) == (mark, True)
    assert SECRET not in f"{finding}"
    assert (finding.mend == "") is (mark == "ok")


@pytest.mark.parametrize(
    ("env", "past"),
    [
        ({"ANTHROPIC_BASE_URL": "https://old.example"}, "ANTHROPIC_BASE_URL"),
        ({"ANTHROPIC_BASE_URL": OURS}, None),
        ({"ANTHROPIC_MODEL": "claude-opus-5-5"}, None),
        ({"CLAUDE_CODE_USE_BEDROCK": 1}, "CLAUDE_CODE_USE_BEDROCK"),
        ({"CLAUDE_CODE_USE_BEDROCK": "false"}, None),
    ],
)
@pytest.mark.parametrize("place", ["user", "project", "local"])
def test_a_settings_file_that_leads_past_us(tmp_path, env, past, place):
    """The CLI lets its settings files go before the environment, the project's among them."""
    project = tmp_path / "project"
    files = {
        "user": tmp_path / ".claude" / "settings.json",
        "project": project / ".claude" / "settings.json",
        "local": project / ".claude" / "settings.local.json",
    }
    write(files[place], {"env": env})
    found = client_settings({"HOME": str(tmp_path)}, project)
    assert leads_past(found, OURS) == ((files[place], past) if past else None)
    finding = check_way({"ANTHROPIC_BASE_URL": OURS}, found, OURS)
    assert finding.mark == ("fail" if past else "ok")
    assert (str(files[place]) in finding.mend) is (past is not None)
    assert "old.example" not in f"{finding}"


@pytest.mark.parametrize(("there", "mark"), [(SECRET, "ok"), ("an-old-one", "warn"), ("", "warn"), (None, "ok")])
def test_another_token_in_a_settings_file(there, mark):
    env = {} if there is None else {"ANTHROPIC_AUTH_TOKEN": there}
    finding = check_way({}, [ClientSettings(Path("s.json"), env)], OURS, SECRET)
    assert (finding.mark, "s.json" in finding.mend) == (mark, mark == "warn")
    assert SECRET not in f"{finding}"
    assert "an-old-one" not in f"{finding}"


def test_the_file_that_wins_is_named_first(tmp_path):
    write(tmp_path / ".claude" / "settings.json", {"env": {"ANTHROPIC_BASE_URL": "http://a"}})
    write(tmp_path / "p" / ".claude" / "settings.local.json", {"env": {"ANTHROPIC_BASE_URL": "http://b"}})
    past = leads_past(client_settings({"HOME": str(tmp_path)}, tmp_path / "p"), OURS)
    assert past is not None
    assert past[0].name == "settings.local.json"


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', '{"env": 5}', '{"env": {"A": null}}', "\x00\xff"])
def test_a_settings_file_that_cannot_be_read_says_nothing(tmp_path, content):
    write(tmp_path / "own" / "settings.json", content)
    found = client_settings({"CLAUDE_CONFIG_DIR": str(tmp_path / "own")}, tmp_path)
    assert leads_past(found, OURS) is None
    assert check_way({}, found, OURS).mark == "ok"


@POSIX
@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_settings_file_is_not_waited_for(tmp_path):
    (tmp_path / ".claude").mkdir()
    os.mkfifo(tmp_path / ".claude" / "settings.json")
    (tmp_path / ".claude" / "settings.local.json").symlink_to("/dev/zero")
    assert client_settings({}, tmp_path) == []


def test_without_a_home_only_the_workspace_is_looked_at(tmp_path):
    write(tmp_path / ".claude" / "settings.json", {"env": {"A": "b"}})
    assert [one.env for one in client_settings({}, tmp_path)] == [{"A": "b"}]
    assert home_of({}) is None
    assert home_of({"USERPROFILE": "x"}) == Path("x")
    assert check_shell(None).mark == "ok"


# ── its safety ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "name", ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_GROWTHBOOK"]
)
@pytest.mark.parametrize(("value", "mark"), [("1", "warn"), ("true", "warn"), ("0", "ok"), ("", "ok")])
def test_what_switches_the_safety_check_off(name, value, mark):
    for env, files in (({name: value}, []), ({}, [ClientSettings(Path("s.json"), {name: value})])):
        finding = check_safety(env, files)
        assert (finding.mark, name in finding.mend) == (mark, mark == "warn")


@pytest.mark.parametrize(
    "name", ["DISABLE_ERROR_REPORTING", "DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"]
)
def test_what_is_harmless(name):
    assert check_safety({name: "1"}, []).mark == "ok"


# ── the user's shell ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("file", "line", "named"),
    [
        (".bashrc", f"export ANTHROPIC_AUTH_TOKEN={SECRET}", "ANTHROPIC_AUTH_TOKEN"),
        (".zshrc", f"  export ANTHROPIC_BASE_URL='https://u:{SECRET}@x'", "ANTHROPIC_BASE_URL"),
        (".config/fish/config.fish", "set -gx CLAUDE_CODE_USE_BEDROCK 1", "CLAUDE_CODE_USE_BEDROCK"),
        (".profile", "export DISABLE_TELEMETRY=1", "DISABLE_TELEMETRY"),
        (".bashrc", "# export ANTHROPIC_BASE_URL=x", None),
        (".bashrc", "export ANTHROPIC_MODEL=x", None),
        (".bashrc", 'eval "$(sidecar env)"', None),
        (".bashrc", "echo ANTHROPIC_BASE_URL=x", None),
    ],
)
def test_a_shell_file_that_would_win(tmp_path, file, line, named):
    write(tmp_path / file, f"PATH=x\n{line}\n")
    finding = check_shell(tmp_path)
    assert finding.mark == ("warn" if named else "ok")
    assert SECRET not in f"{finding}"
    if named:
        assert named in finding.text
        assert f"~/{file} line 2" in finding.text
