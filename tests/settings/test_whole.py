"""Every setting can be set, is told of in the docs, and keeps its secret."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from sidecar.core.errors import SetupError
from sidecar.settings import schema
from sidecar.settings.whole import extra_of, field_of, fields, value_of
from tests.settings.sources import AZURE, DATABRICKS

EXAMPLES = {
    "PROVIDER": ("offline", "offline"),
    "WORKSPACE_ROOT": (None, None),
    "SIDECAR_AUTH": ("TOKEN", "token"),
    "SIDECAR_LOG_LEVEL": ("Debug", "debug"),
    "SIDECAR_MODEL_MAP": ("a=b, c = d", {"a": "b", "c": "d"}),
    "MODEL_DEFAULT": ("m", "m"),
    "MODEL_OPUS": ("o", "o"),
    "MODEL_SONNET": ("s", "s"),
    "MODEL_HAIKU": ("h", "h"),
    "DATABRICKS_CONFIG_PROFILE": ("work", "work"),
    "DATABRICKS_CONFIG_FILE": ("/p/cfg", Path("/p/cfg")),
    "DATABRICKS_CLIENT_ID": ("me", "me"),
    "DATABRICKS_AUTH_TYPE": ("databricks-cli", "databricks-cli"),
    "AZURE_ANTHROPIC_AUTH": ("Entra", "entra"),
    "AZURE_ANTHROPIC_SCOPE": ("api://x/.default", "api://x/.default"),
    "DATABRICKS_ENDPOINT_PATH": ("/serving-endpoints/x/invocations", "/serving-endpoints/x/invocations"),
    "AZURE_ANTHROPIC_VERSION": ("2024-01-01", "2024-01-01"),
    "ANTHROPIC_UPSTREAM_URL": ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
    "OPENAI_BASE_URL": ("http://localhost:11434/v1", "http://localhost:11434/v1"),
    "PROMPT_CACHE_ENABLED": ("false", False),
    "PROMPT_CACHE_TTL_MS": ("5", 5),
    "PROMPT_CACHE_MAX_ENTRIES": ("6", 6),
    "PROMPT_CACHE_MAX_BYTES": ("70000", 70_000),
    "PROMPT_CACHE_BREAKPOINTS": ("no", False),
    "POLICY_GIT_ALLOW_PUSH": ("yes", True),
    "POLICY_GIT_ALLOW_PULL": ("0", False),
    "POLICY_GIT_ALLOW_COMMIT": ("off", False),
    "POLICY_GIT_REQUIRE_TESTS": ("1", True),
    "POLICY_GIT_TEST_COMMAND": ("npm test", "npm test"),
    "POLICY_GIT_COMMIT_REGEX": ("^feat", "^feat"),
    "POLICY_GIT_ALLOW_FORCE": ("true", True),
    "POLICY_GIT_PROTECTED_BRANCHES": ("main, release/*", ("main", "release/*")),
    "POLICY_ALLOW_COMMANDS": ("true", True),
    "POLICY_MAX_SECONDS": ("9", 9),
    "SIDECAR_TOOLS": ("Always", "always"),
    "SIDECAR_TRUSTED_FOLDERS": ("/a,/b", (Path("/a"), Path("/b"))),
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
    "MCP_SANDBOX_NETWORK": ("true", True),
    "MCP_SANDBOX_WRITABLE": ("true", True),
    "MCP_TIMEOUT_MS": ("1500", 1500),
    "WEB_SEARCH_ENDPOINT": ("https://s.example.com", "https://s.example.com"),
    "WEB_FETCH_ALLOWED_HOSTS": ("a.example.com", ("a.example.com",)),
    "SIDECAR_IDE": ("off", False),
    "SIDECAR_IDE_PORT": ("24071", 24071),
    "CLAUDE_CONFIG_DIR": ("/c", Path("/c")),
    "SIDECAR_LANGUAGE_SERVERS": ("on", True),
    "SIDECAR_LANGUAGE_SERVERS_COUNT": ("2", 2),
    "SIDECAR_LANGUAGE_SERVERS_MEMORY_MB": ("512", 512),
    "SIDECAR_RECORDS": ("off", False),
    "SIDECAR_RECORDS_DAYS": ("8", 8),
    "SIDECAR_RECORDS_COUNT": ("9", 9),
    "SIDECAR_TRACE": ("Full", "full"),
    "SIDECAR_TRACE_DAYS": ("10", 10),
    "SIDECAR_TRACE_COUNT": ("11", 11),
    "SIDECAR_INDEX": ("off", False),
    "SIDECAR_INDEX_WATCH": ("no", False),
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


WITHOUT_KEY = [
    {"PROVIDER": "databricks", "DATABRICKS_CONFIG_PROFILE": "work"},
    {"DATABRICKS_HOST": "https://w.example.com", "DATABRICKS_CONFIG_PROFILE": "work"},
    {"DATABRICKS_HOST": "https://w.example.com", "DATABRICKS_CLIENT_ID": "me", "DATABRICKS_CLIENT_SECRET": "s"},
    {"DATABRICKS_HOST": "https://w.example.com", "DATABRICKS_AUTH_TYPE": "databricks-cli"},
]


@pytest.mark.parametrize("env", WITHOUT_KEY)
def test_databricks_signs_in_where_there_is_no_key(build, env):
    settings = build(env)
    assert settings.provider.name == "databricks"
    assert settings.databricks.signs_in
    settings.check_provider()
    assert not build(env | {"DATABRICKS_TOKEN": "dapi1"}).databricks.signs_in


def test_azure_signs_in_with_entra_where_it_is_asked_to(build):
    env = {"AZURE_ANTHROPIC_ENDPOINT": "https://a.example.com", "AZURE_ANTHROPIC_AUTH": "entra"}
    assert build(env).provider.name == "azure_anthropic"
    build(env).check_provider()


@pytest.mark.parametrize("env", [{"DATABRICKS_CONFIG_PROFILE": "work"}, {"DATABRICKS_CLIENT_ID": "me"}])
def test_a_way_to_sign_in_alone_chooses_no_provider(build, env):
    assert build(env).provider.name == "offline"


@pytest.mark.parametrize("env", [{}, DATABRICKS, AZURE])
def test_a_complete_provider_is_not_complained_about(build, env):
    build(env).check_provider()


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────
def test_secrets_are_never_printed(build):
    settings = build(DATABRICKS | {"SIDECAR_TOKEN": "token-of-mine", "SIDECAR_CACHE_URL": "redis://u:p@h/1"})
    shown = f"{settings!r} {settings} {list(settings.rows())} {settings.as_json()}"
    for secret in ("key-of-databricks", "token-of-mine", "redis://u:p"):
        assert secret not in shown
    assert set(settings.secrets()) == {"key-of-databricks", "token-of-mine", "redis://u:p@h/1"}


def test_a_key_loses_the_blanks_of_copying(build):
    settings = build(DATABRICKS | {"DATABRICKS_API_KEY": " key\n"})
    assert settings.databricks.api_key is not None
    assert settings.databricks.api_key.get_secret_value() == "key"


def test_settings_are_frozen(build):
    settings = build()
    with pytest.raises(AttributeError):
        settings.server.port = 1
    with pytest.raises(AttributeError):
        settings.server = None


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
