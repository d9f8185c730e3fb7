"""What `sidecar serve` and `sidecar lsp` do, the two ways to run the endpoint: without the parser's imports, to start sooner."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sidecar import __version__
from sidecar.cli.command import loading
from sidecar.cli.output import Output
from sidecar.core.errors import Conflict
from sidecar.core.ports import EndpointStatus
from sidecar.settings import Settings, from_machine
from sidecar.store import runtime

_SETTINGS: Final = {
    "workspace": "server.workspace",
    "host": "server.host",
    "port": "server.port",
    "auth": "server.auth",
    "provider": "provider.name",
}
"""The settings that the options set, the rest of a command line's parameters."""


def serve(
    *, json: bool = False, quiet: bool = False, verbose: bool = False, until_eof: bool = False, **given: str | None
) -> int:
    """Serve the Messages API until a signal comes; the exit code."""
    out = Output(json, quiet, verbose)
    settings = from_machine(_flags(given, quiet=quiet, verbose=verbose))
    settings.check_provider()
    if until_eof:
        threading.Thread(target=_stop_at_end_of_input, name="until-eof", daemon=True).start()
    with loading():
        from sidecar.app import run_serve  # noqa: PLC0415 - settings that are wrong are told before the slow imports

    try:
        return run_serve(settings, version=__version__, on_ready=_greeter(out, settings))
    except Conflict as taken:
        raise Conflict(_who_has_it(settings) or taken.sentence) from None


def lsp(*, quiet: bool = False, verbose: bool = False, **given: str | None) -> int:
    """Serve an editor on standard input and output, with the same endpoint inside; the exit code."""
    flags = _flags(given, quiet=quiet, verbose=verbose)

    def load(folder: Path | None) -> Settings:
        return from_machine({**flags, "server.workspace": folder})

    with loading():
        from sidecar.app import run_lsp  # noqa: PLC0415 - only this command pays for it

    return run_lsp(load, version=__version__)


def _who_has_it(settings: Settings) -> str:
    """What to do about a port that a sidecar holds already; "" where another program does."""
    from sidecar.cli.reached import holder  # noqa: PLC0415 - only who cannot start pays for it

    if not (one := holder(settings)):
        return ""
    use = "Use it as it is (`sidecar claude`, `sidecar env`), end it" if "this very" in one else "End that one"
    place = f"Port {settings.server.port} on {settings.server.host}"
    return f"{place} is taken by {one}. {use}, or choose another port: --port N, or the variable PORT."


def _flags(given: Mapping[str, str | None], *, quiet: bool, verbose: bool) -> dict[str, object]:
    told: dict[str, object] = {_SETTINGS[name]: value for name, value in given.items()}
    return {**told, "server.log_level": log_level(quiet=quiet, verbose=verbose)}


def log_level(*, quiet: bool, verbose: bool) -> str | None:
    """The log level that `-q` and `-v` mean; None when neither was given."""
    return "debug" if verbose else "warning" if quiet else None


def _greeter(out: Output, settings: Settings) -> Callable[[EndpointStatus], None]:
    def greet(status: EndpointStatus) -> None:
        token_file = _token_file(settings)
        if out.json:
            out.record({**asdict(status), "pid": os.getpid(), "token_file": str(token_file) if token_file else None})
        out.say(banner(status, settings, token_file))

    return greet


def banner(status: EndpointStatus, settings: Settings, token_file: Path | None) -> str:
    """What a person reads when the endpoint is ready. The token itself is not shown."""
    why = settings.origin("provider.name")
    if why == "default":
        why = "no key is set; `sidecar doctor` tells how to choose a model"
    kept = '"$SIDECAR_TOKEN"' if settings.server.token else "sidecar"
    token = f'"$(cat {quoted(str(token_file))})"' if token_file else kept
    lines = [
        f"Sidecar {__version__} is ready.",
        f"  provider   {status.provider} ({why})",
        f"  address    {status.base_url}",
        f"  workspace  {status.workspace}",
        "",
        "Run Claude Code with it, in another terminal:",
        "  sidecar claude",
        "or, in any shell:",
        f"  export ANTHROPIC_BASE_URL={status.base_url}",
        f"  export ANTHROPIC_AUTH_TOKEN={token}",
        "  claude",
        "",
        "Ctrl-C stops it.",
    ]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """A text as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _token_file(settings: Settings) -> Path | None:
    if settings.state is None or runtime.read_token(settings.state) is None:
        return None
    return settings.state / runtime.TOKEN_FILE


def _stop_at_end_of_input() -> None:
    """Wait for the end of standard input, then do as Ctrl-C or a polite kill would."""
    while os.read(0, 4096):
        pass
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        # To the main thread, which may be asleep in select: a signal to any other would not wake it.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
