"""How a server is started: as it is, in a container, or in bubblewrap; and what is said of it when it is approved."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.core.errors import BadInput, SetupError
from sidecar.mcp.manifest import Entry

NOT_SANDBOXED: Final = "not sandboxed: it runs as you, and can read, write and send what you can"
INSIDE: Final = "/workspace"
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TERM", "TZ")
_HOME: Final = ("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR")
_WINDOWS: Final = (
    "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROCESSOR_ARCHITECTURE", "SYSTEMDRIVE", "SYSTEMROOT",
    "TEMP", "USERNAME", "USERPROFILE",
)  # fmt: skip
_BUBBLEWRAP: Final = ("bubblewrap", "bwrap")


@dataclass(frozen=True, slots=True)
class Confinement:
    """The settings of the sandbox. `runtime` is docker, podman or a program that takes the same words, or bubblewrap."""

    enabled: bool = False
    runtime: str = "docker"
    image: str = ""
    network: bool = False
    writable: bool = False

    @property
    def bubblewrap(self) -> bool:
        """Whether bubblewrap is meant."""
        return Path(self.runtime).name in _BUBBLEWRAP

    def said(self, entry: Entry) -> str:
        """What a person is told before the approval; part of what is approved."""
        if entry.url:
            return "not started here: what the model sends it leaves this machine"
        if not self.enabled:
            return NOT_SANDBOXED
        inside = "bubblewrap" if self.bubblewrap else f"{Path(self.runtime).name}, image {self.image or 'not set'}"
        network = "network allowed" if self.network else "no network"
        workspace = "may write the workspace" if self.writable else "reads the workspace only"
        return f"sandboxed by {inside}; {network}; {workspace}"


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start: an absolute program and its arguments, its whole environment, its folder."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    cleanup: tuple[str, ...] = ()
    """A command that takes away what an end by force leaves behind."""


def plan(entry: Entry, how: Confinement, workspace: Path, machine: Mapping[str, str], instance: str) -> Launch:
    """How to start a server whose variables are filled in; looks at the disk, starts nothing.

    `machine` is our own environment, of which only an allow-list goes on; `instance` marks containers as ours. Raises
    SetupError where what is asked for cannot be had: there is no falling back to less.
    """
    if not how.enabled:
        names = (*_PASSED_ON, *_HOME, *(_WINDOWS if sys.platform == "win32" else ()))
        env = _allowed(machine, names) | dict(entry.env)
        cwd = str((workspace / entry.cwd).resolve()) if entry.cwd else str(workspace)
        return Launch((_program(entry.command, env, workspace, Path(cwd)), *entry.args), env, cwd)
    if how.bubblewrap:
        return _in_bubblewrap(entry, how, workspace, machine)
    return _in_container(entry, how, workspace, machine, instance)


def _in_container(entry: Entry, how: Confinement, workspace: Path, machine: Mapping[str, str], instance: str) -> Launch:
    runtime = _runtime(how.runtime, machine, workspace)
    if "@sha256:" not in how.image:
        raise SetupError(
            "The sandbox needs an image by its digest, so that it cannot change unseen: "
            "MCP_SANDBOX_IMAGE=name@sha256:… (docker inspect --format '{{index .RepoDigests 0}}' name).",
            "MCP_SANDBOX_IMAGE",
        )
    if entry.command.startswith("-"):
        raise BadInput(f"The server {entry.name} has a command that begins with a dash.")
    name = f"sidecar-mcp-{instance}"
    user = f"{os.getuid()}:{os.getgid()}" if sys.platform != "win32" and os.getuid() else "65534:65534"
    mount = ["type=bind", f"source={workspace}", f"target={INSIDE}", *([] if how.writable else ["readonly"])]
    options = [
        "run", "--rm", "--init", "--interactive", "--name", name, "--label", f"sidecar.instance={instance}",
        "--network", "bridge" if how.network else "none", "--read-only",
        "--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=64m", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--user", user, "--pids-limit", "256", "--memory", "1g", "--cpus", "2",
        "--mount", _fields(mount), "--workdir", INSIDE, "--env", "HOME=/tmp",
    ]  # fmt: skip
    # By name only: the values stay out of the list of processes.
    options += [part for key in entry.env for part in ("--env", key)]
    env = _allowed(machine, (*_PASSED_ON, *_HOME, *_WINDOWS, "DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR"))
    argv = (runtime, *options, how.image, entry.command, *entry.args)
    return Launch(argv, env | dict(entry.env), str(workspace), (runtime, "rm", "--force", name))


def _in_bubblewrap(entry: Entry, how: Confinement, workspace: Path, machine: Mapping[str, str]) -> Launch:
    """The system read-only, homes and temporary folders empty, the workspace and the program's own folders shown."""
    runtime = _runtime("bwrap", machine, workspace)
    env = _allowed(machine, _PASSED_ON) | dict(entry.env)
    program = _program(entry.command, env, workspace, workspace)
    options = ["--unshare-all", *(["--share-net"] if how.network else []), "--die-with-parent", "--new-session"]
    options += ["--cap-drop", "ALL", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    home = Path(os.path.realpath(Path.home()))
    hidden = [Path(one) for one in ("/home", "/root", "/tmp", "/var/tmp", "/run", "/mnt", "/media", "/srv")]
    if not any(home.is_relative_to(one) for one in hidden):
        hidden.append(home)
    for folder in hidden:
        if folder.is_dir() and not folder.is_symlink():
            options += ["--tmpfs", str(folder)]
    for place in _needed(program, entry.args, home):
        options += ["--ro-bind", str(place), str(place)]
    options += ["--bind" if how.writable else "--ro-bind", str(workspace), str(workspace), "--chdir", str(workspace)]
    options += ["--setenv", "HOME", "/tmp", "--"]
    return Launch((runtime, *options, program, *entry.args), env, str(workspace))


def _needed(program: str, args: Sequence[str], home: Path) -> list[Path]:
    """The folders that a program lives in, and those of the files that it is given; never a whole home."""
    real = Path(os.path.realpath(program))
    wanted = [Path(program).parent, real.parent.parent if real.parent.name == "bin" else real.parent]
    if (Path(program).parent.parent / "pyvenv.cfg").is_file():
        wanted.append(Path(program).parent.parent)
    for arg in args:
        if arg.startswith("/") and Path(arg).exists():
            path = Path(os.path.realpath(arg))
            modules = [parent for parent in path.parents if parent.name == "node_modules"]
            wanted.append(modules[-1] if modules else path if path.is_dir() else path.parent)
    return [one for one in dict.fromkeys(wanted) if one != Path("/") and not home.is_relative_to(one)]


def _program(command: str, env: Mapping[str, str], workspace: Path, cwd: Path) -> str:
    """The absolute path of a command: a name is looked for on PATH outside the workspace, a path is taken as approved."""
    if os.sep in command or "/" in command:
        path = cwd / Path(command).expanduser()
        if path.is_file():
            return str(path)
    else:
        for folder in env.get("PATH", os.defpath).split(os.pathsep):
            found = shutil.which(command, path=folder) if Path(folder).is_absolute() else None
            if found is not None and not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(workspace)):
                return found
    raise SetupError(f"The program {command} was not found; install it, or write its whole path into the manifest.")


def _runtime(name: str, machine: Mapping[str, str], workspace: Path) -> str:
    try:
        return _program(name, machine, workspace, workspace)
    except SetupError:
        raise SetupError(
            f"Servers shall run in a sandbox (MCP_SANDBOX_ENABLED), but {name} was not found; install it, name another "
            "one in MCP_SANDBOX_RUNTIME (docker, podman, bubblewrap), or switch the sandbox off.",
            "MCP_SANDBOX_RUNTIME",
        ) from None


def _allowed(machine: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Of our own environment only these; a shell's function is never handed on."""
    return {name: machine[name] for name in names if name in machine and not machine[name].startswith("()")}


def _fields(parts: Sequence[str]) -> str:
    """`--mount` is read as a line of CSV: a comma in a path must not become an option."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(parts)
    return line.getvalue()
