"""The state folder of a workspace, the endpoint's token in it, and the note of which sidecar is running there.

The folder is this user's alone (0700), files in it 0600 and replaced whole. The note is only believed while the
process that wrote it lives: its number *and* the moment of its start must match.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Final

import orjson

from sidecar.core.errors import SetupError, StoreError
from sidecar.core.secret import SecretStr

TOKEN_FILE: Final = PurePath("token")
NOTE_FILE: Final = "endpoint.json"
_LONGEST_TOKEN: Final = 4096
"""Twice that fits into the headers of a request that carries it in both."""
_TOKEN: Final = re.compile(rf"[\x21-\x7e]{{1,{_LONGEST_TOKEN}}}")
_SAME_START: Final = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """One running sidecar, as other processes of the same user may know it. `started` is its process's start, UTC seconds."""

    pid: int
    started: float
    base_url: str
    port: int
    provider: str
    workspace: str
    token_file: str


def open_folder(folder: Path) -> Path:
    """Make the state folder, or see to it that it is ours alone. Raises StoreError with the mend."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            facts = folder.stat()
            if facts.st_uid != os.getuid():
                raise StoreError(f"The state folder {folder} belongs to another user; set SIDECAR_STATE_DIR.")
            if stat.S_IMODE(facts.st_mode) != 0o700:
                folder.chmod(0o700)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise StoreError(f"The state folder {folder} cannot be written; set SIDECAR_STATE_DIR to one that can.")
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"The state folder {folder} cannot be used ({reason}); set SIDECAR_STATE_DIR to one that can."
        ) from None
    return folder


def keep_token(folder: Path | None, given: SecretStr | None = None) -> SecretStr:
    """The endpoint's token: the given one, else the one kept in the folder, else a new one; kept there from now on.

    A kept token goes on holding after a restart, so terminals that were opened before need no new one. Without a
    folder it lives in memory only. Raises StoreError when it cannot be kept, SetupError for one that no request could carry.
    """
    if given is not None and not _TOKEN.fullmatch(given.get_secret_value()):
        raise SetupError(
            f"SIDECAR_TOKEN is no token of 1 to {_LONGEST_TOKEN} printable characters; take a shorter one.",
            "SIDECAR_TOKEN",
        )
    if folder is None:
        return given or SecretStr(secrets.token_urlsafe(32))
    kept = read_token(folder)
    if given is None and kept is not None:
        return kept
    token = given or SecretStr(secrets.token_urlsafe(32))
    if kept is None or token.get_secret_value() != kept.get_secret_value():
        with contextlib.suppress(OSError):
            (folder / TOKEN_FILE).rmdir()  # an empty folder in its place is nobody's
        replace_file(folder / TOKEN_FILE, token.get_secret_value().encode())
    return token


def read_token(folder: Path) -> SecretStr | None:
    """The kept token; None when there is none, or none that only this user could have written and read."""
    try:
        descriptor = os.open(folder / TOKEN_FILE, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            facts = os.fstat(descriptor)
            private = sys.platform == "win32" or (facts.st_uid == os.getuid() and not facts.st_mode & 0o077)
            text = os.read(descriptor, _LONGEST_TOKEN + 2).decode("ascii").strip()
        finally:
            os.close(descriptor)
    except (OSError, UnicodeDecodeError):
        return None
    return SecretStr(text) if private and _TOKEN.fullmatch(text) else None


def announce(folder: Path, *, base_url: str, port: int, provider: str, workspace: Path) -> Running:
    """Note this process as the workspace's running sidecar. Raises StoreError when the note cannot be written."""
    started = _start_of(os.getpid()) or 0.0
    token_file = str(folder / TOKEN_FILE)
    running = Running(os.getpid(), started, base_url, port, provider, str(workspace), token_file)
    replace_file(folder / NOTE_FILE, orjson.dumps(asdict(running)))
    return running


def withdraw(folder: Path, former: Running | None = None) -> None:
    """Take this process's own note away; another's is left. `former` is put back if its process still runs."""
    note = _read_note(folder)
    if note is None or note.pid != os.getpid():
        return
    with contextlib.suppress(OSError):
        (folder / NOTE_FILE).unlink()
    if former is not None and former.pid != os.getpid() and _lives(former):
        with contextlib.suppress(StoreError):
            replace_file(folder / NOTE_FILE, orjson.dumps(asdict(former)))


def noted(folder: Path) -> Running | None:
    """What the note says, whether its process still lives or not; None without a note that can be read."""
    return _read_note(folder)


def find_running(folder: Path | None) -> Running | None:
    """The workspace's running sidecar, or None. A note whose process is gone does not count."""
    note = _read_note(folder) if folder is not None else None
    return note if note is not None and _lives(note) else None


def listening(folder: Path, port: int) -> Running | None:
    """The sidecar of this user that listens on a port, whichever its workspace; `folder` is one workspace's own."""
    notes = (_read_note(place.parent) for place in sorted(folder.parent.glob(f"*/{NOTE_FILE}")))
    return next((note for note in notes if note is not None and note.port == port and _lives(note)), None)


def _lives(note: Running) -> bool:
    started = _start_of(note.pid)
    return started is not None and abs(started - note.started) < _SAME_START


def _read_note(folder: Path) -> Running | None:
    try:
        told = orjson.loads((folder / NOTE_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    match told:
        case {
            "pid": int(pid),
            "started": int(started) | float(started),
            "base_url": str(base_url),
            "port": int(port),
            "provider": str(provider),
            "workspace": str(workspace),
            "token_file": str(token_file),
        }:
            return Running(pid, started, base_url, port, provider, workspace, token_file)
    return None


def _start_of(pid: int) -> float | None:
    """When a process of this user started (UTC seconds), or None when there is none."""
    import psutil  # noqa: PLC0415 - 20 ms that only whoever asks for a running sidecar pays

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def replace_file(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace a file whole, readable by this user only; one of the user's own (`mode`) outlives a power cut. Raises StoreError."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                if mode is not None:
                    file.flush()
                    os.fsync(file.fileno())
            if mode is not None:
                Path(name).chmod(mode)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        why = "it is a folder; move it away, or remove it" if path.is_dir() else error.strerror or error
        raise StoreError(f"{path} cannot be written: {why}.") from None
