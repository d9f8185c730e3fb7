"""Traces as files: one for each traced request, JSON lines, this user's alone (0600), the oldest removed."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from sidecar.core.errors import NotFound, StoreError

TRACES: Final = "traces"
"""The folder of a workspace's traces in its state folder."""

_NAME: Final = re.compile(r"(\d{8}T\d{6}\.\d{3})Z-([\w-]{1,64})\.jsonl")
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class TraceFile:
    """One kept trace: the request's id, when it was written (UTC seconds), its size in bytes."""

    id: str
    time: float
    size: int
    path: Path


class TraceFolder:
    """The traces of one workspace; the folder is made with the first of them."""

    def __init__(self, folder: Path, *, keep_days: int = 7, keep_count: int = 200) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._keep_count = keep_count

    def write(self, ident: str, lines: Iterable[Mapping[str, Any]]) -> Path:
        """Keep a trace and remove those that are too old or too many. Raises StoreError. Blocks."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        name = re.sub(r"[^\w-]", "_", ident, flags=re.ASCII)[:64]
        path = self._folder / f"{stamp}Z-{name}.jsonl"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
            self._prune()
        except OSError as error:
            raise StoreError(f"The trace {path.name} could not be written: {error.strerror or error}.") from error
        return path

    def all(self) -> list[TraceFile]:
        """The kept traces, newest first."""
        return sorted(self._files(), key=lambda trace: (trace.time, trace.path.name), reverse=True)

    def read(self, ident: str) -> list[dict[str, Any]]:
        """The lines of the trace whose request's id is, or begins with, this. Raises NotFound, StoreError."""
        found = next((trace for trace in self.all() if ident and trace.id.startswith(ident)), None)
        if found is None:
            raise NotFound(f"There is no trace of {ident}; `sidecar traces` lists those that are kept.")
        try:
            return list(_lines(found.path.read_bytes()))
        except OSError as error:
            raise StoreError(f"The trace {found.path} cannot be read: {error.strerror or error}.") from None

    def clear(self) -> int:
        """Remove all traces; how many there were."""
        traces = self.all()
        for trace in traces:
            trace.path.unlink(missing_ok=True)
        return len(traces)

    def _files(self) -> Iterator[TraceFile]:
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if named := _NAME.fullmatch(path.name):
                    when = datetime.strptime(named.group(1), "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC).timestamp()
                    yield TraceFile(named.group(2), when, path.stat().st_size, path)

    def _prune(self) -> None:
        oldest = time.time() - self._keep_days * _DAY
        for number, trace in enumerate(self.all()):
            if number >= self._keep_count or trace.time < oldest:
                trace.path.unlink(missing_ok=True)


def _lines(raw: bytes) -> Iterator[dict[str, Any]]:
    """The lines that can be read: a process that was killed may have left half of one."""
    for line in raw.splitlines():
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(line)
            if isinstance(value, dict):
                yield value
