"""The settings themselves: a field each with its default, its sentence, its variables, and how a workspace may narrow it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from sidecar.core.bands import Band
from sidecar.core.turn import TraceLevel
from sidecar.settings.fields import AfterValidator, BeforeValidator, Group, Setting
from sidecar.settings.values import (
    Folder,
    Headers,
    Key,
    Names,
    Prices,
    Url,
    check_path,
    check_pattern,
    lower,
    pairs,
    spelled,
    split,
)

ProviderName = Literal["databricks", "azure_anthropic", "anthropic", "openai", "offline"]
Auth = Literal["auto", "token", "none"]
AzureAuth = Literal["key", "entra"]
ToolOffer = Literal["auto", "always", "never"]
GateLevel = Literal["off", "medium", "high", "critical"]
LogLevel = Literal["debug", "info", "warning", "error"]
Narrowing = Literal["only false", "only true", "lower", "higher", "more", "fewer", "stricter"]


def _setting(
    default: Any, about: str, *env: str, example: str = "", narrow: Narrowing | None = None, **limits: Any
) -> Any:
    """A field: its sentence, the variables that set it (the first one that is set counts), how a workspace may narrow it.

    The example of a number is its default, where none is given.
    """
    example = example or (str(default) if type(default) is int else "")
    extra: dict[str, Any] = {"env": list(env), "example": example, "narrow": narrow}
    return Setting(default, about, {k: v for k, v in extra.items() if v}, limits)


class Server(Group):
    """Where the endpoint listens, who may come in, where state is kept."""

    host: str = _setting("127.0.0.1", "Address to listen on.", example="127.0.0.1", min_length=1)
    port: int = _setting(8080, "Port to listen on; 0 takes a free one.", "PORT", "SIDECAR_PORT", ge=0, le=65535)
    workspace: Folder = _setting(Path(), "Folder that is worked on.", "WORKSPACE_ROOT", example="/path/to/project")
    auth: Annotated[Auth, BeforeValidator(lower)] = _setting(
        "auto",
        "Who may use the endpoint: `token` wants the token, `auto` also lets this user's own processes in, `none` everybody.",
        "SIDECAR_AUTH",
        narrow="stricter",
    )
    token: Key | None = _setting(None, "The endpoint's token; made at start when not given.", "SIDECAR_TOKEN")
    state_dir: Folder | None = _setting(
        None,
        "Folder for state, one sub-folder a workspace; the user's state folder when not given.",
        "SIDECAR_STATE_DIR",
    )
    trusted_folders: Annotated[tuple[Folder, ...], BeforeValidator(split)] = _setting(
        (),
        "Folders whose projects are trusted: only there are programs run that a workspace brings along (tests, git's hooks).",
        "SIDECAR_TRUSTED_FOLDERS",
        example="~/projects",
    )
    log_level: Annotated[LogLevel, BeforeValidator(lower)] = _setting(
        "info", "How much is logged.", "SIDECAR_LOG_LEVEL", example="debug"
    )


class Choice(Group):
    """Which provider answers, and by which model names."""

    name: Annotated[ProviderName, BeforeValidator(spelled)] = _setting(
        "offline", "The provider; chosen by the keys that are set when not given.", "PROVIDER", "MODEL_PROVIDER"
    )
    model_default: str | None = _setting(
        None, "The provider's model for every name that the map does not know.", "MODEL_DEFAULT", min_length=1
    )
    model_map: Annotated[dict[str, str], BeforeValidator(pairs)] = _setting(
        {}, "Model names: asked for = name at the provider.", "SIDECAR_MODEL_MAP",
        example="claude-sonnet-4-5=databricks-claude-sonnet-4-5",
    )  # fmt: skip
    fit: bool = _setting(
        True,
        "Whether requests are fitted to what the provider takes; without, they go as they come, and what it refuses is told.",
        "SIDECAR_FIT",
    )
    opus: str | None = _setting(None, "The provider's model for every Opus that the map does not know.", "MODEL_OPUS", min_length=1)  # fmt: skip
    sonnet: str | None = _setting(None, "The same for every Sonnet.", "MODEL_SONNET", min_length=1)
    haiku: str | None = _setting(None, "The same for every Haiku.", "MODEL_HAIKU", min_length=1)


class Databricks(Group):
    """Databricks model serving. Without a key, unified authentication signs in (`pip install 'claude-sidecar[databricks]'`)."""

    api_base: Url | None = _setting(
        None, "The workspace's address.", "DATABRICKS_API_BASE", "DATABRICKS_HOST",
        example="https://my-workspace.cloud.databricks.com",
    )  # fmt: skip
    api_key: Key | None = _setting(None, "Its access token.", "DATABRICKS_API_KEY", "DATABRICKS_TOKEN")
    profile: str | None = _setting(
        None, "A profile of Databricks' own settings file to sign in by.", "DATABRICKS_CONFIG_PROFILE", min_length=1
    )
    config_file: Folder = _setting(Path("~/.databrickscfg"), "That file.", "DATABRICKS_CONFIG_FILE")
    client_id: str | None = _setting(
        None, "A service principal to sign in as (OAuth).", "DATABRICKS_CLIENT_ID", min_length=1
    )
    client_secret: Key | None = _setting(None, "Its secret.", "DATABRICKS_CLIENT_SECRET")
    auth_type: str | None = _setting(
        None, "A way to sign in by its name at Databricks.", "DATABRICKS_AUTH_TYPE",
        example="databricks-cli", min_length=1,
    )  # fmt: skip
    endpoint_path: Annotated[str, AfterValidator(check_path)] = _setting(
        "/serving-endpoints/anthropic/v1/messages",
        "Path of the endpoint; one that ends in `/invocations` is spoken to in chat completions, `{model}` in it is the model's name.",
        "DATABRICKS_ENDPOINT_PATH",
        example="/serving-endpoints/anthropic/v1/messages",
    )

    @property
    def signs_in(self) -> bool:
        """Whether unified authentication is used: no key, and a way to sign in."""
        return self.api_key is None and any((self.profile, self.client_id, self.auth_type))


class AzureAnthropic(Group):
    """Anthropic models on Azure."""

    endpoint: Url | None = _setting(
        None, "The whole URL, or a base that gets `/v1/messages`.", "AZURE_ANTHROPIC_ENDPOINT", "ANTHROPIC_ENDPOINT",
        example="https://my-resource.services.ai.azure.com/anthropic/v1/messages",
    )  # fmt: skip
    api_key: Key | None = _setting(None, "Its key.", "AZURE_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY")
    version: str = _setting(
        "2023-06-01",
        "Version of the API, when the client names none.",
        "AZURE_ANTHROPIC_VERSION",
        pattern=r"^[\w.-]{1,40}$",
    )
    auth: Annotated[AzureAuth, BeforeValidator(lower)] = _setting(
        "key",
        "`key`, or `entra` to sign in with Entra ID (`pip install 'claude-sidecar[azure]'`).",
        "AZURE_ANTHROPIC_AUTH",
    )
    scope: str = _setting(
        "https://cognitiveservices.azure.com/.default",
        "What Entra ID is asked a token for.",
        "AZURE_ANTHROPIC_SCOPE",
        min_length=1,
    )


class Anthropic(Group):
    """Anthropic itself, or any server of the Messages API."""

    api_key: Key | None = _setting(None, "Its key.", "ANTHROPIC_API_KEY")
    upstream_url: Url = _setting(
        "https://api.anthropic.com", "Base address, without /v1.", "ANTHROPIC_UPSTREAM_URL",
        example="https://api.anthropic.com",
    )  # fmt: skip


class OpenAI(Group):
    """Any server of chat completions: Ollama, vLLM, LM Studio, OpenRouter, Azure OpenAI."""

    base_url: Url | None = _setting(
        None, "Base address, with its /v1.", "OPENAI_BASE_URL", example="http://127.0.0.1:11434/v1"
    )
    api_key: Key | None = _setting(None, "Its key, where it wants one.", "OPENAI_API_KEY")


class Cache(Group):
    """The prompt cache."""

    enabled: bool = _setting(True, "Whether answers are kept.", "PROMPT_CACHE_ENABLED", narrow="only false")
    ttl_ms: int = _setting(300_000, "How long, in milliseconds.", "PROMPT_CACHE_TTL_MS", narrow="lower", ge=0)
    max_entries: int = _setting(64, "How many.", "PROMPT_CACHE_MAX_ENTRIES", narrow="lower", ge=0)
    max_bytes: int = _setting(
        64 * 1024 * 1024, "How many bytes in all.", "PROMPT_CACHE_MAX_BYTES", narrow="lower", ge=65_536
    )
    breakpoints: bool = _setting(
        True,
        "Whether prompts are marked for the provider's own cache where the client set no mark.",
        "PROMPT_CACHE_BREAKPOINTS",
        narrow="only false",
    )
    url: Key | None = _setting(
        None, "A Redis (or Valkey) server that shares them in a team (`rediss://…`).", "SIDECAR_CACHE_URL"
    )
    secret: Key | None = _setting(
        None, "The team's secret, by which they are sealed; 32 characters or more.", "SIDECAR_CACHE_SECRET"
    )


class GitPolicy(Group):
    """What may be done to the repository."""

    allow_push: bool = _setting(False, "Whether a push may be made.", "POLICY_GIT_ALLOW_PUSH", narrow="only false")
    allow_pull: bool = _setting(True, "Whether a pull may be made.", "POLICY_GIT_ALLOW_PULL", narrow="only false")
    allow_commit: bool = _setting(True, "Whether a commit may be made.", "POLICY_GIT_ALLOW_COMMIT", narrow="only false")
    allow_force: bool = _setting(
        False,
        "Whether work may be destroyed: forced pushes, hard resets, forced branches, deleted unmerged ones.",
        "POLICY_GIT_ALLOW_FORCE",
        narrow="only false",
    )
    protected_branches: Names = _setting(
        (),
        "Branches that are not pushed to, rewritten or deleted; `release/*` means all of these.",
        "POLICY_GIT_PROTECTED_BRANCHES",
        narrow="more",
        example="main, release/*",
    )
    require_tests: bool = _setting(
        False,
        "Whether the tests must pass before a commit; it binds merges, rebases, pulls, cherry-picks and reverts that make commits as well.",
        "POLICY_GIT_REQUIRE_TESTS",
        narrow="only true",
    )
    test_command: str | None = _setting(None, "The command for that.", "POLICY_GIT_TEST_COMMAND", example="npm test")
    commit_regex: Annotated[str, AfterValidator(check_pattern)] | None = _setting(
        None, "What a commit's message must match.", "POLICY_GIT_COMMIT_REGEX", example="^(feat|fix): "
    )


class Policy(Group):
    """Limits of one turn."""

    max_steps: int = _setting(
        8, "How often the model may be asked in one turn.", "POLICY_MAX_STEPS", narrow="lower", ge=1
    )
    max_tool_calls: int = _setting(
        12, "How many of our own tools may run in one turn.", "POLICY_MAX_TOOL_CALLS", narrow="lower", ge=0
    )
    max_seconds: int = _setting(
        300, "How long our own tools may go on in one turn.", "POLICY_MAX_SECONDS", narrow="lower", ge=1
    )
    tools: Annotated[ToolOffer, BeforeValidator(lower)] = _setting(
        "auto",
        "Whether our tools are offered to the model and run here: `auto` to clients that bring none (never to Claude Code, which has `/mcp`).",
        "SIDECAR_TOOLS",
        example="never",
    )
    allow_commands: bool = _setting(
        False,
        "Whether there is a tool that runs commands, in a trusted workspace.",
        "POLICY_ALLOW_COMMANDS",
        narrow="only false",
    )
    disallowed_tools: Names = _setting((), "Tools that are never run.", "POLICY_DISALLOWED_TOOLS", narrow="more")


class Tests(Group):
    """How the workspace's tests are run."""

    command: str | None = _setting(None, "The command.", "WORKSPACE_TEST_COMMAND", example="pytest -q")
    timeout_ms: int = _setting(
        600_000, "Its limit, in milliseconds.", "WORKSPACE_TEST_TIMEOUT_MS", narrow="lower", ge=1
    )
    coverage_files: Names = _setting((), "Where it leaves its coverage.", "WORKSPACE_TEST_COVERAGE_FILES")


class Mcp(Group):
    """MCP servers that are started for the assistant."""

    manifest: Folder | None = _setting(None, "One manifest file.", "MCP_SERVER_MANIFEST")
    manifest_dirs: Annotated[tuple[Folder, ...], BeforeValidator(split)] = _setting(
        (), "Folders with manifests.", "MCP_MANIFEST_DIRS"
    )
    timeout_ms: int = _setting(
        60_000, "How long a server may give no sign of life, in milliseconds.", "MCP_TIMEOUT_MS", narrow="lower", ge=1
    )
    hang_ms: int = _setting(
        8_000,
        "How long a call waits for a server that starts, or that answers neither it nor a ping, in milliseconds; 0 for as long as it takes.",
        "MCP_HANG_MS",
        narrow="lower",
        ge=0,
    )
    sandbox_enabled: bool = _setting(False, "Whether they run in a sandbox.", "MCP_SANDBOX_ENABLED", narrow="only true")
    sandbox_image: str | None = _setting(
        None, "The container's image, by its digest.", "MCP_SANDBOX_IMAGE", example="node@sha256:…"
    )
    sandbox_runtime: str = _setting(
        "docker", "What confines them: `docker`, `podman`, `bubblewrap`.", "MCP_SANDBOX_RUNTIME", example="bubblewrap"
    )
    sandbox_network: bool = _setting(
        False, "Whether they reach the network from inside.", "MCP_SANDBOX_NETWORK", narrow="only false"
    )
    sandbox_writable: bool = _setting(
        False, "Whether they may write the workspace from inside.", "MCP_SANDBOX_WRITABLE", narrow="only false"
    )


class Web(Group):
    """The web for the assistant."""

    search_endpoint: Url | None = _setting(None, "A search server.", "WEB_SEARCH_ENDPOINT")
    search_api_key: Key | None = _setting(None, "Its key.", "WEB_SEARCH_API_KEY")
    fetch_allowed_hosts: Names = _setting(
        (), "Hosts that may be fetched without asking.", "WEB_FETCH_ALLOWED_HOSTS", narrow="fewer"
    )


class Ide(Group):
    """Sidecar as the IDE of the Claude Code CLI: it asks for risk findings, and shows its edits before they are made."""

    enabled: bool = _setting(True, "Whether the CLI finds an IDE here.", "SIDECAR_IDE", narrow="only false")
    port: int = _setting(
        0, "Port on which it does; 0 takes a free one.", "SIDECAR_IDE_PORT", example="24071", ge=0, le=65535
    )
    config_dir: Folder = _setting(Path("~/.claude"), "Claude Code's own folder.", "CLAUDE_CONFIG_DIR")


class Review(Group):
    """How much the review says of a change."""

    budget: int = _setting(
        5, "Comments that a change gets at most; 0 for none.", "SIDECAR_REVIEW_BUDGET", narrow="lower", ge=0, le=100
    )
    floor: Annotated[Band, BeforeValidator(lower)] = _setting(
        "medium",
        "The band (`low`, `medium`, `high`, `critical`) from which a risk is told; plain hazards are told below it too.",
        "SIDECAR_REVIEW_FLOOR",
        narrow="higher",
    )
    findings: bool = _setting(
        True,
        "Whether what the rules find ([findings](risk-findings.md)) is told in threads.",
        "SIDECAR_REVIEW_FINDINGS",
    )


class Gate(Group):
    """The risk gate on the CLI's own edits, where its hook is installed (`sidecar hooks install --risk`)."""

    level: Annotated[GateLevel, BeforeValidator(lower)] = _setting(
        "off",
        "From which risk a proposed edit stops for a person: `medium`, `high`, `critical`; `off` for none.",
        "SIDECAR_GATE_RISK",
        example="high",
    )
    timeout_ms: int = _setting(
        2_000,
        "How long an edit waits for its risk, in milliseconds; then it flows.",
        "SIDECAR_GATE_TIMEOUT_MS",
        ge=1,
        le=8_000,
    )


class Languages(Group):
    """Language servers, which know a project better than an index does."""

    servers: bool | None = _setting(
        None,
        "Whether language servers may be started, which may run what a project brings along; when not given, only for an editor that trusts the folder.",
        "SIDECAR_LANGUAGE_SERVERS",
        narrow="only false",
        example="on",
    )
    count: int = _setting(3, "How many of them at once.", "SIDECAR_LANGUAGE_SERVERS_COUNT", narrow="lower", ge=1)
    memory_mb: int = _setting(
        2_048,
        "How much memory each may take, in megabytes; one that takes more is ended.",
        "SIDECAR_LANGUAGE_SERVERS_MEMORY_MB",
        narrow="lower",
        ge=64,
    )


class Records(Group):
    """What is noted of each request: numbers and names, never content."""

    enabled: bool = _setting(True, "Whether requests are noted.", "SIDECAR_RECORDS", narrow="only false")
    keep_days: int = _setting(90, "How long a note is kept, in days.", "SIDECAR_RECORDS_DAYS", narrow="lower", ge=1)
    keep_count: int = _setting(50_000, "How many are kept.", "SIDECAR_RECORDS_COUNT", narrow="lower", ge=1)
    prices: Prices = _setting({}, "What models cost, in dollars a million tokens; goes before the built-in table.")


class Tracing(Group):
    """Requests and answers written down for whoever looks for a fault."""

    level: Annotated[TraceLevel, BeforeValidator(lower)] = _setting(
        "off", "What is traced of every request: nothing, `headers`, or `full`, the conversation too.", "SIDECAR_TRACE"
    )
    keep_days: int = _setting(7, "How long a trace is kept, in days.", "SIDECAR_TRACE_DAYS", narrow="lower", ge=1)
    keep_count: int = _setting(200, "How many are kept.", "SIDECAR_TRACE_COUNT", narrow="lower", ge=1)


class Index(Group):
    """The index of the workspace's symbols."""

    enabled: bool = _setting(True, "Whether the workspace is indexed.", "SIDECAR_INDEX", narrow="only false")
    watch: bool = _setting(
        True,
        "Whether its files are watched for changes; without, they are looked at every 30 s.",
        "SIDECAR_INDEX_WATCH",
    )


class Telemetry(Group):
    """Our own traces and metrics."""

    otlp_endpoint: Url | None = _setting(
        None, "A collector to send them to, by OTLP over HTTP: the base that gets `/v1/traces` and `/v1/metrics`.",
        "OTEL_EXPORTER_OTLP_ENDPOINT", example="http://127.0.0.1:4318",
    )  # fmt: skip
    otlp_headers: Headers | None = _setting(
        None, "What goes with them, `name=value, …` (percent-encoded): the collector's key.", "OTEL_EXPORTER_OTLP_HEADERS"
    )  # fmt: skip
