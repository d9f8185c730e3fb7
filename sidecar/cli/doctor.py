"""`sidecar doctor`: everything a user can get wrong, each with the command that mends it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from asyncio import timeout
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, cast
from urllib.parse import urlsplit

import psutil
import typer

from sidecar import __version__, signals
from sidecar.cli import surroundings
from sidecar.cli.finding import Finding, first_line
from sidecar.cli.options import Json, Port, Provider, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.cli.reached import greeting, holder, noted
from sidecar.cli.sources import check_index, check_servers
from sidecar.core.errors import SetupError, SidecarError, StoreError, UpstreamError
from sidecar.core.messages import MessagesRequest, encode
from sidecar.core.ports import Analyst
from sidecar.core.turn import Turn
from sidecar.mcp.opening import open_servers
from sidecar.providers import create_provider
from sidecar.providers.databricks import DatabricksProvider
from sidecar.providers.endpoints import ServingEndpoint
from sidecar.providers.models import AS_ASKED
from sidecar.settings import Settings, environment, from_machine
from sidecar.settings.values import header_pairs
from sidecar.store import runtime
from sidecar.store.database import DATABASE
from sidecar.store.database import examine as examine_database
from sidecar.store.shared import PATIENCE, tried
from sidecar.vcs.process import find_program

_PROVIDER_SECONDS: Final = 20.0
_QUESTION: Final = "claude-haiku-4-5"
_MOST_NAMED: Final = 6
_KEYS: Final[Mapping[str, str]] = {
    "databricks": "DATABRICKS_API_KEY",
    "azure_anthropic": "AZURE_ANTHROPIC_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
}
_OLDEST_PYTHON: Final = (3, 11)
_OLDEST_GIT: Final = (2, 31)
_LITTLE_SPACE: Final = 256 * 1024 * 1024
_NO_SPACE: Final = 8 * 1024 * 1024


NoCall = Annotated[bool, typer.Option("--no-call", help="Do not ask the provider (the question costs a few tokens).")]


def doctor(
    *,
    workspace: Workspace = None,
    port: Port = None,
    provider: Provider = None,
    no_call: NoCall = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Look at everything Sidecar needs, and say how to mend what is wrong.

    Exit code 1 when something is. With --quiet only what is not well is shown.
    """
    out = Output(json, quiet)
    flags = {"server.workspace": workspace, "server.port": port, "provider.name": provider}
    env = environment()
    found: list[Finding] = []
    for finding in examine(flags, env, call=not no_call):
        found.append(finding)
        if not json and not (quiet and finding.mark == "ok"):
            out.data(finding.line())
    failed = any(finding.mark == "fail" for finding in found)
    if json:
        out.record({"version": __version__, "ok": not failed, "findings": [asdict(finding) for finding in found]})
    return 1 if failed else 0


def examine(flags: Mapping[str, object], env: Mapping[str, str], *, call: bool) -> Iterator[Finding]:
    """Look at one thing after the other; no finding holds a secret."""
    yield check_python()
    yield check_extensions(env)
    yield check_git()
    try:
        settings = from_machine(flags)
    except SetupError as error:
        yield Finding("settings", "fail", error.sentence, "mend the setting, then run `sidecar doctor` again")
        return
    warnings = " ".join(settings.warnings)
    yield Finding("settings", "warn" if warnings else "ok", warnings or "all can be read", "see `sidecar config show`")
    yield check_workspace(Path(settings.server.workspace))
    yield check_state(settings.state)
    if settings.state is not None:
        yield check_token(settings.state)
        yield check_database(settings.state)
        yield check_space(settings.state)
    if settings.cache.url is not None:
        yield check_shared_cache(settings)
    yield check_port(settings)
    if call and settings.telemetry.otlp_endpoint is not None:
        yield check_collector(settings)
    yield (answered := check_provider(settings, call=call))
    if call and (models := check_models(settings, told=answered.mark == "fail")) is not None:
        yield models
    yield from check_surroundings(settings, env)


def check_surroundings(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    """The Claude Code CLI, and what around it would lead it past us."""
    note = noted(settings)
    ours = note.base_url if note is not None else f"http://127.0.0.1:{settings.server.port}"
    files = surroundings.client_settings(env, Path(settings.server.workspace))
    state = Path(note.token_file).parent if note is not None else settings.state
    token = (runtime.read_token(state) if state is not None else None) or settings.server.token
    yield from check_index(settings)
    yield from check_servers(settings)
    yield check_mcp(settings)
    yield surroundings.check_claude(env)
    yield surroundings.check_way(env, files, ours, token.get_secret_value() if token is not None else "")
    yield surroundings.check_safety(env, files)
    yield surroundings.check_shell(surroundings.home_of(env))
    yield surroundings.check_proxies(env)


# ── this machine ────────────────────────────────────────────────────────────────────────────────────
def check_python() -> Finding:
    """Python is new enough."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if tuple(sys.version_info) < _OLDEST_PYTHON:
        return Finding("python", "fail", f"{version} is too old", "install Python 3.11 or newer")
    return Finding("python", "ok", f"{version} ({sys.executable}), Sidecar {__version__}")


def check_extensions(env: Mapping[str, str]) -> Finding:
    """The C parser of aiohttp is there: the pure-Python one is slower and has had request-smuggling holes."""
    if env.get("AIOHTTP_NO_EXTENSIONS"):
        return Finding("aiohttp", "fail", "its C parser is switched off", "unset AIOHTTP_NO_EXTENSIONS")
    if importlib.util.find_spec("aiohttp._http_parser") is None:
        mend = "pip install --force-reinstall --only-binary :all: aiohttp"
        return Finding("aiohttp", "fail", "it was installed without its C parser", mend)
    return Finding("aiohttp", "ok", "with its C parser")


def check_git() -> Finding:
    """The program git is there and new enough."""
    program = find_program("git", Path.cwd())
    if program is None:
        return Finding("git", "fail", "not on your PATH", "install git (https://git-scm.com/downloads)")
    said = first_line([program, "--version"])
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if version < _OLDEST_GIT:
        return Finding("git", "fail", f"{said or 'it does not start'}", "install git 2.31 or newer")
    return Finding("git", "ok", f"{said.removeprefix('git version ')} ({program})")


# ── the workspace and its state ─────────────────────────────────────────────────────────────────────
def check_workspace(folder: Path) -> Finding:
    """The workspace belongs to a git repository."""
    if any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return Finding("workspace", "ok", str(folder))
    return Finding("workspace", "warn", f"{folder} is no git repository: nothing can be reviewed there", "git init")


def check_state(folder: Path | None) -> Finding:
    """There is a folder for state that only this user can enter."""
    if folder is None:
        text = "you have no home folder: threads and the token live in memory only"
        return Finding("state", "warn", text, "export SIDECAR_STATE_DIR=/a/folder/of/yours")
    mend = "export SIDECAR_STATE_DIR=/a/folder/of/yours"
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        # Asking for rights is not enough: a disk may be read-only, or a place none for files.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding("state", "fail", f"{existing} cannot be written: {error.strerror or error}", mend)
    if existing != folder:
        return Finding("state", "ok", f"{folder} (made at the first start)")
    if sys.platform != "win32":
        facts = folder.stat()
        if facts.st_uid != os.getuid():
            return Finding("state", "fail", f"{folder} belongs to another user", mend)
        if facts.st_mode & 0o077:
            return Finding("state", "warn", f"{folder} can be entered by others", f"chmod 700 '{folder}'")
    return Finding("state", "ok", str(folder))


def check_mcp(settings: Settings) -> Finding:
    """What the MCP manifests name can be read, and what was approved is as it was. Nothing is started."""
    servers = open_servers(settings, settings.state, __version__)
    signals.run(servers.refresh())
    views = servers.views()
    changed = [view.name for view in views if view.state in {"changed", "tools changed", "unlisted"}]
    if changed:
        text = f"not as approved: {', '.join(changed)}"
        return Finding("mcp", "warn", text, f"look at it: sidecar mcp approve {changed[0]}")
    if servers.problems:
        return Finding("mcp", "warn", servers.problems[0], "mend the manifest, then see `sidecar mcp list`")
    approved = sum(view.state == "approved" for view in views)
    return Finding("mcp", "ok", f"{len(views)} found, {approved} approved")


def check_token(folder: Path) -> Finding:
    """The endpoint's token is readable by this user alone."""
    file = folder / runtime.TOKEN_FILE
    if not file.exists():
        return Finding("token", "ok", "none yet; the first start makes it")
    if file.is_dir():
        return Finding("token", "fail", f"{file} is a folder, so no token can be kept", f"mv '{file}' '{file}.old'")
    if runtime.read_token(folder) is None:
        return Finding("token", "fail", f"{file} is not yours alone, or holds no token", f"rm '{file}'")
    return Finding("token", "ok", f"{file}, readable by you alone")


def check_database(folder: Path) -> Finding:
    """Threads and tasks can be kept: their file is whole, and no newer Sidecar wrote it."""
    try:
        said = examine_database(folder / DATABASE)
    except StoreError as error:
        text = f"{error.sentence} Until then threads and tasks are kept in memory only; the file is left as it is"
        mend = "pip install --upgrade claude-sidecar, or export SIDECAR_STATE_DIR=/another/folder"
        return Finding("database", "fail", text, mend)
    if said:
        mend = f"before that, to keep what can still be read: sqlite3 '{folder / DATABASE}' .recover > recovered.sql"
        return Finding("database", "warn", said, mend)
    return Finding("database", "ok", "threads and tasks can be kept")


def check_space(folder: Path) -> Finding:
    """The disk of the state folder has room: without it nothing is remembered."""
    existing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    free = shutil.disk_usage(existing).free
    told = f"{free // (1024 * 1024)} MB free on the disk of {existing}"
    if free >= _LITTLE_SPACE:
        return Finding("disk", "ok", told)
    mend = "make room (`sidecar cache clear`), or export SIDECAR_STATE_DIR=/a/folder/on/another/disk"
    return Finding("disk", "fail" if free < _NO_SPACE else "warn", told, mend)


def _how_it_runs(note: runtime.Running) -> Finding:
    """The sidecar that is noted answers, and is not left over from before an upgrade."""
    told = f"running on {note.base_url} (process {note.pid}, provider {note.provider})"
    mend = f"kill {note.pid}, then start it again (`sidecar serve`; in VS Code: Sidecar: Restart Server)"
    version = greeting(note.base_url).get("version")
    if not version:
        return Finding("endpoint", "fail", f"{told}, but it does not answer", mend)
    if version != __version__:
        return Finding("endpoint", "warn", f"{told}, still version {version}; this is {__version__}", mend)
    return Finding("endpoint", "ok", told)


def _holder(port: int) -> str:
    """Who listens on a port, as far as this user may see; "" where not."""
    try:
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
                return f"{psutil.Process(one.pid).name()}, process {one.pid}"
    except (psutil.Error, OSError):
        return ""
    return ""


def check_shared_cache(settings: Settings) -> Finding:
    """The team's server takes an answer and gives it back, quickly enough to be waited for."""
    mend = "check SIDECAR_CACHE_URL, and that the server runs and lets you in; until then answers are kept here alone"
    try:
        took = signals.run(tried(settings.cache))
    except SetupError as error:
        return Finding("cache", "fail", error.sentence, f"set {error.variable}, or unset SIDECAR_CACHE_URL")
    except StoreError as error:
        return Finding("cache", "fail", f"answers are not shared through {error.sentence}", mend)
    text = f"answers are shared; the server gave one back in {took * 1000:.0f} ms"
    if took > PATIENCE:
        slow = f"use a server that is nearer: only {PATIENCE * 1000:.0f} ms are waited for"
        return Finding("cache", "warn", text, slow)
    return Finding("cache", "ok", text)


def check_collector(settings: Settings) -> Finding:
    """The collector that traces and metrics are sent to takes them."""
    from sidecar.telemetry.exporter import tried as asked  # noqa: PLC0415 - only who has a collector pays for it

    telemetry = settings.telemetry
    address = telemetry.otlp_endpoint or ""
    headers = header_pairs(telemetry.otlp_headers.get_secret_value()) if telemetry.otlp_headers else {}
    wrong = signals.run(asked(address, headers))
    if not wrong:
        return Finding("telemetry", "ok", f"the collector at {address} takes traces and metrics")
    mend = (
        "set OTEL_EXPORTER_OTLP_ENDPOINT to the base address of OTLP over HTTP (mostly port 4318, not gRPC's 4317) and "
        "OTEL_EXPORTER_OTLP_HEADERS to its key, or unset both"
    )
    return Finding("telemetry", "warn", f"nothing reaches the collector at {address}: {wrong}", mend)


def check_port(settings: Settings) -> Finding:
    """The port is free, or our own sidecar listens on it."""
    port, host = settings.server.port, settings.server.host
    note = noted(settings)
    if note is not None:
        return _how_it_runs(note)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            by = f"; it is held by {one}" if (one := holder(settings) or _holder(port)) else ""
            text = f"port {port} on {host} cannot be taken ({error.strerror or error}){by}"
            return Finding("endpoint", "fail", text, "sidecar serve --port 0 (or another PORT)")
    return Finding("endpoint", "ok", f"not running; port {port} is free")


# ── the provider ────────────────────────────────────────────────────────────────────────────────────
def check_provider(settings: Settings, *, call: bool) -> Finding:
    """The provider has its settings, can be reached and takes the key."""
    name = settings.provider.name
    why = settings.origin("provider.name")
    if name == "offline":
        mend = "for a model: export PROVIDER=databricks DATABRICKS_API_BASE=https://… DATABRICKS_API_KEY=…"
        return Finding("provider", "ok", "offline: needs no key, answers from Sidecar's own analysers", mend)
    try:
        settings.check_provider()
    except SetupError as error:
        missing_key = error.variable in _KEYS.values()
        mend = _sign_in_mend(settings) if missing_key else f"export {error.variable}=…"
        return Finding("provider", "fail", error.sentence, mend)
    if not call:
        return Finding("provider", "ok", f"{name} ({why}); not asked")
    begun = time.monotonic()
    try:
        signals.run(_ask(settings))
    except SidecarError as error:
        return _judged(settings, error)
    except TimeoutError:
        text = f"{name} did not answer within {_PROVIDER_SECONDS:.0f} s"
        return Finding("provider", "fail", text, _address_mend(settings))
    return Finding("provider", "ok", f"{name} ({why}) answered in {time.monotonic() - begun:.1f} s")


async def _ask(settings: Settings) -> None:
    # Only the offline provider would use an analyst, and it is never asked.
    async with aclosing(create_provider(settings, cast("Analyst", None))) as provider, timeout(_PROVIDER_SECONDS):
        model = settings.provider.model_default or _QUESTION
        body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "ping"}]}
        async with await provider.send(MessagesRequest.parse(encode(body)), Turn("doctor")) as reply:
            await reply.message()


def check_models(settings: Settings, *, told: bool) -> Finding | None:
    """The models that would be asked are served in the Databricks workspace; None where nothing can be said of that.

    With `told` a workspace that does not list its endpoints is not told of: the finding before this one was.
    """
    if settings.provider.name != "databricks":
        return None
    try:
        listed, wanted = signals.run(_served(settings))
    except (SidecarError, TimeoutError) as error:
        why = error.sentence if isinstance(error, SidecarError) else "no answer in time"
        text = f"the workspace does not list its serving endpoints: {why}"
        return None if told else Finding("models", "warn", text, "give the key the right to list serving endpoints")
    ready = sorted({one.name for one in listed if one.ready and one.chats})
    missing = [name for name in wanted if name not in ready]
    if not wanted:
        return None
    if not missing:
        return Finding("models", "ok", f"{', '.join(wanted)}: served in the workspace")
    asleep = [name for name in missing if name in {one.name for one in listed}]
    text = f"the workspace does not serve {', '.join(missing)}" + (
        f" (not ready: {', '.join(asleep)})" if asleep else ""
    )
    offered = [name for name in ready if "claude" in name] or ready
    names = f" ({', '.join(offered[:_MOST_NAMED])})" if offered else ""
    mend = f"set MODEL_OPUS, MODEL_SONNET, MODEL_HAIKU, MODEL_DEFAULT or SIDECAR_MODEL_MAP to what it serves{names}"
    return Finding("models", "warn", text, mend)


async def _served(settings: Settings) -> tuple[tuple[ServingEndpoint, ...], list[str]]:
    """The workspace's endpoints, and the names of those that the settings lead to."""
    choice = settings.provider
    asked = [choice.model_default, choice.opus, choice.sonnet, choice.haiku, *choice.model_map.values()]
    names = [name for name in asked if name and name != AS_ASKED] or [f"databricks-{_QUESTION}"]
    async with aclosing(create_provider(settings, cast("Analyst", None))) as provider, timeout(_PROVIDER_SECONDS):
        if not isinstance(provider, DatabricksProvider):
            raise TypeError("only Databricks lists endpoints")
        wanted = dict.fromkeys(provider.endpoint_for(name) for name in names)
        return await provider.endpoints(), [name for name in wanted if name]


def _judged(settings: Settings, error: SidecarError) -> Finding:
    name = settings.provider.name
    if isinstance(error, SetupError):
        return Finding("provider", "fail", f"{name}: {error.sentence}", _sign_in_mend(settings))
    status = error.status if isinstance(error, UpstreamError) else 0
    if status in {401, 403}:
        return Finding("provider", "fail", f"{name} refuses the key: {error.sentence}", _sign_in_mend(settings))
    if status == 429:
        return Finding("provider", "warn", f"{name} takes the key but is busy: {error.sentence}", "try again later")
    if status == 404:
        mend = "export MODEL_DEFAULT=… to a model that it offers, and check the path of the endpoint"
        return Finding("provider", "fail", f"{name} has no such endpoint or model: {error.sentence}", mend)
    return Finding("provider", "fail", f"{name}: {error.sentence}", _address_mend(settings))


def _sign_in_mend(settings: Settings) -> str:
    """Every way in which this provider can be told who asks, the one in use first."""
    name = settings.provider.name
    ways = [f"export {_KEYS[name]}=… with a key that is valid"]
    if name == "databricks":
        ways.append("`databricks auth login` and export DATABRICKS_CONFIG_PROFILE=…")
        ways.append("a service principal's DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET")
        ways = ways[1:] + ways[:1] if settings.databricks.signs_in else ways
    elif name == "azure_anthropic":
        ways.append("`az login` and export AZURE_ANTHROPIC_AUTH=entra")
        ways = ways[::-1] if settings.azure_anthropic.auth == "entra" else ways
    return ", or ".join(ways)


def _address_mend(settings: Settings) -> str:
    address: dict[str, Callable[[], str | None]] = {
        "databricks": lambda: settings.databricks.api_base,
        "azure_anthropic": lambda: settings.azure_anthropic.endpoint,
        "anthropic": lambda: settings.anthropic.upstream_url,
        "openai": lambda: settings.openai.base_url,
    }
    url = address[settings.provider.name]() or ""
    return f"check the address, and your network: curl -sS -o /dev/null {urlsplit(url).scheme}://{urlsplit(url).netloc}"
