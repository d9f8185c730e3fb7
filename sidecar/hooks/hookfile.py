"""The guards in a settings file of Claude Code: put in, taken out, looked for; whatever else stands there stays."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from sidecar.core.errors import Conflict, SetupError
from sidecar.hooks import BLOCK, EDIT_SECONDS, SECONDS
from sidecar.settings import Settings, environment

State = Literal["installed", "outdated", "absent"]
Scope = Literal["local", "project", "user"]
SCOPES: Final[tuple[Scope, ...]] = ("local", "project", "user")
"""The first one that says something about a single value wins, as Claude Code has it."""

_EDITS: Final = "Edit|Write|MultiEdit|NotebookEdit"
_WEIGHED: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("PreToolUse", {}),
    ("PermissionRequest", {}),  # the question stands there: the terminal can be given its title
    ("PostToolUse", {"async": True}),
)


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: what it is called, the word by which its hooks are known, and the hooks by their event."""

    name: Literal["bash", "risk"]
    mark: str
    hooks: tuple[tuple[str, dict[str, Any]], ...]


def guards() -> tuple[Guard, Guard]:
    """The guards as they are installed now, the one of Bash first."""
    # Isolated: no folder that a project brings along, nor a variable of the shell, can put modules before ours.
    python = f"{shlex.quote(sys.executable)} -I -m"
    check, edit = "sidecar hooks check", "sidecar hooks edit"
    # Whatever keeps a command from answering (a moved Python, a crash) blocks in the one case and lets through in the other.
    bash = {"type": "command", "command": f"{python} {check} || exit {BLOCK}", "timeout": SECONDS}
    weigh = {"type": "command", "command": f"{python} {edit} || exit 0", "timeout": EDIT_SECONDS}
    return (
        Guard("bash", check, (("PreToolUse", {"matcher": "Bash", "hooks": [bash]}),)),
        Guard("risk", edit, tuple((at, {"matcher": _EDITS, "hooks": [{**weigh, **more}]}) for at, more in _WEIGHED)),
    )


def place(settings: Settings, scope: str) -> Path:
    """The settings file of a scope. Raises SetupError for one that is not known."""
    match scope:
        case "local":
            return Path(settings.server.workspace) / ".claude" / "settings.local.json"
        case "project":
            return Path(settings.server.workspace) / ".claude" / "settings.json"
        case "user":
            own = environment().get("CLAUDE_CONFIG_DIR")
            return (Path(own) if own else Path.home() / ".claude") / "settings.json"
    raise SetupError(f"The scope {scope!r} is not known; use --scope local, project or user.")


def read(path: Path) -> dict[str, Any]:
    """The file's settings; empty where there is no file. Raises Conflict where they cannot be read."""
    try:
        document = orjson.loads(path.read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError) as error:
        raise Conflict(f"{path} cannot be read as JSON ({error}), so it is left alone; mend it first.") from None
    if not isinstance(document, dict) or not isinstance(document.get("hooks", {}), dict):
        raise Conflict(f"{path} does not hold settings of Claude Code, so it is left alone.")
    for event, _ in _WEIGHED:
        if not isinstance(document.get("hooks", {}).get(event, []), list):
            raise Conflict(f"`hooks.{event}` is no list in {path}, so the file is left alone; mend it first.")
    return document


def put(document: dict[str, Any], guard: Guard) -> None:
    """Put a guard in, in place of an older form of it."""
    take(document, guard)
    for event, entry in guard.hooks:
        document.setdefault("hooks", {}).setdefault(event, []).append(entry)


def take(document: dict[str, Any], guard: Guard) -> bool:
    """Take a guard out; whether it was there. What is empty then, and was made by us, goes as well."""
    found = False
    hooks = document.get("hooks", {})
    for event in [event for event, entries in hooks.items() if isinstance(entries, list)]:
        kept = [entry for entry in hooks[event] if not _is(guard, entry)]
        if len(kept) == len(hooks[event]):
            continue
        found = True
        hooks[event] = kept
        if not kept:
            hooks.pop(event)
    if found and not hooks:
        document.pop("hooks")
    return found


def state(document: Mapping[str, Any], guard: Guard) -> State:
    """Whether a guard is there, and as it would be installed now."""
    hooks = document.get("hooks", {})
    mine = [
        (event, entry)
        for event, entries in hooks.items()
        if isinstance(entries, list)
        for entry in entries
        if _is(guard, entry)
    ]
    if not mine:
        return "absent"
    return "installed" if sorted(mine, key=_key) == sorted(guard.hooks, key=_key) else "outdated"


def switched_off(documents: Sequence[tuple[Path, Mapping[str, Any]]]) -> Path | None:
    """The file that switches all hooks off, of those of the scopes in their order; None where none does."""
    for path, document in documents:
        if isinstance(document.get("disableAllHooks"), bool):
            return path if document["disableAllHooks"] else None
    return None


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the file whole, keeping its mode. Raises Conflict."""
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


def _key(row: tuple[str, Any]) -> str:
    return row[0]


def _is(guard: Guard, entry: Any) -> bool:
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    return any(isinstance(hook, dict) and guard.mark in str(hook.get("command")) for hook in hooks or ())
