"""`sidecar logs`: the workspace's log, its newest lines or as it is written, by level and by request."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any, Final

import orjson
import typer

from sidecar.cli.options import Json, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import BadInput, NotFound
from sidecar.settings import from_machine
from sidecar.trace import LEVELS, neutralise

_OLDER: Final = (".3", ".2", ".1")
_LOOK: Final = 0.2  # seconds between looks at a file that is followed
_HEAD: Final = frozenset({"timestamp", "level", "logger", "event", "exception"})

Event = dict[str, Any]
Wanted = Callable[[Event], bool]

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")]
Level = Annotated[str, typer.Option("--level", metavar="LEVEL", help="debug, info, warning or error, and above.")]
Request = Annotated[
    str | None, typer.Option("--request", metavar="ID", help="Only this request: our id, or the provider's.")
]
Lines = Annotated[int, typer.Option("--lines", "-n", metavar="N", min=0, help="How many of the newest lines.")]


def logs(
    *,
    follow: Follow = False,
    level: Level = "debug",
    request: Request = None,
    lines: Lines = 200,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Show the newest lines of this workspace's log, oldest first."""
    out = Output(json)
    if level not in LEVELS:
        raise BadInput(f"--level takes one of {', '.join(LEVELS)}, not {level}.")
    file = from_machine({"server.workspace": workspace}).log_file
    if file is None or not (file.is_file() or follow):
        raise NotFound("There is no log of this workspace yet; it begins with `sidecar serve`.")
    wanted = wanted_of(level, request)
    newest: deque[Event] = deque(maxlen=lines)
    with contextlib.closing(Reader(file)) as reader:
        newest.extend(event for event in reader.all() if wanted(event))
        for event in newest:
            _tell(out, event)
        while follow:
            for event in reader.new():
                if wanted(event):
                    _tell(out, event)
            time.sleep(_LOOK)
    return 0


def wanted_of(level: str, request: str | None) -> Wanted:
    """What tells whether an event is asked for."""
    levels = frozenset(LEVELS[LEVELS.index(level) :])

    def wanted(event: Event) -> bool:
        ids = {event.get("request"), event.get("turn"), event.get("upstream")}
        return event.get("level") in levels and (request is None or request in ids)

    return wanted


class Reader:
    """Reads a log that is being written and rotated."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._open: IO[bytes] | None = None
        self._rest = b""

    def all(self) -> Iterator[Event]:
        """Every event of the rotated files and of the current one so far."""
        for suffix in _OLDER:
            with contextlib.suppress(OSError), self._path.with_name(self._path.name + suffix).open("rb") as older:
                yield from map(_event, older)
        yield from self.new()

    def new(self) -> Iterator[Event]:
        """Events written since the last look, also past a rotation."""
        if self._open is not None:
            yield from self._take()
        if self._open is None or not self._is_current():
            self.close()
            with contextlib.suppress(OSError):
                self._open = self._path.open("rb")
            yield from self._take()

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open.close()
        self._open, self._rest = None, b""

    def _take(self) -> Iterator[Event]:
        if self._open is None:
            return
        whole, _, self._rest = (self._rest + self._open.read()).rpartition(b"\n")
        yield from map(_event, whole.splitlines())

    def _is_current(self) -> bool:
        """Whether the log's name still leads to the file that is open, and that one was not cut short."""
        try:
            named = self._path.stat()
        except OSError:
            return True
        if self._open is None:
            return False
        ours = os.fstat(self._open.fileno())
        return (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) and named.st_size >= self._open.tell()


def _event(line: bytes) -> Event:
    with contextlib.suppress(orjson.JSONDecodeError):
        value = orjson.loads(line)
        if isinstance(value, dict):
            return value
    return {"level": "info", "event": line.decode("utf-8", "replace").strip()}


def _tell(out: Output, event: Mapping[str, Any]) -> None:
    if out.json:
        out.record(event)
        return
    fields = " ".join(f"{key}={value}" for key, value in event.items() if key not in _HEAD)
    head = f"{event.get('timestamp', ''):<24} {event.get('level', ''):<7} {event.get('logger', ''):<9}"
    out.data(neutralise(f"{head} {event.get('event', '')}  {fields}".rstrip()))
    for part in str(event.get("exception") or "").splitlines():
        out.data(f"  | {neutralise(part)}")
