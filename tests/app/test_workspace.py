"""The parts put together: both doors of real processes on real repositories, and what happens when one part cannot open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar.app import Sidecar
from sidecar.core.errors import Conflict, SetupError, StoreError
from sidecar.settings import load
from sidecar.store import runtime
from sidecar.store.runtime import find_running
from tests.editor.client import Editor
from tests.fakes.repository import Repository

RISKY = """\
def settle(account, amount):
    if account is None or amount < 0:
        raise ValueError(amount)
    with lock:
        while account.balance < amount:
            try:
                account.reload()
            except TimeoutError:
                continue
        account.balance -= amount
    return account.balance
"""


def settings(tmp_path: Path, **env: str):
    values = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0"} | env
    return load({}, values, None, tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(
        tmp_path / "ledger", {"ledger/account.py": "def settle(account, amount):\n    return amount\n"}
    )
    for number in range(6):
        made.commit(
            f"Fix wrong balance {number}",
            {"ledger/account.py": f"def settle(account, amount):\n    return amount + {number}\n"},
        )
    made.write({"ledger/account.py": RISKY})
    return made


def post(base: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{base}/v1/messages", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


QUESTION = {"model": "claude-2.1", "messages": [{"role": "user", "content": "Summarize the recent diff"}]}


async def test_a_workspace_opens_is_noted_and_closes(tmp_path: Path) -> None:
    told = []
    sidecar = Sidecar(settings(tmp_path), version="1")
    end = sidecar.subscribe_status(told.append)
    async with sidecar:
        status = sidecar.status()
        assert (status.state, status.provider, status.message) == ("ready", "offline", "")
        assert status.base_url == f"http://127.0.0.1:{status.port}"
        running = find_running(settings(tmp_path).state)
        assert running is not None
        assert running.port == status.port
        answer = await asyncio.to_thread(post, status.base_url, QUESTION)
        assert "no git repository" in answer["content"][0]["text"].lower() or "not" in answer["content"][0]["text"]
        assert sidecar.desk is None
    assert told[-1].state == "ready"
    end()
    end()
    assert find_running(settings(tmp_path).state) is None


async def test_a_token_that_cannot_be_kept_lives_in_memory_unless_nobody_could_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        raise StoreError(f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr(runtime, "replace_file", full)
    async with Sidecar(settings(tmp_path), version="1") as sidecar:
        assert (await asyncio.to_thread(post, sidecar.status().base_url, QUESTION))["type"] == "message"
    async with Sidecar(settings(tmp_path, SIDECAR_TOKEN="t" * 32, SIDECAR_AUTH="token"), version="1") as sidecar:
        assert sidecar.status().state == "ready"
    with pytest.raises(StoreError, match="token cannot be written"):
        await Sidecar(settings(tmp_path, SIDECAR_AUTH="token"), version="1").__aenter__()


async def test_every_answer_of_every_route_carries_an_id_of_its_own(tmp_path: Path) -> None:
    """Also of those that `app` adds, where the method is wrong, where nothing is, and without the token."""
    token = "t" * 32
    seen: list[str] = []
    async with (
        Sidecar(settings(tmp_path, SIDECAR_TOKEN=token, SIDECAR_AUTH="token"), version="1") as sidecar,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http,
    ):
        assert sidecar._endpoint is not None
        assert sidecar._endpoint._door is not None
        table = sidecar._endpoint._door._table
        asked = [(method, path) for path, methods in table.items() for method in (*methods, "PUT")]
        assert len(asked) > 30
        for method, path in [*asked, ("GET", "/nothing"), ("POST", "/v1/nothing")]:
            for headers in ({"authorization": f"Bearer {token}"}, {}):
                url, body = sidecar.status().base_url + path, b"{}" if method in {"POST", "PUT"} else None
                more = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
                async with http.request(method, url, data=body, headers=headers | more) as answer:
                    assert re.fullmatch("req_[0-9a-f]{24}", answer.headers["request-id"]), (method, path)
                    seen.append(answer.headers["request-id"])
    assert len(set(seen)) == len(seen)


async def test_a_taken_port_ends_serve_and_moves_the_editors_endpoint(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen = settings(tmp_path, PORT=str(port))
        with pytest.raises(Conflict, match=str(port)):
            async with Sidecar(chosen, version="1"):
                pass
        async with Sidecar(chosen, version="1", editor=True) as moved:
            status = moved.status()
            assert status.requested_port == port
            assert status.port not in {0, port}


async def test_a_missing_key_ends_serve_and_is_told_in_the_editor_and_by_the_endpoint(tmp_path: Path) -> None:
    chosen = settings(tmp_path, PROVIDER="databricks", DATABRICKS_HOST="https://example.org")
    with pytest.raises(SetupError, match="DATABRICKS"):
        async with Sidecar(chosen, version="1"):
            pass
    async with Sidecar(chosen, version="1", editor=True) as degraded:
        status = degraded.status()
        assert status.state == "degraded"
        assert "DATABRICKS_API_KEY" in status.message
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(post, status.base_url, QUESTION)
        body = json.load(refused.value)
        assert body["type"] == "error"
        assert "DATABRICKS_API_KEY" in body["error"]["message"]
        refused.value.close()


async def test_without_a_place_for_state_all_is_kept_in_memory(tmp_path: Path, repository: Repository) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    chosen = load({}, {"SIDECAR_STATE_DIR": str(blocked), "PORT": "0"}, None, repository.root)
    async with Sidecar(chosen, version="1", editor=True) as sidecar:
        assert sidecar.status().state == "ready"
        assert sidecar.desk is not None
        assert (await sidecar.desk.refresh()).report is not None


async def test_a_thread_says_that_no_test_touches_its_lines(tmp_path: Path, repository: Repository) -> None:
    lines = {"executed_lines": [1], "missing_lines": list(range(2, 12))}
    report = {"meta": {"version": "7"}, "files": {"ledger/account.py": lines}}
    repository.write({"out/told.json": json.dumps(report)})
    later = repository.path("ledger/account.py").stat().st_mtime + 10
    os.utime(repository.path("out/told.json"), (later, later))
    env = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "WORKSPACE_TEST_COVERAGE_FILES": "out/*.json"}
    async with Sidecar(load({}, env, None, repository.root), version="1", editor=True) as sidecar:
        assert sidecar.desk is not None
        threads = (await sidecar.desk.refresh()).threads
        assert [thread.anchor.path for thread in threads] == ["ledger/account.py"]
        assert "No test touches these lines (coverage.py, " in threads[0].comments[0].body


def env_for(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0"}


def test_an_editor_gets_threads_a_reply_and_a_resolved_one(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env_for(tmp_path).items():
        monkeypatch.setenv(name, value)
    with Editor("-m", "sidecar", "lsp") as editor:
        status = editor.open(repository.root)
        assert status["state"] == "ready"
        assert status["provider"] == "offline"
        told = editor.told("sidecar/threads/changed", lambda change: bool(change["upserts"]))
        thread = told["upserts"][0]
        assert thread["uri"].endswith("/ledger/account.py")
        assert 0 <= thread["startLine"] <= thread["endLine"] < len(RISKY.splitlines())
        assert 0 < thread["score"] < 1
        assert thread["comments"][0]["author"] == "sidecar"

        answered = editor.ask("sidecar/thread/reply", {"id": thread["id"], "body": "Why is this risky?"})
        assert [c["author"] for c in answered["comments"][-2:]] in (["user", "model"], ["user", "sidecar"])
        assert answered["comments"][-1]["body"].strip()
        resolved = editor.ask("sidecar/thread/setState", {"id": thread["id"], "state": "resolved"})
        assert resolved["state"] == "resolved"

        base = status["baseUrl"]
        text = post(base, QUESTION)["content"][0]["text"]
        assert "ledger/account.py" in text

        repository.git("checkout", "--", "ledger/account.py")
        saved = {"textDocument": {"uri": repository.path("ledger/account.py").as_uri()}}
        editor.notify("textDocument/didSave", saved)
        editor.told("sidecar/statusChanged", lambda s: s["openThreads"] == 0 and s["score"] is None)
        assert editor.leave() == 0
        assert b"Traceback" not in editor.log


async def test_a_database_of_a_newer_version_is_left_alone_and_said(tmp_path: Path, repository: Repository) -> None:
    chosen = load({}, {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0"}, None, repository.root)
    assert chosen.state is not None
    chosen.state.mkdir(parents=True, mode=0o700)
    file = chosen.state / "sidecar.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 4711")
    before = file.read_bytes()
    async with Sidecar(chosen, version="1", editor=True) as sidecar:
        status = sidecar.status()
        assert status.state == "degraded"
        assert "newer" in status.message
        assert status.port != 0
        assert sidecar.desk is not None
        assert (await sidecar.desk.refresh()).report is not None
    assert file.read_bytes() == before
