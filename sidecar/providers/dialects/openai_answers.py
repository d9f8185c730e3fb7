"""Chat-completions answers as Messages answers: whole, and as a stream of events while it arrives. Pure.

Sources: OpenAI's chat-completions reference (chunks, `tool_calls` by index, usage in a chunk without choices);
Databricks' reference (with thinking, content is a list of `reasoning` and `text` parts, in chunks as well).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from sidecar.core.chat import STOPS, arguments
from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import Json, Message

_REASONING: Final = ("reasoning_content", "reasoning")


def whole_message(answer: Mapping[str, Any], *, ident: str, model: str) -> Message:
    """The message of a whole answer. `model` is the name that the client asked for, `ident` the message's id.

    Raises UpstreamError where there is no choice in it.
    """
    choice = _first(answer.get("choices"))
    said = choice.get("message")
    if not isinstance(said, dict):
        raise UpstreamError("The provider's answer holds no message.")
    content = _merged(_blocks(said))
    calls = [call for call in _listed(said.get("tool_calls")) if isinstance(call.get("function"), dict)]
    content += [_tool_use(call, f"{ident}_{number}") for number, call in enumerate(calls)]
    return Message.of(
        {
            "id": ident,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": _stop(choice.get("finish_reason"), called=bool(calls)),
            "stop_sequence": None,
            "usage": usage(answer.get("usage")),
        }
    )


def usage(counted: Any) -> Json:
    """Token counts under the Messages API's names. Cached tokens stand apart from `input_tokens` there."""
    given = counted if isinstance(counted, dict) else {}
    detail = given.get("prompt_tokens_details")
    cached = _count(detail.get("cached_tokens")) if isinstance(detail, dict) else 0
    return {
        "input_tokens": max(0, _count(given.get("prompt_tokens")) - cached),
        "output_tokens": _count(given.get("completion_tokens")),
        "cache_read_input_tokens": cached or _count(given.get("cache_read_input_tokens")),
        "cache_creation_input_tokens": _count(given.get("cache_creation_input_tokens")),
    }


@dataclass(slots=True)
class _Lane:
    """One content block on its way: what opens it, the deltas that wait, and for a tool the arguments so far."""

    start: Json
    key: int | None = None
    call: str = ""
    waiting: list[Json] = field(default_factory=list)
    arguments: str = ""
    signed: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing can follow: text ends when another block begins, a call when its arguments are complete."""
        if self.start["type"] != "tool_use":
            return True
        try:
            orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return False
        return True


class ChatStream:
    """Turns chunks into events as they come.

    A Messages stream shows one block after the other, so the fragments of parallel calls that arrive mixed wait
    until the call before them is complete; nothing else waits.
    """

    def __init__(self, *, ident: str, model: str) -> None:
        self._ident = ident
        self._model = model
        self._lanes: list[_Lane] = []
        self._shown = 0
        self._begun = False
        self._opened = False
        self._called = False
        self._finish: str | None = None
        self._usage: Any = None

    @property
    def finished(self) -> bool:
        """Whether the provider has said why it stopped: what may still come is its usage."""
        return self._finish is not None

    def feed(self, chunk: Mapping[str, Any]) -> list[Event]:
        """The events that this chunk brings."""
        events = [] if self._begun else [self._start(chunk)]
        if isinstance(chunk.get("usage"), dict):
            self._usage = chunk["usage"]
        choice = _first(chunk.get("choices"))
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._take(delta)
        if isinstance(choice.get("finish_reason"), str):
            self._finish = choice["finish_reason"]
        return events + list(self._flow(last=False))

    def end(self) -> list[Event]:
        """The events that close the message, once the provider is done."""
        events = [] if self._begun else [self._start({})]
        events += self._flow(last=True)
        stop = {"stop_reason": _stop(self._finish, called=self._called), "stop_sequence": None}
        events.append(Event.make({"type": "message_delta", "delta": stop, "usage": usage(self._usage)}))
        events.append(Event.make({"type": "message_stop"}))
        return events

    def _start(self, chunk: Mapping[str, Any]) -> Event:
        self._begun = True
        counts = usage(chunk.get("usage")) | {"output_tokens": 0}
        message: Json = {
            "id": self._ident,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": counts,
        }
        return Event.make({"type": "message_start", "message": message})

    def _take(self, delta: Mapping[str, Any]) -> None:
        for block in _blocks(delta):
            if block["type"] == "thinking":
                self._take_thought(block)
            else:
                lane = self._lane("text", {"type": "text", "text": ""})
                lane.waiting.append({"type": "text_delta", "text": block["text"]})
        for call in _listed(delta.get("tool_calls")):
            self._take_call(call)

    def _take_thought(self, block: Json) -> None:
        lane = self._lane("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if block["thinking"]:
            lane.waiting.append({"type": "thinking_delta", "thinking": block["thinking"]})
        if block["signature"]:
            lane.waiting.append({"type": "signature_delta", "signature": block["signature"]})
            lane.signed = True

    def _take_call(self, call: Json) -> None:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        lane = self._lane_of(call, str(function.get("name") or ""))
        written = function.get("arguments")
        if isinstance(written, dict):
            written = orjson.dumps(written).decode()
        if isinstance(written, str) and written:
            lane.arguments += written
            lane.waiting.append({"type": "input_json_delta", "partial_json": written})

    def _lane(self, kind: str, start: Json) -> _Lane:
        """The newest lane if it is of this kind and not signed off, else a new one."""
        if not self._lanes or self._lanes[-1].start["type"] != kind or self._lanes[-1].signed:
            self._lanes.append(_Lane(start))
        return self._lanes[-1]

    def _lane_of(self, call: Json, name: str) -> _Lane:
        """The lane of a call: by index; servers that give none, or one for all, tell calls apart by a new id."""
        key, ident = call.get("index"), str(call.get("id") or "")
        for lane in reversed(self._lanes):
            if lane.start["type"] != "tool_use" or (isinstance(key, int) and lane.key != key):
                continue
            if ident and name and lane.call != ident:
                break
            lane.start["name"] = lane.start["name"] or name
            return lane
        self._called = True
        made = ident or f"toolu_{self._ident}_{len(self._lanes)}"
        start = {"type": "tool_use", "id": made, "name": name, "input": {}}
        self._lanes.append(_Lane(start, key=key if isinstance(key, int) else None, call=ident))
        return self._lanes[-1]

    def _flow(self, *, last: bool) -> Iterator[Event]:
        """What can be shown now: the foremost block as far as it is known, and those behind it once it is whole."""
        while self._shown < len(self._lanes):
            lane = self._lanes[self._shown]
            if lane.start.get("name") == "" and not last:
                return
            if not self._opened:
                yield Event.make({"type": "content_block_start", "index": self._shown, "content_block": lane.start})
                self._opened = True
            for delta in lane.waiting:
                yield Event.make({"type": "content_block_delta", "index": self._shown, "delta": delta})
            lane.waiting.clear()
            foremost = self._shown == len(self._lanes) - 1
            if not last and (foremost or not lane.whole):
                return
            yield Event.make({"type": "content_block_stop", "index": self._shown})
            self._shown += 1
            self._opened = False


def _merged(blocks: Iterator[Json]) -> list[Json]:
    """Neighbouring texts as one block: some clients show only an answer's last one."""
    merged: list[Json] = []
    for block in blocks:
        if merged and block["type"] == merged[-1]["type"] == "text":
            merged[-1] = block | {"text": merged[-1]["text"] + block["text"]}
        else:
            merged.append(block)
    return merged


def _blocks(said: Mapping[str, Any]) -> Iterator[Json]:
    """The text and thinking blocks of a message or a delta."""
    for name in _REASONING:
        if isinstance(said.get(name), str) and said[name]:
            yield {"type": "thinking", "thinking": said[name], "signature": ""}
            break
    content = said.get("content")
    if isinstance(content, str) and content:
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        for part in _listed(content):
            yield from _part(part)
    if isinstance(said.get("refusal"), str) and said["refusal"]:
        yield {"type": "text", "text": said["refusal"]}


def _part(part: Json) -> Iterator[Json]:
    if part.get("type") == "reasoning":
        for summary in _listed(part.get("summary")):
            text, signature = summary.get("text"), summary.get("signature")
            if text or signature:
                yield {"type": "thinking", "thinking": str(text or ""), "signature": str(signature or "")}
    elif isinstance(part.get("text"), str) and part["text"]:
        yield {"type": "text", "text": part["text"]}


def _tool_use(call: Json, made: str) -> Json:
    function = call["function"]
    written = function.get("arguments")
    return {
        "type": "tool_use",
        "id": str(call.get("id") or f"toolu_{made}"),
        "name": str(function.get("name") or ""),
        "input": written if isinstance(written, dict) else arguments(str(written or "")),
    }


def _stop(reason: Any, *, called: bool) -> str:
    named = STOPS.get(str(reason), "end_turn")
    return "tool_use" if called and named == "end_turn" else named


def _first(choices: Any) -> Json:
    found = _listed(choices)
    return found[0] if found else {}


def _listed(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
