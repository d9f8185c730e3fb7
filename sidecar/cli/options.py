"""The options that commands have in common."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]

# Ports and names are taken as text: the settings check them, and say what is wrong in one voice for every source.
Workspace = Annotated[
    str | None, typer.Option("--workspace", metavar="DIR", help="Folder to work on.  [default: this one]")
]
Host = Annotated[str | None, typer.Option("--host", metavar="HOST", help="Address to listen on.  [default: 127.0.0.1]")]
Port = Annotated[
    str | None, typer.Option("--port", metavar="PORT", help="Port to listen on; 0 takes a free one.  [default: 8080]")
]
Provider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="databricks, azure_anthropic, anthropic, openai or offline.  [default: by the keys that are set]",
    ),
]
Auth = Annotated[str | None, typer.Option("--auth", metavar="MODE", help="auto, token or none.  [default: auto]")]
