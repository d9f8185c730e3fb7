"""What is started: the container's and bubblewrap's argument lists word for word, and bubblewrap for real where it is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import SetupError
from sidecar.mcp.manifest import Entry
from sidecar.mcp.sandbox import NOT_SANDBOXED, Confinement, Launch, plan
from tests.mcp.conftest import FAKE, Yard, approve, call, fake

IMAGE = "node@sha256:" + "a" * 64
ENTRY = Entry("one", "/m", "server", ("--flag", "a b"), {"KEY": "s3cr3t"})


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment with programs that only lie there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "podman", "bwrap", "server"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8", "DATABRICKS_TOKEN": "dapi-1"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def launched(how: Confinement, workspace: Path, machine: dict[str, str], entry: Entry = ENTRY) -> Launch:
    return plan(entry, how, workspace, machine, "0123456789ab")


def test_without_a_sandbox_it_gets_its_own_variables_and_a_few_of_ours(
    workspace: Path, machine: dict[str, str]
) -> None:
    launch = launched(Confinement(), workspace, machine)
    assert launch.argv == (f"{machine['PATH']}/server", "--flag", "a b")
    assert launch.cwd == str(workspace)
    assert set(launch.env) == {"PATH", "HOME", "LANG", "KEY"}


@pytest.mark.skipif(sys.platform == "win32", reason="user numbers are POSIX's")
@pytest.mark.parametrize("runtime", ["docker", "podman"])
def test_the_container_is_closed_on_every_side(workspace: Path, machine: dict[str, str], runtime: str) -> None:
    launch = launched(Confinement(enabled=True, runtime=runtime, image=IMAGE), workspace, machine)
    user = f"{os.getuid()}:{os.getgid()}" if os.getuid() else "65534:65534"
    assert launch.argv == (
        f"{machine['PATH']}/{runtime}", "run", "--rm", "--init", "--interactive",
        "--name", "sidecar-mcp-0123456789ab", "--label", "sidecar.instance=0123456789ab",
        "--network", "none", "--read-only", "--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=64m",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", user,
        "--pids-limit", "256", "--memory", "1g", "--cpus", "2",
        "--mount", f"type=bind,source={workspace},target=/workspace,readonly", "--workdir", "/workspace",
        "--env", "HOME=/tmp", "--env", "KEY", IMAGE, "server", "--flag", "a b",
    )  # fmt: skip
    assert launch.env["KEY"] == "s3cr3t"
    assert "DATABRICKS_TOKEN" not in launch.env
    assert launch.cleanup == (f"{machine['PATH']}/{runtime}", "rm", "--force", "sidecar-mcp-0123456789ab")


def test_the_container_is_opened_only_as_far_as_asked(workspace: Path, machine: dict[str, str]) -> None:
    how = Confinement(enabled=True, image=IMAGE, network=True, writable=True)
    argv = launched(how, workspace, machine).argv
    assert argv[argv.index("--network") + 1] == "bridge"
    assert argv[argv.index("--mount") + 1] == f"type=bind,source={workspace},target=/workspace"
    assert not [word for word in argv if "docker.sock" in word]


def test_a_comma_in_the_workspaces_path_is_no_option(tmp_path: Path, machine: dict[str, str]) -> None:
    odd = tmp_path / "a,readonly=false"
    odd.mkdir()
    argv = launched(Confinement(enabled=True, image=IMAGE), odd, machine).argv
    assert argv[argv.index("--mount") + 1] == f'type=bind,"source={odd}",target=/workspace,readonly'


REFUSED = [
    pytest.param(Confinement(enabled=True, runtime="no-such-runtime", image=IMAGE), "no-such-runtime was not found", id="runtime"),
    pytest.param(Confinement(enabled=True, image="node:22"), "by its digest", id="tag"),
    pytest.param(Confinement(enabled=True), "by its digest", id="no-image"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "words"), REFUSED)
def test_less_than_what_was_asked_for_is_never_taken(
    workspace: Path, machine: dict[str, str], how: Confinement, words: str
) -> None:
    with pytest.raises(SetupError, match=words):
        launched(how, workspace, machine)


def test_a_program_that_the_workspace_brings_along_is_not_found_by_name(
    workspace: Path, machine: dict[str, str]
) -> None:
    shutil.copy(f"{machine['PATH']}/server", workspace / "server")
    planted = {**machine, "PATH": f"{workspace}:{machine['PATH']}"}
    assert launched(Confinement(), workspace, planted).argv[0] == f"{machine['PATH']}/server"
    named = Entry("one", "/m", "./server")
    assert launched(Confinement(), workspace, machine, named).argv[0] == str(workspace / "server")


SAID = [
    (Confinement(), NOT_SANDBOXED),
    (
        Confinement(enabled=True, image=IMAGE),
        f"sandboxed by docker, image {IMAGE}; no network; reads the workspace only",
    ),
    (
        Confinement(enabled=True, runtime="bwrap", network=True, writable=True),
        "sandboxed by bubblewrap; network allowed; may write the workspace",
    ),
]


@pytest.mark.parametrize(("how", "words"), SAID)
def test_what_holds_is_said_at_the_approval(how: Confinement, words: str) -> None:
    assert how.said(ENTRY) == words
    assert how.said(Entry("two", "/m", url="https://x/")).startswith("not started here")


async def test_switching_the_sandbox_off_asks_again(yard: Yard) -> None:
    yard.write({"one": fake()})
    servers = await yard.open(confinement=Confinement(enabled=True, image=IMAGE))
    await servers.approve_start("one")
    await servers.aclose()
    unconfined = await yard.open()
    assert unconfined.view("one").state == "changed"
    assert unconfined.view("one").changes[0].endswith(NOT_SANDBOXED)


def bubblewrap_works() -> bool:
    found = shutil.which("bwrap")
    command = [found or "", "--unshare-all", "--ro-bind", "/", "/", "true"]
    return found is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0


PROBE = """
import json, os, socket, sys
sys.argv[1:] = []
def tried(act):
    try: return act() or "done"
    except OSError as error: return type(error).__name__
told = {
    "canary": tried(lambda: open(os.environ["CANARY"]).read()),
    "network": tried(lambda: socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 3)),
    "write": tried(lambda: open(os.path.join(os.getcwd(), "written"), "w").close()),
    "read": tried(lambda: open(os.path.join(os.getcwd(), "readable")).read()),
    "processes": str(len([p for p in os.listdir("/proc") if p.isdigit()])),
}
"""


@pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap is not installed, or the kernel does not allow it")
async def test_bubblewrap_for_real(yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server speaks from inside, reads the workspace, and reaches neither home, network nor other processes."""
    canary = Path.home() / "canary"
    canary.write_text("secret")
    (yard.workspace / "readable").write_text("yes")
    server = yard.workspace / "probe.py"
    hand = FAKE.read_text(encoding="utf-8").replace(
        "names = sorted(os.environ)",
        'names = []; exec(PROBE, globals()); return {"content": [], "structuredContent": globals()["told"]}',
    )
    hand = hand.replace("import annotations\n", f"import annotations\nPROBE = {PROBE!r}\n", 1)
    server.write_text(hand, encoding="utf-8")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        env = {"CANARY": str(canary), "PORT": str(listening.getsockname()[1])}
        yard.write({"one": {"command": sys.executable, "args": [str(server)], "env": env}})
        servers = await yard.open(confinement=Confinement(enabled=True, runtime="bubblewrap"))
        await approve(servers, "one")
        told = (await call(servers, "one__environment")).value
    assert told["read"] == "yes"
    assert told["canary"] == "FileNotFoundError"
    assert told["network"] in {"ConnectionRefusedError", "OSError"}
    assert told["write"] == "OSError"
    assert int(told["processes"]) <= 4
    assert not (yard.workspace / "written").exists()
