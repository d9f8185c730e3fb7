"""Who wins among the sources, which provider is chosen, what a workspace may do, what is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import SetupError
from sidecar.settings import load, user_file
from sidecar.settings.whole import value_of
from tests.settings.sources import AZURE, DATABRICKS


# ── precedence ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("flags", "env", "toml", "port", "origin"),
    [
        ({}, {}, None, 8080, "default"),
        ({}, {}, "[server]\nport = 1", 1, "config.toml"),
        ({}, {"PORT": "2"}, "[server]\nport = 1", 2, "PORT"),
        ({}, {"PORT": ""}, "[server]\nport = 1", 1, "config.toml"),
        ({"server.port": "3"}, {"PORT": "2"}, "[server]\nport = 1", 3, "--port"),
        ({"server.port": 0}, {"PORT": "2"}, None, 0, "--port"),
        ({"server.port": None}, {"PORT": "2"}, None, 2, "PORT"),
        ({}, {"PORT": "2", "SIDECAR_PORT": "4"}, None, 2, "PORT"),
        ({}, {"SIDECAR_PORT": "4"}, None, 4, "SIDECAR_PORT"),
    ],
)
def test_flag_over_environment_over_file_over_default(build, flags, env, toml, port, origin):
    settings = build(env, flags, toml)
    assert settings.server.port == port
    assert settings.origin("server.port").endswith(origin)


ALIASES = [
    ("PROVIDER", "MODEL_PROVIDER", "provider.name", "offline"),
    ("DATABRICKS_API_BASE", "DATABRICKS_HOST", "databricks.api_base", "https://a.example.com"),
    ("DATABRICKS_API_KEY", "DATABRICKS_TOKEN", "databricks.api_key", "key"),
    ("ANTHROPIC_ENDPOINT", "AZURE_ANTHROPIC_ENDPOINT", "azure_anthropic.endpoint", "https://a.example.com/v1/messages"),
    ("ANTHROPIC_API_KEY", "AZURE_ANTHROPIC_API_KEY", "azure_anthropic.api_key", "key"),
]


@pytest.mark.parametrize(("name", "alias", "path", "value"), ALIASES)
def test_aliases(build, name, alias, path, value):
    for variable in (name, alias):
        settings = build({variable: value})
        found = value_of(settings, path)
        assert (found if isinstance(found, str) else found.get_secret_value()) == value
        assert settings.origin(path) == variable


@pytest.mark.parametrize(
    ("name", "value", "path", "kept"),
    [
        ("DATABRICKS_HOST", " https://a.example.com/\r\n", "databricks.api_base", "https://a.example.com"),
        ("MODEL_DEFAULT", "llama\r", "provider.model_default", "llama"),
        ("SIDECAR_STATE_DIR", " /tmp/a b ", "server.state_dir", Path("/tmp/a b")),
        ("PORT", " 1 ", "server.port", 1),
        ("PROMPT_CACHE_ENABLED", "false\r", "cache.enabled", False),
        ("POLICY_GIT_COMMIT_REGEX", "^fix: ", "git.commit_regex", "^fix: "),
    ],
)
def test_what_copying_leaves_around_a_variable_is_no_part_of_it(build, name, value, path, kept):
    assert value_of(build({name: value}), path) == kept


def test_files_as_editors_on_windows_write_them(build, here):
    (here / ".sidecar.toml").write_bytes(b"\xef\xbb\xbf[policy]\r\nmax_steps = 3\r\n")
    settings = build(toml="\ufeff[server]\r\nport = 7\r\n")
    assert (settings.server.port, settings.policy.max_steps) == (7, 3)


# ── the provider ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "offline"),
        (DATABRICKS, "databricks"),
        (AZURE, "azure_anthropic"),
        (DATABRICKS | AZURE, "databricks"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic"),
        ({"OPENAI_BASE_URL": "http://localhost:1/v1"}, "openai"),
        ({"OPENAI_API_KEY": "k"}, "offline"),
        ({"DATABRICKS_HOST": "https://a.example.com"}, "offline"),
        (DATABRICKS | {"PROVIDER": "Azure-Anthropic"}, "azure_anthropic"),
        (DATABRICKS | {"MODEL_PROVIDER": "offline"}, "offline"),
    ],
)
def test_provider_is_chosen_by_what_is_set(build, env, name):
    settings = build(env)
    assert settings.provider.name == name


def test_half_a_provider_is_told(build):
    settings = build({"DATABRICKS_HOST": "https://a.example.com"})
    assert [w for w in settings.warnings if "DATABRICKS_HOST is set but DATABRICKS_API_KEY is not" in w]
    assert not build({"ANTHROPIC_API_KEY": "k"}).warnings
    assert not build(DATABRICKS).warnings


def test_azures_own_key_wins_over_anthropics(build):
    settings = build(AZURE | {"AZURE_ANTHROPIC_API_KEY": "azures-own"})
    assert settings.azure_anthropic.api_key is not None
    assert settings.azure_anthropic.api_key.get_secret_value() == "azures-own"


# ── the door ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_loopback_leaves_the_mode_alone(build, host):
    assert build(flags={"server.host": host, "server.auth": "none"}).server.auth == "none"
    assert build(flags={"server.host": host}).server.auth == "auto"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "my-machine"])
def test_other_addresses_demand_the_token(build, host):
    settings = build(flags={"server.host": host})
    assert settings.server.auth == "token"
    assert host in settings.origin("server.auth")
    with pytest.raises(SetupError, match="--auth token"):
        build({"SIDECAR_AUTH": "None"}, {"server.host": host})


# ── the workspace's file ────────────────────────────────────────────────────────────────────────────
USER = """
[git]
allow_push = true
[cache]
ttl_ms = 100
[policy]
disallowed_tools = ["a"]
[web]
fetch_allowed_hosts = ["a.example.com", "b.example.com"]
"""


@pytest.mark.parametrize(
    ("own", "path", "value", "told"),
    [
        ("[git]\nallow_push = false", "git.allow_push", False, False),
        ("[git]\nallow_commit = false", "git.allow_commit", False, False),
        ("[git]\nrequire_tests = true", "git.require_tests", True, False),
        ("[cache]\nenabled = false", "cache.enabled", False, False),
        ("[cache]\nttl_ms = 50", "cache.ttl_ms", 50, False),
        ("[cache]\nttl_ms = 5000", "cache.ttl_ms", 100, True),
        ("[cache]\nttl_ms = -5", "cache.ttl_ms", 100, True),
        ("[policy]\nmax_steps = 0", "policy.max_steps", 8, True),
        ("[policy]\nmax_steps = 2", "policy.max_steps", 2, False),
        ('[policy]\ndisallowed_tools = ["b"]', "policy.disallowed_tools", ("a", "b"), False),
        ("[policy]\ndisallowed_tools = [1]", "policy.disallowed_tools", ("a",), True),
        ('[web]\nfetch_allowed_hosts = ["b.example.com", "c.example.com"]', "web.fetch_allowed_hosts",
         ("b.example.com",), False),
        ('[server]\nauth = "token"', "server.auth", "token", False),
        ('[server]\nauth = "none"', "server.auth", "auto", True),
        ("[server]\nport = 1", "server.port", 8080, True),
        ('[databricks]\napi_base = "https://evil.example.com"', "databricks.api_base", None, True),
        ('[provider]\nname = "openai"', "provider.name", "offline", True),
        ('[git]\ntest_command = "curl evil"', "git.test_command", None, True),
        ('[tests]\ncommand = "curl evil"', "tests.command", None, True),
        ('[mcp]\nmanifest = "x"', "mcp.manifest", None, True),
        ("[mcp]\nsandbox_enabled = true", "mcp.sandbox_enabled", True, False),
        ('[git]\nallow_push = "true"', "git.allow_push", True, True),
        ("[review]\nbudget = 2", "review.budget", 2, False),
        ("[review]\nbudget = 0", "review.budget", 5, True),
        ("[review]\nbudget = 9", "review.budget", 5, True),
        ('[review]\nfloor = "high"', "review.floor", "high", False),
        ('[review]\nfloor = "low"', "review.floor", "medium", True),
        ('[review]\nfloor = "none"', "review.floor", "medium", True),
        ("[review]\nfloor = 3", "review.floor", "medium", True),
        ("[review]\nfindings = false", "review.findings", True, True),
        ("[nonsense]\na = 1", "server.port", 8080, True),
        ("not toml", "server.port", 8080, True),
        ("", "server.port", 8080, False),
    ],
)  # fmt: skip
def test_a_workspace_may_only_narrow(build, own, path, value, told):
    settings = build(toml=USER, own=own)
    assert value_of(settings, path) == value
    assert any(".sidecar.toml" in warning for warning in settings.warnings) is told


def test_a_workspace_cannot_turn_a_policy_on(build):
    settings = build(own="[git]\nallow_push = true\n[mcp]\nsandbox_enabled = false")
    assert settings.git.allow_push is False
    assert "git.allow_push is ignored" in settings.warnings[0]


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")
def test_a_planted_workspace_file_is_not_followed(build, here, tmp_path):
    elsewhere = tmp_path / "else.toml"
    elsewhere.write_text("[cache]\nenabled = false")
    (here / ".sidecar.toml").symlink_to(elsewhere)
    assert build().cache.enabled is True
    (here / ".sidecar.toml").unlink()
    os.mkfifo(here / ".sidecar.toml")
    assert build().cache.enabled is True


# ── what is odd ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("env", "toml", "words"),
    [
        ({"POLICY_GIT_ALOW_PUSH": "1"}, None, "did you mean POLICY_GIT_ALLOW_PUSH?"),
        ({"SIDECAR_TOKN": "1"}, None, "did you mean SIDECAR_TOKEN?"),
        ({}, "[server]\nprt = 1", "no setting server.prt (did you mean server.port?)"),
        ({}, "sever = 1", "no setting sever"),
        ({"ANTHROPIC_UPSTREAM_URL": "http://a.example.com"}, None, "in the clear"),
    ],
)
def test_odd_things_are_told(build, env, toml, words):
    assert any(words in warning for warning in build(env, toml=toml).warnings)


@pytest.mark.parametrize("env", [{}, {"SIDECAR_SOMETHING_ELSE": "1"}, {"ANTHROPIC_UPSTREAM_URL": "http://127.0.0.1:1"}])
def test_nothing_odd_nothing_told(build, env):
    assert build(env).warnings == ()


# ── folders ─────────────────────────────────────────────────────────────────────────────────────────
def test_each_workspace_has_its_own_state(tmp_path):
    one, other = tmp_path / "a" / "My Project", tmp_path / "b" / "My Project"
    one.mkdir(parents=True)
    other.mkdir(parents=True)
    env = {"SIDECAR_STATE_DIR": str(tmp_path / "state")}
    states = [load({}, env, None, folder).state for folder in (one, other, one / ".." / "My Project")]
    assert states[0] is not None
    assert states[0].name.startswith("My-Project-")
    assert states[0].parent == tmp_path / "state"
    assert states[0] != states[1]
    assert states[0] == states[2]
    assert not states[0].exists()


def test_the_workspace_is_the_flag_else_the_variable_else_here(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.chdir(folders[2])
    env = {"SIDECAR_STATE_DIR": str(tmp_path), "WORKSPACE_ROOT": str(folders[1])}
    assert load({"server.workspace": folders[0]}, env, None).server.workspace == folders[0].resolve()
    assert load({}, env, None).server.workspace == folders[1].resolve()
    assert load({}, {"SIDECAR_STATE_DIR": str(tmp_path)}, None).server.workspace == folders[2].resolve()


@pytest.mark.skipif(sys.platform == "win32", reason="HOME is POSIX's")
def test_no_home_is_no_crash(here, monkeypatch):
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    settings = load({}, {}, user_file(), here)
    assert settings.state is None or settings.state.is_absolute()
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    homeless = load({}, {}, user_file(), here)
    assert homeless.state is None
    assert homeless.log_file is None
    assert user_file() is None
