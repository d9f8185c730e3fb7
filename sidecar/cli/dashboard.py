"""`sidecar dashboard`: a link to the page of figures of the running sidecar, good for one visit."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.cli.reached import running
from sidecar.core.errors import NotFound
from sidecar.dashboard.passes import CODE_LIFE, make_code
from sidecar.settings import from_machine

Open = Annotated[bool, typer.Option("--open", help="Open it in your browser.")]


def dashboard(*, open_it: Open = False, workspace: Workspace = None, json: Json = False, quiet: Quiet = False) -> int:
    """Print a link to this workspace's dashboard. It works once, within a minute, and shows figures only."""
    out = Output(json, quiet)
    reached = running(from_machine({"server.workspace": workspace}))
    if reached is None:
        raise NotFound(
            "No sidecar runs for this workspace; start one with `sidecar serve`, or open the folder in VS Code."
        )
    link = f"{reached.base_url}/dashboard#code={make_code(reached.token.get_secret_value())}"
    if json:
        out.record({"url": link, "seconds": int(CODE_LIFE)})
    elif not open_it:
        out.data(link)
    if open_it and not webbrowser.open(link):
        out.say(f"No browser could be started; open this within a minute: {link}")
        return 1
    return 0
