"""`sidecar claude` and `sidecar env`: point the Claude Code CLI at the sidecar of this workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Final

import orjson
import typer

from sidecar.cli.options import Json, Workspace
from sidecar.cli.output import Output
from sidecar.cli.reached import TOOLS_VARIABLE, Reached, running
from sidecar.cli.serving import quoted
from sidecar.cli.surroundings import ELSEWHERE, INSTALL, client_settings, leads_past
from sidecar.core.errors import Conflict, NotFound, SetupError, StoreError
from sidecar.core.secret import SecretStr
from sidecar.settings import Settings, environment, from_machine
from sidecar.store import runtime

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LOOPBACK: Final = ("127.0.0.1", "localhost")


Arguments = Annotated[list[str] | None, typer.Argument(metavar="[ARGS…]", help="Handed to `claude` as they are.")]


def claude(arguments: Arguments = None) -> int:
    """Run the Claude Code CLI against the sidecar of this workspace, starting one if none runs.

    All arguments go to `claude`; `sidecar claude -- --help` shows its own help.
    """
    program = find_claude(environment())
    settings = from_machine({})
    reached = running(settings)
    with contextlib.nullcontext(reached) if reached is not None else started(settings) as found:
        _warn_of_other_ways(settings, found.base_url)
        return run_child([program, *with_tools(arguments or [], found)], child_environment(environment(), found))


def env(
    *,
    workspace: Workspace = None,
    shell: Annotated[
        str | None, typer.Option("--shell", metavar="SHELL", help="bash, zsh, fish or powershell.  [default: yours]")
    ] = None,
    json: Json = False,
) -> int:
    """Print what points `claude` at the running sidecar of this workspace, for your shell to take in."""
    reached = running(from_machine({"server.workspace": workspace}))
    if reached is None:
        raise NotFound("No sidecar runs for this workspace; start one with `sidecar serve`.")
    variables = reached.variables()
    Output(json).tell(variables, "" if json else exports(variables, shell or _own_shell(environment())))
    return 0


def exports(variables: Mapping[str, str], shell: str) -> str:
    """Lines that set the variables in a shell. Raises SetupError for one whose way we do not know."""
    match shell.lower().removesuffix(".exe"):
        case "bash" | "zsh" | "sh" | "dash" | "ksh":
            lines = [f"export {name}={quoted(value)}" for name, value in variables.items()]
        case "fish":
            escaped = {n: "'" + v.replace("\\", "\\\\").replace("'", "\\'") + "'" for n, v in variables.items()}
            lines = [f"set -gx {name} {value}" for name, value in escaped.items()]
        case "powershell" | "pwsh":
            lines = [f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in variables.items()]
        case _:
            raise SetupError(f"The shell {shell} is not known; use --shell bash, zsh, fish or powershell.")
    return "\n".join(lines)


def with_tools(arguments: Sequence[str], reached: Reached) -> list[str]:
    """The CLI's arguments with our tools beside the user's own servers, for this run alone; no file is written.

    The token stays in the environment: the CLI fills it in. Whoever wants only their own servers gets only those.
    """
    if any(word in {"--strict-mcp-config", "--bare", "--safe-mode"} for word in arguments):
        return list(arguments)
    headers = {"Authorization": f"Bearer ${{{TOOLS_VARIABLE}}}"}
    server = {"type": "http", "url": f"{reached.base_url}/mcp", "headers": headers}
    config = orjson.dumps({"mcpServers": {"sidecar": server}}).decode()
    threading.Thread(target=_wake, args=(reached,), daemon=True).start()
    # One word, in front: the option takes several values and would swallow a prompt.
    return [f"--mcp-config={config}", *arguments]


def _wake(reached: Reached) -> None:
    """Let the server load what `/mcp` needs while the CLI starts: some releases do not wait long for a server."""
    import http.client  # noqa: PLC0415 - in this thread, beside the CLI's own start

    address = reached.base_url.partition("//")[2]
    with (
        contextlib.suppress(OSError, http.client.HTTPException),
        contextlib.closing(http.client.HTTPConnection(address, timeout=10)) as connection,
    ):
        connection.request("GET", "/mcp", headers={"authorization": f"Bearer {reached.token.get_secret_value()}"})
        connection.getresponse().close()


def find_claude(env: Mapping[str, str]) -> str:
    """The CLI's program. Raises SetupError with the command that installs it."""
    found = shutil.which("claude", path=env.get("PATH", os.defpath))
    if found is None:
        raise SetupError(f"The Claude Code CLI (`claude`) is not on your PATH; install it with: {INSTALL}")
    return found


@contextlib.contextmanager
def started(settings: Settings) -> Iterator[Reached]:
    """A sidecar of our own for as long as the block runs; it stops by itself should we be killed."""
    try:
        state = runtime.open_folder(settings.state) if settings.state is not None else None
        token = runtime.keep_token(state, settings.server.token)
    except StoreError:
        token = settings.server.token or SecretStr(secrets.token_urlsafe(32))
    command = [sys.executable, "-P", "-m", "sidecar", "serve", "--json", "--quiet", "--until-eof", "--port", "0"]
    with tempfile.TemporaryFile() as talk:
        server = subprocess.Popen(
            [*command, "--workspace", str(settings.server.workspace)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=talk,
            env={**environment(), "SIDECAR_TOKEN": token.get_secret_value()},
            **_apart(),
        )
        try:
            yield Reached(_ready_line(server, talk)["base_url"], token)
        finally:
            _stop(server)


def run_child(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a program in our place: it gets the terminal's signals, we take its exit status (128 + n for signal n)."""
    with _signals_handed_on() as children:
        child = subprocess.Popen(list(command), env=dict(env))
        children.append(child)
        status = child.wait()
    return status if status >= 0 else 128 - status


def child_environment(env: Mapping[str, str], reached: Reached) -> dict[str, str]:
    """The environment for the CLI: our address and token, no provider's key, loopback past any proxy."""
    kept = {name: value for name, value in env.items() if name not in {"ANTHROPIC_API_KEY", *ELSEWHERE}}
    if any(env.get(name) for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")):
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [host for host in env.get(name, "").split(",") if host]
            kept[name] = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
    return {**kept, **reached.variables()}


def _warn_of_other_ways(settings: Settings, base_url: str) -> None:
    """Say so where the CLI's own settings go before the environment and lead it elsewhere."""
    env = environment()
    leading = leads_past(client_settings(env, Path(settings.server.workspace)), base_url)
    if leading is not None:
        Output().complain(f'{leading[0]} sets {leading[1]}: `claude` will not ask this sidecar. Take it out of "env".')


def _own_shell(env: Mapping[str, str]) -> str:
    if sys.platform == "win32" and "SHELL" not in env:
        return "powershell"
    return Path(env.get("SHELL", "bash")).name


def _apart() -> dict[str, Any]:
    """Out of the terminal's group: Ctrl-C is for the CLI, not for its server."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _ready_line(server: subprocess.Popen[bytes], talk: IO[bytes]) -> dict[str, Any]:
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(server.stdout.readline() if server.stdout else b""))
    reader.daemon = True
    reader.start()
    reader.join(_START_SECONDS)
    if not lines or not lines[0].strip():
        _stop(server)
        talk.seek(0)
        said = talk.read().decode("utf-8", "replace").strip().splitlines()
        reason = said[-1].removeprefix("sidecar: ") if said else f"no answer within {_START_SECONDS:.0f} s"
        raise Conflict(f"The sidecar could not be started: {reason}")
    ready: dict[str, Any] = orjson.loads(lines[0])
    return ready


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask by closing its input, then less politely."""
    if server.stdin is not None:
        with contextlib.suppress(OSError):
            server.stdin.close()
    for insist in (server.terminate, server.kill):
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            insist()
    server.wait()
    if server.stdout is not None:
        server.stdout.close()


@contextlib.contextmanager
def _signals_handed_on() -> Iterator[list[subprocess.Popen[bytes]]]:
    """While a child runs: the terminal gives it Ctrl-C itself, so we only stay; what is sent to us goes on to it.

    The handlers are functions, not SIG_IGN, which the child would inherit.
    """
    children: list[subprocess.Popen[bytes]] = []

    def stay(_number: int, _frame: object) -> None:
        """The child decides what Ctrl-C means."""

    def hand_on(number: int, _frame: object) -> None:
        for child in children:
            with contextlib.suppress(OSError):
                child.send_signal(number)

    handlers: dict[int, Any] = {signal.SIGINT: stay}
    if sys.platform != "win32":
        handlers |= {signal.SIGQUIT: stay, signal.SIGTERM: hand_on, signal.SIGHUP: hand_on}
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield children
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
