"""An answer that is kept: whether it may be, how it is written down, and how it is told again. Pure.

What is told again says in its `usage` that nothing was read anew: all input stands under `cache_read_input_tokens`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from sidecar.core.events import Accumulator, Event
from sidecar.core.messages import Json, Message, encode
from sidecar.core.sse import Decoder

_LENGTHS: Final = struct.Struct(">II")
_ENDINGS: Final = frozenset({"end_turn", "stop_sequence"})
_PLAIN: Final = frozenset({"text", "thinking", "redacted_thinking"})
_READ: Final = "cache_read_input_tokens"
_INPUT: Final = ("input_tokens", "cache_creation_input_tokens", _READ)


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer to be told again: the message's bytes, and its stream's where it came as one (else empty).

    `usage` is what the provider told of it the first time, `model` its name for the model that answered.
    """

    message: bytes
    frames: bytes = b""
    usage: Json = field(default_factory=dict)
    model: str = ""

    def encoded(self) -> bytes:
        """As the store takes it."""
        origin = encode({"usage": self.usage, "model": self.model})
        return _LENGTHS.pack(len(origin), len(self.message)) + origin + self.message + self.frames

    @classmethod
    def decoded(cls, stored: bytes) -> Kept:
        """What `encoded` wrote."""
        length, size = _LENGTHS.unpack_from(stored)
        begin = _LENGTHS.size + length
        origin = orjson.loads(stored[_LENGTHS.size : begin])
        return cls(stored[begin : begin + size], stored[begin + size :], origin["usage"], origin["model"])

    def events(self) -> list[Event]:
        """The stream, event by event as it came."""
        return Decoder().feed(self.frames)


def kept_message(message: Message) -> tuple[Kept | None, str]:
    """What to keep of a whole answer, or None and why nothing."""
    reason = unfit(message.body)
    if reason:
        return None, reason
    saving = Saving()
    raw = encode(message.body | {"usage": saving.of(message.body.get("usage"))})
    return Kept(raw, usage=saving.known), ""


def kept_stream(events: Iterable[Event]) -> tuple[Kept | None, str]:
    """What to keep of a stream that has ended, or None and why nothing. Pings are not told again."""
    folded = Accumulator()
    frames: list[bytes] = []
    saving = Saving()
    for event in events:
        folded.feed(event)
        if event.type != "ping":
            frames.append(saving.event(event).raw)
    if folded.error is not None or not folded.complete:
        return None, "cut"
    body = folded.message().body
    reason = unfit(body)
    if reason:
        return None, reason
    raw = encode(body | {"usage": Saving().of(body.get("usage"))})
    return Kept(raw, b"".join(frames), saving.known), ""


def unfit(body: Json) -> str:
    """Why a whole answer must not be given a second time; "" when it may."""
    content = body.get("content")
    if body.get("stop_reason") not in _ENDINGS:
        return "stop_reason"
    if not isinstance(content, list) or not content:
        return "empty"
    if any(not isinstance(block, dict) or block.get("type") not in _PLAIN for block in content):
        return "tool_use"
    return ""


class Saving:
    """Turns the usage of one answer into that of the same answer told again, over the events that bring it in parts.

    `known` is the usage as the provider told it so far.
    """

    def __init__(self) -> None:
        self.known: Json = {}

    def of(self, usage: Any) -> Json:
        """All input as read from a cache; what was put out and whatever else is told stays."""
        given: Json = usage if isinstance(usage, dict) else {}
        self.known |= {name: value for name, value in given.items() if value is not None}
        if not any(name in given for name in _INPUT):
            return given
        told = {**given, "input_tokens": 0, "cache_creation_input_tokens": 0}
        told[_READ] = sum(_number(self.known.get(name)) for name in _INPUT)
        if isinstance(detail := given.get("cache_creation"), dict):
            told["cache_creation"] = dict.fromkeys(detail, 0)
        return told

    def event(self, event: Event) -> Event:
        """The event with such a usage; the very same where it brings none."""
        data = event.data if event.type in {"message_start", "message_delta"} else {}
        match data:
            case {"message": {"usage": dict() as usage}}:
                return Event.make(data | {"message": data["message"] | {"usage": self.of(usage)}})
            case {"usage": dict() as usage}:
                return Event.make(data | {"usage": self.of(usage)})
        return event

    def events(self, events: Iterable[Event]) -> Iterator[Event]:
        """All of them so."""
        return map(self.event, events)


def spared_tokens(usage: Json) -> int:
    """All tokens, read and written, that the first answer took: what telling it again spares."""
    return sum(_number(usage.get(name)) for name in (*_INPUT, "output_tokens"))


def _number(value: Any) -> int:
    return max(0, value) if isinstance(value, int) else 0
