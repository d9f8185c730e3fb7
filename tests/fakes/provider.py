"""A provider that plays a script: it really waits, streams, fails, is cut and is closed as a real one is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.core.events import Event
from sidecar.core.messages import Json, Message, MessagesRequest
from sidecar.core.ports import Capabilities, Model
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn

Act = Event | asyncio.Event | BaseException
"""What a stream does next: bring an event, wait for a signal, break with an error."""


@dataclass
class Answer:
    """One scripted answer: `before` holds back its head, then come `error`, `message` or the acts of a stream."""

    acts: Sequence[Act] | None = None
    message: Message | None = None
    error: BaseException | None = None
    before: asyncio.Event | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Exchange:
    """What became of one request: `arrived` when it came, `brought` events so far, `closed` when it was let go."""

    request: MessagesRequest
    turn: Turn
    brought: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False


class FakeProvider:
    """Plays its answers in order; the last one again and again."""

    def __init__(
        self, *answers: Answer, tokens: int | BaseException | None = None, models: Sequence[Model] = ()
    ) -> None:
        self._answers = list(answers) or [says("Hello.")]
        self._tokens = tokens
        self._models = models
        self._arrivals: asyncio.Queue[Exchange] = asyncio.Queue()
        self.exchanges: list[Exchange] = []

    @property
    def name(self) -> str:
        return "fake"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    async def next_exchange(self) -> Exchange:
        """The next request to come, as soon as it is there."""
        return await self._arrivals.get()

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        answer = self._answers[min(len(self.exchanges), len(self._answers) - 1)]
        exchange = Exchange(request, turn)
        self.exchanges.append(exchange)
        self._arrivals.put_nowait(exchange)

        async def close() -> None:
            exchange.closed.set()

        try:
            await _prelude(answer)
        except BaseException as error:
            exchange.cancelled = isinstance(error, asyncio.CancelledError)
            exchange.closed.set()
            raise
        if answer.message is not None:
            return Reply(message=answer.message, headers=answer.headers, close=close)
        return Reply(events=_play(answer.acts or (), exchange), headers=answer.headers, close=close)

    async def answer(self, request: MessagesRequest, turn: Turn) -> Reply:
        """A turn without any step, as whoever asks by himself has it (`core.ports.Asker`)."""
        return await self.send(request, turn)

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        if isinstance(self._tokens, BaseException):
            raise self._tokens
        return self._tokens

    async def models(self) -> Sequence[Model]:
        return self._models

    async def aclose(self) -> None:
        return None


async def _prelude(answer: Answer) -> None:
    if answer.before is not None:
        await answer.before.wait()
    if answer.error is not None:
        raise answer.error


async def _play(acts: Sequence[Act], exchange: Exchange) -> AsyncIterator[Event]:
    try:
        for act in acts:
            if isinstance(act, BaseException):
                raise act
            if isinstance(act, asyncio.Event):
                await act.wait()
            else:
                exchange.brought += 1
                yield act
    except asyncio.CancelledError:
        exchange.cancelled = True
        raise


def says(text: str, **fields: object) -> Answer:
    """A whole message with one text block; more top-level fields on demand."""
    return Answer(message=message(text, **fields))


def streams(*pieces: str | Act, **fields: object) -> Answer:
    """A stream whose text comes in these pieces; other acts are played in their places."""
    acts = [delta(piece) if isinstance(piece, str) else piece for piece in pieces]
    return Answer(acts=[*opening(), *acts, *closing()], **fields)  # type: ignore[arg-type]


def fails(error: BaseException) -> Answer:
    """A request that fails before the first byte."""
    return Answer(error=error)


def message(text: str, **fields: object) -> Message:
    """A whole message with one text block."""
    body: Json = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2}, **fields,
    }  # fmt: skip
    return Message.of(body)


def opening() -> list[Event]:
    """What comes before the first piece of text."""
    head = {**message("").body, "content": [], "stop_reason": None}
    block = {"type": "text", "text": ""}
    return [
        Event.make({"type": "message_start", "message": head}),
        Event.make({"type": "content_block_start", "index": 0, "content_block": block}),
    ]


def delta(text: str) -> Event:
    """A piece of text."""
    return Event.make({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def closing() -> list[Event]:
    """What comes after the last piece of text."""
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        Event.make({"type": "content_block_stop", "index": 0}),
        Event.make({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 2}}),
        Event.make({"type": "message_stop"}),
    ]
