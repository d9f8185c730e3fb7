"""The command line: exit codes, one sentence instead of a trace, help with an example for every command."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sidecar
from sidecar.cli import COMMANDS, run
from tests.cli.processes import COMMAND, environment
from tests.cli.processes import run as run_process

LEAVES = [
    path
    for name, command in COMMANDS.items()
    for path in ([(name, part) for part in command.parts] if command.parts else [(name,)])
]


@pytest.fixture
def env(tmp_path):
    return environment(tmp_path / "state")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_help_with_an_example(capsys, path):
    assert run([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Usage: sidecar {' '.join(path)}" in shown
    assert "Example: " in shown
    assert "Messages API" in shown or len(shown.split("Options:")[0].split()) > 8


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.parts])
def test_a_familys_help_has_an_example_of_its_own(capsys, name):
    assert run([name, "--help"]) == 0
    assert f"Example: sidecar {name} " in capsys.readouterr().out.replace('$EDITOR "$(', "")


SPEAKING = [path for path in LEAVES if path != ("claude",)]
WITHOUT_JSON = {("lsp",), ("mcp", "serve"), ("hooks", "check"), ("hooks", "edit"), ("hooks", "pre-push")}


@pytest.mark.parametrize("path", SPEAKING, ids=" ".join)
def test_every_command_takes_the_options_of_all(capsys, path):
    assert run([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    wanted = {"--quiet", "-q", "--verbose", "-v"} | ({"--json"} if path not in WITHOUT_JSON else set())
    assert wanted <= set(shown.replace(",", " ").split())


def test_quiet_leaves_out_the_talk_of_a_command_that_knows_nothing_of_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    told = {}
    for options in ((), ("-q",), ("-v",), ("--json", "-q")):
        assert run(["usage", *options]) == 0
        told[options] = capsys.readouterr()
    assert "Nothing is noted" in told[()].err == told["-v",].err
    assert told["-q",] == ("", "")
    assert told["--json", "-q"].err == ""
    assert '"requests":0' in told["--json", "-q"].out
    assert run(["usage", "-q", "--by", "moon"]) == 2
    assert "--by takes" in capsys.readouterr().err, "what went wrong is said all the same"


def test_help_lists_every_command_and_nothing_that_is_not_there(capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    listed = [line.split()[0] for line in shown.split("Commands:")[1].split("Example:")[0].splitlines() if line.strip()]
    assert listed == list(COMMANDS)
    for command in COMMANDS.values():
        assert command.about in shown  # not cut off


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frob"], "No such command 'frob'"),
        (["serv"], "serve"),
        (["serve", "--prt", "1"], "--port"),
        (["serve", "--port"], "'--port' requires an argument. See `sidecar serve --help`."),
        (["risk", "--fail-over", "2"], "equal to 1. See `sidecar risk --help`."),
        (["risk", "--format", "xml"], "'--format': 'xml' is not one of"),
        (["serve", "extra"], "extra"),
        (["serve", "--port", "abc"], "--port is"),
        (["serve", "--host", "0.0.0.0", "--auth", "none"], "--auth token"),
        (["serve", "--provider", "databrick"], "did you mean databricks?"),
        (["serve", "--provider", "databricks"], "DATABRICKS_API_BASE"),
        (["serve", "--workspace", "/no/such/folder"], "/no/such/folder"),
        (["config"], "Usage"),
        (["config", "shw"], "show"),
        (["env", "--workspace", "/no/such/folder"], "--workspace"),
        ([], "Usage"),
    ],
)
def test_misuse_is_told_in_a_sentence(capsys, arguments, words):
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("arguments", [["--version"], ["-V"]])
def test_version(capsys, arguments):
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"sidecar {sidecar.__version__}\n"


def test_a_negative_result_is_one(env, tmp_path):
    done = run_process(["env"], env, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "sidecar serve" in done.stderr


@pytest.mark.parametrize(("extra", "trace"), [([], False), (["-v"], True)])
def test_the_unforeseen_is_named_without_a_trace(monkeypatch, capsys, extra, trace):
    def broken(flags):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("sidecar.cli.serving.from_machine", broken)
    assert run(["serve", *extra]) == 2
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: a fault of ours, at serving.py:" in shown or "a fault of ours, at test_init.py:" in shown
    assert "please report it" in shown
    assert ("Traceback" in shown) is trace


def test_interrupted_is_130_and_quiet(monkeypatch, capsys):
    def interrupted(flags):
        raise KeyboardInterrupt

    monkeypatch.setattr("sidecar.cli.config.from_machine", interrupted)
    assert run(["config", "show"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_leaves_is_no_fault(env, tmp_path):
    """Its end of the pipe is closed before anything is written."""
    with subprocess.Popen(
        [*COMMAND, "config", "schema"], env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert child.stderr.read() == b""
    assert child.returncode == 141


def test_python_m_sidecar_is_the_same(env, tmp_path):
    assert run_process(["--version"], env, tmp_path).stdout == f"sidecar {sidecar.__version__}\n"


def test_completion_knows_the_commands(env, tmp_path):
    done = run_process(
        [], {**env, "_SIDECAR_COMPLETE": "complete_bash", "COMP_WORDS": "sidecar ", "COMP_CWORD": "1"}, tmp_path
    )
    assert set(COMMANDS) <= set(done.stdout.split()), done


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--version"], {"typer", "pydantic", "aiohttp", "pygls", "git", "tree_sitter", "structlog"}),
        (["config", "path"], {"aiohttp", "pygls", "git", "tree_sitter", "structlog", "psutil"}),
    ],
)
def test_a_command_loads_only_what_it_needs(env, tmp_path, arguments, heavy):
    code = (
        "import sys; from sidecar.cli import run; code = run(sys.argv[1:])\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules}); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert not heavy & set(done.stdout.split("LOADED")[1].split())
