"""Merging the sources of settings: flag > environment > the user's TOML file > default; a workspace may only narrow."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from platformdirs import PlatformDirs

from sidecar.core.bands import Band
from sidecar.core.errors import SetupError
from sidecar.settings import whole
from sidecar.settings.fields import Group, Wrong
from sidecar.settings.groups import Narrowing
from sidecar.settings.problems import explain, near
from sidecar.settings.values import lower

WORKSPACE_FILE: Final = ".sidecar.toml"
"""What a repository may bring along to narrow the user's settings; not trusted."""

_WORKSPACE_FILE_BYTES: Final = 64 * 1024
_BANDS: Final = get_args(Band)
_CHECKED_PREFIXES: Final = ("SIDECAR_", "POLICY_", "PROMPT_CACHE_", "WORKSPACE_TEST_")
_AS_WRITTEN: Final = frozenset({"git.commit_regex"})
"""Settings whose blanks count; around all others in the environment they are what copying and `.env` files leave."""

_FLAGS: Final = {
    "server.host": "--host",
    "server.port": "--port",
    "server.auth": "--auth",
    "server.workspace": "--workspace",
    "provider.name": "--provider",
    "server.log_level": "--verbose",
}


@dataclass
class _Draft:
    """Raw values on their way to `Settings`, each with its origin."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def put(self, path: str, value: object, origin: str) -> None:
        self.values[path] = value
        self.origins[path] = origin

    def build(self) -> whole.Settings:
        groups: dict[str, Group] = {}
        for name, kind in whole.group_types().items():
            raw = {p.split(".")[1]: v for p, v in self.values.items() if p.startswith(f"{name}.")}
            try:
                groups[name] = kind(**raw)
            except Wrong as wrong:
                path = f"{name}.{wrong.name}"
                raise explain(path, self.values.get(path), self.origins.get(path, "default"), wrong) from None
        return whole.Settings(groups)


def load(
    flags: Mapping[str, object], env: Mapping[str, str], file: Path | None, workspace: Path | None = None
) -> whole.Settings:
    """Merge the sources into checked settings.

    `flags` are named as the settings are (`server.port`), None meaning not given; `file` is the user's TOML file, which
    need not exist; `workspace` is the folder that is meant where nothing else names one. Raises SetupError with the
    variable and the mend. What is merely odd is in `Settings.warnings`.
    """
    draft = _Draft()
    if workspace is not None:
        draft.put("server.workspace", workspace, "the current folder")
    if file is not None:
        _take_file(draft, file)
    _take_environment(draft, env)
    for path, value in flags.items():
        if value is not None:
            draft.put(path, value, _FLAGS.get(path, f"flag {path}"))
    _choose_provider(draft)
    folder = _workspace(draft)
    draft.build()
    _take_workspace(draft, folder / WORKSPACE_FILE)
    _guard_door(draft)
    settings = draft.build()
    _warn_of_plain_http(draft, settings)
    return settings.told(draft.origins, tuple(draft.warnings), state_folder(settings, folder))


def _tables(file: Path) -> dict[str, Any]:
    """What a TOML file says. Raises OSError, or ValueError where it is none."""
    import tomllib  # noqa: PLC0415 - most have no such file, and need not wait for its reader

    return tomllib.loads(file.read_text(encoding="utf-8-sig"))


def _take_file(draft: _Draft, file: Path) -> None:
    try:
        if not file.is_file():
            return
        tables = _tables(file)
    except (OSError, ValueError) as error:
        raise SetupError(f"The settings file {file} cannot be read: {error}. Mend or remove it.") from None
    for path, value in _flat(tables):
        if path in whole.paths():
            draft.put(path, value, str(file))
        else:
            draft.warnings.append(f"{file}: there is no setting {path}{near(path, whole.paths())}; it is ignored.")


def _take_environment(draft: _Draft, env: Mapping[str, str]) -> None:
    known: set[str] = set()
    for path, info in whole.fields():
        names = whole.extra_of(info).get("env", [])
        known.update(names)
        given = next((name for name in names if env.get(name, "").strip()), None)
        if given:
            draft.put(path, env[given] if path in _AS_WRITTEN else env[given].strip(), given)
    for name in sorted(set(env) - known):
        if name.startswith(_CHECKED_PREFIXES) and near(name, known):
            draft.warnings.append(f"There is no setting {name}{near(name, known)}; it is ignored.")


def _choose_provider(draft: _Draft) -> None:
    if "provider.name" in draft.values:
        return
    for name in whole.NEEDED:
        needed = whole.needed_for(name, draft.values.get)
        given = [path for path in needed if path in draft.values]
        if needed and len(given) == len(needed):
            origins = " and ".join(dict.fromkeys(draft.origins[path] for path in given))
            draft.put("provider.name", name, f"chosen because of {origins}")
            return
        # Azure's key may be Anthropic's own: alone it says nothing.
        if given and given != ["azure_anthropic.api_key"]:
            lacking = whole.extra_of(whole.field_of(next(path for path in needed if path not in given)))["env"][0]
            draft.warnings.append(f"{draft.origins[given[0]]} is set but {lacking} is not, so {name} is not used.")


def _workspace(draft: _Draft) -> Path:
    draft.values.setdefault("server.workspace", ".")
    draft.origins.setdefault("server.workspace", "the current folder")
    folder = Path(str(draft.values["server.workspace"]))
    try:
        resolved = folder.expanduser().resolve()
        usable = resolved.is_dir()
    except (OSError, RuntimeError):
        resolved, usable = folder, False
    if not usable:
        mend = "name one with --workspace DIR or WORKSPACE_ROOT"
        raise SetupError(f"The workspace {folder} is no folder that can be read; {mend}.", "WORKSPACE_ROOT")
    draft.values["server.workspace"] = resolved
    return resolved


def _take_workspace(draft: _Draft, file: Path) -> None:
    """Take what narrows. The file comes with the repository: it is not trusted, and cannot stop the start either."""
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _WORKSPACE_FILE_BYTES:
            return
        tables = _tables(file)
    except (OSError, ValueError) as error:
        draft.warnings.append(f"{file} cannot be read and is ignored: {error}")
        return
    before = draft.build()
    for path, value in _flat(tables):
        how = whole.extra_of(whole.field_of(path)).get("narrow") if path in whole.paths() else None
        narrowed = _narrowed(how, whole.value_of(before, path), value) if how else None
        if narrowed is not None:
            draft.put(path, narrowed, str(file))
        elif how is None or whole.value_of(before, path) != value:
            draft.warnings.append(f"{file}: {path} is ignored; a workspace may only narrow what the user allows.")


def _narrowed(how: Narrowing, now: Any, wanted: Any) -> object | None:
    """The narrower value, or None when `wanted` is not narrower (or no value at all)."""
    if isinstance(wanted, bool):
        return wanted if (how == "only true") == wanted and how.startswith("only") else None
    if isinstance(wanted, int):
        return wanted if how == "lower" and 0 < wanted <= now else None
    if how == "higher" and wanted in _BANDS:
        return wanted if _BANDS.index(wanted) >= _BANDS.index(now) else None
    if isinstance(wanted, list) and all(isinstance(item, str) for item in wanted):
        return {"more": (*now, *wanted), "fewer": tuple(n for n in now if n in wanted)}.get(how)
    return "token" if how == "stricter" and wanted == "token" else None


def _guard_door(draft: _Draft) -> None:
    host, auth = str(draft.values.get("server.host", "127.0.0.1")), lower(draft.values.get("server.auth", "auto"))
    if auth == "token" or _is_loopback(host):
        return
    if auth == "none":
        raise SetupError(
            f"Listening on {host} without a token would let everybody in; use --auth token, or --host 127.0.0.1.",
            "SIDECAR_AUTH",
        )
    draft.put("server.auth", "token", f"demanded by --host {host}")


def _warn_of_plain_http(draft: _Draft, settings: whole.Settings) -> None:
    for path, info in whole.fields():
        value = whole.value_of(settings, path)
        if not isinstance(value, str) or not value.lower().startswith("http://"):
            continue
        if not _is_loopback(urlsplit(value).hostname or ""):
            name = draft.origins.get(path, whole.extra_of(info)["env"][0])
            draft.warnings.append(f"{name} begins with http://, so keys and code travel in the clear; use https://.")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def state_folder(settings: whole.Settings, workspace: Path) -> Path | None:
    """A workspace's own folder for state (perhaps not made yet); None where the user has no place for it."""
    base = settings.server.state_dir or _user_folder("state", "")
    if base is None:
        return None
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", workspace.name).strip(".-")[:40] or "workspace"
    folded = str(workspace).casefold() if sys.platform in {"win32", "darwin"} else str(workspace)
    return Path(base).absolute() / f"{name}-{hashlib.sha256(os.fsencode(folded)).hexdigest()[:12]}"


def user_file() -> Path | None:
    """Where this user's own settings stand, whether or not they do; None without a home."""
    return _user_folder("config", "config.toml")


def _user_folder(kind: Literal["config", "state"], name: str) -> Path | None:
    dirs = PlatformDirs("sidecar", appauthor=False)
    try:
        folder = dirs.user_config_path if kind == "config" else dirs.user_state_path
    except (OSError, RuntimeError, KeyError):
        return None
    return folder / name if folder.is_absolute() else None


def _flat(tables: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for group, table in tables.items():
        if isinstance(table, Mapping):
            yield from ((f"{group}.{name}", value) for name, value in table.items())
        else:
            yield group, table
