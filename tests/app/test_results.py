"""Every tool that declares what its structured result holds keeps to it, over `/mcp`, on a real repository."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from mcp import Client

from sidecar.tools.box import MOST_TEXT
from tests.app.test_mcp import opened
from tests.fakes.repository import Repository

FILE = "ledger/account.py"
PATCH = f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1,2 +1,2 @@\n-def settle(amount):\n+def settle(amount, fee=0):\n     return amount * 2\n"
Arguments = dict[str, Any]
Step = tuple[str, Arguments | Callable[[dict[str, Any]], Arguments]]


def number_of(tool: str) -> Callable[[dict[str, Any]], Arguments]:
    """The number that a former result of this tool told."""
    return lambda told: {"id": told[tool].get("id") or told[tool]["edits"][0]["id"]}


PLACE = {"path": FILE, "line": 1, "column": 5}
STEPS: list[Step] = [
    ("files_list", {}),
    ("files_search", {"query": "settle"}),
    ("files_write", {"path": "notes.txt", "content": "one\n"}),
    ("files_edit", {"path": "notes.txt", "old": "one", "new": "two"}),
    ("files_patch", {"patch": PATCH}),
    ("files_history", {}),
    ("files_revert", number_of("files_patch")),
    ("git_status", {}),
    ("review_risk", {}),
    ("review_diff", {}),
    ("review_commit_message", {}),
    ("review_patch_plan", {}),
    ("git_stage", {"everything": True}),
    ("git_unstage", {"everything": True}),
    ("git_log", {"stat": True}),
    ("git_conflicts", {}),
    ("tests_run", {}),
    ("tests_last", {"include_recent": True}),
    ("tests_history", {}),
    ("command_run", {"command": "echo hello"}),
    ("tasks_create", {"title": "Look", "tags": ["a"], "files": [FILE]}),
    ("tasks_get", number_of("tasks_create")),
    ("tasks_list", {}),
    ("tasks_update", lambda told: {**number_of("tasks_create")(told), "priority": 3}),
    ("tasks_set_status", lambda told: {**number_of("tasks_create")(told), "status": "doing"}),
    ("tasks_delete", number_of("tasks_create")),
    ("skills_list", {}),
    ("mcp_servers", {}),
    ("web_search", {"query": "settle"}),
    ("symbols_search", {"query": "settle"}),
    ("symbols_outline", {"path": FILE}),
    *((f"symbols_{what}", PLACE) for what in ("definition", "references", "hover", "implementations", "callers", "callees")),
    ("symbols_rename_preview", {**PLACE, "new_name": "pay"}),
    ("symbols_diagnostics", {"path": FILE}),
    ("review_threads", {}),
    ("review_reply", lambda told: {"id": told["review_threads"]["threads"][0]["id"], "body": "Why?"}),
    ("review_resolve", lambda told: {"id": told["review_threads"]["threads"][0]["id"]}),
    ("command_run", {"command": "git commit -qam Work"}),
    ("review_pull_request", {"base": "HEAD~1"}),
    ("review_release_notes", {"base": "HEAD~1"}),
    ("review_changelog", {"base": "HEAD~1"}),
    ("git_fetch", {}),
    ("git_pull", {}),
    ("git_checkout", {"branch": "topic", "create": True}),
    ("git_merge", {"source": "main"}),
    ("git_rebase", {"onto": "main"}),
]  # fmt: skip
MAY_BE_UNSUPPORTED = ("Nobody here can answer", "No language server for python is installed")
ELSEWHERE = {"web_fetch"}
"""Refused here, as it should be: the page would come from this machine. Its results are checked with its own tests."""


@asynccontextmanager
async def search_server() -> AsyncIterator[str]:
    async def found(_: web.Request) -> web.Response:
        return web.json_response({"results": [{"title": "A", "url": "https://example.org", "content": "b"}]})

    app = web.Application()
    app.router.add_get("/search", found)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/search"
    await runner.cleanup()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    branches = "".join(f"    if amount > {n}:\n        amount = amount - {n}\n" for n in range(30))
    made = Repository.create(tmp_path / "ledger", {FILE: "def settle(amount):\n    return amount\n"})
    for n in range(8):
        made.commit(f"Fix the sum {n}", {"ledger/other.py": f"def other():\n    return {n}\n"})
    far = Repository.create(tmp_path / "far.git", bare=True)
    made.git("remote", "add", "origin", str(far.root))
    made.git("push", "-q", "-u", "origin", "main")
    risky = f"def other(amount):\n{branches}    return amount\n"
    made.write({FILE: "def settle(amount):\n    return amount * 2\n", "ledger/other.py": risky})
    return made


async def test_every_declared_result_keeps_to_its_schema(repository: Repository, tmp_path: Path) -> None:
    async with search_server() as search:
        more = {
            "SIDECAR_TRUSTED_FOLDERS": str(tmp_path), "POLICY_ALLOW_COMMANDS": "true",
            "WORKSPACE_TEST_COMMAND": "true", "WEB_SEARCH_ENDPOINT": search,
        }  # fmt: skip
        async with opened(repository.root, tmp_path, **more) as (_, client):
            schemas = {t.name: t.output_schema for t in (await client.list_tools()).tools if t.output_schema}
            told = await walk(client, schemas)
    assert set(schemas) - ELSEWHERE - set(told) == set(), "declared, but tried nowhere"
    assert {name for name, value in told.items() if not value} <= {name for name in told if name.startswith("symbols_")}
    assert told["symbols_search"] or told["symbols_outline"]


async def walk(client: Client, schemas: dict[str, Any]) -> dict[str, Any]:
    """Call one tool after the other; what each told, nothing where nobody can answer such a question here."""
    told: dict[str, Any] = {}
    for name, given in STEPS:
        result = await client.call_tool(name, given(told) if callable(given) else given)
        if result.is_error:
            said = result.content[0].text
            assert any(sentence in said for sentence in MAY_BE_UNSUPPORTED), f"{name}: {said}"
            told[name] = None
            continue
        jsonschema.Draft202012Validator(schemas[name]).validate(result.structured_content)
        told[name] = result.structured_content
    return told


async def test_a_piece_of_a_long_result_keeps_to_it_too(repository: Repository, tmp_path: Path) -> None:
    for n in range(MOST_TEXT // 100):
        name = f"{'long-name-' * 12}{n}.txt"
        (repository.root / name).write_text("x\n")
    async with opened(repository.root, tmp_path) as (_, client):
        schema = next(t.output_schema for t in (await client.list_tools()).tools if t.name == "git_status")
        result = await client.call_tool("git_status", {})
        jsonschema.Draft202012Validator(schema).validate(result.structured_content)
        assert result.structured_content["next"]
        rest = await client.call_tool("more_of_result", {"next": result.structured_content["next"]})
    assert not rest.is_error
