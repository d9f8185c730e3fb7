"""`sidecar hooks`: put the guards on Claude Code's own tools and on `git push`, take them away, tell whether they are there."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.cli.reached import running
from sidecar.core.errors import Conflict, NotARepository, SetupError
from sidecar.hooks import hookfile
from sidecar.hooks.hookfile import SCOPES, guards, place
from sidecar.settings import Settings, from_machine
from sidecar.vcs.runner import Git

_GIT_MARK: Final = "# made by `sidecar hooks install --git`"

Place = Annotated[
    str,
    typer.Option("--scope", metavar="SCOPE", help="local (this workspace, yours), project (shared) or user.  [default: local]"),
]  # fmt: skip
Bash = Annotated[bool, typer.Option("--bash/--no-bash", help="The guard of git on Claude Code's own Bash.")]
Risk = Annotated[bool, typer.Option("--risk/--no-risk", help="The risk gate on Claude Code's own edits.")]
GitHook = Annotated[
    bool, typer.Option("--git", help="The repository's `pre-push` hook, too: it binds scripts as well.")
]


def install(
    *,
    workspace: Workspace = None,
    scope: Place = "local",
    bash: Bash = True,
    risk: Risk = False,
    git: GitHook = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Have Claude Code ask the sidecar before its Bash makes git push, commit, pull or destroy something.

    Other settings of that file stay as they are. While no sidecar runs, such commands are refused. With `--risk` its
    edits are weighed as well, and risky ones stop for you; while no sidecar runs, they are made as ever.
    """
    settings = from_machine({"server.workspace": workspace})
    out = Output(json, quiet)
    path = place(settings, scope)
    document = hookfile.read(path)
    wanted = [guard for guard in guards() if {"bash": bash, "risk": risk}[guard.name]]
    if not wanted and not git:
        raise SetupError("There is nothing to install: leave --no-bash out, or add --risk or --git.")
    for guard in wanted:
        hookfile.put(document, guard)
    if wanted:
        hookfile.write(path, document)
    if bash:
        out.say(f"Claude Code asks before its Bash makes git act: {path}")
    if risk:
        out.say(f"Claude Code has its edits weighed: {path}")
        if settings.gate.level == "off":
            out.say("No edit stops yet: set SIDECAR_GATE_RISK=high (or medium, critical) where the sidecar is started.")
    hook = _install_pre_push(settings) if git else None
    if hook is not None:
        out.say(f"git asks before it pushes: {hook}")
    if json:
        out.record({"claude": str(path) if wanted else None, "pre_push": str(hook) if hook is not None else None})
    return 0


def remove(
    *,
    workspace: Workspace = None,
    scope: Place = "local",
    bash: Bash = True,
    risk: Risk = True,
    git: GitHook = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Take away what `install` put there, and nothing else; `--no-bash` and `--no-risk` leave a guard where it is."""
    settings = from_machine({"server.workspace": workspace})
    out = Output(json, quiet)
    removed = False
    path = place(settings, scope)
    document = hookfile.read(path)
    gone = [g.name for g in guards() if {"bash": bash, "risk": risk}[g.name] and hookfile.take(document, g)]
    if gone:
        hookfile.write(path, document)
    if bash:
        out.say(f"Claude Code does not ask any more before its Bash makes git act: {path}")
    if risk:
        out.say(f"Claude Code does not have its edits weighed any more: {path}")
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
    files = [(place(settings, scope), hookfile.read(place(settings, scope))) for scope in SCOPES]
    off = hookfile.switched_off(files)
    states = {
        guard.name: {scope: hookfile.state(file[1], guard) for scope, file in zip(SCOPES, files, strict=True)}
        for guard in guards()
    }
    hook = _pre_push(settings)
    pre_push = hook is not None and _is_our_hook(hook)
    lives = running(settings) is not None
    out = Output(json)
    if json:
        there = {scope: state != "absent" for scope, state in states["bash"].items()}
        record = {"claude": there, "pre_push": pre_push, "running": lives, "guards": states}
        more = {"off": str(off) if off is not None else "", "level": settings.gate.level}
        out.record({**record, **more, "files": {s: str(f[0]) for s, f in zip(SCOPES, files, strict=True)}})
    else:
        for name, scopes in states.items():
            for scope, (path, _) in zip(SCOPES, files, strict=True):
                out.data(f"{name:<7} {scope:<8} {_WORDS[scopes[scope]]}  ({path})")
        out.data(f"git     pre-push {'asks' if pre_push else 'does not ask'}")
        out.data(f"sidecar {'runs' if lives else 'does not run: guarded commands are refused, edits are made as ever'}")
        out.data(
            f"level   {settings.gate.level if settings.gate.level != 'off' else 'off: no edit stops (SIDECAR_GATE_RISK)'}"
        )
        if off is not None:
            out.data(f"All hooks of Claude Code are switched off by `disableAllHooks` in {off}.")
    found = any(state != "absent" for scopes in states.values() for state in scopes.values())
    return 0 if found or pre_push else 1


# ── how it is done ──────────────────────────────────────────────────────────────────────────────────
_WORDS: Final[dict[hookfile.State, str]] = {
    "installed": "asks",
    "outdated": "asks in an older way: install it again",
    "absent": "does not ask",
}


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
    command = f"{shlex.quote(sys.executable)} -I -m sidecar hooks pre-push"
    if hook.exists() and not _is_our_hook(hook):
        raise Conflict(
            f"There is a pre-push hook already ({hook}), which is left alone; add this line to it: {command} || exit 1"
        )
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{_GIT_MARK}\nexec {command}\n", encoding="utf-8")
    hook.chmod(0o755)
    return hook
