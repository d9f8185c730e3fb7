"""Several answers of a provider as one for the client: what is the client's goes on, calls of our tools stay here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sidecar.assistant.carried import Ours, call_block, result_block
from sidecar.core.events import Accumulator, Event, unfold
from sidecar.core.messages import Json, Message
from sidecar.core.tool import ToolResult

_COUNTED: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass(frozen=True, slots=True)
class OurCall:
    """A call of one of our tools, as the model made it."""

    id: str
    name: str
    input: Json


class Relay:
    """Takes the provider's events, an answer after the other, and gives those that the client is to have.

    `carry` shows calls of ours as `server_tool_use`; without it they are left out.
    """

    def __init__(self, ours: Ours, *, carry: bool) -> None:
        self._ours = ours
        self._carry = carry
        self._opened = False
        self._next = 0
        self._usage: Json = {}
        self._ending: Json = {}
        self._begin()

    def _begin(self) -> None:
        self._folded = Accumulator()
        self._places: dict[int, int | None] = {}
        self.theirs = False

    @property
    def failed(self) -> bool:
        """Whether the answer ended in an error, or before its end: then nothing may come of it."""
        return self._folded.error is not None or not self._folded.complete

    @property
    def content(self) -> Sequence[Json]:
        """What the provider said in this answer, word for word."""
        content: Sequence[Json] = self._folded.message().body.get("content") or []
        return content

    @property
    def calls(self) -> Sequence[OurCall]:
        """The calls of our tools in this answer; none where it was broken off in the middle of one."""
        if self._ending.get("stop_reason") != "tool_use":
            return ()
        blocks = (block for block in self.content if block.get("type") == "tool_use" and self._ours(str(block["name"])))
        return [OurCall(str(block["id"]), str(block["name"]), block.get("input") or {}) for block in blocks]

    def take(self, event: Event) -> Iterator[Event]:
        """The next event of an answer, as far as it is for the client now."""
        self._folded.feed(event)
        match event.type:
            case "message_start":
                if not self._opened:
                    yield event
                self._opened = True
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                yield from self._block(event)
            case "message_delta":
                self._ending = dict(event.data.get("delta") or {})
            case "message_stop":
                self._add_up()
            case _:
                yield event

    def results(self, told: Sequence[tuple[OurCall, ToolResult]]) -> Iterator[Event]:
        """Results for the client to carry, where it carries."""
        for call, result in told if self._carry else ():
            yield from self._whole(result_block(call.name, call.id, result))

    def say(self, sentence: str) -> Iterator[Event]:
        """A sentence of our own, as a block of text."""
        yield from self._whole({"type": "text", "text": sentence})

    def again(self) -> None:
        """Another answer follows."""
        self._begin()

    def end(self, stop: str | None = None) -> Iterator[Event]:
        """The end of the client's message, with the usage of all answers; `stop` in place of the provider's reason."""
        delta = {"stop_sequence": None, **self._ending} | ({"stop_reason": stop} if stop else {})
        yield Event.make({"type": "message_delta", "delta": delta, "usage": self._usage})
        yield Event.make({"type": "message_stop"})

    def _block(self, event: Event) -> Iterator[Event]:
        index = int(event.data.get("index") or 0)
        if event.type == "content_block_start":
            self._places[index] = self._place(event.data.get("content_block") or {})
        place = self._places.get(index)
        if place is None:
            return
        block = event.data.get("content_block")
        hidden = isinstance(block, dict) and block.get("type") == "tool_use" and self._ours(str(block.get("name")))
        if place == index and not hidden:
            yield event
            return
        data = {**event.data, "index": place} | ({"content_block": call_block(block)} if hidden and block else {})
        made = Event.make(data)
        made.more = event.more
        yield made

    def _place(self, block: Json) -> int | None:
        """Where a block stands for the client; None where it does not get it."""
        if block.get("type") == "tool_use":
            if self._ours(str(block.get("name"))) and not self._carry:
                return None
            self.theirs = self.theirs or not self._ours(str(block.get("name")))
        self._next += 1
        return self._next - 1

    def _whole(self, block: Json) -> Iterator[Event]:
        for event in unfold(Message.of({"content": [block]})):
            if event.type.startswith("content_block"):
                yield Event.make({**event.data, "index": self._next})
        self._next += 1

    def _add_up(self) -> None:
        usage = self._folded.message().body.get("usage") or {}
        added = {name: self._usage.get(name, 0) + (usage.get(name) or 0) for name in _COUNTED if name in usage}
        self._usage = {**self._usage, **usage, **added}
