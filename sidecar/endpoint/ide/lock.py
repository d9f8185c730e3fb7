"""The lock file by which the CLI finds an IDE: `<config>/ide/<port>.lock`, in the form that the CLI reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from sidecar.store.runtime import open_folder, replace_file


@contextlib.contextmanager
def announced(config: Path, *, port: int, token: str, folders: Sequence[Path], name: str) -> Iterator[Path]:
    """The lock file, there for as long as the context is open. `config` is Claude Code's own folder (`~/.claude`).

    The folder is this user's alone (0700), the file 0600, since it holds the token. Raises StoreError when it cannot
    be written.
    """
    config.mkdir(parents=True, exist_ok=True)
    path = open_folder(config / "ide") / f"{port}.lock"
    told = {
        "pid": os.getpid(),
        "workspaceFolders": [str(folder) for folder in folders],
        "ideName": name,
        "transport": "ws",
        "runningInWindows": os.name == "nt",
        "authToken": token,
    }
    replace_file(path, orjson.dumps(told))
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
