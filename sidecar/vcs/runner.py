"""The one hardened way to start git.

A repository's own files can make git run programs: hooks, filters, drivers, monitors, signing and transport
commands. Sidecar reads repositories that nobody has looked at yet, so every command runs with all of them switched
off, with no terminal, no network, no optional lock, in its own process group, within a time and a size limit.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from sidecar.core.errors import GitError, NotARepository
from sidecar.vcs.process import Process, find_git

if TYPE_CHECKING:
    from git.cmd import Git as GitPython

TIMEOUT = 20.0
LIMIT = 64 << 20

_ENVIRONMENT = {
    "SIDECAR_NOTHING": "",
    "SIDECAR_FALSE": "false",
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_SSH_COMMAND": "false",
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
    # a partial clone would fetch what it lacks, by a command that its configuration names
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    # a path is a path, whatever characters its name begins with
    "GIT_LITERAL_PATHSPECS": "1",
}

_FREE = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_EDITOR": "true",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
}
"""For commands with the user's own hooks, signing and filters: nobody is there to be asked, and messages stay as they are."""

_OFF = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.editor=false",
    "core.pager=cat",
    "credential.helper=",
    "gpg.program=false",
    "gpg.openpgp.program=false",
    "gpg.x509.program=false",
    "gpg.ssh.program=false",
    "gpg.ssh.defaultKeyCommand=",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "log.showSignature=false",
    "diff.ignoreSubmodules=dirty",
    "diff.submodule=short",
    "submodule.recurse=false",
    "status.submoduleSummary=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
"""What would start a program."""

_PLAIN = (
    "color.ui=false", "core.quotePath=true", "diff.algorithm=default", "diff.noprefix=false", "diff.mnemonicPrefix=false",
    "diff.relative=false", "diff.interHunkContext=0", "diff.indentHeuristic=true", "diff.suppressBlankEmpty=false",
    "diff.orderFile=/dev/null", "diff.colorMoved=no", "log.mailmap=false", "log.follow=false", "i18n.logOutputEncoding=UTF-8",
    "status.relativePaths=false", "status.renames=true",
)  # fmt: skip
"""What would change an answer's form or content from one machine to another."""

_NO_DRIVERS = ("--no-ext-diff", "--no-textconv")
_SAME_MODULES = "--ignore-submodules=dirty"
_EXTRA: dict[str, tuple[str, ...]] = {
    "diff": (*_NO_DRIVERS, _SAME_MODULES),
    "diff-index": (*_NO_DRIVERS, _SAME_MODULES),
    "diff-files": (*_NO_DRIVERS, _SAME_MODULES),
    "diff-tree": (*_NO_DRIVERS, _SAME_MODULES),
    "log": (*_NO_DRIVERS, _SAME_MODULES),
    "show": (*_NO_DRIVERS, _SAME_MODULES),
    "format-patch": (*_NO_DRIVERS, _SAME_MODULES),
    "blame": ("--no-textconv", "--no-ignore-revs-file"),
    "annotate": ("--no-textconv", "--no-ignore-revs-file"),
    "grep": ("--no-textconv",),
    "status": (_SAME_MODULES,),
}
"""Options that switch drivers off where configuration cannot. A status that looked into a submodule would run git
there, and with that submodule's own filters. A file of revisions to ignore is read before configuration could empty its
name, and its first line comes back as an error."""

_IMPORT = threading.Lock()

_NAMES = """
DIR WORK_TREE INDEX_FILE OBJECT_DIRECTORY ALTERNATE_OBJECT_DIRECTORIES COMMON_DIR NAMESPACE PREFIX
INTERNAL_SUPER_PREFIX IMPLICIT_WORK_TREE GRAFT_FILE SHALLOW_FILE NO_REPLACE_OBJECTS REPLACE_REF_BASE
CONFIG CONFIG_PARAMETERS CONFIG_COUNT ATTR_SOURCE QUARANTINE_PATH DEFAULT_HASH EXEC_PATH
TEMPLATE_DIR EXTERNAL_DIFF DIFF_OPTS SSH SSH_VARIANT PROXY_COMMAND PROTOCOL PROTOCOL_FROM_USER
PAGER_IN_USE GLOB_PATHSPECS NOGLOB_PATHSPECS ICASE_PATHSPECS REDIRECT_STDIN REDIRECT_STDOUT
REDIRECT_STDERR TRACE TRACE_FSMONITOR TRACE_PACK_ACCESS TRACE_PACKET TRACE_PACKFILE
TRACE_PERFORMANCE TRACE_REFS TRACE_SETUP TRACE_SHALLOW TRACE_CURL TRACE2 TRACE2_EVENT TRACE2_PERF
"""
_DROPPED = frozenset(f"GIT_{name}" for name in _NAMES.split())
"""Variables of a surrounding git (a hook, a shell) that would send ours elsewhere.

Those that only say where the user's own configuration lies, or who the user is, stay.
"""

_COMMAND = re.compile(r"[a-z][a-z-]*")
_DRIVER = re.compile(r"(filter|trailer)\.(.*)\.[^.]+", re.DOTALL)
_SWITCHES = {
    "filter": (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")),
    "trailer": (("command", ""), ("cmd", "")),
}
_VALUES = {"": "SIDECAR_NOTHING", "false": "SIDECAR_FALSE"}
"""Variables that hold a value for `--config-env`: with `-c`, a driver's name could not contain an equals sign."""

Mode = Literal["read", "write", "free"]
Stamp = tuple[tuple[str, int, int], ...]
Drivers = frozenset[tuple[str, str]]


class Git:
    """git in one repository. Every method is safe to call from any thread; `run` and `stream` from the event loop.

    `root` is the top of the work tree (or the repository itself when it is `bare`), where every command runs, so
    that paths in arguments and answers are relative to it. `git_dir` is the repository's own folder. `index` is another
    file than its own for what is staged, as git has one while it makes some commits.
    """

    def __init__(self, root: Path, *, program: str, git_dir: Path, common_dir: Path, bare: bool = False) -> None:
        self.root = root
        self.bare = bare
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.program = program
        self.index: Path | None = None
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="git")
        self._drivers: tuple[Stamp, Drivers] | None = None

    @classmethod
    async def open(cls, folder: Path) -> Git:
        """The repository that a folder belongs to.

        Raises NotARepository with what is the matter, GitError when git cannot be used at all.
        """
        return await asyncio.to_thread(cls.open_blocking, folder)

    @classmethod
    def open_blocking(cls, folder: Path) -> Git:
        """As `open`, for threads."""
        folder = folder.resolve()
        if not folder.is_dir():
            raise NotARepository(f"{folder} is not a folder.")
        program = find_git(outside=_nearest_top(folder))
        # The user named this very folder, so it may be opened as a repository even where git wants that said.
        bare = _looks_bare(folder)
        return _discover(cls(folder, program=program, git_dir=folder, common_dir=folder, bare=bare))

    async def run(
        self,
        *argv: str,
        stdin: bytes | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - it must end the process, not only the waiting
        limit: int = LIMIT,
        ok: Collection[int] = (0,),
        mode: Mode = "read",
    ) -> bytes:
        """What a git command says. `argv` begins with the subcommand.

        `mode` is `read` (no lock is taken), `write`, or `free`: with the user's own hooks, signing, filters and network,
        for what the user asked for in a workspace that they trust. Raises GitTimeout after `timeout` seconds, GitError for an exit status
        that is not in `ok` or more than `limit` bytes. Cancelling kills the process and its children.
        """
        started = _Call(self, argv, stdin, timeout, limit, mode)
        future = asyncio.get_running_loop().run_in_executor(self._pool, started.finish, ok)
        try:
            return await future
        except asyncio.CancelledError:
            started.kill()
            raise

    def run_blocking(
        self,
        *argv: str,
        stdin: bytes | None = None,
        timeout: float = TIMEOUT,
        limit: int = LIMIT,
        ok: Collection[int] = (0,),
        mode: Mode = "read",
    ) -> bytes:
        """As `run`, for threads."""
        return _Call(self, argv, stdin, timeout, limit, mode).finish(ok)

    async def stream(self, *argv: str, stdin: bytes | None = None, ok: Collection[int] = (0,)) -> AsyncIterator[bytes]:
        """What a git command says, in pieces as they come, of any size; for what may not be held at once.

        Use it with `contextlib.aclosing` when it may be left early: closing it kills the process.
        """
        call = _Call(self, argv, stdin, None, None)
        loop = asyncio.get_running_loop()
        chunks = call.chunks(ok)
        try:
            while chunk := await loop.run_in_executor(self._pool, next, chunks, b""):
                yield chunk
        finally:
            call.kill()

    def chunks_blocking(
        self, *argv: str, stdin: bytes | None = None, timeout: float | None = None, ok: Collection[int] = (0,)
    ) -> Iterator[bytes]:
        """What a git command says, in pieces as they come; for threads. Closing the iterator kills the process."""
        return _Call(self, argv, stdin, timeout, None).chunks(ok)

    def lines_blocking(
        self,
        *argv: str,
        stdin: bytes | None = None,
        timeout: float | None = None,
        ok: Collection[int] = (0,),
        end: bytes = b"\n",
    ) -> Iterator[bytes]:
        """The lines that a git command says, as they come, without their ends; for threads.

        `end` is what ends a line (NUL for `-z` output). The last line needs none.
        """
        rest = b""
        for chunk in self.chunks_blocking(*argv, stdin=stdin, timeout=timeout, ok=ok):
            *lines, rest = (rest + chunk).split(end)
            yield from lines
        if rest:
            yield rest

    def filters_blocking(self) -> frozenset[str]:
        """Names of the content filters that some configuration defines; they are all switched off here."""
        return frozenset(name for kind, name in self._configured() if kind == "filter")

    def process(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout: float | None = TIMEOUT,
        limit: int | None = LIMIT,
        mode: Mode = "read",
    ) -> Process:
        """A command that has not begun yet; hardened in every mode but `free`."""
        if not argv or not _COMMAND.fullmatch(argv[0]):
            raise GitError(f"{argv[0] if argv else 'nothing'!r} is no git command.")
        if mode == "free":
            command = [self.program, "--no-pager", "-C", str(self.root), *argv]
            return Process(command, _begin, env=_FREE, stdin=stdin, timeout=timeout, limit=limit)
        command = [*self._prefix(), *self._settings(), argv[0], *_EXTRA.get(argv[0], ()), *argv[1:]]
        env = {**_ENVIRONMENT, "GIT_OPTIONAL_LOCKS": "1" if mode == "write" else "0"}
        if argv[0] == "check-ignore":  # the one command that takes no literal names: `./` goes before them
            env["GIT_LITERAL_PATHSPECS"] = "0"
        if self.index is not None:
            env["GIT_INDEX_FILE"] = str(self.index)
        return Process(command, _begin, env=env, stdin=stdin, timeout=timeout, limit=limit)

    def _prefix(self) -> list[str]:
        place = [f"--git-dir={self.git_dir}"] if self.bare else []
        # a replaced object would tell another history than the one that was committed
        return [self.program, "--no-pager", "--no-replace-objects", "-C", str(self.root), *place]

    def _settings(self) -> list[str]:
        safe = () if self.bare else ("safe.bareRepository=explicit",)
        fixed = [part for setting in (*_OFF, *_PLAIN, *safe) for part in ("-c", setting)]
        return [*fixed, *(option for driver in sorted(self._configured()) for option in _off(*driver))]

    def _configured(self) -> Drivers:
        """The drivers that the configuration names; asked again when one of its files changed."""
        if self._drivers is not None and self._drivers[0] == _stamp(name for name, _, _ in self._drivers[0]):
            return self._drivers[1]
        # A listing of configuration runs nothing, so it needs no other switch.
        command = [*self._prefix(), "config", "--list", "--includes", "--show-origin", "-z"]
        process = Process(command, _begin, env=_ENVIRONMENT, timeout=TIMEOUT, limit=LIMIT)
        said = b"".join(process.chunks())
        if process.status != 0:
            raise _failure(process, self.root)
        entries = _parse_listing(said)
        matches = (_DRIVER.fullmatch(key) for _, key, _ in entries)
        drivers = frozenset((match[1], match[2]) for match in matches if match)
        self._drivers = (_stamp(self._files(entries)), drivers)
        return drivers

    def _files(self, entries: list[tuple[str, str, str]]) -> set[str]:
        """What may change the configuration: its files, those that they include, and the branch (`onbranch:`)."""
        own = [self.common_dir / "config", self.git_dir / "config.worktree", self.git_dir / "HEAD"]
        files = {str(path) for path in own} | {str(_expanded("~/.gitconfig"))}
        for origin, key, value in entries:
            origin_file = self.root / origin
            files.add(str(origin_file))
            if key.startswith(("include.", "includeif.")):
                files.add(str(origin_file.parent / _expanded(value)))
        return files


class _Call:
    """A command on its way: prepared and run in a worker, killed from anywhere."""

    def __init__(
        self,
        git: Git,
        argv: Sequence[str],
        stdin: bytes | None,
        timeout: float | None,
        limit: int | None,
        mode: Mode = "read",
    ) -> None:
        self._git = git
        self._make = functools.partial(git.process, argv, stdin=stdin, timeout=timeout, limit=limit, mode=mode)
        self._process: Process | None = None
        self._killed = False

    def finish(self, ok: Collection[int]) -> bytes:
        return b"".join(self.chunks(ok))

    def chunks(self, ok: Collection[int]) -> Iterator[bytes]:
        process = self._process = self._make()
        if self._killed:
            process.kill()
        yield from process.chunks()
        if process.status not in ok:
            raise _failure(process, self._git.root)

    def kill(self) -> None:
        self._killed = True
        if self._process is not None:
            self._process.kill()


def _discover(here: Git) -> Git:
    """The repository that a folder belongs to, asked of git itself."""
    asked = ("rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--absolute-git-dir")
    bare, inside, folder = here.run_blocking(*asked).decode("utf-8", "surrogateescape").split("\n", 2)
    git_dir = Path(folder.removesuffix("\n"))
    common = here.root / _path(here.run_blocking("rev-parse", "--git-common-dir"))
    # A bare repository without a configuration (a bare copy) is one too, though git, told its folder, cannot know.
    unsaid = here.bare and git_dir.name != ".git" and not (git_dir / "config").exists()
    if bare == "true" or unsaid:
        return Git(git_dir, program=here.program, git_dir=git_dir, common_dir=common, bare=True)
    if inside != "true" or here.bare:
        raise NotARepository(f"{here.root} lies inside git's own folder; name the work tree instead.")
    top = _path(here.run_blocking("rev-parse", "--show-toplevel"))
    if not here.root.is_relative_to(top.resolve()):
        raise NotARepository(f"The repository of {here.root} says that its work tree is elsewhere; it is not used.")
    return Git(top, program=here.program, git_dir=git_dir, common_dir=common)


def _failure(process: Process, root: Path) -> GitError:
    """The words of git as an error, in one sentence of bounded length."""
    said = process.errors.decode("utf-8", "replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "")
    first = re.sub(r"^(fatal|error):\s*", "", first)[:300]
    if "dubious ownership" in said:
        return NotARepository(
            f"{root} belongs to another user, so git will not read it. If you trust it, run:"
            f" git config --global --add safe.directory {root}"
        )
    if "not a git repository" in said:
        return NotARepository(f"{root} is not in a git repository; run `git init` there, or open another folder.")
    return GitError(f"git could not answer: {first or f'it ended with status {process.status}'}")


def _off(kind: str, name: str) -> Iterator[str]:
    """Options that switch a driver off."""
    for switch, value in _SWITCHES[kind]:
        yield f"--config-env={kind}.{name}.{switch}={_VALUES[value]}"


def _parse_listing(said: bytes) -> list[tuple[str, str, str]]:
    """Entries of a configuration: the file that each comes from, its key and its value."""
    parts = said.decode("utf-8", "surrogateescape").split("\0")
    entries = []
    for origin, entry in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = entry.partition("\n")
        entries.append((origin.removeprefix("file:"), key, value))
    return entries


def _stamp(files: Iterable[str]) -> Stamp:
    found = []
    for name in sorted(files):
        try:
            stat = Path(name).stat()
            found.append((name, stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((name, 0, -1))
    return tuple(found)


def _expanded(name: str) -> Path:
    """A path whose `~` is the home folder, where there is one."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _nearest_top(folder: Path) -> Path:
    """The folder whose programs are the workspace's: the nearest one above that holds a repository, or itself."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)


def _looks_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _path(said: bytes) -> Path:
    return Path(os.fsdecode(said.removesuffix(b"\n")))


def _begin(argv: Sequence[str], stdin: BinaryIO | None, env: Mapping[str, str]) -> GitPython.AutoInterrupt:
    """A git process of its own group. Raises GitError with the reason when it cannot be started."""
    library, missing = _gitpython()
    command = [*_without_variables(argv[0], _DROPPED.intersection(env)), *argv]
    try:
        return library().execute(
            command,
            istream=stdin,
            as_process=True,
            shell=False,
            env=dict(env),
            start_new_session=sys.platform != "win32",
        )
    except (OSError, ValueError, missing) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise GitError(f"git could not be started ({reason}); check that it is installed.") from None


def _gitpython() -> tuple[type[GitPython], type[Exception]]:
    """GitPython's command class and its error for a missing program, without the start-up of its package.

    Importing the package runs `git version` from PATH, which may be the workspace's own program, and loads sixty
    modules that are not needed here; so the package is entered without being run.
    """
    with _IMPORT:
        if "git" not in sys.modules:
            spec = importlib.util.find_spec("git")
            if spec is None:
                raise GitError("The package GitPython is missing; install Sidecar again.")
            sys.modules["git"] = importlib.util.module_from_spec(spec)
        return importlib.import_module("git.cmd").Git, importlib.import_module("git.exc").GitCommandNotFound


@functools.cache
def _without_variables(git: str, ours: frozenset[str]) -> tuple[str, ...]:
    """A command prefix that drops git's variables but `ours`, since GitPython would hand them on; empty where there is no `env`."""
    if sys.platform == "win32":
        beside = Path(git).parents[1] / "usr" / "bin" / "env.exe"
        env = str(beside) if beside.exists() else None
    else:
        env = "/usr/bin/env" if Path("/usr/bin/env").exists() else None
    if env is None:
        return ()
    return (env, *(part for name in sorted(_DROPPED) if name not in ours for part in ("-u", name)))
