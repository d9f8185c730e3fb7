"""Chat-completions answers as Messages answers: golden streams, and the odd things that servers do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import UpstreamError
from sidecar.core.events import Accumulator, Event
from sidecar.core.sse import Decoder
from sidecar.providers.dialects.openai_answers import ChatStream, usage, whole_message
from tests.explore import share

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[2] / "golden" / "chat"
STREAMS = sorted(path.name.removesuffix(".chunks.sse") for path in GOLDEN.glob("*.chunks.sse"))


def events(chunks: list[Json], *, end: bool = True) -> list[Event]:
    stream = ChatStream(ident="msg_1", model="claude-x")
    made = [event for chunk in chunks for event in stream.feed(chunk)]
    return made + (stream.end() if end else [])


def fold(made: list[Event]) -> Json:
    """The message; on the way it is checked that the events keep the protocol's order."""
    folded, opened, shown = Accumulator(), None, 0
    for event in made:
        match event.type:
            case "content_block_start":
                assert opened is None
                assert event.data["index"] == shown
                opened = shown
            case "content_block_delta":
                assert event.data["index"] == opened
            case "content_block_stop":
                assert event.data["index"] == opened
                opened, shown = None, shown + 1
            case "message_delta":
                assert opened is None
        folded.feed(event)
    assert made[0].type == "message_start"
    assert [event.type for event in made[-2:]] == ["message_delta", "message_stop"]
    return folded.message().body


def delta(finish: str | None = None, **said: Any) -> Json:
    return {"choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def call(index: int | None, ident: str | None = None, name: str | None = None, arguments: Any = None) -> Json:
    function = {"name": name, "arguments": arguments}
    return {k: v for k, v in {"index": index, "id": ident, "function": function}.items() if v is not None}


@pytest.mark.parametrize("name", STREAMS)
def test_golden_stream(name: str) -> None:
    frames = Decoder().feed((GOLDEN / f"{name}.chunks.sse").read_bytes())
    made = events([frame.data for frame in frames if frame.data])
    fold(made)
    expected = (GOLDEN / f"{name}.events.sse").read_text(encoding="utf-8")
    assert b"".join(event.raw for event in made).decode() == expected


def test_there_are_golden_streams() -> None:
    assert len(STREAMS) >= 5


def use(ident: str, name: str, arguments: Any) -> Json:
    return {"type": "tool_use", "id": ident, "name": name, "input": arguments}


TOOLS: dict[str, tuple[list[Json], list[Json]]] = {
    "fragments of two calls arrive mixed": (
        [call(0, "a", "A", '{"x"'), call(1, "b", "B", "{"), call(0, None, None, ":1}"), call(1, None, None, '"y":2}')],
        [use("a", "A", {"x": 1}), use("b", "B", {"y": 2})],
    ),
    "three calls, the middle one ends last": (
        [call(0, "a", "A", "{}"), call(1, "b", "B", '{"k":'), call(2, "c", "C", "{}"), call(1, None, None, "[]}")],
        [use("a", "A", {}), use("b", "B", {"k": []}), use("c", "C", {})],
    ),
    "no index, told apart by their ids": (
        [call(None, "a", "A", "{}"), call(None, "b", "B", '{"y"'), call(None, None, None, ":2}")],
        [use("a", "A", {}), use("b", "B", {"y": 2})],
    ),
    "one index for all": (
        [call(0, "a", "A", "{}"), call(0, "b", "B", "{}")],
        [use("a", "A", {}), use("b", "B", {})],
    ),
    "the id is repeated in each fragment": (
        [call(0, "a", "A", '{"x"'), call(0, "a", "A", ":1}")],
        [use("a", "A", {"x": 1})],
    ),
    "no arguments at all": ([call(0, "a", "A", "")], [use("a", "A", {})]),
    "arguments as an object": ([call(0, "a", "A", {"x": [1]})], [use("a", "A", {"x": [1]})]),
    "no id": ([call(0, None, "A", "{}")], [use("toolu_msg_1_0", "A", {})]),
    "the name comes late": ([call(0, "a", None, ""), call(0, None, "A", "{}")], [use("a", "A", {})]),
}


@pytest.mark.parametrize("case", TOOLS)
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
def test_tool_calls(case: str, finish: str) -> None:
    calls, content = TOOLS[case]
    body = fold(events([*(delta(tool_calls=[one]) for one in calls), delta(finish)]))
    assert body["content"] == content
    assert body["stop_reason"] == "tool_use"


def test_text_and_the_first_call_are_not_held_back() -> None:
    stream = ChatStream(ident="m", model="c")
    shown = [[event.type for event in stream.feed(delta(content="hi"))]]
    shown += [[event.type for event in stream.feed(delta(tool_calls=[call(0, "a", "A", '{"x"')]))]]
    shown += [[event.type for event in stream.feed(delta(tool_calls=[call(0, None, None, ":1}")]))]]
    shown += [[event.type for event in stream.feed(delta(tool_calls=[call(1, "b", "B", "{}")]))]]
    start, more, stop = "content_block_start", "content_block_delta", "content_block_stop"
    assert shown == [["message_start", start, more], [stop, start, more], [more], [stop, start, more]]


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "refusal"),
        (None, "end_turn"),
        ("new_reason", "end_turn"),
    ],
)
def test_stop_reasons(finish: str | None, stop: str) -> None:
    assert fold(events([delta(content="x"), delta(finish)]))["stop_reason"] == stop
    whole = {"choices": [{"message": {"content": "x"}, "finish_reason": finish}]}
    assert whole_message(whole, ident="m", model="c").body["stop_reason"] == stop


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (None, (0, 0, 0, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 4}, (10, 4, 0, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}, (4, 4, 6, 0)),
        ({"prompt_tokens": 10, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 2}, (10, 0, 7, 2)),
        ({"prompt_tokens": "x", "completion_tokens": -1, "prompt_tokens_details": "y"}, (0, 0, 0, 0)),
    ],
)
def test_usage(counted: Any, expected: tuple[int, ...]) -> None:
    names = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
    assert usage(counted) == dict(zip(names, expected, strict=True))


def test_a_whole_answer() -> None:
    message = {
        "role": "assistant",
        "content": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm", "signature": "sig"}]},
            {"type": "text", "text": "one "},
            {"type": "text", "text": "two"},
        ],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "A", "arguments": '{"x": 1}'}},
            {"type": "function", "function": {"name": "B", "arguments": '{"x": '}},
            {"id": "c", "type": "function", "function": {"name": "C", "arguments": ""}},
            {"id": "d", "type": "function", "function": {"name": "D", "arguments": "[1]"}},
        ],
    }
    answer = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 3}}
    body = whole_message(answer, ident="msg_1", model="claude-x").body
    assert body["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "one two"},
        use("a", "A", {"x": 1}),
        use("toolu_msg_1_1", "B", {"unreadable_arguments": '{"x": '}),
        use("c", "C", {}),
        use("d", "D", {"unreadable_arguments": "[1]"}),
    ]
    assert (body["model"], body["stop_reason"], body["usage"]["input_tokens"]) == ("claude-x", "tool_use", 3)


@pytest.mark.parametrize("answer", [{}, {"choices": []}, {"choices": [{}]}, {"choices": "x"}, {"choices": [5]}])
def test_an_answer_without_a_message(answer: Json) -> None:
    with pytest.raises(UpstreamError, match="no message"):
        whole_message(answer, ident="m", model="c")


def test_unsigned_reasoning_and_refusals_are_shown() -> None:
    body = fold(events([delta(reasoning_content="hm"), delta(content="so"), delta(refusal="No."), delta("stop")]))
    assert body["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "soNo."},
    ]


def test_an_empty_stream_still_ends_as_a_message() -> None:
    assert fold(events([]))["content"] == []


VALUE = st.none() | st.text(max_size=4) | st.integers(-3, 3) | st.just({"name": "n", "arguments": '{"a"'})
CALL = st.fixed_dictionaries({}, optional={"index": VALUE, "id": VALUE, "function": VALUE})
PART = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["text", "reasoning"]),
        "text": VALUE,
        "summary": VALUE
        | st.lists(st.fixed_dictionaries({}, optional={"text": VALUE, "signature": VALUE}), max_size=2),
    },
)
DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": VALUE | st.lists(PART, max_size=2),
        "tool_calls": VALUE | st.lists(CALL, max_size=3),
        "reasoning_content": VALUE,
        "refusal": VALUE,
    },
)
CHUNK = st.fixed_dictionaries(
    {},
    optional={"choices": VALUE | st.lists(st.fixed_dictionaries({"delta": DELTA | VALUE}), max_size=1), "usage": VALUE},
)


@share(200)
@given(st.lists(CHUNK, max_size=6))
def test_no_chunk_breaks_it_and_the_events_keep_their_order(chunks: list[Json]) -> None:
    assert json.dumps(fold(events(chunks)))
