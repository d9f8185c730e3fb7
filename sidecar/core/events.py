"""Stream events of the Messages API: fold them into a message, unfold a message into them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from sidecar.core.errors import UpstreamError
from sidecar.core.messages import Json, Message


class Event:
    """One server-sent event. `raw` is the frame as it was read (or made), its blank line included.

    `type` is the event's name; `data` is decoded only when asked for, so that an event that nobody
    looks at is handed on byte for byte.
    """

    __slots__ = ("_data", "raw", "type")

    def __init__(self, type: str, raw: bytes, data: Json | None = None) -> None:  # noqa: A002 - the protocol's word
        self.type = type
        self.raw = raw
        self._data = data

    @property
    def data(self) -> Json:
        """The decoded data object; empty when the frame carried none or no JSON object."""
        if self._data is None:
            self._data = _decode(self.raw)
        return self._data

    @classmethod
    def make(cls, data: Json) -> Event:
        """An event made here; its name is the data's `type`."""
        name = str(data["type"])
        return cls(name, b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n", data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.type == other.type and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.type, self.raw))

    def __repr__(self) -> str:
        return f"Event({self.type!r}, {self.data!r})"


PING = Event.make({"type": "ping"})


def error_event(kind: str, sentence: str) -> Event:
    """The event that ends a stream which cannot be finished."""
    return Event.make({"type": "error", "error": {"type": kind, "message": sentence}})


class Accumulator:
    """Folds events into the message they describe. Unknown events and deltas are ignored, unknown blocks kept."""

    def __init__(self) -> None:
        self._message: Json | None = None
        self._blocks: dict[int, Json] = {}
        self._parts: dict[tuple[int, str], list[str]] = {}
        self.complete = False
        self.error: Json | None = None

    def feed(self, event: Event) -> None:
        """Take the next event. Raises UpstreamError where a known event lacks what the API says it holds."""
        try:
            self._take(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UpstreamError(f"The provider sent a {event.type} event that cannot be understood.") from error

    def message(self) -> Message:
        """The message so far."""
        body = dict(self._message or {"type": "message", "role": "assistant"})
        body["content"] = [self._block(index) for index in sorted(self._blocks)]
        return Message.of(body)

    def _take(self, event: Event) -> None:
        match event.type:
            case "message_start":
                self._message = _object(event.data.get("message") or {})
            case "content_block_start":
                self._blocks[int(event.data["index"])] = _object(event.data["content_block"])
            case "content_block_delta":
                self._delta(int(event.data["index"]), event.data["delta"])
            case "message_delta":
                self._finish(event.data)
            case "message_stop":
                self.complete = True
            case "error":
                self.error = _object(event.data.get("error") or {"type": "api_error", "message": "unknown error"})

    def _delta(self, index: int, delta: Json) -> None:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        match delta.get("type"):
            case "text_delta":
                self._parts.setdefault((index, "text"), []).append(_string(delta["text"]))
            case "input_json_delta":
                self._parts.setdefault((index, "input"), []).append(_string(delta["partial_json"]))
            case "thinking_delta":
                self._parts.setdefault((index, "thinking"), []).append(_string(delta["thinking"]))
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]

    def _finish(self, data: Json) -> None:
        message = self._message if self._message is not None else {}
        self._message = message
        message.update(data.get("delta") or {})
        message["usage"] = {**(message.get("usage") or {}), **(data.get("usage") or {})}
        message.update({k: v for k, v in data.items() if k not in {"type", "delta", "usage"}})

    def _block(self, index: int) -> Json:
        block = dict(self._blocks[index])
        for name in ("text", "thinking"):
            if parts := self._parts.get((index, name)):
                block[name] = "".join([str(block.get(name) or ""), *parts])
        if written := "".join(self._parts.get((index, "input"), ())):
            try:
                block["input"] = orjson.loads(written)
            except orjson.JSONDecodeError:
                block["input"] = {}
        return block


def unfold(message: Message) -> Iterator[Event]:
    """The events that a stream of this message would have brought, one delta a block."""
    body = message.body
    content: list[Json] = list(body.get("content") or [])
    head = {**body, "content": [], "stop_reason": None, "stop_sequence": None}
    usage = body.get("usage") or {}
    head["usage"] = {**usage, "output_tokens": 0}
    yield Event.make({"type": "message_start", "message": head})
    for index, block in enumerate(content):
        yield from _unfold_block(index, block)
    delta = {"stop_reason": body.get("stop_reason"), "stop_sequence": body.get("stop_sequence")}
    yield Event.make({"type": "message_delta", "delta": delta, "usage": usage})
    yield Event.make({"type": "message_stop"})


def _unfold_block(index: int, block: Json) -> Iterator[Event]:
    start, deltas = _opened(block)
    yield Event.make({"type": "content_block_start", "index": index, "content_block": start})
    for delta in deltas:
        yield Event.make({"type": "content_block_delta", "index": index, "delta": delta})
    yield Event.make({"type": "content_block_stop", "index": index})


def _opened(block: Json) -> tuple[Json, list[Json]]:
    """A block as its start shows it, and the deltas that bring the rest."""
    match block.get("type"):
        case "text":
            cited = [{"type": "citations_delta", "citation": c} for c in block.get("citations") or []]
            start = block | {"text": ""} | ({"citations": []} if cited else {})
            return start, [{"type": "text_delta", "text": block.get("text", "")}, *cited]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": block.get("thinking", "")}]
            if "signature" in block:
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
                return block | {"thinking": "", "signature": ""}, deltas
            return block | {"thinking": ""}, deltas
        case "tool_use" | "server_tool_use":
            text = orjson.dumps(block.get("input") or {}).decode()
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": text}]
        case _:
            return block, []


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    return value


def _decode(raw: bytes) -> Json:
    parts = [line[5:].removeprefix(b" ") for line in raw.splitlines() if line.startswith(b"data:")]
    try:
        value: Any = orjson.loads(b"\n".join(parts))
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _object(value: Any) -> Json:
    """A copy of a JSON object. Raises TypeError for anything else (`dict` would take a list of pairs)."""
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, not {type(value).__name__}")
    return dict(value)
