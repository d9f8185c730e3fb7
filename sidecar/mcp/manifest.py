"""Manifests of MCP servers: where they lie, the forms that they have, and what is wrong with one, in a sentence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sidecar.core.errors import BadInput

MOST_BYTES: Final = 1024 * 1024
MOST_SERVERS: Final = 100
WORKSPACE_FILES: Final = (".mcp.json", "mcp.json", ".vscode/mcp.json", ".cursor/mcp.json")
"""What a workspace may bring along: Claude Code's, the predecessor's, VS Code's and Cursor's own places."""

_COMMENTS: Final = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMAS: Final = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_NAME: Final = re.compile(r"(?:env:)?([A-Za-z_]\w*)(?::-(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One server as a manifest describes it; texts are as written there, variables not filled in.

    It has either a `command` (standard input and output) or a `url` (streamable HTTP). `source` is the manifest's path.
    """

    name: str
    source: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> list[str]:
        """The names of the user's variables that it asks for."""
        texts = (self.command, *self.args, *self.env.values(), self.cwd, self.url, *self.headers.values())
        asked = (_NAME.fullmatch(inner) for text in texts for inner in _VARIABLE.findall(text))
        return sorted({match[1] for match in asked if match and match[1] not in _PLACES})

    def filled(self, variables: Mapping[str, str], workspace: Path) -> Entry:
        """The same with its variables filled in. Raises BadInput for one that is not set or not known."""

        def fill(text: str) -> str:
            return _VARIABLE.sub(lambda match: self._value(match[1], variables, workspace), text)

        return Entry(
            self.name,
            self.source,
            fill(self.command),
            tuple(fill(one) for one in self.args),
            {name: fill(value) for name, value in self.env.items()},
            fill(self.cwd),
            fill(self.url),
            {name: fill(value) for name, value in self.headers.items()},
        )

    def _value(self, inner: str, variables: Mapping[str, str], workspace: Path) -> str:
        match = _NAME.fullmatch(inner)
        if match is None:
            raise BadInput(f"The server {self.name} in {self.source} uses ${{{inner}}}, which is not known here.")
        if match[1] in _PLACES:
            return str(workspace) if match[1] != "userHome" else str(Path.home())
        value = variables.get(match[1]) or match[2]
        if value is None:
            raise BadInput(f"The server {self.name} in {self.source} needs the variable {match[1]}, which is not set.")
        return value

    def facts(self, sandbox: str) -> dict[str, Any]:
        """What is approved, by names that a person understands. Values of variables and headers are only a fingerprint."""
        told: dict[str, Any] = {"command": self.command, "args": list(self.args)} if self.command else {"url": self.url}
        told |= {"environment": {name: _short(value) for name, value in sorted(self.env.items())}}
        told |= {"headers": {name: _short(value) for name, value in sorted(self.headers.items())}}
        told |= {"variables": self.variables(), "cwd": self.cwd, "manifest": self.source, "sandbox": sandbox}
        return {name: value for name, value in told.items() if value or name == "sandbox"}


_PLACES: Final = frozenset({"workspaceFolder", "workspaceRoot", "userHome"})


@dataclass(frozen=True, slots=True)
class Found:
    """All servers that the manifests name, and a sentence for each thing that is wrong with one."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()


def places(manifest: Path | None, folders: Iterable[Path], workspace: Path) -> list[Path]:
    """The manifests to look at, the user's own first. A workspace's file that is a link does not count; blocks."""
    user = [manifest] if manifest is not None else []
    for folder in folders:
        user += sorted(folder.glob("*.json")) if folder.is_dir() else []
    own = (workspace / name for name in WORKSPACE_FILES)
    return [*user, *(path for path in own if path.is_file() and not path.is_symlink())]


def discover(manifest: Path | None, folders: Iterable[Path], workspace: Path) -> Found:
    """Read all manifests; blocks. Nothing in them is run. Two servers of one name get numbers."""
    entries: list[Entry] = []
    problems: list[str] = []
    taken: set[str] = set()
    for path in places(manifest, folders, workspace):
        found = read(path)
        problems += found.problems
        for entry in found.entries:
            name, number = entry.name, 2
            while name in taken:
                name, number = f"{entry.name}-{number}", number + 1
            taken.add(name)
            entries.append(Entry(name, *(getattr(entry, one) for one in _FIELDS)))
    if len(entries) > MOST_SERVERS:
        problems.append(f"The manifests name {len(entries)} servers; only the first {MOST_SERVERS} are looked at.")
    return Found(tuple(entries[:MOST_SERVERS]), tuple(problems))


_FIELDS: Final = ("source", "command", "args", "env", "cwd", "url", "headers")


def read(path: Path) -> Found:
    """One manifest's servers; blocks."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            return Found(problems=(f"{path} is larger than {MOST_BYTES // 1024} KB and is not read.",))
        described = _described(_json(raw.decode("utf-8-sig")))
    except OSError as error:
        return Found(problems=(f"{path} cannot be read: {error.strerror or error}.",))
    except (UnicodeError, RecursionError):
        return Found(problems=(f"{path} is not JSON in UTF-8; mend or remove it.",))
    except json.JSONDecodeError as error:
        return Found(problems=(f"{path} is not JSON (line {error.lineno}: {error.msg}); mend or remove it.",))
    except BadInput as error:
        return Found(problems=(f"{path} {error.sentence}",))
    entries: list[Entry] = []
    problems: list[str] = []
    for name, given in described:
        try:
            entry = _entry(name, given, str(path))
        except BadInput as error:
            problems.append(f"{path}: the server {name!r} {error.sentence}")
            continue
        if entry is not None:
            entries.append(entry)
    return Found(tuple(entries), tuple(problems))


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        # VS Code's own files may hold comments and a last comma.
        plain = _COMMENTS.sub(lambda match: match[1] or " ", text)
        value = json.loads(_LAST_COMMAS.sub(lambda match: match[1] or "", plain))
    whole = json.dumps(value, ensure_ascii=False).encode()  # half a character has no bytes
    if b"\\u0000" in whole:
        raise BadInput("holds a NUL character, which no program can be given.")
    return value


def _described(value: Any) -> list[tuple[str, Any]]:
    """The servers of any form: a map under `mcpServers` or `servers`, or a list whose entries name themselves."""
    if isinstance(value, dict):
        maps = [value[key] for key in ("mcpServers", "servers") if key in value]
        if not maps:
            raise BadInput("names no servers: it needs mcpServers or servers.")
        value = maps[0]
    if isinstance(value, dict):
        return [(str(name), given) for name, given in value.items()]
    if isinstance(value, list):
        return [(_own_name(given, number), given) for number, given in enumerate(value, 1)]
    raise BadInput("names no servers: mcpServers or servers must be a map or a list.")


def _own_name(given: Any, number: int) -> str:
    if isinstance(given, dict):
        for key in ("id", "name", "label"):
            if isinstance(given.get(key), str) and given[key].strip():
                return str(given[key]).strip()
    return f"server-{number}"


def _entry(name: str, given: Any, source: str) -> Entry | None:
    """A checked entry; None for one that is switched off. Raises BadInput with the end of a sentence."""
    if not isinstance(given, dict):
        raise BadInput("is no table.")
    if given.get("disabled") is True or given.get("enabled") is False:
        return None
    kind = given.get("type", given.get("transport", ""))
    command, url = _text(given, "command"), _text(given, "url") or _text(given, "serverUrl")
    if isinstance(kind, str) and kind in {"sse", "ws", "websocket"}:
        raise BadInput(f"speaks {kind}, which is not supported; use stdio or streamable HTTP.")
    if bool(command) == bool(url):
        raise BadInput("needs either a command or a url.")
    if url and not re.fullmatch(r"https?://[^/\s@?#]+(?:[/?#]\S*)?", url) and not url.startswith("${"):
        raise BadInput("has a url that is none of http:// or https:// (or one with a password in it).")
    args = given.get("args") or []
    if not isinstance(args, list) or not all(isinstance(one, str) for one in args):
        raise BadInput("has args that are no list of texts.")
    return Entry(
        name, source, command, tuple(args), _texts(given, "env"), _text(given, "cwd"), url, _texts(given, "headers")
    )


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key) or ""
    if not isinstance(value, str):
        raise BadInput(f"has a {key} that is no text.")
    return value


def _texts(given: Mapping[str, Any], key: str) -> dict[str, str]:
    value = given.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(one, str | int | float) for one in value.values()):
        raise BadInput(f"has {key} that is no map of texts.")
    return {str(name): str(one) for name, one in value.items()}


def _short(value: str) -> str:
    """A value's fingerprint: it tells that a value changed, and nothing of the value."""
    return value if _VARIABLE.fullmatch(value) else "#" + hashlib.sha256(value.encode()).hexdigest()[:12]


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Sequence[str]:
    """What changed between two sets of facts, a line each."""
    names = sorted({*before, *now})
    return [
        f"{name}: {_told(before.get(name))} → {_told(now.get(name))}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _told(value: Any) -> str:
    return "nothing" if value in (None, "", [], {}) else value if isinstance(value, str) else json.dumps(value)
