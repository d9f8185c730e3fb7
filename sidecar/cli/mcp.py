"""`sidecar mcp`: the MCP servers that the manifests name, the user's word on each, and our own tools for other clients."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import unicodedata
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from sidecar import __version__, signals
from sidecar.cli.options import Json, Quiet, Verbose, Workspace
from sidecar.cli.output import Output
from sidecar.cli.serving import log_level
from sidecar.core.errors import Refused, SetupError, SidecarError
from sidecar.mcp.approvals import RemoteTool
from sidecar.mcp.opening import open_servers
from sidecar.mcp.servers import McpServers, View
from sidecar.settings import environment, from_machine
from sidecar.store import runtime

Name = Annotated[str, typer.Argument(metavar="NAME", help="The server's name, as `sidecar mcp list` shows it.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME…]", help="Servers; all approved ones if none is named.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: approve what is shown.")]
_SAID = {
    "new": "not approved",
    "changed": "changed since it was approved",
    "unlisted": "its tools are not approved",
    "tools changed": "its tools changed since they were approved",
    "approved": "approved",
}


def list_servers(*, workspace: Workspace = None, json: Json = False) -> int:
    """List the servers that the manifests name, and what was approved. Nothing is started."""
    return signals.run(_list(workspace, Output(json)))


def approve(name: Name, *, yes: Yes = False, workspace: Workspace = None, json: Json = False) -> int:
    """Show how a server is started and which tools it has, and allow both; a change of either asks again."""
    return signals.run(_approve(name, workspace, Output(json), yes=yes))


def revoke(name: Name, *, workspace: Workspace = None, json: Json = False) -> int:
    """Take an approval back; a running sidecar ends the server within seconds."""
    return signals.run(_revoke(name, workspace, Output(json)))


def try_servers(names: Names = None, *, workspace: Workspace = None, json: Json = False) -> int:
    """Start approved servers afresh, list their tools and compare them with those approved."""
    return signals.run(_test(names or [], workspace, Output(json)))


def serve(*, workspace: Workspace = None, quiet: Quiet = False, verbose: Verbose = False) -> int:
    """Serve our tools, documents and prompts to an MCP client on standard input and output."""
    from sidecar.app import run_mcp  # noqa: PLC0415 - the application is loaded by the commands that start it

    level = log_level(quiet=quiet, verbose=verbose)
    return run_mcp(from_machine({"server.workspace": workspace, "server.log_level": level}), version=__version__)


@asynccontextmanager
async def _opened(workspace: str | None, *, person: bool = False) -> AsyncIterator[McpServers]:
    settings = from_machine({"server.workspace": workspace})
    if settings.state is None:
        raise SetupError("There is no state folder to keep approvals in; set SIDECAR_STATE_DIR.", "SIDECAR_STATE_DIR")
    state = runtime.open_folder(settings.state)
    async with contextlib.aclosing(open_servers(settings, state, __version__, _show if person else None)) as servers:
        await servers.refresh()
        yield servers


async def _list(workspace: str | None, out: Output) -> int:
    async with _opened(workspace) as servers:
        views = servers.views()
        if out.json:
            out.record({"servers": [row(view) for view in views], "problems": list(servers.problems)})
            return 0
        for view in views:
            tools = f", {len(view.tools)} tools" if view.state == "approved" else ""
            out.data(f"{shown(view.name)}  {_SAID[view.state]}{tools}  ({shown(view.source)})")
        for problem in servers.problems:
            out.complain(shown(problem))
        if not views:
            out.say(
                "No manifest names a server; see `sidecar mcp --help` and docs/mcp.md for where they are looked for."
            )
        waiting = [view.name for view in views if view.state != "approved"]
        if waiting:
            out.say(f"To look at one and allow it: sidecar mcp approve {shown(waiting[0])}")
    return 0


async def _approve(name: str, workspace: str | None, out: Output, *, yes: bool) -> int:
    async with _opened(workspace, person=True) as servers:
        view = servers.view(name)
        if view.state in {"new", "changed"}:
            _describe(view, out)
            if not await _agreed(f"Start {shown(name)} in this way when the model calls it?", out, yes=yes):
                return 1
            await servers.approve_start(name)
        before = servers.view(name)
        tools = await servers.test(name)
        after = servers.view(name)
        _describe_tools(tools, after, out)
        if after.state != "approved":
            if not await _agreed(f"Offer these tools of {shown(name)} to the model?", out, yes=yes):
                return 1
            await servers.approve_tools(name, tools)
        elif before.state == "approved" and view.state == "approved":
            out.say(f"{shown(name)} is approved as it stands.")
        if out.json:
            out.record(row(servers.view(name)))
        else:
            out.say(f"{shown(name)}: {_SAID[servers.view(name).state]}.")
    return 0


async def _revoke(name: str, workspace: str | None, out: Output) -> int:
    async with _opened(workspace) as servers:
        known = await servers.revoke(name)
        if out.json:
            out.record({"revoked": known})
        else:
            out.say(f"{shown(name)} is not approved any more." if known else f"{shown(name)} was not approved.")
    return 0 if known else 1


async def _test(names: Sequence[str], workspace: str | None, out: Output) -> int:
    async with _opened(workspace) as servers:
        chosen = names or [view.name for view in servers.views() if view.state not in {"new", "changed"}]
        results: list[dict[str, Any]] = []
        for name in chosen:
            out.say(f"starting {shown(name)} …")
            began = asyncio.get_running_loop().time()
            problem = ""
            try:
                await servers.test(name)
            except SidecarError as error:
                problem = error.sentence
            seconds = asyncio.get_running_loop().time() - began
            view = servers.view(name)
            good = not problem and view.state == "approved"
            results.append({**row(view), "ok": good, "problem": problem, "ms": round(seconds * 1000)})
            if not out.json:
                said = problem or f"{len(view.tools)} tools in {seconds:.1f} s, {_SAID[view.state]}"
                out.data(f"{shown(name)}  {'ok' if good else 'failed'}  {shown(said)}")
                for change in view.changes:
                    out.data(f"  {shown(change)}")
        if out.json:
            out.record({"servers": results})
        if not results:
            out.say("No server is approved; `sidecar mcp list` shows those that were found.")
    return 0 if all(result["ok"] for result in results) else 1


def _show(address: str) -> None:
    """Sign in: the address for the browser, opened where there is one."""
    Output().say(f"Sign in here, then come back: {shown(address)}")
    if sys.platform in {"win32", "darwin"} or {"DISPLAY", "WAYLAND_DISPLAY"} & environment().keys():
        with contextlib.suppress(webbrowser.Error):  # elsewhere a text browser would take the terminal
            webbrowser.open(address)


def _describe(view: View, out: Output) -> None:
    out.say(f"{shown(view.name)}, named by {shown(view.source)}")
    for change in view.changes:
        out.say(f"  changed  {shown(change)}")
    for key, value in view.facts.items():
        if key not in {"manifest", "sandbox"}:
            out.say(f"  {key:<12} {shown(_told(value))}")
    out.say(f"  {'sandbox':<12} {shown(str(view.facts['sandbox']))}")


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items())
    return str(value)


def _describe_tools(tools: Sequence[RemoteTool], view: View, out: Output) -> None:
    out.say(f"{shown(view.name)} offers {len(tools)} tools:")
    for tool in tools:
        out.say(f"  {shown(tool.name)}: {shown(' '.join(tool.description.split())[:300])}")
    for change in view.changes:
        out.say(f"  changed  {shown(change)}")


async def _agreed(question: str, out: Output, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Refused("Approving wants a person: run it in a terminal, or add --yes when you have looked at it.")
    out.say(f"{question} [y/N]")
    return (await asyncio.to_thread(sys.stdin.readline)).strip().lower() in {"y", "yes"}


def row(view: View) -> dict[str, Any]:
    """A server as JSON."""
    return {
        "name": view.name,
        "state": view.state,
        "manifest": view.source,
        "facts": dict(view.facts),
        "changes": list(view.changes),
        "tools": [tool.name for tool in view.tools],
    }


def shown(text: str) -> str:
    """A text of somebody else's for a terminal: what would move the cursor, hide or turn letters is written out."""
    return "".join(
        one if unicodedata.category(one) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} else f"\\u{ord(one):04x}"
        for one in text
    )
