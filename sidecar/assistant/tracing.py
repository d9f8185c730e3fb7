"""The step that writes a traced turn down: what was asked, what went to the provider, what came back, and when.

Off unless a setting or the client's own header asks for it. Credentials are redacted by the patterns of `core.redaction`, which
leave paths and hashes alone; an answer is folded from its events first, so that a key which came in pieces is seen whole.
All of that is done on a thread of its own, after the answer has left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson

from sidecar.assistant.turn import Ask
from sidecar.core.errors import SidecarError, StoreError, UpstreamError
from sidecar.core.events import Accumulator, Event
from sidecar.core.messages import Message, MessagesRequest
from sidecar.core.ports import TAP
from sidecar.core.redaction import MASK, redact
from sidecar.core.reply import Reply
from sidecar.core.turn import TraceLevel, Turn
from sidecar.store.traces import TraceFolder
from sidecar.trace import get_logger

log = get_logger("assistant")

_CREDENTIALS: Final = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "set-cookie"}
)
_PIECE: Final = 64 * 1024
_KEY_BEGINS, _KEY_ENDS = "PRIVATE KEY-----\n", "-----END "


class Tracer:
    """A step for a place next to the outermost one. `level` holds where the client asks for nothing else."""

    def __init__(self, folder: TraceFolder, level: TraceLevel, secrets: Collection[str] = ()) -> None:
        self._folder = folder
        self._level = level
        self._secrets = tuple(secrets)
        self._worker: ThreadPoolExecutor | None = None

    async def __call__(self, request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
        """Ask; where this turn is traced, write down what was seen when it has ended."""
        level = turn.trace or self._level
        if level == "off":
            return await ask(request, turn)
        seen = _Seen(self, turn, request, level)
        token = TAP.set(seen)
        try:
            reply = await ask(request, turn)
        except BaseException as error:
            seen.end(error)
            raise
        finally:
            TAP.reset(token)
        return seen.over(reply)

    def file(self, seen: _Seen) -> None:
        """Write a trace soon; returns at once."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="traces")
        self._worker.submit(self._write, seen)

    async def aclose(self) -> None:
        """Write what waits."""
        if self._worker is not None:
            await asyncio.to_thread(self._worker.shutdown)

    def _write(self, seen: _Seen) -> None:
        try:
            path = self._folder.write(seen.turn.id, (redacted(line, self._secrets) for line in seen.lines()))
        except (StoreError, ValueError, TypeError, RecursionError) as error:
            log.warning("trace_not_written", turn=seen.turn.id, error=error)
        else:
            log.info("traced", turn=seen.turn.id, file=path.name)


@dataclass(slots=True)
class _Seen:
    """One traced turn, kept as it came. Implements `core.ports.WireTap`."""

    tracer: Tracer
    turn: Turn
    request: MessagesRequest
    level: TraceLevel
    started: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)
    wire: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)
    message: Message | None = None
    reply: Reply | None = None
    error: BaseException | None = None
    ended: float = 0.0

    def asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> None:
        """A request leaves for the provider."""
        told = {"kind": "upstream_request", "ms": self._now(), "method": method, "url": url, "headers": dict(headers)}
        self.wire.append({**told, "bytes": len(body or b""), "body": body})

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the provider's answer is here."""
        self.wire.append({"kind": "upstream_response", "ms": self._now(), "status": status, "headers": dict(headers)})

    def over(self, reply: Reply) -> Reply:
        """The same reply, watched."""
        self.reply = reply

        async def close() -> None:
            self.end()
            await reply.aclose()

        if reply.whole is not None:
            self.message = reply.whole
            return Reply(message=reply.whole, headers=reply.headers, close=close, handling=reply.handling)
        events = self._events(cast("AsyncGenerator[Event]", reply.events()))
        return Reply(events=events, headers=reply.headers, close=close, handling=reply.handling)

    async def _events(self, events: AsyncGenerator[Event]) -> AsyncIterator[Event]:
        async with aclosing(events):
            try:
                async for event in events:
                    self.events.append((self._now(), event))
                    yield event
            except SidecarError as error:
                self.error = error
                raise

    def end(self, error: BaseException | None = None) -> None:
        """The turn is over: write it down."""
        self.error = error or self.error
        self.ended = self._now()
        self.tracer.file(self)

    def _now(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 3)

    # ── afterwards, on the tracer's thread ──────────────────────────────────────────────────────────
    def lines(self) -> list[dict[str, Any]]:
        """The trace, not yet redacted."""
        full, turn, request = self.level == "full", self.turn, self.request
        told = {"id": turn.id, "time": self.started, "session": turn.session, "agent": turn.agent, "level": self.level}
        asked = {"model": request.model, "stream": request.stream, "bytes": len(request.raw)}
        lines = [{"kind": "turn", **told}, {"kind": "request", **asked, "headers": dict(request.headers)}]
        if full:
            lines[1]["body"] = dict(request.body)
        for line in self.wire:
            body = line.pop("body", None)
            lines.append({**line, "body": _json(body)} if full and body else line)
        if self.reply is not None:
            lines.append(self._answer(self.reply, full=full))
        if self.error is not None:
            lines.append(_failure(self.error, self.turn.unsaid))
        lines.append({"kind": "end", "ms": self.ended, "outcome": self._outcome()})
        return lines

    def _answer(self, reply: Reply, *, full: bool) -> dict[str, Any]:
        handling = reply.handling
        line: dict[str, Any] = {
            "kind": "answer",
            "headers": dict(reply.headers),
            "model": handling.model,
            "changed": list(handling.also(self.turn.unsaid).changes),
            "cache": handling.cache,
            "events": [[ms, event.type, len(event.raw)] for ms, event in self.events],
        }
        if full:
            line["message"] = self._message()
        return line

    def _message(self) -> dict[str, Any]:
        with suppress(SidecarError):
            if self.message is not None:
                return self.message.body
            folded = Accumulator()
            for _, event in self.events:
                folded.feed(event)
            return folded.message().body
        return {}

    def _outcome(self) -> str:
        if isinstance(self.error, asyncio.CancelledError):
            return "left"
        if self.error is not None or any(event.type == "error" for _, event in self.events):
            return "error"
        complete = self.message is not None or any(event.type == "message_stop" for _, event in self.events)
        return "done" if complete else "left"


def _failure(error: BaseException, unsaid: tuple[str, ...]) -> dict[str, Any]:
    line: dict[str, Any] = {"kind": "error", "type": type(error).__name__}
    if isinstance(error, SidecarError):
        line |= {"type": error.kind, "sentence": error.sentence}
    if isinstance(error, UpstreamError):
        line |= {
            "status": error.status,
            "upstream": error.request_id,
            "changed": list(error.handling.also(unsaid).changes),
        }
    return line


def _json(raw: bytes) -> Any:
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(raw)
    return raw.decode("utf-8", "replace")


# ── redaction ───────────────────────────────────────────────────────────────────────────────────────
def redacted(value: Any, secrets: Collection[str], name: str = "") -> Any:
    """The value without credentials, in texts however deep, and in fields that are named after one."""
    if isinstance(value, str):
        return _text(value, secrets, name)
    if isinstance(value, Mapping):
        return {_text(str(k), secrets): redacted(v, secrets, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item, secrets, name) for item in value]
    return value


def _text(text: str, secrets: Collection[str], name: str = "") -> str:
    if name.lower() in _CREDENTIALS:
        return MASK
    if len(text) > _PIECE and not any(blank in text for blank in " \n"):
        return f"[{len(text)} characters]"  # an image or a document: no text, and too long for patterns
    if len(text) > _PIECE:
        return "".join(redact(piece, secrets) for piece in _pieces(text))
    # In front of its value, the field's name lets the patterns see `"api_key": "…"` as they see it in a file.
    head = f"{name}: " if name and len(name) <= 64 else ""
    whole = redact(head + text, secrets)
    return whole[len(head) :] if whole.startswith(head) else redact(text, secrets)


def _pieces(text: str) -> list[str]:
    """A long text cut at line ends: a pattern lets no other thread run while it looks. No private key is cut."""
    pieces, start = [], 0
    while start < len(text):
        end = text.find("\n", start + _PIECE) + 1 or len(text)
        opened = text.rfind(_KEY_BEGINS, start, end)
        if opened > text.rfind(_KEY_ENDS, start, end):
            closed = text.find(_KEY_ENDS, end)
            end = text.find("\n", closed) + 1 or len(text) if closed >= 0 else len(text)
        pieces.append(text[start:end])
        start = end
    return pieces
