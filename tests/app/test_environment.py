"""Each variable that is promised changes what it says: set alone on a whole sidecar, a toolbox or a process, and watched from outside.

That a variable's value arrives in the settings is tested with the settings; here is what follows from it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar.app import Sidecar
from sidecar.core.tool import Caller
from sidecar.mcp.opening import open_servers
from sidecar.settings import load
from sidecar.store.database import Database
from sidecar.store.runtime import TOKEN_FILE
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.opening import bench_of, open_box
from tests.cli.processes import environment
from tests.fakes.repository import Repository
from tests.fakes.upstream import Seen, Upstream, answer, text, tool_use
from tests.journeys.processes import free_port

KEY = "key-of-the-tests-0123456789"
ASK = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
BRICKS = {"DATABRICKS_API_BASE": "{url}", "DATABRICKS_API_KEY": KEY}
AZURE = {"PROVIDER": "azure_anthropic", "ANTHROPIC_ENDPOINT": "{url}/anthropic", "ANTHROPIC_API_KEY": KEY}
HERE = {"PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": "{url}", "ANTHROPIC_API_KEY": KEY}
CHAT = {"OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_KEY": KEY}


@contextlib.asynccontextmanager
async def sidecar(folder: Path, env: Mapping[str, str], url: str = "") -> AsyncIterator[tuple[Sidecar, Any]]:
    """A whole one with these variables and no others, and a way to ask it."""
    base = {"SIDECAR_STATE_DIR": str(folder / "state"), "PORT": "0", "SIDECAR_AUTH": "none", "SIDECAR_TOOLS": "never"}
    told = base | {name: value.format(url=url) for name, value in env.items()}
    workspace = folder / "project"
    workspace.mkdir(exist_ok=True)
    where = () if "WORKSPACE_ROOT" in told else (workspace,)
    async with Sidecar(load({}, told, None, *where), version="1") as opened, aiohttp.ClientSession() as http:

        async def ask(path: str = "/v1/messages", **given: Any) -> tuple[int, Mapping[str, str], bytes]:
            headers = given.pop("headers", {})
            address = opened.status().base_url + path
            async with http.post(address, json=ASK | given, headers={"user-agent": "curl/8"} | headers) as got:
                return got.status, got.headers, await got.read()

        yield opened, ask


def header(name: str, value: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.headers.get(name) == value


def path(name: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.path == name


def model(name: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.body.get("model") == name


BEARER = header("authorization", f"Bearer {KEY}")
ASKED: dict[str, tuple[dict[str, str], Callable[[Seen], bool]]] = {
    "DATABRICKS_API_BASE": (BRICKS, path("/serving-endpoints/anthropic/v1/messages")),
    "DATABRICKS_API_KEY": (BRICKS, BEARER),
    "DATABRICKS_HOST": ({"DATABRICKS_HOST": "{url}", "DATABRICKS_TOKEN": KEY}, path("/serving-endpoints/anthropic/v1/messages")),
    "DATABRICKS_TOKEN": ({"DATABRICKS_HOST": "{url}", "DATABRICKS_TOKEN": KEY}, BEARER),
    "DATABRICKS_ENDPOINT_PATH": (BRICKS | {"DATABRICKS_ENDPOINT_PATH": "/ai-gateway/anthropic"}, path("/ai-gateway/anthropic/v1/messages")),
    "DATABRICKS_ENDPOINT_PATH-chat": (
        BRICKS | {"DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/mine/invocations"},
        lambda seen: seen.path == "/serving-endpoints/mine/invocations" and seen.body["messages"] == [{"role": "user", "content": "hi"}],
    ),
    "PROVIDER": (AZURE, path("/anthropic/v1/messages")),
    "PROVIDER-spelled": (AZURE | {"PROVIDER": "azure-anthropic"}, path("/anthropic/v1/messages")),
    "MODEL_PROVIDER": ({k: v for k, v in AZURE.items() if k != "PROVIDER"} | {"MODEL_PROVIDER": "azure-anthropic"}, path("/anthropic/v1/messages")),
    "ANTHROPIC_ENDPOINT-whole": (AZURE | {"ANTHROPIC_ENDPOINT": "{url}/a/v1/messages"}, path("/a/v1/messages")),
    "AZURE_ANTHROPIC_ENDPOINT": (
        {"PROVIDER": "azure_anthropic", "AZURE_ANTHROPIC_ENDPOINT": "{url}/anthropic", "AZURE_ANTHROPIC_API_KEY": KEY},
        lambda seen: seen.path == "/anthropic/v1/messages" and seen.headers["x-api-key"] == KEY,
    ),
    "ANTHROPIC_API_KEY-azure": (AZURE, header("x-api-key", KEY)),
    "AZURE_ANTHROPIC_VERSION": (AZURE | {"AZURE_ANTHROPIC_VERSION": "2024-10-22"}, header("anthropic-version", "2024-10-22")),
    "ANTHROPIC_UPSTREAM_URL": (HERE, path("/v1/messages")),
    "ANTHROPIC_API_KEY": (HERE, header("x-api-key", KEY)),
    "OPENAI_BASE_URL": (CHAT, path("/v1/chat/completions")),
    "OPENAI_API_KEY": (CHAT, BEARER),
    "MODEL_DEFAULT": (CHAT | {"MODEL_DEFAULT": "qwen3-coder"}, model("qwen3-coder")),
    "SIDECAR_MODEL_MAP": (HERE | {"SIDECAR_MODEL_MAP": "claude-opus-*=big, claude-sonnet-*=mine"}, model("mine")),
    "SIDECAR_MODEL_MAP-as-asked": (BRICKS | {"SIDECAR_MODEL_MAP": "*=*"}, model("claude-sonnet-4-5")),
    "SIDECAR_FIT": (HERE | {"SIDECAR_FIT": "false"}, lambda seen: "thinking" in seen.body),
    "SIDECAR_TOOLS": (HERE | {"SIDECAR_TOOLS": "auto"}, lambda seen: "git_status" in seen.tools),
}  # fmt: skip


@pytest.mark.parametrize("case", ASKED)
async def test_what_the_provider_is_asked(tmp_path: Path, case: str):
    env, right = ASKED[case]
    async with Upstream([answer("ok")]) as upstream, sidecar(tmp_path, env, upstream.url) as (_, ask):
        status, _, body = await ask(thinking={"type": "adaptive"} if case == "SIDECAR_FIT" else {"type": "disabled"})
        assert status == 200, body
        (seen,) = upstream.requests
        assert right(seen), (seen.path, seen.headers, seen.body)


async def test_with_nothing_set_the_offline_provider_answers(tmp_path: Path):
    async with sidecar(tmp_path, {}) as (opened, ask):
        assert opened.status().provider == "offline"
        assert b"Sidecar" in (await ask())[2]


# ── the server ──────────────────────────────────────────────────────────────────────────────────────
async def test_who_may_come_in(tmp_path: Path):
    async with sidecar(tmp_path, {"SIDECAR_AUTH": "token", "SIDECAR_TOKEN": KEY}) as (_, ask):
        assert (await ask())[0] == 401
        assert (await ask(headers={"x-api-key": KEY}))[0] == 200
        assert (await ask(headers={"x-api-key": KEY + "x"}))[0] == 401
    async with sidecar(tmp_path, {"SIDECAR_AUTH": "none"}) as (_, ask):
        assert (await ask())[0] == 200


async def test_where_it_works_and_where_its_state_is(tmp_path: Path):
    there = tmp_path / "there"
    there.mkdir()
    env = {"WORKSPACE_ROOT": str(there), "SIDECAR_STATE_DIR": str(tmp_path / "elsewhere")}
    async with sidecar(tmp_path, env) as (opened, _):
        assert opened.status().workspace == str(there)
        (folder,) = (tmp_path / "elsewhere").iterdir()
        assert (folder / TOKEN_FILE).is_file()
        assert folder.name.startswith("there")


@pytest.mark.parametrize(("level", "told"), [("debug", True), ("info", False)])
def test_a_port_and_how_much_is_logged(tmp_path: Path, level: str, told: bool):
    port = free_port()
    env = environment(tmp_path / "state", PORT=str(port), SIDECAR_LOG_LEVEL=level)
    served = subprocess.Popen(
        [sys.executable, "-m", "sidecar", "serve", "--json", "--until-eof"],
        env=env, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert served.stdout is not None
    assert json.loads(served.stdout.readline())["base_url"] == f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/health", timeout=10) as health:  # what asks often is told at `debug`
        assert health.status == 200
    _, talk = served.communicate(timeout=30)
    assert served.returncode == 0
    assert ("path=/health" in talk) is told


# ── the prompt cache, the limits of a turn ──────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({}, ["miss;reason=new", "miss;reason=new", "hit"]),
        ({"PROMPT_CACHE_ENABLED": "false"}, [None, None, None]),
        ({"PROMPT_CACHE_TTL_MS": "1"}, ["miss;reason=new", "miss;reason=new", "miss;reason=expired"]),
        ({"PROMPT_CACHE_MAX_ENTRIES": "1"}, ["miss;reason=new", "miss;reason=new", "miss;reason=evicted"]),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
async def test_the_prompt_cache(tmp_path: Path, env: dict[str, str], told: list[str | None]):
    script = [answer(text(str(number))) for number in range(3)]
    async with Upstream(script) as upstream, sidecar(tmp_path, HERE | env, upstream.url) as (_, ask):
        seen = [(await ask(max_tokens=number))[1].get("x-sidecar-cache") for number in (5, 6, 5)]
    assert seen == told


@pytest.mark.parametrize("variable", ["POLICY_MAX_STEPS", "POLICY_MAX_TOOL_CALLS"])
async def test_the_limits_of_a_turn(tmp_path: Path, variable: str):
    env = HERE | {"SIDECAR_TOOLS": "auto", variable: "2"}
    script = [answer(tool_use("tasks_list", {}, f"toolu_{number}")) for number in range(9)]
    async with Upstream(script) as upstream, sidecar(tmp_path, env, upstream.url) as (_, ask):
        _, _, body = await ask()
    assert variable in json.loads(body)["content"][-1]["text"]
    assert len(upstream.requests) == (2 if variable == "POLICY_MAX_STEPS" else 3)


# ── what tools may do ───────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def toolbox(tmp_path: Path) -> AsyncIterator[tuple[Repository, Callable[..., WorkspaceToolBox]]]:
    repo = Repository.create(tmp_path / "repo", {"a.py": "one\n"})
    far = Repository.create(tmp_path / "far.git", bare=True)
    repo.git("remote", "add", "origin", str(far.root))
    database = await Database.open(None)

    async def opened() -> Database:
        return database

    def make(**env: str) -> WorkspaceToolBox:
        settings = load({"server.workspace": str(repo.root)}, {"SIDECAR_TRUSTED_FOLDERS": str(repo.root), **env}, None)
        return open_box(settings, bench_of(settings, opened))

    yield repo, make
    await database.aclose()


PYTHON = f"'{sys.executable}' -c"
POLICIES = [
    ("git_push", {}, {}, "POLICY_GIT_ALLOW_PUSH"),
    ("git_push", {}, {"POLICY_GIT_ALLOW_PUSH": "true"}, None),
    ("git_pull", {}, {"POLICY_GIT_ALLOW_PULL": "false"}, "POLICY_GIT_ALLOW_PULL"),
    ("git_commit", {"message": "more"}, {}, None),
    ("git_commit", {"message": "more"}, {"POLICY_GIT_ALLOW_COMMIT": "false"}, "POLICY_GIT_ALLOW_COMMIT"),
    ("git_commit", {"message": "more"}, {"POLICY_GIT_COMMIT_REGEX": "^feat: "}, "POLICY_GIT_COMMIT_REGEX"),
    ("git_commit", {"message": "feat: more"}, {"POLICY_GIT_COMMIT_REGEX": "^feat: "}, None),
    ("git_commit", {"message": "more"}, {"POLICY_GIT_REQUIRE_TESTS": "true"}, "POLICY_GIT_TEST_COMMAND"),
    ("git_commit", {"message": "more"}, {"POLICY_GIT_REQUIRE_TESTS": "true", "POLICY_GIT_TEST_COMMAND": f"{PYTHON} 'exit(3)'"}, "3"),
    ("git_commit", {"message": "more"}, {"POLICY_GIT_REQUIRE_TESTS": "true", "POLICY_GIT_TEST_COMMAND": f"{PYTHON} 'exit(0)'"}, None),
    ("git_status", {}, {"POLICY_DISALLOWED_TOOLS": "git_status, web_*"}, "POLICY_DISALLOWED_TOOLS"),
    ("web_search", {"query": "x"}, {}, "WEB_SEARCH_ENDPOINT"),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "given", "env", "refused"), POLICIES)
async def test_policies(toolbox, tool: str, given: dict[str, str], env: dict[str, str], refused: str | None):
    repo, make = toolbox
    repo.stage({"a.py": "two\n"})
    result = await make(**env).call(tool, given, Caller())
    assert result.error is (refused is not None), result.text
    assert (refused or "") in result.text


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"WORKSPACE_TEST_COMMAND": f"{PYTHON} 'print(7 * 6); exit(1)'"}, "42"),
        ({"WORKSPACE_TEST_COMMAND": f"{PYTHON} 'import time; time.sleep(600)'", "WORKSPACE_TEST_TIMEOUT_MS": "300"}, "timed out"),
    ],
    ids=["WORKSPACE_TEST_COMMAND", "WORKSPACE_TEST_TIMEOUT_MS"],
)  # fmt: skip
async def test_how_tests_are_run(toolbox, env: dict[str, str], said: str):
    _, make = toolbox
    assert said in (await make(**env).call("tests_run", {}, Caller())).text


async def test_where_coverage_is_looked_for(toolbox):
    repo, make = toolbox
    writes = "import pathlib; pathlib.Path('odd.info').write_text('SF:a.py\\nDA:1,1\\nend_of_record\\n')"
    command = {"WORKSPACE_TEST_COMMAND": f'{PYTHON} "{writes}"'}
    told = []
    for env in (command, command | {"WORKSPACE_TEST_COVERAGE_FILES": "odd.info"}):
        box = make(**env)
        await box.call("tests_run", {}, Caller())
        told.append((await box.call("tests_coverage", {}, Caller())).text)
    assert "100% of the lines" not in told[0]
    assert "100% of the lines" in told[1]
    assert repo.path("odd.info").exists()


async def test_a_search_goes_to_the_server_that_is_named_with_its_key(toolbox):
    _, make = toolbox
    async with Upstream(rule=lambda _: answer("no search server")) as upstream:
        env = {"WEB_SEARCH_ENDPOINT": f"{upstream.url}/search", "WEB_SEARCH_API_KEY": KEY}
        await make(**env).call("web_search", {"query": "fees"}, Caller())
        (seen,) = upstream.requests
    assert seen.path.startswith("/search")
    assert BEARER(seen)


@pytest.mark.parametrize(("env", "asks"), [({}, True), ({"WEB_FETCH_ALLOWED_HOSTS": "host.invalid"}, False)])
async def test_a_host_that_is_allowed_is_not_asked_about(toolbox, env: dict[str, str], asks: bool):
    _, make = toolbox
    told = await make(**env).call("web_fetch", {"url": "https://host.invalid/page"}, Caller())
    assert told.error
    assert ("WEB_FETCH_ALLOWED_HOSTS" in told.text) is asks


# ── MCP ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("variable", ["MCP_SERVER_MANIFEST", "MCP_MANIFEST_DIRS"])
async def test_manifests_are_found_where_they_are_said_to_be(tmp_path: Path, variable: str):
    folder = tmp_path / "manifests"
    folder.mkdir()
    file = folder / "one.json"
    file.write_text(json.dumps({"mcpServers": {"docs": {"command": "docs-server"}}}))
    place = file if variable == "MCP_SERVER_MANIFEST" else folder
    base = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "MCP_MANIFEST_DIRS": str(tmp_path / "none")}
    for env, names in ((base, []), (base | {variable: str(place)}, ["docs"])):
        settings = load({"server.workspace": str(tmp_path)}, env, None)
        servers = open_servers(settings, settings.state, "1")
        await servers.refresh()
        assert [view.name for view in servers.views()] == names
