"""Structured log events with the request id they belong to: redacted, one line each, never on standard output.

A room asks for its log with `get_logger("providers")` and says `log.info("retry", status=429)`: an event's name and
fields, not sentences. `bind(request="req_1")` adds fields to every event of a task. Nothing is written until
`configure` is called (but warnings, which Python then shows on standard error).

Writing happens on a thread of its own behind a bounded queue, so neither a full disk nor a terminal that does not
read can hold up the event loop; structlog, which costs some 50 ms to import, is loaded there with the first event.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_BOUND: ContextVar[Mapping[str, object]] = ContextVar("sidecar_trace", default=_NOTHING)
_QUEUED: Final = 10_000
_FILE_BYTES: Final = 5_000_000
_FILES_KEPT: Final = 3
_LONGEST: Final = 8_192
_MASK: Final = "[redacted]"


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
            self._logger.log(level, _Event({"event": event, **values}), exc_info=trace)


def get_logger(room: str) -> Log:
    """The log of a room, named as its package is (`endpoint`, `vcs`)."""
    return Log(room)


@contextlib.contextmanager
def bind(**fields: object) -> Iterator[None]:
    """Add fields to every event logged inside, also by tasks and threads (`to_thread`) started there."""
    token = _BOUND.set({**_BOUND.get(), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)


def configure(
    level: Level = "info",
    log_file: Path | None = None,
    *,
    secrets: Collection[str] = (),
    color: bool = False,
) -> Callable[[], None]:
    """Write events from `level` up to standard error as text and, given a file, there as JSON lines (0600, rotated).

    `secrets` are values to be masked wherever they stand, beside the known patterns. Other libraries' logs come
    along from warnings up. A file that cannot be written is told in one warning and done without. The result
    writes what is queued and ends the thread; call it before leaving with `os._exit`. Calling `configure` again
    replaces the former configuration.
    """
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Queue)]:
        handler.stop()
    known = tuple(sorted({s for s in secrets if len(s) >= 8}, key=len, reverse=True))
    handlers: list[logging.Handler] = []
    if sys.stderr is not None:
        text = logging.StreamHandler(sys.stderr)
        text.setFormatter(_Lines(known, color=color))
        handlers.append(text)
    problem: OSError | None = None
    if log_file is not None:
        try:
            handlers.append(_open_file(log_file, known))
        except OSError as error:
            problem = error
    door = _Queue(handlers)
    root.addHandler(door)
    root.setLevel(logging.WARNING)
    logging.getLogger("sidecar").setLevel(level.upper())
    atexit.register(door.stop)
    if problem is not None:
        get_logger("trace").warning("log_file_unusable", file=str(log_file), reason=problem.strerror or str(problem))
    return door.stop


# ── redaction ───────────────────────────────────────────────────────────────────────────────────────
_NAMES: Final = (
    r"authorization|x-api-key|api[-_]?key|access[-_]?key|[a-z_-]{0,40}token|[a-z_-]{0,40}secret|password|passwd"
)
# `name: value` and `NAME=value`; a value that is masked already, a number or a path stays.
_NAMED: Final = (
    rf"(?i)(?<![a-z0-9])((?:[a-z0-9]{{1,40}}_)?(?:{_NAMES})[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?)"
    r"(?!(?:bearer |basic )?\[redacted|[/~.\\]|\d{1,9}\b)[^\s\"',;&]{4,}"
)
_PATTERNS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", _MASK),
        (r"(?i)((?<![\w-])(?:set-)?cookie[\"']?\s{0,3}[:=]\s{0,3})[^\r\n]+", rf"\1{_MASK}"),
        (r"(?i)\b(bearer|basic)\s+(?=\S{0,200}[\d=]|\S{24})[\w.~+/=-]{8,}", rf"\1 {_MASK}"),
        (r"(?<![\w/-])sk-(?=[A-Za-z_-]{0,80}\d|[A-Za-z0-9]{16})[A-Za-z0-9_-]{12,}", _MASK),
        (r"(?<!\w)d(?:api|kea|ose)[0-9a-fA-F]{16,}(?:-\d+)?(?!\w)", _MASK),
        (r"(?<!\w)(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?!\w)", _MASK),
        (r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})", _MASK),
        (r"(?<!\w)(?:xox[abeoprs]-[\w-]{10,}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36})", _MASK),
        (r"(?<!\w)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*", _MASK),
        (r"(?i)(?<![\w.+-])([a-z][a-z0-9+.-]{0,20}://)(?!git@)[^/?#\s@'\"]{1,512}@", rf"\1{_MASK}@"),
        (_NAMED, rf"\1{_MASK}"),
    )
)
_SECRET_FIELD: Final = re.compile(
    r"(?i)^(?:.*_)?(?:authorization|api_?key|token|secret|password|passwd|cookie|private_key)$"
)


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """The text without credentials: known shapes, `name: value` pairs that name one, and the given values."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _redacted(value: object, secrets: Collection[str], key: str = "") -> object:
    if isinstance(value, str):
        masked = key and value and _SECRET_FIELD.match(key.replace("-", "_"))
        return _MASK if masked else _cut(redact(value[: 2 * _LONGEST], secrets), len(value))
    if isinstance(value, dict):
        return _redacted_fields(value, secrets)
    if isinstance(value, list):
        return [_redacted(item, secrets, key) for item in value]
    return value


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
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], text)


class _Event(dict[str, Any]):
    """An event as a log record carries it; as text it is safe also for a handler that is not ours."""

    __slots__ = ()

    def __str__(self) -> str:
        safe = _redacted_fields(self, ())
        return neutralise(" ".join([str(safe.pop("event")), *(f"{k}={v}" for k, v in safe.items())]))


class _Lines(logging.Formatter):
    """Renders a record as a line of text, or of JSON when `json` is set."""

    def __init__(self, secrets: Collection[str], *, json: bool = False, color: bool = False) -> None:
        super().__init__()
        self._secrets = secrets
        self._json = json
        self._color = color
        self._render: Callable[[Any, str, MutableMapping[str, Any]], str | bytes] | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._render is None:
            self._render = self._renderer()
        fields = dict(record.msg) if isinstance(record.msg, _Event) else self._foreign(record)
        room = record.name.removeprefix("sidecar.")
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = {"timestamp": time, "level": record.levelname.lower(), "logger": room, **fields}
        safe = _redacted_fields(event, self._secrets)
        trace = redact(self.formatException(record.exc_info), self._secrets) if record.exc_info else ""
        if self._json:
            return str(self._render(None, "", {**safe, "exception": trace} if trace else safe))
        line = str(self._render(None, "", _neutral(safe)))
        return "\n".join([line, *(f"  | {neutralise(part)}" for part in trace.splitlines())])

    def _renderer(self) -> Callable[[Any, str, MutableMapping[str, Any]], str | bytes]:
        from structlog import dev, processors  # noqa: PLC0415 - 50 ms that the start path need not pay

        if self._json:
            return processors.JSONRenderer(ensure_ascii=True, default=str)
        return dev.ConsoleRenderer(colors=self._color, pad_event_to=0)

    @staticmethod
    def _foreign(record: logging.LogRecord) -> dict[str, Any]:
        return {"event": record.getMessage(), **getattr(record, "bound", {})}


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
class _Queue(QueueHandler):
    """Hands records to a writing thread; when that cannot keep up the newest are dropped and counted."""

    def __init__(self, handlers: list[logging.Handler]) -> None:
        waiting: queue.Queue[Any] = queue.Queue(_QUEUED)
        super().__init__(waiting)
        self._dropped = 0
        self._handlers = handlers
        self._listener: QueueListener | None = QueueListener(waiting, *handlers)
        self._listener.start()

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        if not isinstance(record.msg, _Event):
            record.msg, record.args = record.getMessage(), None
            record.bound = dict(_BOUND.get())
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def stop(self) -> None:
        """Write what waits, end the thread, close the handlers. Does nothing the second time."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        logging.getLogger().removeHandler(self)
        atexit.unregister(self.stop)
        listener.stop()
        if self._dropped:
            note = _Event({"event": "log_events_dropped", "count": self._dropped})
            for handler in self._handlers:
                handler.handle(logging.LogRecord("sidecar.trace", logging.WARNING, __file__, 0, note, None, None))
        for handler in self._handlers:
            handler.close()


class _File(RotatingFileHandler):
    """A rotating file that only its owner can read and that other processes may rotate, too."""

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None and not self._names(self.stream.fileno()):
            self.stream.close()
            self.stream = self._open()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A full disk or a lost folder costs events, not the program."""

    def _names(self, descriptor: int) -> bool:
        """Whether our name still leads to the file that is open."""
        try:
            ours, named = os.fstat(descriptor), Path(self.baseFilename).stat()
        except OSError:
            return False
        return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)


def _open_file(path: Path, secrets: Collection[str]) -> logging.Handler:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _File(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    handler.setFormatter(_Lines(secrets, json=True))
    return handler
