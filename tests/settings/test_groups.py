"""Every setting can be given by its variable, in the form that people write."""

from __future__ import annotations

from pathlib import Path

from sidecar.settings.whole import extra_of, fields, value_of

EXAMPLES = {
    "PROVIDER": ("offline", "offline"),
    "WORKSPACE_ROOT": (None, None),
    "SIDECAR_AUTH": ("TOKEN", "token"),
    "SIDECAR_LOG_LEVEL": ("Debug", "debug"),
    "SIDECAR_MODEL_MAP": ("a=b, c = d", {"a": "b", "c": "d"}),
    "MODEL_DEFAULT": ("m", "m"),
    "SIDECAR_FIT": ("off", False),
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
    "MCP_HANG_MS": ("4000", 4000),
    "MCP_TIMEOUT_MS": ("1500", 1500),
    "WEB_SEARCH_ENDPOINT": ("https://s.example.com", "https://s.example.com"),
    "WEB_FETCH_ALLOWED_HOSTS": ("a.example.com", ("a.example.com",)),
    "SIDECAR_IDE": ("off", False),
    "SIDECAR_IDE_PORT": ("24071", 24071),
    "SIDECAR_GATE_RISK": ("HIGH", "high"),
    "SIDECAR_GATE_TIMEOUT_MS": ("500", 500),
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
    "SIDECAR_REVIEW_BUDGET": ("3", 3),
    "SIDECAR_REVIEW_FLOOR": ("High", "high"),
    "SIDECAR_REVIEW_FINDINGS": ("no", False),
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
