"""`sidecar hooks`: put the guards on Claude Code's own Bash and on `git push`, take them away, tell whether they are there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from sidecar.cli.claude import running
from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import Conflict, NotARepository, SetupError
from sidecar.core.shell import git_acts
from sidecar.settings import Settings, environment, from_machine
from sidecar.vcs import names
from sidecar.vcs.runner import Git

_MARK: Final = "sidecar hooks check"
_GIT_MARK: Final = "# made by `sidecar hooks install --git`"
_SECONDS: Final = 600
_BLOCK: Final = 2
"""The exit status by which a hook blocks the tool; standard error becomes the reason."""

Place = Annotated[
    str,
    typer.Option("--scope", metavar="SCOPE", help="local (this workspace, yours), project (shared) or user.  [default: local]"),
]  # fmt: skip
GitHook = Annotated[
    bool, typer.Option("--git", help="The repository's `pre-push` hook, too: it binds scripts as well.")
]


def install(
    *,
    workspace: Workspace = None,
    scope: Place = "local",
    git: GitHook = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Have Claude Code ask the sidecar before its Bash makes git push, commit, pull or destroy something.

    Other settings of that file stay as they are. While no sidecar runs, such commands are refused.
    """
    settings = from_machine({"server.workspace": workspace})
    out = Output(json, quiet)
    path = _settings_file(settings, scope)
    document = _read(path)
    entries = _entries(document)
    entries[:] = [entry for entry in entries if not _is_ours(entry)]
    entries.append({"matcher": "Bash", "hooks": [{"type": "command", "command": _command(), "timeout": _SECONDS}]})
    _write(path, document)
    out.say(f"Claude Code asks before its Bash makes git act: {path}")
    hook = _install_pre_push(settings) if git else None
    if hook is not None:
        out.say(f"git asks before it pushes: {hook}")
    if json:
        out.record({"claude": str(path), "pre_push": str(hook) if hook is not None else None})
    return 0


def remove(
    *,
    workspace: Workspace = None,
    scope: Place = "local",
    git: GitHook = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Take away what `install` put there, and nothing else."""
    settings = from_machine({"server.workspace": workspace})
    out = Output(json, quiet)
    path = _settings_file(settings, scope)
    removed = False
    if path.exists():
        document = _read(path)
        entries = _entries(document)
        entries[:] = [entry for entry in entries if not _is_ours(entry)]
        if not entries:
            document["hooks"].pop("PreToolUse")
        if not document["hooks"]:
            document.pop("hooks")
        _write(path, document)
    out.say(f"Claude Code does not ask any more: {path}")
    if git and (hook := _pre_push(settings)) is not None and _is_our_hook(hook):
        hook.unlink()
        removed = True
        out.say(f"git does not ask any more: {hook}")
    if json:
        out.record({"claude": str(path), "pre_push": str(hook) if removed else None})
    return 0


def status(*, workspace: Workspace = None, json: Json = False) -> int:
    """Tell which guards are in place and whether a sidecar runs to answer them; exit code 1 when none is."""
    settings = from_machine({"server.workspace": workspace})
    scopes = {scope: _settings_file(settings, scope) for scope in ("local", "project", "user")}
    found = {scope: any(_is_ours(entry) for entry in _entries(_read(path))) for scope, path in scopes.items()}
    hook = _pre_push(settings)
    pre_push = hook is not None and _is_our_hook(hook)
    lives = running(settings) is not None
    out = Output(json)
    if json:
        out.record({"claude": found, "pre_push": pre_push, "running": lives})
    else:
        for scope, there in found.items():
            out.data(f"claude  {scope:<8} {'asks' if there else 'does not ask'}  ({scopes[scope]})")
        out.data(f"git     pre-push {'asks' if pre_push else 'does not ask'}")
        out.data(f"sidecar {'runs' if lives else 'does not run: guarded commands are refused'}")
    return 0 if any(found.values()) or pre_push else 1


def check() -> int:
    """Answer Claude Code's hook: its payload on standard input. Not for people."""
    raw = sys.stdin.buffer.read()
    payload = _payload(raw)
    command = payload.get("tool_input", {}).get("command") if isinstance(payload.get("tool_input"), dict) else None
    if not isinstance(command, str):
        return 0
    if not git_acts(command) and not re.search(r"git|\$\w", command, re.IGNORECASE):
        return 0  # most commands: nothing to ask
    settings = from_machine({"server.workspace": _folder(payload)})
    answer = _asked(settings, raw)
    if answer is None:
        if not git_acts(command, _aliases(settings)):
            return 0
        Output().complain(
            "no sidecar runs to say whether git may do this, so it may not. Leave it to the user, who can start one "
            f"with `sidecar serve --workspace {settings.server.workspace}`, or remove the guard with `sidecar hooks remove`."
        )
        return _BLOCK
    if answer:
        Output().data(orjson.dumps(answer).decode())
    return 0


def pre_push() -> int:
    """Answer git's `pre-push` hook: the pushed refs on standard input. Not for people."""
    from sidecar.tools.guards import PRE_PUSH, GitGuard  # noqa: PLC0415 - git's machinery, only needed here
    from sidecar.tools.opening import rules_of  # noqa: PLC0415

    refs = sys.stdin.read()
    folder = Path.cwd()
    settings = from_machine({"server.workspace": str(folder)})
    payload = {"hook_event_name": PRE_PUSH, "refs": refs, "cwd": str(folder)}
    answer = _asked(settings, orjson.dumps(payload))
    if answer is None:

        async def no_gate(_: Git) -> None:
            return None

        answer = asyncio.run(GitGuard(folder, rules_of(settings), no_gate).judge(payload))
    if not answer:
        return 0
    Output().complain(str(answer["hookSpecificOutput"]["permissionDecisionReason"]))
    return 1


# ── how it is done ──────────────────────────────────────────────────────────────────────────────────
def _command() -> str:
    """The hook's command: whatever keeps it from answering (a moved Python, a crash) blocks, too."""
    return f"{shlex.quote(sys.executable)} -m {_MARK} || exit {_BLOCK}"


def _settings_file(settings: Settings, scope: str) -> Path:
    match scope:
        case "local":
            return Path(settings.server.workspace) / ".claude" / "settings.local.json"
        case "project":
            return Path(settings.server.workspace) / ".claude" / "settings.json"
        case "user":
            own = environment().get("CLAUDE_CONFIG_DIR")
            return (Path(own) if own else Path.home() / ".claude") / "settings.json"
    raise SetupError(f"The scope {scope!r} is not known; use --scope local, project or user.")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = orjson.loads(path.read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError) as error:
        raise Conflict(f"{path} cannot be read as JSON ({error}), so it is left alone; mend it first.") from None
    if not isinstance(document, dict) or not isinstance(document.get("hooks", {}), dict):
        raise Conflict(f"{path} does not hold settings of Claude Code, so it is left alone.")
    return document


def _entries(document: dict[str, Any]) -> list[Any]:
    entries = document.setdefault("hooks", {}).setdefault("PreToolUse", [])
    if not isinstance(entries, list):
        raise Conflict("`hooks.PreToolUse` is no list there, so the file is left alone; mend it first.")
    return entries


def _is_ours(entry: Any) -> bool:
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    return any(isinstance(hook, dict) and _MARK in str(hook.get("command")) for hook in hooks or ())


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the file whole, keeping its mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        Path(name).chmod(mode)
        Path(name).replace(path.resolve())
    except OSError as error:
        raise Conflict(f"{path} cannot be written: {error.strerror or error}.") from None


def _pre_push(settings: Settings) -> Path | None:
    """Where the repository's hook stands, whether or not it does; None outside of a repository."""
    try:
        git = Git.open_blocking(Path(settings.server.workspace))
    except NotARepository:
        return None
    said = git.run_blocking("config", "--get", "--type=path", "core.hooksPath", ok=(0, 1), mode="free")
    own = os.fsdecode(said).strip()
    return (git.root / own if own else git.common_dir / "hooks") / "pre-push"


def _is_our_hook(path: Path) -> bool:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return _GIT_MARK in path.read_text(encoding="utf-8")
    return False


def _install_pre_push(settings: Settings) -> Path:
    hook = _pre_push(settings)
    if hook is None:
        raise NotARepository(
            f"{settings.server.workspace} is not in a git repository, so there is no hook to put there."
        )
    if hook.exists() and not _is_our_hook(hook):
        line = f"{shlex.quote(sys.executable)} -m sidecar hooks pre-push || exit 1"
        raise Conflict(f"There is a pre-push hook already ({hook}), which is left alone; add this line to it: {line}")
    hook.parent.mkdir(parents=True, exist_ok=True)
    line = f"exec {shlex.quote(sys.executable)} -m sidecar hooks pre-push"
    hook.write_text(f"#!/bin/sh\n{_GIT_MARK}\n{line}\n", encoding="utf-8")
    hook.chmod(0o755)
    return hook


def _aliases(settings: Settings) -> dict[str, str]:
    """Git's own aliases there; none outside of a repository."""

    async def ask() -> dict[str, str]:
        return await names.aliases(await Git.open(Path(settings.server.workspace)))

    try:
        return asyncio.run(ask())
    except NotARepository:
        return {}


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise SetupError("The hook was given no JSON; it is for Claude Code to call.") from None
    return payload if isinstance(payload, dict) else {}


def _folder(payload: Mapping[str, Any]) -> str | None:
    """The workspace that the CLI works in: its project's folder, else where the command would run."""
    folder = environment().get("CLAUDE_PROJECT_DIR") or str(payload.get("cwd") or "")
    return folder if folder and Path(folder).is_dir() else None


def _asked(settings: Settings, raw: bytes) -> dict[str, Any] | None:
    """What the running sidecar says; None where none runs or it does not answer."""
    reached = running(settings)
    if reached is None:
        return None
    headers = {"content-type": "application/json", "authorization": f"Bearer {reached.token.get_secret_value()}"}
    request = urllib.request.Request(f"{reached.base_url}/hooks/claude", raw, headers)  # noqa: S310 - our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            answer = orjson.loads(response.read())
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return answer if isinstance(answer, dict) else None
