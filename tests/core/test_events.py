"""Folding events into a message and unfolding a message into events."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.core.errors import UpstreamError
from sidecar.core.events import PING, Accumulator, Event, error_event, unfold
from sidecar.core.messages import Message
from sidecar.core.sse import Decoder

# A busy machine is no fault of the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fold(events: list[Event]) -> Accumulator:
    folded = Accumulator()
    for event in events:
        folded.feed(event)
    return folded


def message(*content: dict[str, Any], **fields: Any) -> Message:
    return Message.of(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": list(content),
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 5},
            **fields,
        }
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
BLOCKS = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, st.text()),
    st.builds(
        lambda t, c: {"type": "text", "text": t, "citations": c}, st.text(), st.none() | st.lists(JSON, max_size=2)
    ),
    st.builds(lambda t, s: {"type": "thinking", "thinking": t, "signature": s}, st.text(), st.text()),
    st.builds(lambda t: {"type": "thinking", "thinking": t}, st.text()),
    st.builds(lambda d: {"type": "redacted_thinking", "data": d}, st.text()),
    st.builds(
        lambda n, i: {"type": "tool_use", "id": "t", "name": n, "input": i}, st.text(), st.dictionaries(st.text(), JSON)
    ),
    st.builds(
        lambda i: {"type": "server_tool_use", "id": "s", "name": "w", "input": i}, st.dictionaries(st.text(), JSON)
    ),
    st.builds(lambda v: {"type": "x_tool_result", "tool_use_id": "s", "content": v}, JSON),
)


@patient
@given(content=st.lists(BLOCKS, max_size=5))
def test_a_message_survives_being_unfolded_sent_and_folded(content: list[dict[str, Any]]) -> None:
    whole = message(*content, container={"id": "c"})
    wire = b"".join(event.raw for event in unfold(whole))
    folded = fold(Decoder().feed(wire))
    assert folded.complete
    assert folded.message().body == whole.body


def test_unfolded_events_come_in_the_protocols_order() -> None:
    events = list(
        unfold(message({"type": "text", "text": "hi"}, {"type": "tool_use", "id": "t", "name": "n", "input": {}}))
    )
    assert [event.type for event in events] == [
        "message_start",
        *["content_block_start", "content_block_delta", "content_block_stop"] * 2,
        "message_delta",
        "message_stop",
    ]
    assert events[0].data["message"]["content"] == []
    assert events[4].data["content_block"] == {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    assert events[5].data["delta"] == {"type": "input_json_delta", "partial_json": "{}"}


def test_deltas_add_up_and_the_last_usage_counts() -> None:
    head = {"type": "message", "role": "assistant", "usage": {"input_tokens": 9, "output_tokens": 1}}
    events = [
        Event.make({"type": "message_start", "message": head}),
        PING,
        Event.make({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}}),
        Event.make({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b"}}),
        Event.make({"type": "content_block_delta", "index": 0, "delta": {"type": "from_the_future", "z": 1}}),
        Event.make({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "c"}}),
        Event.make({"type": "from_the_future"}),
        Event.make(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 4},
                "context_management": {"applied_edits": []},
            }
        ),
    ]
    folded = fold(events)
    assert not folded.complete
    assert folded.message().body == head | {
        "content": [{"type": "text", "text": "abc"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 4},
        "context_management": {"applied_edits": []},
    }


def test_arguments_that_were_cut_off_become_an_empty_input() -> None:
    start = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": '{"a":'}
    folded = fold(
        [
            Event.make({"type": "content_block_start", "index": 0, "content_block": start}),
            Event.make({"type": "content_block_delta", "index": 0, "delta": delta}),
        ]
    )
    assert folded.message().body["content"] == [start]


@pytest.mark.parametrize(
    "data",
    [
        {"type": "content_block_start"},
        {"type": "content_block_start", "index": "x", "content_block": {}},
        {"type": "content_block_start", "index": 0, "content_block": 5},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": []},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 5}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": {}}},
        {"type": "message_start", "message": 5},
        {"type": "message_start", "message": [["a", "b"]]},
        {"type": "message_delta", "delta": [[None, None]]},
        {"type": "content_block_start", "index": 0, "content_block": [["type", "text"]]},
        {"type": "message_delta", "usage": 5},
        {"type": "error", "error": "words"},
    ],
)
def test_an_event_that_breaks_the_protocol_is_an_upstream_error(data: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError, match=data["type"]):
        fold([Event.make(data)])


EVENTS = st.dictionaries(st.sampled_from(["index", "delta", "content_block", "message", "usage", "error"]), JSON)
TYPES = ["message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "error", "x"]


@patient
@given(st.lists(st.tuples(st.sampled_from(TYPES), EVENTS)))
def test_no_sequence_of_events_breaks_it(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    folded = Accumulator()
    for kind, data in sequence:
        try:
            folded.feed(Event.make({**data, "type": kind}))
        except UpstreamError:
            break
    assert isinstance(folded.message().body, dict)


def test_an_error_event_is_kept() -> None:
    folded = fold([error_event("overloaded_error", "Too much.")])
    assert folded.error == {"type": "overloaded_error", "message": "Too much."}
    assert not folded.complete


def test_an_event_is_decoded_only_when_asked() -> None:
    event = Event("x", b"event: x\ndata: not json\n\n")
    assert event.data == {}
    assert orjson.loads(PING.raw.split(b"data: ")[1]) == PING.data
    assert Event("ping", PING.raw) == PING
    assert hash(Event("ping", PING.raw)) == hash(PING)
    assert "ping" in repr(PING)


def test_a_long_answer_is_folded_in_linear_time() -> None:
    folded = Accumulator()
    event = Event.make({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}})
    for _ in range(200_000):
        folded.feed(event)
    assert len(folded.message().body["content"][0]["text"]) == 1_000_000


@pytest.mark.parametrize(
    "data",
    [
        {"type": "message_start", "message": [[None, None]]},
        {"type": "content_block_start", "index": 0, "content_block": [["type", "text"]]},
        {"type": "error", "error": [["type", "api_error"]]},
    ],
)
def test_pairs_are_no_object(data):
    with pytest.raises(UpstreamError, match="cannot be understood"):
        Accumulator().feed(Event.make(data))
