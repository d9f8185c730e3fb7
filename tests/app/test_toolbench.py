"""Our tools in their place: a whole sidecar before a provider on loopback, real git, real tests, a client that leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from sidecar.app import Sidecar
from sidecar.settings import load
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnStore
from tests.fakes.repository import Repository
from tests.fakes.upstream import Upstream, answer, fault, text, tool_use

ASK = {"model": "claude-test", "max_tokens": 99, "messages": [{"role": "user", "content": "What changed?"}]}


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "project", {"a.py": "one\n"})
    made.write({"a.py": "two\n"})
    return made


@pytest.fixture
def opened(tmp_path: Path, repo: Repository):
    @contextlib.asynccontextmanager
    async def open_(upstream: Upstream, **env: str) -> AsyncIterator[Any]:
        base = {
            "PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "k" * 20, "ANTHROPIC_UPSTREAM_URL": upstream.url,
            "SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "SIDECAR_AUTH": "none",
        }  # fmt: skip
        async with (
            Sidecar(load({}, base | env, None, repo.root), version="1") as sidecar,
            aiohttp.ClientSession() as http,
        ):

            def post(body: dict[str, Any] = ASK, path: str = "/v1/messages"):
                return http.post(sidecar.status().base_url + path, json=body, headers={"user-agent": "curl/8"})

            yield post

    return open_


async def test_an_answer_for_which_a_tool_ran_is_not_given_again(opened, tmp_path: Path, repo: Repository) -> None:
    script = [
        answer(tool_use("git_diff", {})),
        answer(text("two")),
        answer(tool_use("git_diff", {})),
        answer(text("three")),
    ]
    script += [answer(text("plain"))]
    async with Upstream(script) as upstream, opened(upstream) as post:
        for word in ("two", "three"):
            repo.write({"a.py": f"{word}\n"})
            async with post() as response:
                assert "tools" in response.headers["x-sidecar-changed"]
                assert (await response.json())["content"][-1]["text"] == word
            told = upstream.requests[-1].body["messages"][-1]["content"][0]
            assert f"+{word}" in json.dumps(told)
        plain = ASK | {"messages": [{"role": "user", "content": "Hello"}]}
        for cache in ("miss", "hit"):
            async with post(plain) as response:
                assert response.headers["x-sidecar-cache"].startswith(cache)
    (state,) = (tmp_path / "state").iterdir()
    database = await Database.open(state / DATABASE)
    records = await TurnStore(database).since(0)
    await database.aclose()
    assert [record.tools for record in records] == [("git_diff",), ("git_diff",), (), ()]


async def test_a_client_that_leaves_ends_the_tool_and_what_it_started(opened, repo: Repository) -> None:
    repo.write({"slow.py": "import os,time\nopen('pid','w').write(str(os.getpid()))\ntime.sleep(600)\n"})
    env = {"SIDECAR_TRUSTED_FOLDERS": str(repo.root), "WORKSPACE_TEST_COMMAND": f"'{sys.executable}' slow.py"}
    pid = repo.path("pid")
    async with (
        Upstream([answer(text("I run them."), tool_use("tests_run", {}))]) as upstream,
        opened(upstream, **env) as post,
    ):
        async with post(ASK | {"stream": True}) as response:
            async for line in response.content:
                if b"I" in line and b"text_delta" in line:
                    break
            async with asyncio.timeout(30):
                while not (pid.exists() and pid.read_text()):
                    await asyncio.sleep(0.02)
            response.close()
        number = int(pid.read_text())
        async with asyncio.timeout(10):
            while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)


async def test_the_rules_hold_in_the_loop_and_at_the_hook(opened, repo: Repository) -> None:
    repo.git("remote", "add", "origin", str(repo.root.parent / "far.git"))
    script = [answer(tool_use("push", {}), tool_use("files_write", {"path": "x", "content": "y"})), answer(text("no"))]
    async with Upstream(script) as upstream, opened(upstream) as post:
        async with post() as response:
            assert (await response.json())["content"][-1]["text"] == "no"
        told = json.dumps(upstream.requests[-1].body["messages"][-1])
        assert told.count("not trusted") == 2
        assert not repo.path("x").exists()
        payload = {"hook_event_name": "PreToolUse", "tool_input": {"command": "git push"}, "cwd": str(repo.root)}
        async with post(payload, "/hooks/claude") as response:
            reason = (await response.json())["hookSpecificOutput"]["permissionDecisionReason"]
        assert "POLICY_GIT_ALLOW_PUSH" in reason


async def test_a_tool_asks_whichever_model_is_configured(opened, repo: Repository) -> None:
    script = [
        answer(tool_use("review_commit_message", {"model": True})),
        answer(text("fix: two")),
        answer(text("There it is.")),
    ]
    async with Upstream(script) as upstream, opened(upstream) as post, post() as response:
        assert (await response.json())["content"][-1]["text"] == "There it is."
        inner, last = (seen.body for seen in upstream.requests[1:])
    assert "commit message" in inner["messages"][0]["content"]
    assert "tools" not in inner
    assert "fix: two" in json.dumps(last["messages"][-1])


async def test_faults_of_the_provider_keep_their_status(opened) -> None:
    refusal = fault(403, {"error": {"type": "permission_error", "message": "no"}})
    async with Upstream([refusal]) as upstream, opened(upstream) as post, post() as response:
        assert response.status == 403


async def test_the_offline_provider_is_offered_nothing(opened, repo: Repository) -> None:
    asked = ASK | {"messages": [{"role": "user", "content": "Summarize the recent diff"}]}
    async with Upstream([]) as upstream, opened(upstream, PROVIDER="offline") as post, post(asked) as response:
        assert "tools" not in response.headers.get("x-sidecar-changed", "")
        assert "a.py" in (await response.json())["content"][0]["text"]
