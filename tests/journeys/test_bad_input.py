"""What goes wrong on real machines: each is a clear sentence or a sensible answer of the real process, never a trace."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.journeys.conftest import Serve, Start
from tests.journeys.plays import Json
from tests.journeys.processes import LIMIT, Sidecar, free_port
from tests.rig import sample

SIDECAR = (sys.executable, "-m", "sidecar")
ASK: Json = {"model": "claude-2.1", "messages": [{"role": "user", "content": "Summarize the recent diff"}]}


def post(sidecar: Sidecar, body: bytes, kind: str = "application/json") -> tuple[int, Json]:
    """Status and JSON of a request to the running sidecar."""
    request = urllib.request.Request(f"{sidecar.base_url}/v1/messages", body, {"content-type": kind})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


@pytest.mark.parametrize(
    ("settings", "arguments", "named"),
    [
        ({"PROVIDER": "databricks"}, (), "DATABRICKS_API_"),
        ({"PROVIDER": "databricks", "DATABRICKS_API_BASE": "https://a.example"}, (), "DATABRICKS_API_KEY"),
        ({"PROVIDER": "azure_anthropic", "ANTHROPIC_API_KEY": "k"}, (), "ANTHROPIC_ENDPOINT"),
        ({"PROVIDER": "bedrok"}, (), "PROVIDER"),
        ({"PORT": "eighty"}, (), "PORT"),
        ({"SIDECAR_AUTH": "perhaps"}, (), "SIDECAR_AUTH"),
        ({}, ("--workspace", "no/such/folder"), "no/such/folder"),
        ({}, ("--host", "0.0.0.0", "--auth", "none"), "--auth"),
    ],
    ids=["no-databricks", "no-key", "no-endpoint", "provider", "port", "auth", "no-folder", "open-host"],
)
async def test_wrong_setting_is_named(
    start: Start, settings: Mapping[str, str], arguments: tuple[str, ...], named: str
) -> None:
    port = () if "PORT" in settings else ("--port", str(free_port()))
    done = await (await start(*SIDECAR, "serve", *port, *arguments, **settings)).outcome()
    assert done.code == 2, done.err
    assert named in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


async def test_open_host_lets_nobody_in_without_the_token(serve: Serve) -> None:
    """Bound to every address, even this user's own requests over loopback need the token."""
    sidecar = await serve("--host", "0.0.0.0")
    code, answer = await asyncio.to_thread(post, sidecar, json.dumps(ASK).encode())
    assert (code, answer["error"]["type"]) == (401, "authentication_error")


async def test_taken_port_is_named_with_a_mend(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = await (await start(*SIDECAR, "serve", "--port", str(port))).outcome()
    assert done.code == 2, done.err
    assert str(port) in done.err
    assert "--port" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"model": 7, "messages": []}', "application/json", 400),
        (json.dumps({**ASK, "max_tokens": "many"}).encode(), "application/json", 400),
        (json.dumps(ASK).encode(), "text/plain", 415),
    ],
    ids=["cut", "list", "bytes", "model", "max_tokens", "kind"],
)
async def test_malformed_requests_are_refused_in_the_apis_form(
    serve: Serve, body: bytes, kind: str, status: int
) -> None:
    sidecar = await serve()
    code, answer = await asyncio.to_thread(post, sidecar, body, kind)
    assert code == status or (status == 415 and code in {400, 403}), answer
    assert answer["type"] == "error"
    assert answer["error"]["message"]


async def test_body_of_20_megabytes(serve: Serve) -> None:
    """Taken by a provider or refused as too large; either way the next request is answered."""
    sidecar = await serve()
    large = {**ASK, "messages": [{"role": "user", "content": "x" * 20_000_000}]}
    code, answer = await asyncio.to_thread(post, sidecar, json.dumps(large).encode())
    assert (code, answer["type"]) in {(200, "message"), (413, "error")}
    assert (await asyncio.to_thread(post, sidecar, json.dumps(ASK).encode()))[0] == 200


def no_repository(folder: Path) -> None:
    shutil.rmtree(folder / ".git")


def empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def no_commit(folder: Path) -> None:
    shutil.rmtree(folder / ".git")
    sample.git(folder, "init", "--quiet")


def no_commit_but_staged(folder: Path) -> None:
    no_commit(folder)
    sample.git(folder, "add", "--all")


def binary_change(folder: Path) -> None:
    (folder / "logo.png").write_bytes(bytes(range(256)) * 40)
    sample.git(folder, "add", "logo.png")


def latin_text(folder: Path) -> None:
    file = folder / "tally" / "fees.py"
    file.write_bytes(file.read_bytes() + b"# Geb\xfchr\n")


def deleted_file(folder: Path) -> None:
    (folder / "tally" / "bank.py").unlink()


def unfinished_merge(folder: Path) -> None:
    (folder / ".git" / "MERGE_HEAD").write_text(sample.git(folder, "rev-parse", "HEAD~1"))


STATES: list[Callable[[Path], None]] = [
    no_repository, empty_folder, no_commit, no_commit_but_staged, binary_change, latin_text, deleted_file, unfinished_merge,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_odd_folders_get_a_sensible_answer(
    serve: Serve, start: Start, tally: Path, state: Callable[[Path], None]
) -> None:
    state(tally)
    sidecar = await serve()
    code, answer = await asyncio.to_thread(post, sidecar, json.dumps(ASK).encode())
    assert code == 200, answer
    assert answer["content"][0]["text"].strip()
    assert "Traceback" not in answer["content"][0]["text"]
    done = await (await start(*SIDECAR, "risk", "--json")).outcome()
    assert done.code in {0, 2}, done.err
    assert "Traceback" not in done.err
    assert done.err if done.code else json.loads(done.out) is not None
