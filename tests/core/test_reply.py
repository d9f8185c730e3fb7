"""A reply: events from a message, a message from events, and letting go of what is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sidecar.core.errors import UpstreamCut, UpstreamError
from sidecar.core.events import Event, error_event, unfold
from sidecar.core.messages import Message
from sidecar.core.reply import Reply
from sidecar.core.turn import Handling

WHOLE = Message.of(
    {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
)


async def stream(events: list[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def test_a_message_can_be_had_as_events() -> None:
    async with Reply(message=WHOLE) as reply:
        assert [event async for event in reply.events()] == list(unfold(WHOLE))
        assert await reply.message() is WHOLE


async def test_events_can_be_had_as_a_message_again_and_again() -> None:
    reply = Reply(events=stream(list(unfold(WHOLE))))
    assert (await reply.message()).body == WHOLE.body
    assert await reply.message() is await reply.message()


async def test_a_stream_without_its_end_is_no_message() -> None:
    reply = Reply(events=stream(list(unfold(WHOLE))[:-1]))
    with pytest.raises(UpstreamCut):
        await reply.message()


@pytest.mark.parametrize(
    ("kind", "status", "again"),
    [
        ("overloaded_error", 529, True),
        ("rate_limit_error", 429, True),
        ("invalid_request_error", 400, False),
        ("api_error", 502, True),
        ("from_the_future", 502, True),
    ],
)
async def test_an_error_in_the_stream_is_raised_with_its_kind(kind: str, status: int, again: bool) -> None:
    reply = Reply(events=stream([*list(unfold(WHOLE))[:3], error_event(kind, "Sorry.")]))
    with pytest.raises(UpstreamError, match="Sorry") as caught:
        await reply.message()
    assert (caught.value.kind, caught.value.status, caught.value.again) == (kind, status, again)


async def test_closing_closes_once_also_when_the_reader_fails() -> None:
    closed: list[int] = []

    async def close() -> None:
        closed.append(1)

    reply = Reply(message=WHOLE, close=close, headers={"request-id": "r"})
    with pytest.raises(RuntimeError):
        async with reply:
            raise RuntimeError
    await reply.aclose()
    assert closed == [1]
    assert reply.headers == {"request-id": "r"}


@pytest.mark.parametrize("given", [{}, {"events": stream([]), "message": WHOLE}])
def test_a_reply_is_one_or_the_other(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="either"):
        Reply(**given)  # type: ignore[arg-type]


async def test_what_was_done_to_the_request_goes_with_its_answer() -> None:
    assert Reply(message=Message(b"{}")).handling == Handling()
    reply = Reply(message=Message(b"{}"), handling=Handling("m", ("model",)))
    assert (reply.handling.model, reply.handling.changes) == ("m", ("model",))
    assert reply.whole is await reply.message()


async def test_a_stream_is_not_whole_until_it_was_folded() -> None:
    async def events() -> AsyncIterator[Event]:
        for event in unfold(Message(b'{"type":"message","content":[]}')):
            yield event

    reply = Reply(events=events())
    assert reply.whole is None
    message = await reply.message()
    assert reply.whole is message
