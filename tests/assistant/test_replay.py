"""What is kept of an answer: words alone, whole, told again event by event, with a usage that says what was saved."""

from __future__ import annotations

import orjson
import pytest

from sidecar.assistant.replay import Kept, Saving, kept_message, kept_stream, spared_tokens, unfit
from sidecar.core.events import PING, Accumulator, Event, error_event
from sidecar.core.messages import Message
from tests.fakes.provider import closing, delta, message, opening

USAGE = {
    "input_tokens": 5, "cache_creation_input_tokens": 7, "cache_read_input_tokens": 11, "output_tokens": 13,
    "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0}, "service_tier": "standard",
}  # fmt: skip
SAVED = {
    "input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 23, "output_tokens": 13,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "service_tier": "standard",
}  # fmt: skip
STREAM = [*opening(), delta("Hel"), PING, delta("lo\n\n\u2028."), *closing()]


def folded(events) -> dict:
    whole = Accumulator()
    for event in events:
        whole.feed(event)
    assert whole.complete
    return whole.message().body


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"stop_reason": "stop_sequence"}, ""),
        ({"content": [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "text", "text": "a"}]}, ""),
        ({"content": [{"type": "redacted_thinking", "data": "x"}]}, ""),
        ({"stop_reason": "tool_use"}, "stop_reason"),
        ({"stop_reason": "max_tokens"}, "stop_reason"),
        ({"stop_reason": "pause_turn"}, "stop_reason"),
        ({"stop_reason": "refusal"}, "stop_reason"),
        ({"stop_reason": "model_context_window_exceeded"}, "stop_reason"),
        ({"stop_reason": None}, "stop_reason"),
        ({"content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]}, "tool_use"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "server_tool_use", "id": "t"}]}, "tool_use"),
        ({"content": [{"type": "web_search_tool_result"}]}, "tool_use"),
        ({"content": [{"type": "something_new"}]}, "tool_use"),
        ({"content": []}, "empty"),
        ({"content": None}, "empty"),
        ({"content": ["x"]}, "tool_use"),
    ],
)
def test_only_words_that_came_to_their_end_are_kept(fields, reason):
    given = message("hi", **fields)
    assert unfit(given.body) == reason
    kept, told = kept_message(given)
    assert (kept is None, told) == (bool(reason), reason)


@pytest.mark.parametrize(
    "events",
    [
        [],
        STREAM[:1],
        STREAM[:-1],
        [*STREAM[:4], error_event("overloaded_error", "busy")],
        [error_event("api_error", "no"), *STREAM],
    ],
    ids=["nothing", "a start", "no stop", "an error", "an error first"],
)
def test_a_cut_stream_is_never_kept(events):
    assert kept_stream(events) == (None, "cut")


def test_a_message_is_kept_but_for_its_usage():
    kept, _ = kept_message(message("hi", usage=USAGE, unknown={"a": [1]}))
    assert kept is not None
    assert orjson.loads(kept.message) == message("hi", usage=SAVED, unknown={"a": [1]}).body
    assert kept.frames == b""
    assert kept.usage == USAGE


def test_a_stream_is_kept_event_by_event_but_for_pings():
    kept, _ = kept_stream(STREAM)
    assert kept is not None
    again = kept.events()
    assert [e.type for e in again] == [e.type for e in STREAM if e.type != "ping"]
    deltas = [e.raw for e in STREAM if e.type.startswith("content_block")]
    assert [e.raw for e in again if e.type.startswith("content_block")] == deltas
    assert folded(again) == orjson.loads(kept.message)
    assert folded(again)["content"] == folded(STREAM)["content"]


def test_frames_of_any_line_ending_are_told_again_as_they_came():
    events = [Event(e.type, e.raw.replace(b"\n", b"\r\n"), e.data) for e in STREAM]
    kept, _ = kept_stream(events)
    assert kept is not None
    assert [e.raw for e in kept.events() if "block" in e.type] == [e.raw for e in events if "block" in e.type]


@pytest.mark.parametrize(
    "kept",
    [
        Kept(b"{}"),
        Kept(b"", b"frames"),
        Kept(message("a" * 70_000).raw, STREAM[0].raw, USAGE, "m"),
        Kept(b"{}", model="é\u2028"),
    ],
)
def test_what_is_written_can_be_read(kept):
    assert Kept.decoded(kept.encoded()) == kept


def start(usage) -> Event:
    return Event.make({"type": "message_start", "message": {**message("").body, "usage": usage}})


def end(usage) -> Event:
    return Event.make({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})


@pytest.mark.parametrize(
    ("first", "last", "told_first", "told_last"),
    [
        # Anthropic: all at the start, the output at the end
        (USAGE, {"output_tokens": 50}, SAVED, {"output_tokens": 50}),
        # newer models repeat the input at the end
        (
            {"input_tokens": 5, "cache_read_input_tokens": 10, "output_tokens": 1},
            {"input_tokens": 6, "output_tokens": 50},
            {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 15, "output_tokens": 1},
            {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 16, "output_tokens": 50},
        ),
        # dialects know the input only at the end
        (
            {"input_tokens": 0, "output_tokens": 0},
            {"input_tokens": 6, "output_tokens": 50},
            {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0},
            {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 6, "output_tokens": 50},
        ),
        ({"input_tokens": None}, {}, {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}, {}),
    ],
)  # fmt: skip
def test_input_stands_as_read_from_a_cache(first, last, told_first, told_last):
    saving = Saving()
    one, other = saving.event(start(first)), saving.event(end(last))
    assert one.data["message"]["usage"] == told_first
    assert other.data["usage"] == told_last
    assert orjson.loads(one.raw.split(b"data: ")[1]) == one.data
    assert saving.known == {k: v for k, v in (first | last).items() if v is not None}


@pytest.mark.parametrize(
    "event", [*STREAM[1:4], STREAM[-1], start(None), start("odd"), Event("message_delta", b"\n\n")]
)
def test_an_event_without_usage_is_the_very_same(event):
    assert Saving().event(event) is event


@pytest.mark.parametrize("usage", [None, 5, {}, {"output_tokens": 3}])
def test_where_no_input_was_told_none_is_made_up(usage):
    assert Saving().of(usage) == (usage if isinstance(usage, dict) else {})


def test_a_stream_is_kept_with_the_usage_that_its_parts_told():
    told = {"input_tokens": 6, "cache_read_input_tokens": 10, "output_tokens": 50}
    events = [start({"input_tokens": 6, "cache_read_input_tokens": 10, "output_tokens": 1}), *STREAM[1:-2]]
    kept, _ = kept_stream([*events, end({"output_tokens": 50, "input_tokens": None}), STREAM[-1]])
    assert kept is not None
    assert kept.usage == told


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [(USAGE, 36), ({}, 0), ({"input_tokens": "many", "output_tokens": 3}, 3), ({"input_tokens": -4}, 0)],
)
def test_what_is_spared_is_all_that_the_first_answer_took(usage, tokens):
    assert spared_tokens(usage) == tokens


def test_kept_messages_are_messages():
    kept, _ = kept_message(message("hi"))
    assert kept is not None
    assert Message(kept.message).body["content"] == [{"type": "text", "text": "hi"}]
