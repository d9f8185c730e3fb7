"""`sidecar serve` and `sidecar lsp` as the parser knows them: their options and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from sidecar.cli import serving
from sidecar.cli.options import Auth, Host, Json, Port, Provider, Quiet, Verbose, Workspace

UntilEof = Annotated[bool, typer.Option("--until-eof", hidden=True, help="Stop when standard input ends.")]


def serve(  # noqa: PLR0913 - one parameter an option: typer reads the signature
    *,
    workspace: Workspace = None,
    host: Host = None,
    port: Port = None,
    provider: Provider = None,
    auth: Auth = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    until_eof: UntilEof = False,
) -> int:
    """Serve the Messages API for Claude Code on this machine.

    With --json one line tells on standard output when the endpoint is ready.
    """
    given = {"workspace": workspace, "host": host, "port": port, "provider": provider, "auth": auth}
    return serving.serve(**given, json=json, quiet=quiet, verbose=verbose, until_eof=until_eof)


def lsp(
    *,
    host: Host = None,
    port: Port = None,
    provider: Provider = None,
    auth: Auth = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Serve an editor on standard input and output, with the same endpoint inside.

    The editor's extension starts this; by hand it waits for the Language Server Protocol.
    """
    return serving.lsp(host=host, port=port, provider=provider, auth=auth, quiet=quiet, verbose=verbose)
