"""Our tools on all roads: a client without tools, the CLI's own Bash under guards, a script that pushes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Rig
from tests.fakes.repository import Repository
from tests.journeys.conftest import CHAT, NATIVE, Serve, Start, Way
from tests.journeys.plays import call, message, text
from tests.journeys.upstream import Say, Upstream
from tests.journeys.wire import JSON

ASK = {"model": "claude-2.1", "messages": [{"role": "user", "content": "Summarize the recent diff"}]}
PUSH_OFF = "Pushing is switched off here (POLICY_GIT_ALLOW_PUSH=false)"


@pytest.mark.parametrize("way", [NATIVE, CHAT], ids=lambda way: way.name)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_articles_curl_is_answered_with_our_tools(
    upstream: Upstream, serve: Serve, start: Start, way: Way, stream: bool
) -> None:
    upstream.script = [
        Say(message(text("I look at it."), call("git_status", 1), call("git_diff", 2))),
        Say(message(text("The settlement was changed."))),
    ]
    sidecar = await serve(**way.set_for(upstream))
    curl = (
        "curl",
        "-sS",
        "-i",
        "-X",
        "POST",
        f"{sidecar.base_url}/v1/messages",
        "-H",
        "Content-Type: application/json",
    )
    done = await (await start(*curl, "-d", json.dumps({**ASK, "stream": stream}))).outcome()
    assert done.out.startswith("HTTP/1.1 200"), done.out
    assert "x-sidecar-changed: " in done.out.lower()
    assert "tools" in done.out.lower().split("x-sidecar-changed: ")[1].splitlines()[0]
    assert "The settlement was changed." in done.out.replace("\\n", "")
    assert "tool_use" not in done.out
    if not stream:
        body = json.loads(done.out.split("\r\n\r\n", 1)[1])
        assert (body["stop_reason"], body["content"][-1]) == ("end_turn", text("The settlement was changed."))
        assert body["usage"]["output_tokens"] == 68
    told = json.dumps(upstream.asked[1].body["messages"])
    assert "unstaged: tally/settlement.py" in told
    assert "diff --git a/tally/settlement.py" in told
    assert len(upstream.asked) == 2


async def test_the_cli_is_offered_none_of_ours_and_asks_as_before(
    upstream: Upstream, serve: Serve, ask: Start, claude: str
) -> None:
    upstream.script = [Say(message(text("Hello.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (await ask(sidecar, "Say hello", *JSON, cli=claude)).outcome()
    assert done.json["result"] == "Hello."
    names = {tool.get("name") for tool in upstream.asked[0].body["tools"]}
    assert "git_diff" not in names


@pytest.fixture
def far(tally: Path, tmp_path: Path) -> Repository:
    """A remote that must not change."""
    far = Repository.create(tmp_path / "far.git", bare=True)
    Repository(tally).git("remote", "add", "origin", str(far.root))
    return far


BASH = ["git push origin HEAD:main", "sh -c 'git push origin HEAD:main'", "git -C . push origin HEAD:main && true"]


@pytest.mark.parametrize("command", BASH)
async def test_the_clis_own_bash_may_not_push(
    upstream: Upstream, serve: Serve, start: Start, ask: Start, claude: str, far: Repository, command: str
) -> None:
    """Under --dangerously-skip-permissions, too; the model is told why."""
    upstream.script = [
        Say(message(call("Bash", 1, command=command, description="push"))),
        Say(message(text("Not pushed."))),
    ]
    sidecar = await serve(**NATIVE.set_for(upstream))
    assert (await (await start(sys.executable, "-m", "sidecar", "hooks", "install")).outcome()).code == 0
    done = await (
        await ask(sidecar, "Push it", *JSON, "--dangerously-skip-permissions", cli=claude, IS_SANDBOX="1")
    ).outcome()
    assert done.json["result"] == "Not pushed.", done.out
    assert PUSH_OFF in json.dumps(upstream.asked[1].body["messages"])
    assert far.git("for-each-ref") == ""


@pytest.mark.parametrize("command", ["git merge topic", "git rebase topic", "git cherry-pick topic"])
async def test_the_clis_own_bash_may_not_make_untested_commits(
    upstream: Upstream, serve: Serve, start: Start, ask: Start, rig: Rig, tally: Path, command: str
) -> None:
    repo = Repository(tally)
    repo.git("branch", "topic")
    before = repo.head
    upstream.script = [
        Say(message(call("Bash", 1, command=command, description="bring it in"))),
        Say(message(text("Not done."))),
    ]
    tests = {"POLICY_GIT_REQUIRE_TESTS": "true", "POLICY_GIT_TEST_COMMAND": "true"}
    sidecar = await serve(**NATIVE.set_for(upstream), **tests)
    assert (await (await start(sys.executable, "-m", "sidecar", "hooks", "install")).outcome()).code == 0
    done = await (await ask(sidecar, "Bring it in", *JSON, "--dangerously-skip-permissions", IS_SANDBOX="1")).outcome()
    assert done.json["result"] == "Not done.", done.out
    assert "POLICY_GIT_REQUIRE_TESTS" in json.dumps(upstream.asked[1].body["messages"])
    assert repo.head == before


async def test_what_is_not_guarded_runs(
    upstream: Upstream, serve: Serve, start: Start, ask: Start, claude: str
) -> None:
    upstream.script = [
        Say(message(call("Bash", 1, command="git status --short", description="look"))),
        Say(message(text("Ok."))),
    ]
    sidecar = await serve(**NATIVE.set_for(upstream))
    await (await start(sys.executable, "-m", "sidecar", "hooks", "install")).outcome()
    done = await (
        await ask(sidecar, "Look", *JSON, "--dangerously-skip-permissions", cli=claude, IS_SANDBOX="1")
    ).outcome()
    assert done.json["result"] == "Ok.", done.out
    assert "tally/settlement.py" in json.dumps(upstream.asked[1].body["messages"][-1])


async def test_a_script_may_not_push_where_the_pre_push_hook_is_on(
    upstream: Upstream, serve: Serve, start: Start, ask: Start, rig: Rig, far: Repository, tally: Path
) -> None:
    (tally / "publish.sh").write_text("git push origin HEAD:main\n", encoding="utf-8")
    upstream.script = [
        Say(message(call("Bash", 1, command="sh publish.sh", description="publish"))),
        Say(message(text("Not pushed."))),
    ]
    sidecar = await serve(**NATIVE.set_for(upstream))
    installed = await (await start(sys.executable, "-m", "sidecar", "hooks", "install", "--git")).outcome()
    assert installed.code == 0, installed.err
    done = await (await ask(sidecar, "Publish it", *JSON, "--dangerously-skip-permissions", IS_SANDBOX="1")).outcome()
    assert done.json["result"] == "Not pushed.", done.out
    assert PUSH_OFF in json.dumps(upstream.asked[1].body["messages"])
    assert far.git("for-each-ref") == ""


@pytest.mark.parametrize("name", ["git_push", "workspace_git_push", "push"])
async def test_our_own_tool_may_not_push_by_any_name(
    upstream: Upstream, serve: Serve, start: Start, far: Repository, tally: Path, name: str
) -> None:
    upstream.script = [Say(message(call(name, 1))), Say(message(text("Not pushed.")))]
    sidecar = await serve(**NATIVE.set_for(upstream), SIDECAR_TRUSTED_FOLDERS=str(tally))
    curl = (
        "curl",
        "-sS",
        f"{sidecar.base_url}/v1/messages",
        "-H",
        "Content-Type: application/json",
        "-d",
        json.dumps(ASK),
    )
    done = await (await start(*curl)).outcome()
    assert "Not pushed." in done.out, done.out
    assert PUSH_OFF in json.dumps(upstream.asked[1].body["messages"])
    assert far.git("for-each-ref") == ""


async def test_a_message_of_both_kinds_through_the_real_cli(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path
) -> None:
    """SIDECAR_TOOLS=always: ours runs here, the CLI reads its file, and the provider sees both results where they belong."""
    read = call("Read", 2, file_path=str(tally / "tally" / "fees.py"))
    upstream.script = [Say(message(text("Both."), call("git_status", 1), read)), Say(message(text("Done.")))]
    sidecar = await serve(**NATIVE.set_for(upstream), SIDECAR_TOOLS="always")
    done = await (await ask(sidecar, "Look at both", *JSON, cli=claude)).outcome()
    assert done.json["result"] == "Done.", done.out
    turns: list[dict[str, Any]] = upstream.asked[1].body["messages"]
    at = next(n for n, turn in enumerate(turns) if turn["role"] == "assistant")
    assert [block["type"] for block in turns[at]["content"]] == ["text", "tool_use", "tool_use"]
    results = [block for block in turns[at + 1]["content"] if block["type"] == "tool_result"]
    assert [block["tool_use_id"] for block in results] == ["toolu_0001", "toolu_0002"]
    assert "On branch" in json.dumps(results[0])
