"""`sidecar claude` and `sidecar env`, with a program named `claude` that reports how it was called."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from sidecar.cli.claude import INSTALL, Reached, child_environment, exports, find_claude, running, started, with_tools
from sidecar.core.errors import Conflict, SetupError
from sidecar.core.secret import SecretStr
from sidecar.settings import load
from sidecar.store.runtime import announce, find_running, keep_token, open_folder
from tests.cli.processes import COMMAND, environment, run

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="programs and signals as POSIX has them")

REPORTER = f"""#!{sys.executable}
import json, os, signal, sys, urllib.request
if "--wait" in sys.argv:
    def told(number, frame):
        print("told", number, flush=True)
        sys.exit(7)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, told)
request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/models",
                                 headers={{"Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]}})
status = urllib.request.urlopen(request, timeout=20).status
print(json.dumps({{"arguments": sys.argv[1:], "status": status, "environment": dict(os.environ)}}), flush=True)
if "--wait" in sys.argv:
    signal.pause()
if "--die" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(int(os.environ.get("EXIT", "0")))
"""


@pytest.fixture
def env(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "claude").write_text(REPORTER)
    (programs / "claude").chmod(0o755)
    return environment(tmp_path / "state", PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def settings_of(env, here):
    return load({}, {"SIDECAR_STATE_DIR": env["SIDECAR_STATE_DIR"]}, None, here)


@POSIX
@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        (["-p", "Summarize the recent diff"], ["-p", "Summarize the recent diff"]),
        ([], []),
        (["-v", "--json", "-q", "--version"], ["-v", "--json", "-q", "--version"]),
        (["--", "--help"], ["--help"]),
        (["-p", "--", "a b"], ["-p", "--", "a b"]),
    ],
)
def test_starts_a_sidecar_and_hands_everything_on(env, here, given, handed_on):
    done = run(["claude", *given], {**env, "ANTHROPIC_API_KEY": "a-key-for-a-provider", "PROVIDER": "offline"}, here)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    tools, *arguments = report["arguments"]
    assert arguments == handed_on
    server = json.loads(tools.removeprefix("--mcp-config="))["mcpServers"]["sidecar"]
    assert server["url"] == report["environment"]["ANTHROPIC_BASE_URL"] + "/mcp"
    assert report["environment"]["CLAUDE_SIDECAR_TOKEN"] not in tools
    assert report["status"] == 200
    assert "ANTHROPIC_API_KEY" not in report["environment"]
    assert "SIDECAR_TOKEN" not in report["environment"]
    assert done.stderr == ""
    assert find_running(settings_of(env, here).state) is None


@POSIX
@pytest.mark.parametrize(
    ("settings", "said"),
    [({"env": {"ANTHROPIC_BASE_URL": "https://old.example"}}, "ANTHROPIC_BASE_URL"), ({"env": {"A": "b"}}, "")],
)
def test_says_when_the_clis_own_settings_lead_it_elsewhere(env, here, settings, said):
    (here / ".claude").mkdir()
    (here / ".claude" / "settings.json").write_text(json.dumps(settings))
    done = run(["claude"], {**env, "PROVIDER": "offline"}, here)
    assert done.returncode == 0
    assert (said in done.stderr, "old.example" in done.stderr) == (True, False)
    assert (str(here / ".claude" / "settings.json") in done.stderr) is bool(said)


@POSIX
def test_variables_that_would_lead_the_cli_past_us_are_not_handed_on(env, here):
    report = json.loads(run(["claude"], {**env, "CLAUDE_CODE_USE_BEDROCK": "1"}, here).stdout)
    assert "CLAUDE_CODE_USE_BEDROCK" not in report["environment"]


@POSIX
def test_sets_nothing_that_switches_safety_off(env, here):
    report = json.loads(run(["claude"], env, here).stdout)
    added = set(report["environment"]) - set(env)
    assert added <= {
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_SIDECAR_TOKEN",
        "LC_CTYPE",
        "__CF_USER_TEXT_ENCODING",
    }


@POSIX
@pytest.mark.parametrize(("given", "more", "status"), [([], {"EXIT": "3"}, 3), (["--die"], {}, 128 + 9)])
def test_the_exit_status_is_the_programs(env, here, given, more, status):
    assert run(["claude", *given], {**env, **more}, here).returncode == status


@POSIX
def test_uses_the_one_that_runs_and_leaves_it_running(env, here, monkeypatch):
    monkeypatch.setenv("SIDECAR_STATE_DIR", env["SIDECAR_STATE_DIR"])
    with started(settings_of(env, here)) as first:
        report = json.loads(run(["claude"], env, here).stdout)
        assert report["environment"]["ANTHROPIC_BASE_URL"] == first.base_url
        assert running(settings_of(env, here)) == first
        # and `sidecar env` names the same one
        shown = run(["env", "--json"], env, here)
        assert json.loads(shown.stdout) == first.variables()
        # in a folder of the repository, too
        (here / ".git").mkdir()
        (here / "src").mkdir()
        assert json.loads(run(["env", "--json"], env, here / "src").stdout) == first.variables()
        evaluated = subprocess.run(
            ["sh", "-c", 'eval "$1"; echo "$ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN $CLAUDE_SIDECAR_TOKEN"', "sh",
             run(["env", "--shell", "bash"], env, here).stdout],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert evaluated.stdout.split() == list(first.variables().values())
    assert running(settings_of(env, here)) is None


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_program(env, here, number):
    with subprocess.Popen(
        [*COMMAND, "claude", "--wait"], env=env, cwd=here, stdout=subprocess.PIPE, text=True
    ) as process:
        killer = threading.Timer(60, process.kill)
        killer.start()
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        process.send_signal(number)
        assert process.stdout.readline() == f"told {int(number)}\n"
        assert process.wait(30) == 7
        killer.cancel()


@POSIX
def test_ctrl_c_is_the_programs_own_affair(env, here):
    """Ctrl-C reaches the whole group of the terminal: the program decides, the server stays, we take the status."""
    with subprocess.Popen(
        [*COMMAND, "claude", "--wait"], env=env, cwd=here, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        killer = threading.Timer(60, process.kill)
        killer.start()
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        note = find_running(settings_of(env, here).state)
        assert note is not None
        assert os.getpgid(note.pid) != os.getpgid(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == f"told {int(signal.SIGINT)}\n"
        assert process.wait(30) == 7
        killer.cancel()


@POSIX
def test_the_server_does_not_outlive_us_even_if_we_are_killed(env, here):
    with subprocess.Popen(
        [*COMMAND, "claude", "--wait"], env=env, cwd=here, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        report = json.loads(process.stdout.readline())
        note = find_running(settings_of(env, here).state)
        assert note is not None
        gone = os.pidfd_open(note.pid) if hasattr(os, "pidfd_open") else None
        process.kill()
        process.wait()
        if gone is not None:
            assert select.select([gone], [], [], 30)[0], "the server still runs"
            os.close(gone)
    # The program itself was ours too: end it.
    with contextlib.suppress(ProcessLookupError):
        for pid in _named(report["environment"]["PATH"].split(os.pathsep)[0]):
            os.kill(pid, signal.SIGKILL)


def _named(folder: str) -> list[int]:
    every = psutil.process_iter(["cmdline"])
    return [p.pid for p in every if any(part.startswith(folder) for part in p.info["cmdline"] or [])]


def test_without_the_cli_it_says_how_to_install_it(env, here, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run(["claude", "-p", "x"], {**env, "PATH": str(empty)}, here)
    assert done.returncode == 2
    assert INSTALL in done.stderr
    assert done.stdout == ""
    with pytest.raises(SetupError, match="npm install"):
        find_claude({"PATH": str(empty)})


@POSIX
def test_a_sidecar_that_cannot_start_is_told(env, here):
    done = run(["claude"], {**env, "PROVIDER": "databricks"}, here)
    assert done.returncode == 2
    assert "could not be started" in done.stderr
    assert "DATABRICKS_API_BASE" in done.stderr
    assert done.stdout == ""


def test_started_tells_why_not(env, here, monkeypatch):
    monkeypatch.setenv("SIDECAR_AUTH", "x")
    with pytest.raises(Conflict, match="SIDECAR_AUTH"), started(settings_of(env, here)):
        pass


def test_a_sidecar_without_its_token_is_none(env, here):
    settings = settings_of(env, here)
    assert running(settings) is None
    state = open_folder(settings.state)
    announce(state, base_url="http://127.0.0.1:1", port=1, provider="offline", workspace=here)
    assert running(settings) is None
    token = keep_token(state)
    assert running(settings) == Reached("http://127.0.0.1:1", token)


REACHED = Reached("http://127.0.0.1:1", SecretStr("t'o$k\"e`n\\"))


@pytest.mark.parametrize(
    ("env", "past"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p"}, "127.0.0.1,localhost"),
        ({"http_proxy": "http://p", "NO_PROXY": "a.example.com,localhost"}, "a.example.com,localhost,127.0.0.1"),
    ],
)
def test_loopback_goes_past_a_proxy(env, past):
    assert child_environment(env, REACHED).get("NO_PROXY") == past


@pytest.mark.parametrize(
    ("shell", "program", "read"),
    [
        ("bash", "bash", 'printf %s "$ANTHROPIC_AUTH_TOKEN"'),
        ("sh", "sh", 'printf %s "$ANTHROPIC_AUTH_TOKEN"'),
        ("zsh", "zsh", 'printf %s "$ANTHROPIC_AUTH_TOKEN"'),
        ("fish", "fish", "printf %s $ANTHROPIC_AUTH_TOKEN"),
        ("powershell", "pwsh", "[Console]::Write($env:ANTHROPIC_AUTH_TOKEN)"),
    ],
)
def test_exports_survive_the_shell(shell, program, read):
    text = exports(REACHED.variables(), shell)
    assert len(text.splitlines()) == 3
    found = shutil.which(program)
    if found is not None:
        done = subprocess.run([found, "-c", f"{text}\n{read}"], capture_output=True, text=True, check=True)
        assert done.stdout == REACHED.token.get_secret_value()


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("fish", "set -gx ANTHROPIC_AUTH_TOKEN 't\\'o$k\"e`n\\\\'"),
        ("pwsh", "$env:ANTHROPIC_AUTH_TOKEN = 't''o$k\"e`n\\'"),
        ("POWERSHELL.EXE", "$env:ANTHROPIC_AUTH_TOKEN = 't''o$k\"e`n\\'"),
    ],
)
def test_exports_as_written(shell, line):
    assert exports(REACHED.variables(), shell).splitlines()[1] == line


def test_an_unknown_shell_is_told():
    with pytest.raises(SetupError, match="--shell"):
        exports(REACHED.variables(), "tcsh")


@pytest.mark.parametrize("word", ["--strict-mcp-config", "--bare", "--safe-mode"])
def test_who_wants_only_their_own_servers_gets_only_those(word):
    assert with_tools(["-p", "hi", word], REACHED) == ["-p", "hi", word]
