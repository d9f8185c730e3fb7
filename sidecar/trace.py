"""Structured log events with the request id they belong to: redacted, one line each, never on standard output.

A room asks for its log with `get_logger("providers")` and says `log.info("retry", status=429)`: an event's name and
fields, not sentences. `bind(request="req_1")` adds fields to every event of a task. Nothing is written until
`configure` is called (but warnings, which Python then shows on standard error).

Whoever logs only puts the event into a bounded queue. A thread of its own gathers what came in a short while, takes
credentials out, renders each event once for each place and writes it in one go: neither a full disk nor a terminal
that does not read can hold up the event loop, and a busy loop hands over the interpreter's lock some 20 times a second,
not with every request. structlog, whose import brings rich and pygments along (50 ms of a processor, 7.5 MB), colours the lines of a
terminal, and is loaded there with the first of them; a line of JSON is what its `JSONRenderer` writes, made without it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TextIO

from sidecar.core.redaction import MASK, redact

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_BOUND: ContextVar[Mapping[str, object]] = ContextVar("sidecar_trace", default=_NOTHING)
_QUEUED: Final = 10_000
_GATHER: Final = 0.05
"""Seconds that events may wait for others to be written with."""
_FILE_BYTES: Final = 5_000_000
_FILES_KEPT: Final = 3
_TURN: Final = 16
"""Events that are rendered, in some 30 microseconds each, before other threads get a turn."""
_LONGEST: Final = 8_192


class Log:
    """The log of one room. An event is a name; what belongs to it are fields (never the user's content)."""

    __slots__ = ("_logger",)

    def __init__(self, room: str) -> None:
        self._logger = logging.getLogger(f"sidecar.{room}")

    def debug(self, event: str, /, **fields: object) -> None:
        """For whoever looks for a fault."""
        self._emit(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """What happened."""
        self._emit(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """What went wrong and was got over."""
        self._emit(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """What could not be done."""
        self._emit(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """Like `error`, with the traceback of the exception being handled."""
        self._emit(logging.ERROR, event, fields, trace=True)

    def _emit(self, level: int, event: str, fields: Mapping[str, object], *, trace: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            values = {key: _plain(value) for key, value in {**_BOUND.get(), **fields}.items()}
            told = _Event({"event": event, **values})
            # Not by the logger's own methods: they walk the stack for a file and a line that nobody writes.
            self._logger.handle(
                logging.LogRecord(self._logger.name, level, "", 0, told, None, sys.exc_info() if trace else None)
            )


def get_logger(room: str) -> Log:
    """The log of a room, named as its package is (`endpoint`, `vcs`)."""
    return Log(room)


class bind:  # noqa: N801 - used like a function, and written as a class because every request passes through it
    """Inside of `with bind(request="req_1"):` every event has these fields, also those of tasks and threads started there."""

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: object) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        self._token = _BOUND.set({**_BOUND.get(), **self._fields})

    def __exit__(self, *exc: object) -> None:
        _BOUND.reset(self._token)


def configure(
    level: Level = "info", log_file: Path | None = None, *, secrets: Collection[str] = (), color: bool = False
) -> Callable[[], None]:
    """Write events from `level` up to standard error as text and, given a file, there as JSON lines (0600, rotated).

    `secrets` are values to be masked wherever they stand, beside the known patterns. Other libraries' logs come
    along from warnings up. A file that cannot be written is told in one warning and done without. The result
    writes what is queued, ends the thread and puts the levels back; call it before leaving with `os._exit`. Calling
    `configure` again replaces the former configuration.
    """
    # What no line shows need not be found out for each event: thread, process.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Queue)]:
        handler.stop()
    known = tuple(sorted({s for s in secrets if len(s) >= 8}, key=len, reverse=True))
    places: list[_Place] = []
    if sys.stderr is not None:
        places.append(_Terminal(sys.stderr, color=color))
    problem: OSError | None = None
    if log_file is not None:
        try:
            places.append(_open_file(log_file))
        except OSError as error:
            problem = error
    door = _Queue(places, known)
    root.addHandler(door)
    ours = logging.getLogger("sidecar")
    before = root.level, ours.level
    root.setLevel(logging.WARNING)
    ours.setLevel(level.upper())
    atexit.register(door.stop)

    def end() -> None:
        door.stop()
        root.setLevel(before[0])
        ours.setLevel(before[1])

    if problem is not None:
        get_logger("trace").warning("log_file_unusable", file=str(log_file), reason=problem.strerror or str(problem))
    return end


# ── redaction ───────────────────────────────────────────────────────────────────────────────────────
_SECRET_FIELD: Final = re.compile(
    r"(?i)^(?:.*_)?(?:authorization|api_?key|token|secret|password|passwd|cookie|private_key)$"
)


def _redacted(value: object, secrets: Collection[str], key: str = "") -> object:
    if isinstance(value, str):
        masked = key and value and _names_secret(key)
        return MASK if masked else _cut(redact(value[: 2 * _LONGEST], secrets), len(value))
    if isinstance(value, dict):
        return _redacted_fields(value, secrets)
    if isinstance(value, list):
        return [_redacted(item, secrets, key) for item in value]
    return value


@lru_cache(1024)  # the names of fields are few, and are looked at with every event
def _names_secret(key: str) -> bool:
    return _SECRET_FIELD.match(key.replace("-", "_")) is not None


def _redacted_fields(fields: Mapping[Any, object], secrets: Collection[str]) -> dict[str, Any]:
    return {str(key): _redacted(value, secrets, str(key)) for key, value in fields.items()}


def _cut(text: str, whole: int) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({whole - _LONGEST} characters more)"


# ── one line each ───────────────────────────────────────────────────────────────────────────────────
# Control characters, line separators and what turns the direction of writing: an event must not draw on a
# terminal nor begin a line that looks like another event.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def neutralise(text: str) -> str:
    """The text with everything that could move a cursor or begin a line written as a visible escape."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], text)


class _Event(dict[str, Any]):
    """An event as a log record carries it; as text it is safe also for a handler that is not ours."""

    __slots__ = ()

    def __str__(self) -> str:
        safe = _redacted_fields(self, ())
        return neutralise(" ".join([str(safe.pop("event")), *(f"{k}={v}" for k, v in safe.items())]))


Rendered = dict[str, Any]
"""An event as it is written: time, level, room, name and fields, all of it redacted."""


def _rendered(record: logging.LogRecord, secrets: Collection[str]) -> Rendered:
    told = record.msg
    fields = told if isinstance(told, _Event) else {"event": told, **getattr(record, "bound", {})}
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    head = {"timestamp": moment.replace("+00:00", "Z"), "level": record.levelname.lower()}
    room = record.name.removeprefix("sidecar.")
    event = {**head, **_redacted_fields({"logger": room, **fields}, secrets)}
    if record.exc_info:
        event["exception"] = redact(logging.Formatter().formatException(record.exc_info), secrets)
    return event


_Renderer = Callable[[Any, str, MutableMapping[str, Any]], str | bytes]


def _color_renderer() -> _Renderer:
    from structlog import dev  # noqa: PLC0415 - 50 ms that the start path need not pay

    return dev.ConsoleRenderer(colors=True, pad_event_to=0)


def _as_text(event: Rendered) -> str:
    """A line for people, as structlog's console renderer writes it without colours, in a fifth of its time."""
    rest = " ".join(f"{key}={_shown(event[key])}" for key in sorted(event.keys() - _HEAD))
    line = f"{event['timestamp']} [{event['level']:<9}] {event['event']} [{event['logger']}]"
    return f"{line} {rest}" if rest else line


_QUOTED: Final = re.compile("[ \t=\"']")
_HEAD: Final = frozenset({"timestamp", "level", "event", "logger"})


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if isinstance(value, str) and _QUOTED.search(text) else text


def _neutral(value: Any) -> Any:
    if isinstance(value, str):
        return neutralise(value)
    if isinstance(value, dict):
        return {neutralise(str(k)): _neutral(v) for k, v in value.items()}
    return [_neutral(item) for item in value] if isinstance(value, list) else value


def _plain(value: object, depth: int = 4) -> object:
    """A value as it is at this moment, made of what JSON knows."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if depth and isinstance(value, Mapping):
        return {str(k): _plain(v, depth - 1) for k, v in value.items()}
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth - 1) for item in value]
    return str(value)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────
class _Place(Protocol):
    """Where events go."""

    def render(self, event: Rendered) -> str:
        """The event as this place takes it, its line break included."""

    def write(self, lines: list[str]) -> None:
        """Write these; what cannot be written is lost without a word."""

    def close(self) -> None:
        """No more comes."""


class _Queue(logging.Handler):
    """Hands records to a writing thread; when that cannot keep up the newest are dropped and counted."""

    def __init__(self, places: list[_Place], secrets: Collection[str]) -> None:
        super().__init__()
        self._places = places
        self._secrets = secrets
        self._waiting: deque[logging.LogRecord] = deque()
        self._dropped = 0
        self._stopping = threading.Event()
        self._came = threading.Event()
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="trace", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._waiting) >= _QUEUED:
            self._dropped += 1
            return
        if not isinstance(record.msg, _Event):
            record.msg, record.args = record.getMessage(), None
            record.bound = dict(_BOUND.get())
        self._waiting.append(record)
        if not self._came.is_set():
            self._came.set()

    def stop(self) -> None:
        """Write what waits, end the thread, close the places. Does nothing the second time."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        logging.getLogger().removeHandler(self)
        atexit.unregister(self.stop)
        self._stopping.set()
        self._came.set()
        thread.join()
        for place in self._places:
            place.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._came.wait()
            self._stopping.wait(_GATHER)
            self._came.clear()
            self._write(len(self._waiting))
        self._write(len(self._waiting))
        if self._dropped:
            note = _Event({"event": "log_events_dropped", "count": self._dropped})
            self._waiting.append(logging.LogRecord("sidecar.trace", logging.WARNING, "", 0, note, None, None))
            self._write(1)

    def _write(self, count: int) -> None:
        lines: list[list[str]] = [[] for _ in self._places]
        for number in range(count):
            record = self._waiting.popleft()
            try:
                event = _rendered(record, self._secrets)
                for place, prepared in zip(self._places, lines, strict=True):
                    prepared.append(place.render(event))
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                self._dropped += 1  # what cannot be rendered must not end the thread
            if number % _TURN == 0:
                time.sleep(0)  # the event loop need not wait until all are rendered
        for place, prepared in zip(self._places, lines, strict=True):
            place.write(prepared)


class _Terminal:
    """Standard error: a line of text an event, and a traceback in lines that cannot be taken for events."""

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        self._stream = stream
        self._color = color
        self._renderer: _Renderer | None = None

    def render(self, event: Rendered) -> str:
        safe = _neutral({key: value for key, value in event.items() if key != "exception"})
        if self._color:
            self._renderer = self._renderer or _color_renderer()
            line = str(self._renderer(None, "", safe))
        else:
            line = _as_text(safe)
        trace = str(event.get("exception", "")).splitlines()
        return "\n".join([line, *(f"  | {neutralise(part)}" for part in trace), ""])

    def write(self, lines: list[str]) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write("".join(lines))
            self._stream.flush()

    def close(self) -> None:
        pass


class _File(RotatingFileHandler):
    """A rotating file that only its owner can read and that other processes may rotate, too."""

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def render(self, event: Rendered) -> str:
        """The event as a line of JSON."""
        return f"{json.dumps(event, ensure_ascii=True, default=str)}\n"

    def write(self, lines: list[str]) -> None:
        """Write lines, and begin a new file wherever one is full."""
        with contextlib.suppress(OSError, ValueError):  # a full disk or a lost folder costs events, not the program
            if self.stream is None or not self._names(self.stream.fileno()):
                self.close()
                self.stream = self._open()
            room = self.maxBytes - os.fstat(self.stream.fileno()).st_size
            fitting: list[str] = []
            for line in lines:
                room -= len(line)
                if room < 0:
                    self._flush(fitting)
                    self.doRollover()
                    room = self.maxBytes - len(line)
                fitting.append(line)
            self._flush(fitting)

    def close(self) -> None:
        """Close the file; what a full disk did not take before it does not take now."""
        with contextlib.suppress(OSError, ValueError):
            super().close()

    def _flush(self, lines: list[str]) -> None:
        if self.stream is not None:
            self.stream.write("".join(lines))
            self.stream.flush()
        lines.clear()

    def _names(self, descriptor: int) -> bool:
        """Whether our name still leads to the file that is open."""
        try:
            ours, named = os.fstat(descriptor), Path(self.baseFilename).stat()
        except OSError:
            return False
        return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)


def _open_file(path: Path) -> _File:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _File(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
