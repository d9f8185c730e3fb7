"""Messages answers as chat completions: golden streams back, whole answers, errors, and any stream at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.events import PING, Event, error_event, unfold
from sidecar.core.messages import Message
from sidecar.core.sse import Decoder
from sidecar.endpoint.chat_answers import Chunks, completion, error, failed, usage
from sidecar.providers.dialects.openai_answers import ChatStream

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[1] / "golden" / "chat"
STREAMS = sorted(path.name.removesuffix(".events.sse") for path in GOLDEN.glob("*.events.sse"))


def chunks(events: list[Event], *, counted: bool = False) -> list[Json]:
    """The stream's data; its `[DONE]` is checked and taken off."""
    made = Chunks(7, counted=counted)
    raw = b"".join(made.feed(event) for event in events)
    frames = [frame for frame in raw.decode().split("\n\n") if frame and not frame.startswith(":")]
    assert frames.pop() == "data: [DONE]"
    told = [json.loads(frame.removeprefix("data: ")) for frame in frames]
    assert {(one["object"], one["created"], one["id"]) for one in told} == {("chat.completion.chunk", 7, told[0]["id"])}
    return told


def fold(told: list[Json]) -> Json:
    """The message as a client puts it together."""
    message: Json = {"content": "", "tool_calls": [], "thinking_blocks": [], "reasoning_content": ""}
    for choice in (choice for one in told for choice in one["choices"]):
        delta = choice["delta"]
        message["content"] += delta.get("content") or ""
        message["reasoning_content"] += delta.get("reasoning_content") or ""
        message["thinking_blocks"] += delta.get("thinking_blocks") or []
        for call in delta.get("tool_calls") or []:
            if "id" in call:
                assert call["index"] == len(message["tool_calls"])
                message["tool_calls"].append({"id": call["id"], "type": "function", "function": dict(call["function"])})
            else:
                message["tool_calls"][call["index"]]["function"]["arguments"] += call["function"]["arguments"]
        message["finish"] = choice["finish_reason"]
    return message


@pytest.mark.parametrize("name", STREAMS)
def test_golden_streams(name):
    events = Decoder().feed((GOLDEN / f"{name}.events.sse").read_bytes())
    made = Chunks(1_700_000_000, counted=True)
    assert b"".join(made.feed(event) for event in events) == (GOLDEN / f"{name}.completion.sse").read_bytes()


@pytest.mark.parametrize("name", STREAMS)
def test_golden_streams_come_back_through_the_provider_s_dialect(name):
    events = Decoder().feed((GOLDEN / f"{name}.events.sse").read_bytes())
    stream = ChatStream(ident="msg_2", model="m")
    back = [event for one in chunks(events, counted=True) for event in stream.feed(one)] + stream.end()
    assert _plain(back) == _plain(events)


def _plain(events: list[Event]) -> Json:
    """What chat completions can carry of a stream."""
    body = _folded(events)
    kept = [block for block in body["content"] if block["type"] != "thinking"]
    return {"content": kept, "stop_reason": body["stop_reason"], "input": body["usage"]["input_tokens"] + body["usage"].get("cache_read_input_tokens", 0)}  # fmt: skip


def _folded(events: list[Event]) -> Json:
    from sidecar.core.events import Accumulator

    folded = Accumulator()
    for event in events:
        folded.feed(event)
    return folded.message().body


MESSAGE: Json = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "e"},
        {"type": "text", "text": "Let "},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": 1}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
        {"type": "text", "text": "me."},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    ],
    "stop_reason": "tool_use", "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 3},
}  # fmt: skip
SPOKEN: Json = {
    "content": "Let me.",
    "tool_calls": [
        {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ],
    "reasoning_content": "hm",
    "thinking_blocks": MESSAGE["content"][:2],
}
USAGE = {
    "prompt_tokens": 18,
    "completion_tokens": 2,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 3},
}


def test_a_whole_answer():
    assert completion(MESSAGE, 7) == {
        "id": "msg_1", "object": "chat.completion", "created": 7, "model": "claude-x", "usage": USAGE,
        "choices": [{
            "index": 0, "logprobs": None, "finish_reason": "tool_calls",
            "message": {"role": "assistant", "refusal": None, **SPOKEN},
        }],
    }  # fmt: skip


def test_the_same_as_a_stream():
    told = chunks(list(unfold(Message.of(MESSAGE))), counted=True)
    assert told[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert told[-1]["usage"] == USAGE
    assert told[-1]["choices"] == []
    assert all(one["usage"] is None for one in told[:-1])
    assert fold(told[:-1]) == {**SPOKEN, "finish": "tool_calls"}
    assert "usage" not in chunks(list(unfold(Message.of(MESSAGE))))[-1]


@pytest.mark.parametrize(
    ("content", "said"),
    [([], ""), ([{"type": "text", "text": "x"}], "x"), ([{"type": "tool_use", "id": "t", "name": "f"}], None)],
)
def test_an_answer_has_words_or_calls(content, said):
    message = completion({**MESSAGE, "content": content}, 7)["choices"][0]["message"]
    assert message["content"] == said
    assert ("tool_calls" in message) == (said is None)


@pytest.mark.parametrize(
    ("stop", "finish"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "content_filter"),
     ("model_context_window_exceeded", "length"), ("pause_turn", "stop"), ("of_the_future", "stop"), (None, "stop")],
)  # fmt: skip
def test_finish_reasons(stop, finish):
    assert completion({**MESSAGE, "stop_reason": stop}, 7)["choices"][0]["finish_reason"] == finish
    assert fold(chunks(list(unfold(Message.of({**MESSAGE, "stop_reason": stop})))))["finish"] == finish


def test_usage_that_is_not_told():
    assert usage(None)["total_tokens"] == 0
    assert usage({"input_tokens": "x", "output_tokens": None})["total_tokens"] == 0


def test_a_block_s_first_words_in_its_start():
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "He"}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "y"}}
    assert Chunks(7).feed(Event.make(start)).count(b'"content":"He"') == 1
    assert Chunks(7).feed(Event.make(delta)).count(b'"content":"y"') == 1


def test_pings_are_comments_and_errors_end_the_stream():
    made = Chunks(7)
    assert made.feed(PING) == b": ping\n\n"
    assert made.feed(error_event("overloaded_error", "busy")) == failed("overloaded_error", "busy")
    assert json.loads(failed("overloaded_error", "busy").removeprefix(b"data: ")) == error("overloaded_error", "busy")


@pytest.mark.parametrize(
    ("kind", "sentence", "named", "code"),
    [
        ("invalid_request_error", "no", "invalid_request_error", None),
        ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "invalid_request_error", "context_length_exceeded"),
        ("authentication_error", "no", "authentication_error", "invalid_api_key"),
        ("rate_limit_error", "slow", "rate_limit_error", "rate_limit_exceeded"),
        ("not_found_error", "no", "not_found_error", "model_not_found"),
        ("overloaded_error", "busy", "server_error", None),
        ("api_error", "\ud800", "server_error", None),
    ],
)  # fmt: skip
def test_errors(kind, sentence, named, code):
    told = error(kind, sentence)["error"]
    assert (told["type"], told["code"], told["param"]) == (named, code, None)
    assert told["message"].encode()


texts = st.text(max_size=8)
blocks = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, texts),
    st.builds(lambda t, s: {"type": "thinking", "thinking": t, "signature": s}, texts, texts),
    st.builds(lambda i, v: {"type": "tool_use", "id": i, "name": "f", "input": {"a": v}}, texts, texts | st.none()),
    st.builds(lambda i: {"type": "tool_use", "id": i, "name": "f", "input": {}}, texts),
    st.builds(lambda t: {"type": "x_future", "x": t}, texts),
    st.builds(lambda q: {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": q}}, texts),
)


def _cut(event: Event, at: int) -> list[Event]:
    """A delta in two pieces, as a provider may bring it."""
    data = event.data
    name = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}.get(
        data.get("delta", {}).get("type", "")
    )
    if name is None or not data["delta"][name]:
        return [event]
    whole = data["delta"][name]
    at %= len(whole)
    return [
        Event.make({**data, "delta": {**data["delta"], name: piece}}) for piece in (whole[:at], whole[at:]) if piece
    ]


@given(st.lists(blocks, max_size=6), st.integers(0, 9), st.booleans())
def test_any_stream_says_what_the_whole_answer_says(content, at, counted):
    message = Message.of({**MESSAGE, "content": content})
    told = chunks([piece for event in unfold(message) for piece in _cut(event, at)], counted=counted)
    got = fold(told)
    whole = completion(message.body, 7)["choices"][0]
    spoken = whole["message"]
    assert got["content"] == (spoken["content"] or "")
    assert got["tool_calls"] == spoken.get("tool_calls", [])
    assert got["reasoning_content"] == spoken.get("reasoning_content", "")
    assert got["thinking_blocks"] == spoken.get("thinking_blocks", [])
    assert got["finish"] == whole["finish_reason"]


@given(st.lists(st.tuples(st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "x"]),
    st.dictionaries(st.sampled_from(["delta", "message", "content_block", "usage", "index", "error"]), st.none() | st.booleans() | st.dictionaries(
        st.sampled_from(["type", "text", "usage", "input", "partial_json", "thinking", "signature", "id", "name"]), st.none() | st.integers(-9, 9) | st.text(max_size=3) | st.sampled_from(["text", "tool_use", "thinking", "text_delta", "input_json_delta", "thinking_delta", "signature_delta"]))))))  # fmt: skip
def test_no_stream_makes_it_fail(events):
    made = Chunks(7, counted=True)
    for kind, data in events:
        said = made.feed(Event.make({**data, "type": kind}))
        assert said == b"" or said.endswith(b"\n\n")
