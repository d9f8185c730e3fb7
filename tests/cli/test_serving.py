"""`sidecar serve` as a user meets it: the greeting, readiness for machines, its end."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar import __version__
from sidecar.cli.serving import banner, log_level
from sidecar.core.ports import EndpointStatus
from sidecar.settings import load
from sidecar.store.runtime import find_running
from tests.cli.processes import COMMAND, environment, run

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


@dataclass
class Served:
    process: subprocess.Popen[str]
    ready: dict
    state: Path


@contextlib.contextmanager
def serving(tmp_path: Path, *more: str) -> Iterator[Served]:
    env = environment(tmp_path / "state")
    command = [*COMMAND, "serve", "--json", "--port", "0", *more]
    with subprocess.Popen(
        command, env=env, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        killer = threading.Timer(60, process.kill)
        killer.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield Served(process, json.loads(line), tmp_path / "state")
        finally:
            process.kill()
            killer.cancel()


def test_tells_a_machine_when_it_is_ready(tmp_path):
    with serving(tmp_path, "--quiet") as served:
        ready = served.ready
        assert (ready["state"], ready["provider"], ready["pid"]) == ("ready", "offline", served.process.pid)
        assert ready["workspace"] == str(tmp_path.resolve())
        with urllib.request.urlopen(ready["base_url"], timeout=10) as answer:
            assert answer.status == 200
        note = find_running(load({}, {"SIDECAR_STATE_DIR": str(served.state)}, None, tmp_path).state)
        assert note is not None
        assert (note.pid, note.base_url, note.token_file) == (ready["pid"], ready["base_url"], ready["token_file"])


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(tmp_path, number):
    with serving(tmp_path) as served:
        served.process.send_signal(number)
        _, talk = served.process.communicate(timeout=30)
        assert served.process.returncode == 0
        assert "Traceback" not in talk
        assert "Sidecar" in talk
        assert Path(served.ready["token_file"]).read_text() not in talk
        assert find_running(load({}, {"SIDECAR_STATE_DIR": str(served.state)}, None, tmp_path).state) is None


def test_ends_with_its_input_when_asked_to(tmp_path):
    with serving(tmp_path, "--until-eof", "--quiet") as served:
        assert served.process.stdin is not None
        served.process.stdin.write("x")
        served.process.stdin.flush()
        with urllib.request.urlopen(served.ready["base_url"], timeout=10) as answer:
            assert answer.status == 200
        served.process.stdin.close()
        assert served.process.wait(30) == 0


def test_a_taken_port_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(["serve", "--port", str(port)], environment(tmp_path / "state"), tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"Port {port} on 127.0.0.1 is taken by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_a_sidecar_of_ones_own_holds_is_not_called_another_programs(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with serving(tmp_path, "--quiet") as served:
        port, pid = str(served.ready["port"]), served.ready["pid"]
        again = run(["serve", "--port", port], environment(served.state), tmp_path)
        elsewhere = run(["serve", "--port", port], environment(served.state), other)
    for done in (again, elsewhere):
        assert (done.returncode, done.stdout) == (2, "")
        assert "another program" not in done.stderr
        assert f"version {__version__}, process {pid}" in done.stderr
        assert "--port N" in done.stderr
    assert "the sidecar of this very workspace" in again.stderr
    assert "`sidecar env`" in again.stderr
    assert f"the sidecar of {tmp_path.resolve()}" in elsewhere.stderr
    assert "`sidecar env`" not in elsewhere.stderr


@pytest.mark.parametrize(
    ("env", "words"),
    [({}, "no key is set"), ({"PROVIDER": "offline"}, "(PROVIDER)")],
)
def test_the_greeting_tells_how_to_go_on(tmp_path, env, words):
    settings = load({}, {"SIDECAR_STATE_DIR": str(tmp_path), **env}, None, tmp_path)
    status = EndpointStatus("ready", "offline", 1, 1, "http://127.0.0.1:1", str(tmp_path))
    shown = banner(status, settings, tmp_path / "it's" / "token")
    assert words in shown
    assert "sidecar claude" in shown
    assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:1\n" in shown
    assert f"export ANTHROPIC_AUTH_TOKEN=\"$(cat '{tmp_path}/it'\\''s/token')\"\n" in shown
    assert "ANTHROPIC_AUTH_TOKEN=sidecar" in banner(status, settings, None)
    own = load({"server.workspace": tmp_path}, {"SIDECAR_TOKEN": "hush"}, None)
    told = banner(status, own, None)
    assert 'ANTHROPIC_AUTH_TOKEN="$SIDECAR_TOKEN"' in told
    assert "hush" not in told


@pytest.mark.parametrize(
    ("quiet", "verbose", "level"),
    [(False, False, None), (True, False, "warning"), (False, True, "debug"), (True, True, "debug")],
)
def test_log_level(quiet, verbose, level):
    assert log_level(quiet=quiet, verbose=verbose) == level
