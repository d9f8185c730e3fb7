"""Settings: who wins, what is refused and with which words, what a workspace may do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from sidecar.core.errors import SetupError
from sidecar.settings import Settings, environment, from_machine, load, schema, user_file
from sidecar.settings.groups import extra_of, field_of, fields, value_of

DATABRICKS = {"DATABRICKS_API_BASE": "https://dbc.example.com", "DATABRICKS_API_KEY": "key-of-databricks"}
AZURE = {"ANTHROPIC_ENDPOINT": "https://azure.example.com/anthropic/v1/messages", "ANTHROPIC_API_KEY": "key-of-azure"}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def build(here: Path, tmp_path: Path):
    def make(env=(), flags=(), toml: str | None = None, own: str | None = None) -> Settings:
        file = tmp_path / "config.toml"
        if toml is not None:
            file.write_text(toml, encoding="utf-8")
        if own is not None:
            (here / ".sidecar.toml").write_text(own, encoding="utf-8")
        return load(dict(flags), {"SIDECAR_STATE_DIR": str(tmp_path / "state"), **dict(env)}, file, here)

    return make


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


EXAMPLES = {
    "PROVIDER": ("offline", "offline"),
    "WORKSPACE_ROOT": (None, None),
    "SIDECAR_AUTH": ("TOKEN", "token"),
    "SIDECAR_LOG_LEVEL": ("Debug", "debug"),
    "SIDECAR_MODEL_MAP": ("a=b, c = d", {"a": "b", "c": "d"}),
    "MODEL_DEFAULT": ("m", "m"),
    "DATABRICKS_ENDPOINT_PATH": ("/serving-endpoints/x/invocations", "/serving-endpoints/x/invocations"),
    "AZURE_ANTHROPIC_VERSION": ("2024-01-01", "2024-01-01"),
    "ANTHROPIC_UPSTREAM_URL": ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
    "OPENAI_BASE_URL": ("http://localhost:11434/v1", "http://localhost:11434/v1"),
    "PROMPT_CACHE_ENABLED": ("false", False),
    "PROMPT_CACHE_TTL_MS": ("5", 5),
    "PROMPT_CACHE_MAX_ENTRIES": ("6", 6),
    "POLICY_GIT_ALLOW_PUSH": ("yes", True),
    "POLICY_GIT_ALLOW_PULL": ("0", False),
    "POLICY_GIT_ALLOW_COMMIT": ("off", False),
    "POLICY_GIT_REQUIRE_TESTS": ("1", True),
    "POLICY_GIT_TEST_COMMAND": ("npm test", "npm test"),
    "POLICY_GIT_COMMIT_REGEX": ("^feat", "^feat"),
    "POLICY_MAX_STEPS": ("3", 3),
    "POLICY_MAX_TOOL_CALLS": ("4", 4),
    "POLICY_DISALLOWED_TOOLS": ("a, b", ("a", "b")),
    "WORKSPACE_TEST_COMMAND": ("pytest", "pytest"),
    "WORKSPACE_TEST_TIMEOUT_MS": ("7", 7),
    "WORKSPACE_TEST_COVERAGE_FILES": ("x.xml", ("x.xml",)),
    "MCP_SERVER_MANIFEST": ("/m.json", Path("/m.json")),
    "MCP_MANIFEST_DIRS": ("/a,/b", (Path("/a"), Path("/b"))),
    "MCP_SANDBOX_ENABLED": ("true", True),
    "MCP_SANDBOX_IMAGE": ("i", "i"),
    "MCP_SANDBOX_RUNTIME": ("podman", "podman"),
    "WEB_SEARCH_ENDPOINT": ("https://s.example.com", "https://s.example.com"),
    "WEB_FETCH_ALLOWED_HOSTS": ("a.example.com", ("a.example.com",)),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("http://localhost:4318", "http://localhost:4318"),
}


def test_every_variable_is_read(build):
    by_variable = {name: path for path, info in fields() for name in extra_of(info).get("env", [])}
    for variable, (text, value) in EXAMPLES.items():
        if text is not None:
            assert value_of(build({variable: text}), by_variable[variable]) == value, variable
    plain = {
        extra_of(i)["env"][0] for _, i in fields() if "env" in extra_of(i) and "SecretStr" not in str(i.annotation)
    }
    assert plain - {"PORT", "SIDECAR_STATE_DIR", "DATABRICKS_API_BASE", "AZURE_ANTHROPIC_ENDPOINT"} <= set(EXAMPLES)


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────
REFUSED = [
    # env, words that the sentence holds, the variable it names
    ({"PORT": "abc"}, ['PORT is "abc"', "not a whole number", "8080"], "PORT"),
    ({"PORT": "70000"}, ["at most 65535"], "PORT"),
    ({"PORT": "-1"}, ["at least 0"], "PORT"),
    ({"PORT": "9" * 5000}, ["PORT"], "PORT"),
    ({"PROVIDER": "databrick"}, ["databricks, azure_anthropic", "did you mean databricks?"], "PROVIDER"),
    ({"MODEL_PROVIDER": "x"}, ["MODEL_PROVIDER", "must be one of"], "MODEL_PROVIDER"),
    ({"SIDECAR_AUTH": "tokn"}, ["auto, token, none", "did you mean token?"], "SIDECAR_AUTH"),
    ({"SIDECAR_LOG_LEVEL": "loud"}, ["debug, info, warning, error"], "SIDECAR_LOG_LEVEL"),
    ({"POLICY_GIT_ALLOW_PUSH": "ye"}, ["true or false"], "POLICY_GIT_ALLOW_PUSH"),
    ({"POLICY_MAX_STEPS": "0"}, ["at least 1"], "POLICY_MAX_STEPS"),
    ({"POLICY_GIT_COMMIT_REGEX": "("}, ["regular expression"], "POLICY_GIT_COMMIT_REGEX"),
    ({"PROMPT_CACHE_TTL_MS": "1.5"}, ["not a whole number"], "PROMPT_CACHE_TTL_MS"),
    ({"DATABRICKS_HOST": "dbc.example.com"}, ["did you mean https://dbc.example.com?"], "DATABRICKS_HOST"),
    ({"DATABRICKS_API_BASE": "https://"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "ftp://a.example.com"}, ["https://"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://me:pw@a.example.com"}, ["its own setting"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://a.example.com:x"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://a b"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://[::1"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"OPENAI_BASE_URL": "localhost:11434"}, ["localhost:11434"], "OPENAI_BASE_URL"),
    ({"DATABRICKS_ENDPOINT_PATH": "//evil.example.com/x"}, ["no path"], "DATABRICKS_ENDPOINT_PATH"),
    ({"DATABRICKS_ENDPOINT_PATH": "/a/../b"}, ["no path"], "DATABRICKS_ENDPOINT_PATH"),
    ({"SIDECAR_MODEL_MAP": "abc"}, ["asked-name=provider-name"], "SIDECAR_MODEL_MAP"),
    ({"WORKSPACE_ROOT": "/no/such/folder"}, ["--workspace"], "WORKSPACE_ROOT"),
    ({"AZURE_ANTHROPIC_VERSION": "a\nb"}, ["AZURE_ANTHROPIC_VERSION"], "AZURE_ANTHROPIC_VERSION"),
]  # fmt: skip


@pytest.mark.parametrize(("env", "words", "variable"), REFUSED)
def test_refuses_with_the_variable_and_the_mend(build, env, words, variable):
    with pytest.raises(SetupError) as caught:
        build(env)
    assert all(word in caught.value.sentence for word in words), caught.value.sentence
    assert caught.value.variable == variable
    assert len(caught.value.sentence) < 400


@pytest.mark.parametrize("bad", ["two words", "line\nbreak", "schlüssel", "\x00\x01"])
def test_a_bad_key_is_refused_and_not_shown(build, bad):
    with pytest.raises(SetupError) as caught:
        build({"DATABRICKS_API_KEY": bad})
    assert "DATABRICKS_API_KEY" in caught.value.sentence
    assert bad not in caught.value.sentence


def test_flags_and_files_are_named_too(build, tmp_path):
    with pytest.raises(SetupError, match=r"^--port is"):
        build(flags={"server.port": "x"})
    with pytest.raises(SetupError, match=r"server\.port \(in .*config\.toml\)"):
        build(toml='[server]\nport = "x"')
    with pytest.raises(SetupError, match=r"config\.toml cannot be read.*table declaration"):
        build(toml="[server")
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match=r"config\.toml cannot be read"):
        build()


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


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("databricks", "DATABRICKS_API_BASE"),
        ("azure_anthropic", "AZURE_ANTHROPIC_ENDPOINT"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("openai", "OPENAI_BASE_URL"),
    ],
)
def test_a_chosen_provider_that_lacks_something(build, provider, variable):
    settings = build({"PROVIDER": provider})
    with pytest.raises(SetupError, match=f"export {variable}=") as caught:
        settings.check_provider()
    assert caught.value.variable == variable


@pytest.mark.parametrize("env", [{}, DATABRICKS, AZURE])
def test_a_complete_provider_is_not_complained_about(build, env):
    build(env).check_provider()


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────
def test_secrets_are_never_printed(build):
    settings = build(DATABRICKS | {"SIDECAR_TOKEN": "token-of-mine", "SIDECAR_CACHE_URL": "redis://u:p@h/1"})
    shown = f"{settings!r} {settings} {list(settings.rows())} {settings.model_dump_json()}"
    for secret in ("key-of-databricks", "token-of-mine", "redis://u:p"):
        assert secret not in shown
    assert set(settings.secrets()) == {"key-of-databricks", "token-of-mine", "redis://u:p@h/1"}


def test_a_key_loses_the_blanks_of_copying(build):
    settings = build(DATABRICKS | {"DATABRICKS_API_KEY": " key\n"})
    assert settings.databricks.api_key is not None
    assert settings.databricks.api_key.get_secret_value() == "key"


def test_settings_are_frozen(build):
    settings = build()
    with pytest.raises(ValidationError):
        settings.server.port = 1


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


def test_from_machine_reads_this_process(monkeypatch, tmp_path):
    monkeypatch.setenv("PORT", "4242")
    assert environment()["PORT"] == "4242"
    assert from_machine({}, tmp_path).server.port == 4242


# ── documents ───────────────────────────────────────────────────────────────────────────────────────
def test_schema_takes_what_load_takes():
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate({"server": {"port": 1}, "git": {"allow_push": True}, "provider": {"model_map": {"a": "b"}}})
    for wrong in ({"server": {"port": "x"}}, {"server": {"prt": 1}}, {"nonsense": {}}):
        assert list(validator.iter_errors(wrong)), wrong


def test_every_setting_has_its_sentence_and_stands_in_the_docs():
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    for path, info in fields():
        assert info.description, path
        assert f"`{path}`" in text, f"{path} is not in docs/settings.md"
        for variable in extra_of(info).get("env", []):
            assert f"`{variable}`" in text, f"{variable} is not in docs/settings.md"
        narrow = extra_of(field_of(path)).get("narrow")
        if narrow:
            assert narrow in next(line for line in text.splitlines() if f"`{path}`" in line), path
