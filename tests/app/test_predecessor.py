"""Flaws of a forerunner that show in the whole process, each by its number, and that they are not here.

The others stand beside what they are about: on the way to a provider in `tests/providers/test_predecessor.py`, with the
real CLI in `tests/journeys/test_predecessor.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sidecar.settings import load
from tests.app.test_promises import CLI, PROVIDERS, QUESTION, TOKEN, Catcher, serving
from tests.cli.processes import environment
from tests.fakes.repository import Repository
from tests.fakes.upstream import Upstream, answer, tool_use

ROOT = Path(__file__).parents[2]
BOTH_WAYS = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
PLAIN = {name: value for name, value in QUESTION.items() if name != "tools"}


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    made = Catcher()
    yield made
    made.close()


def said(body: bytes) -> str:
    """The text of an answer, streamed or whole."""
    lines = body.decode().splitlines()
    if not any(line.startswith("data: ") for line in lines):
        return "".join(block.get("text", "") for block in json.loads(body)["content"])
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


NAMED_LIKE_OURS = ["shell", "bash", "git_push", "workspace_write", "fs_write", "python_exec", "web_search", "test_run"]


@pytest.mark.parametrize("name", NAMED_LIKE_OURS)
def test_o2_o4_a_clients_tool_of_any_name_is_the_clients_to_run(tmp_path: Path, catcher: Catcher, name: str) -> None:
    """Nothing is run here, whatever the tool is called and whatever the model puts into it: no alias gets past a policy."""
    mark = tmp_path / "project" / "made-by-a-proxy"
    arguments = {"command": f"touch '{mark}'", "path": str(mark), "content": "x", "url": "http://e.invalid"}
    tools = [{"name": name, "input_schema": {"type": "object"}}]
    with Upstream([answer(tool_use(name, arguments))]) as upstream:
        with serving(tmp_path, "databricks", upstream, catcher) as served:
            status, _, body = served.post({**QUESTION, "tools": tools, "stream": False})
        assert len(upstream.requests) == 1, "one request is one request: no loop of its own"
    told = json.loads(body)
    assert (status, told["stop_reason"]) == (200, "tool_use")
    assert told["content"] == [tool_use(name, arguments)]
    assert not mark.exists()
    assert catcher.caught == []


@BOTH_WAYS
def test_o5_no_prompt_goes_to_a_search_engine(tmp_path: Path, catcher: Catcher, stream: bool) -> None:
    """Neither a question that sounds like a search nor an answer that says it cannot search starts one."""
    words = "I cannot browse. The web tool is disabled or unavailable; please search the web for the stock price."
    with Upstream([answer(words)]) as upstream:
        with serving(tmp_path, "databricks", upstream, catcher) as served:
            status, _, body = served.post({**PLAIN, "stream": stream})
        assert len(upstream.requests) == 1
    assert (status, said(body)) == (200, words)
    assert catcher.caught == []


SCRUBBED = (
    "See /home/me/project/src/app.py:12 and C:\\Users\\me\\a.txt, commit 9fceb02d0ae598e95dc970b74767f19372d61af8, "
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, uuid 123e4567-e89b-12d3-a456-426614174000, "
    "https://example.com/a?b=c, someone@example.com, 10.0.0.1, +49 30 1234567, AKIAIOSFODNN7EXAMPLE."
)


@BOTH_WAYS
def test_o6_nothing_of_an_answer_is_scrubbed(tmp_path: Path, catcher: Catcher, stream: bool) -> None:
    with Upstream([answer(SCRUBBED)]) as upstream, serving(tmp_path, "anthropic", upstream, catcher) as served:
        asked = {**PLAIN, "stream": stream, "messages": [{"role": "user", "content": SCRUBBED}]}
        status, _, body = served.post(asked)
        assert (status, said(body)) == (200, SCRUBBED)
        assert upstream.last.body["messages"][0]["content"] == SCRUBBED


def offline(tmp_path: Path, repository: Repository, question: str) -> str:
    """What our own analysers answer in a repository."""
    command = [sys.executable, "-m", "sidecar", "serve", "--port", "0", "--json", "--provider", "offline"]
    env = environment(tmp_path / "state", SIDECAR_TOKEN=TOKEN)
    with subprocess.Popen(
        command, env=env, cwd=repository.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            base = json.loads(process.stdout.readline())["base_url"]
            body = {**PLAIN, "stream": False, "max_tokens": 4096, "messages": [{"role": "user", "content": question}]}
            asked = urllib.request.Request(f"{base}/v1/messages", json.dumps(body).encode(), CLI)
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=20) as answered:
                return said(answered.read())
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository")


def test_o7_git_status_is_true(tmp_path: Path, repository: Repository) -> None:
    """Staged, changed, new, renamed and gone, with odd names among them: each told as git tells it."""
    repository.commit("first", {"a.py": "a = 1\n", "old name.py": "x = 1\n" * 9, "gone.py": "g = 1\n"})
    repository.write({"a.py": "a = 2\n", "new é file.py": "n = 1\n"})
    repository.git("mv", "old name.py", "new name.py")
    repository.git("rm", "--quiet", "gone.py")
    told = offline(tmp_path, repository, "git status")
    for name in ("a.py", "new é file.py", "new name.py", "gone.py"):
        assert name in told, told
    assert "main" in told


def test_o8_what_git_ignores_is_not_in_the_way_of_a_definition(tmp_path: Path, repository: Repository) -> None:
    """Grammars are really used, and vendored copies do not answer for the project's own code."""
    repository.commit("first", {".gitignore": "vendor/\n", "src/bill.py": "class Bill:\n    def total(self): ...\n"})
    repository.write({"vendor/bill.py": "class Bill: ...\n"})
    told = offline(tmp_path, repository, "where is Bill defined?")
    assert "src/bill.py" in told
    assert "vendor" not in told


ARTICLE: dict[str, dict[str, str]] = {
    "databricks": {"DATABRICKS_API_BASE": "{url}", "DATABRICKS_API_KEY": "dapi0123456789abcdef"},
    "databricks-path": {
        "DATABRICKS_API_BASE": "{url}",
        "DATABRICKS_API_KEY": "dapi0123456789abcdef",
        "DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/databricks-claude-sonnet-4-5/invocations",
    },
    "azure": {"PROVIDER": "azure_anthropic", "ANTHROPIC_ENDPOINT": "{url}/anthropic", "ANTHROPIC_API_KEY": "a" * 40},
    "old-azure": {
        "MODEL_PROVIDER": "azure-anthropic",
        "AZURE_ANTHROPIC_ENDPOINT": "{url}/anthropic/v1/messages",
        "AZURE_ANTHROPIC_API_KEY": "a" * 40,
        "AZURE_ANTHROPIC_VERSION": "2023-06-01",
    },
}


@pytest.mark.parametrize("case", ARTICLE)
def test_o10_the_names_that_were_promised_work(tmp_path: Path, case: str) -> None:
    env = {name: value.format(url="https://a.example") for name, value in ARTICLE[case].items()}
    settings = load({"server.port": 8081}, {**env, "SIDECAR_STATE_DIR": str(tmp_path)}, None, tmp_path)
    settings.check_provider()
    assert settings.provider.name == ("azure_anthropic" if "azure" in case else "databricks")
    assert settings.server.port == 8081


def asked_twice(tmp_path: Path, catcher: Catcher, first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    turns = [answer("One."), answer("Two.")]
    with Upstream(turns) as upstream, serving(tmp_path, "anthropic", upstream, catcher) as served:
        return [said(served.post({**PLAIN, "stream": False, **changes})[2]) for changes in (first, second)]


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({}, ["One.", "One."]),
        ({"system": "Answer in French."}, ["One.", "Two."]),
        ({"system": None}, ["One.", "Two."]),
        (
            {"system": [{"type": "text", "text": "You must use tools; one was disabled or unavailable. "}]},
            ["One.", "Two."],
        ),
    ],
)
def test_o11_another_system_prompt_is_another_question(
    tmp_path: Path, catcher: Catcher, changes: dict[str, Any], answers: list[str]
) -> None:
    assert asked_twice(tmp_path, catcher, {}, changes) == answers


def test_n5_another_model_is_another_question(tmp_path: Path, catcher: Catcher) -> None:
    models = [{"model": "claude-sonnet-4-5"}, {"model": "claude-opus-4-8"}]
    assert asked_twice(tmp_path, catcher, *models) == ["One.", "Two."]


def test_o12_nobody_else_gets_in(tmp_path: Path, catcher: Catcher) -> None:
    """It listens on loopback alone, and without the token nothing is answered."""
    with Upstream([answer("no")]) as upstream, serving(tmp_path, "anthropic", upstream, catcher) as served:
        process = psutil.Process(served.process.pid)
        listening = [one for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
        assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
        for key in ({"authorization": ""}, {"authorization": "Bearer nearly"}):
            status, _, body = served.post(QUESTION, **key)
            assert (status, json.loads(body)["error"]["type"]) == (401, "authentication_error")
        assert upstream.requests == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_n1_the_clis_marks_send_nothing_to_anthropic(tmp_path: Path, catcher: Catcher, name: str) -> None:
    """User agent, session and a key as long as a subscriber's: all of it goes to the configured provider."""
    assert len(CLI["x-api-key"]) > 80
    assert CLI["user-agent"].startswith("claude-cli/")
    with Upstream([answer("ok")]) as upstream:
        with serving(tmp_path, name, upstream, catcher) as served:
            assert served.post(QUESTION)[0] == 200
        assert len(upstream.requests) == 1
        assert CLI["x-api-key"] not in json.dumps(upstream.last.headers)
    assert catcher.caught == []


def test_o9_n10_a_manifest_in_the_workspace_starts_nothing(tmp_path: Path, catcher: Catcher) -> None:
    mark = tmp_path / "started"
    server = {"command": "touch", "args": [str(mark)], "type": "stdio"}
    project = tmp_path / "project"
    project.mkdir()
    for place in (".mcp.json", ".mcp/servers.json", ".vscode/mcp.json", ".cursor/mcp.json"):
        (project / place).parent.mkdir(exist_ok=True)
        (project / place).write_text(json.dumps({"mcpServers": {"x": server}, "servers": {"x": server}}))
    with Upstream([answer("ok")]) as upstream, serving(tmp_path, "databricks", upstream, catcher) as served:
        assert served.post(QUESTION)[0] == 200
        assert psutil.Process(served.process.pid).children() == []
        assert upstream.last.tools == ["Bash"]
    assert not mark.exists()


def test_n11_everything_that_is_installed_comes_from_the_public_registries() -> None:
    """Each requirement is locked to a version with its hashes, and no lock names a place of its own."""
    locks = sorted((ROOT / ".lock").glob("*.lock"))
    assert len(locks) >= 3
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        names = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", text, re.MULTILINE)
        assert names
        assert "://" not in re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
        assert text.count("--hash=sha256:") >= len(names)
    for lock in ROOT.glob("**/package-lock.json"):
        if "node_modules" in lock.parts or ".build" in lock.parts:
            continue
        text = lock.read_text(encoding="utf-8")
        assert '"resolved"' not in text
        packages = json.loads(text)["packages"].values()
        shipped = [one for one in packages if not one.get("dev") and "vscode-extension" in lock.parts]
        engines = [one["engines"] for one in shipped if isinstance(one.get("engines"), dict)]
        late = re.compile(r">=\s*(?:2[2-9]|[3-9]\d)[\d.]*")
        assert not [one["node"] for one in engines if late.fullmatch(one.get("node", ""))], "Node 20 is promised"


@BOTH_WAYS
@pytest.mark.parametrize("name", PROVIDERS)
def test_n12_an_answer_holds_what_the_api_says_and_the_model_that_was_asked_for(
    tmp_path: Path, catcher: Catcher, name: str, stream: bool
) -> None:
    with Upstream([answer("ok")]) as upstream, serving(tmp_path, name, upstream, catcher) as served:
        status, _, body = served.post({**QUESTION, "stream": stream})
    assert status == 200
    message = json.loads(body.split(b"data: ")[1].split(b"\n")[0])["message"] if stream else json.loads(body)
    assert message["model"] == QUESTION["model"]
    expected = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
    assert set(message) == expected
