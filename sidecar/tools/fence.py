"""The one way in which tools come to files: inside the workspace only, regular files only, never through a link out of it.

A path is resolved as far as it exists and must lie in the workspace component by component; then the folders are walked
again without following links, so that nothing put in between meanwhile leads elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidecar.core.errors import BadInput, NotFound, Refused, TooLarge
from sidecar.core.policy import protected, secret

MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a file that is read or written."""

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_HELD: Final = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_QUIET: Final = _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Place:
    """A path inside the workspace: `parts` from the root on, links resolved; `name` for people, with `/`."""

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The path relative to the workspace, `.` for the workspace itself."""
        return "/".join(self.parts) or "."


class Fence:
    """A workspace's folder and what may be read and written in it. Every method blocks: not for an event loop."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def place(self, path: str) -> Place:
        """Where a path lies. Raises Refused when that is outside of the workspace, BadInput when it is no path."""
        if "\0" in path or len(path) > 4096 or not path.strip():
            raise BadInput("Give a path relative to the workspace, without NUL.")
        if _SCHEME.match(path) and not (os.name == "nt" and path[1] == ":"):
            raise BadInput(f"{path[:80]!r} is an address, not a path; give a path relative to the workspace.")
        if path.startswith("~"):
            raise Refused(f"{path[:80]!r} is outside of the workspace: no home folder is looked into.")
        try:
            resolved = Path(os.path.realpath(self.root / path))
        except (OSError, ValueError):
            raise BadInput(f"{path[:80]!r} cannot be resolved; give a path relative to the workspace.") from None
        if not resolved.is_relative_to(self.root):
            raise Refused(f"{path[:200]!r} is outside of the workspace, and only what lies in it can be used.")
        return Place(resolved.relative_to(self.root).parts)

    def for_reading(self, path: str) -> Place:
        """As `place`; Refused also where keys or passwords are kept. The name as given counts, and where it leads."""
        place = self.place(path)
        if told := secret(place.name) or secret(path.replace(os.sep, "/")):
            raise Refused(told)
        return place

    def for_writing(self, path: str) -> Place:
        """As `place`; Refused also where a file would decide what is run here, or where keys are kept."""
        place = self.for_reading(path)
        if not place.parts:
            raise BadInput("This is the workspace's own folder; name a file in it.")
        if told := protected(place.name) or protected(path.replace(os.sep, "/")):
            raise Refused(told)
        return place

    def read(self, place: Place, most: int = MOST_BYTES) -> bytes:
        """A regular file's bytes. Raises NotFound, TooLarge, BadInput for anything that is no regular file."""
        with self._parent(place) as folder, os.fdopen(self._open(folder, place), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise BadInput(f"{place.name} is {_kind(found.st_mode)}, not a regular file.")
            if found.st_size > most:
                raise TooLarge(f"{place.name} has {found.st_size:,} bytes; at most {most:,} are read. Search in it.")
            data = file.read(most + 1)
        if len(data) > most:
            raise TooLarge(f"{place.name} grew past {most:,} bytes while it was read.")
        return data

    def read_if_there(self, place: Place, most: int = MOST_BYTES) -> bytes | None:
        """As `read`; None where there is no such file."""
        try:
            return self.read(place, most)
        except NotFound:
            return None

    def write(self, place: Place, data: bytes) -> None:
        """Put a file's whole content there at once, keeping its mode; folders on the way are made.

        Raises TooLarge, Refused where something other than a regular file stands there.
        """
        if len(data) > MOST_BYTES:
            raise TooLarge(f"{place.name} would have {len(data):,} bytes; at most {MOST_BYTES:,} are written.")
        with self._parent(place, make=True) as folder:
            name = place.parts[-1]
            mode = self._mode(folder, place)
            draft = f".{name[:100]}.{secrets.token_hex(6)}.tmp"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_BINARY", 0)
                descriptor = os.open(folder.at(draft), flags, 0o666, **folder.held)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    if mode is not None and os.name == "posix":
                        os.fchmod(file.fileno(), mode)
                    os.fsync(file.fileno())
                folder.rename(draft, name)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(folder.at(draft), **folder.held)
                raise
            folder.sync()

    def remove(self, place: Place) -> None:
        """Delete a regular file. Raises NotFound."""
        with self._parent(place) as folder:
            if self._mode(folder, place) is None:
                raise NotFound(f"There is no file {place.name}.")
            os.unlink(folder.at(place.parts[-1]), **folder.held)
            folder.sync()

    def _open(self, folder: _Folder, place: Place) -> int:
        if not place.parts:
            raise BadInput("This is the workspace's own folder, not a file; list it.")
        try:
            return os.open(folder.at(place.parts[-1]), os.O_RDONLY | _QUIET, **folder.held)
        except OSError as error:
            raise _told(error, place) from None

    def _mode(self, folder: _Folder, place: Place) -> int | None:
        """The mode of what stands there, None where nothing does."""
        try:
            found = os.lstat(folder.at(place.parts[-1]), **folder.held)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{place.name} is {_kind(found.st_mode)}; only regular files are written.")
        return stat.S_IMODE(found.st_mode)

    @contextlib.contextmanager
    def _parent(self, place: Place, *, make: bool = False) -> Iterator[_Folder]:
        """The folder that a place lies in, held open: every step is taken without following a link."""
        folder = _Folder(self.root)
        try:
            for part in place.parts[:-1]:
                folder.enter(part, make=make)
            yield folder
        except OSError as error:
            raise _told(error, place) from None
        finally:
            folder.close()


class _Folder:
    """An open folder; where the system cannot hold one, its path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)) if _HELD else -1

    @property
    def held(self) -> dict[str, Any]:
        """What a call of `os` is given beside `at(name)`."""
        return {"dir_fd": self._descriptor} if _HELD else {}

    def at(self, name: str) -> str:
        """How a call of `os` names something in here."""
        return name if _HELD else str(self._path / name)

    def enter(self, part: str, *, make: bool) -> None:
        """Go on to a folder in this one."""
        with contextlib.suppress(FileExistsError):
            if make and _HELD:
                os.mkdir(part, dir_fd=self._descriptor)
            elif make:
                (self._path / part).mkdir()
        if _HELD:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NOFOLLOW, dir_fd=self._descriptor)
            os.close(self._descriptor)
            self._descriptor = inner
        elif (self._path / part).is_symlink():
            raise OSError(errno.ELOOP, "a link")
        self._path /= part

    def rename(self, old: str, new: str) -> None:
        """Put a file of this folder in another's place."""
        if _HELD:
            os.rename(old, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        else:
            Path(self.at(old)).replace(self.at(new))

    def sync(self) -> None:
        """What was renamed or deleted survives a loss of power."""
        if _HELD:
            with contextlib.suppress(OSError):
                os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go."""
        if _HELD:
            os.close(self._descriptor)


def _told(error: OSError, place: Place) -> Exception:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NotFound(f"There is no file {place.name} in the workspace.")
    if error.errno in {errno.ELOOP, errno.EMLINK}:
        return Refused(f"{place.name} leads through a link that changed meanwhile; it is not followed.")
    if error.errno == errno.EISDIR:
        return BadInput(f"{place.name} is a folder, not a file; list it.")
    if error.errno in {errno.ENXIO, errno.ENODEV}:
        return BadInput(f"{place.name} is not a regular file.")
    return BadInput(f"{place.name} cannot be used: {error.strerror or error}.")


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for test, name in kinds if test(mode)), "a device")
