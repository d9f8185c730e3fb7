"""Chat-completions requests as Messages requests: golden pairs, what is refused, what is named, and any JSON at all."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import BadInput
from sidecar.core.shape import first_problem
from sidecar.endpoint.chat_requests import HINTS, ChatRequest, chat_request
from sidecar.providers.dialects.openai import PLAIN
from sidecar.providers.dialects.openai import chat_request as as_chat

Json = dict[str, Any]
HI = {"role": "user", "content": "hi"}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


def call(ident: str = "c1", written: str = '{"a": 1}') -> Json:
    return {"id": ident, "type": "function", "function": {"name": "f", "arguments": written}}


def use(ident: str = "c1", given: Json | None = None) -> Json:
    return {"type": "tool_use", "id": ident, "name": "f", "input": {"a": 1} if given is None else given}


def result(ident: str = "c1", content: Any = "42") -> Json:
    return {"type": "tool_result", "tool_use_id": ident, "content": content}


def said(text: str) -> Json:
    return {"type": "text", "text": text}


def tool(ident: str = "c1", content: Any = "42") -> Json:
    return {"role": "tool", "tool_call_id": ident, "content": content}


def asked(**chat: Any) -> ChatRequest:
    return chat_request(json.dumps({"model": "m", "messages": [HI], **chat}).encode())


TALKS: dict[str, tuple[list[Json], Json]] = {
    "a word": ([HI], {"messages": [HI]}),
    "the system's and the developer's words before all others": (
        [{"role": "system", "content": "be brief"}, {"role": "developer", "content": [said("and kind")]}, HI],
        {"system": [said("be brief"), said("and kind")], "messages": [HI]},
    ),
    "the system's words in the middle": (
        [HI, {"role": "assistant", "content": "yes"}, {"role": "system", "content": "news"}, HI],
        {"messages": [HI, {"role": "assistant", "content": [said("yes")]}, {"role": "system", "content": "news"}, HI]},
    ),
    "text and a picture by data and by address": (
        [{"role": "user", "content": [said("what?"), PNG, {"type": "image_url", "image_url": {"url": "https://x/y"}}]}],
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        said("what?"),
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                        {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
                    ],
                }
            ]
        },
    ),
    "a file": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}}
                ],
            }
        ],
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                            "title": "a.pdf",
                        }
                    ],
                }
            ]
        },
    ),
    "parts of the Messages API and their cache marks": (
        [{"role": "user", "content": [{**said("a"), "cache_control": {"type": "ephemeral"}}, {"type": "document"}]}],
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{**said("a"), "cache_control": {"type": "ephemeral"}}, {"type": "document"}],
                }
            ]
        },
    ),
    "calls, their results in one message, and what the user says then": (
        [
            HI,
            {"role": "assistant", "content": "let me see", "tool_calls": [call(), call("c2", "")]},
            tool(),
            HI,
            tool("c2", [said("two")]),
        ],
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [said("let me see"), use(), use("c2", {})]},
                {"role": "user", "content": [result(), result("c2", [said("two")]), said("hi")]},
            ]
        },
    ),
    "arguments that are no object": (
        [HI, {"role": "assistant", "content": None, "tool_calls": [call(written="{broken"), call("c2", "[1]")]}],
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [
                        use(given={"unreadable_arguments": "{broken"}),
                        use("c2", {"unreadable_arguments": "[1]"}),
                    ],
                },
            ]
        },
    ),
    "thoughts that were given before, and a refusal": (
        [
            HI,
            {
                "role": "assistant",
                "content": None,
                "refusal": "no",
                "reasoning_content": "hm",
                "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
            },
        ],
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, said("no")],
                },
            ]
        },
    ),
    "an answer without a word": ([HI, {"role": "assistant", "content": ""}, HI], {"messages": [HI, HI]}),
}


@pytest.mark.parametrize("name", TALKS)
def test_conversations(name):
    messages, wanted = TALKS[name]
    got = asked(messages=messages)
    assert {k: v for k, v in got.messages.body.items() if k != "model"} == wanted
    assert got.unsaid == ()
    assert json.loads(got.messages.raw) == got.messages.body


FIELDS: dict[str, tuple[Json, Json]] = {
    "limits": ({"max_tokens": 5}, {"max_tokens": 5}),
    "the newer limit goes first": ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 6}),
    "sampling and stream": (
        {"temperature": 0.5, "top_p": 0.9, "stream": True},
        {"temperature": 0.5, "top_p": 0.9, "stream": True},
    ),
    "stop": ({"stop": "x"}, {"stop_sequences": ["x"]}),
    "stops": ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
    "a tool": ({"tools": [FUNCTION]}, {"tools": [TOOL]}),
    "a bare tool": (
        {"tools": [{"type": "function", "function": {"name": "g", "strict": True}}]},
        {"tools": [{"name": "g", "input_schema": {"type": "object", "properties": {}}, "strict": True}]},
    ),
    "a tool of the Messages API": (
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    ),
    "auto": ({"tools": [FUNCTION], "tool_choice": "auto"}, {"tools": [TOOL], "tool_choice": {"type": "auto"}}),
    "none": (
        {"tools": [FUNCTION], "tool_choice": "none", "parallel_tool_calls": False},
        {"tools": [TOOL], "tool_choice": {"type": "none"}},
    ),
    "required": ({"tools": [FUNCTION], "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": {"type": "any"}}),
    "one of them": (
        {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}},
    ),
    "one call at a time": (
        {"tools": [FUNCTION], "parallel_tool_calls": False},
        {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    "a choice without tools": ({"tool_choice": "auto", "parallel_tool_calls": True}, {}),
    "a schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ),
    "plain text": ({"response_format": {"type": "text"}}, {}),
    "effort": ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
    "least effort": ({"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}),
    "no thinking": ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
    "fields of the Messages API, and of nobody yet": (
        {"thinking": {"type": "adaptive"}, "top_k": 3, "x_future": [1], "output_config": {"effort": "low", "x": 1}},
        {"thinking": {"type": "adaptive"}, "top_k": 3, "x_future": [1], "output_config": {"effort": "low", "x": 1}},
    ),
    "what says nothing": ({"n": 1, "logprobs": False, "modalities": ["text"], "store": False, "seed": None}, {}),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name):
    chat, wanted = FIELDS[name]
    got = asked(**chat)
    assert {k: v for k, v in got.messages.body.items() if k not in {"model", "messages"}} == wanted
    assert got.unsaid == ()


REFUSED: list[tuple[Json, str]] = [
    ({"n": 2}, "n: "),
    ({"logprobs": True}, "logprobs: "),
    ({"logit_bias": {"1": 5}}, "logit_bias: "),
    ({"modalities": ["text", "audio"]}, "modalities: "),
    ({"audio": {"voice": "x"}}, "audio: "),
    ({"functions": [{}]}, "functions: "),
    ({"function_call": "auto"}, "function_call: "),
    ({"web_search_options": {}}, "web_search_options: "),
    ({"system": "x"}, "system: "),
    ({"response_format": {"type": "json_object"}}, "response_format: "),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: "),
    ({"tools": {}}, "tools: "),
    ({"tools": [{"type": "function"}]}, "tools.0.function: "),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.0: "),
    ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools"}}, "tool_choice: "),
    ({"stream_options": 1}, "stream_options: "),
    ({"max_completion_tokens": 0}, "max_tokens: "),
    ({"stream": "yes"}, "stream: "),
    ({"temperature": "hot"}, "temperature: "),
    ({"stop": [1]}, "stop_sequences: "),
    ({"model": 1}, "model: "),
    ({"messages": []}, "messages: "),
    ({"messages": "hi"}, "messages: "),
    ({"messages": [1]}, "messages.0: "),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role: "),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages.0.role: "),
    ({"messages": [{"role": "user"}]}, "messages.0.content: "),
    ({"messages": [{"role": "user", "content": [1]}]}, "messages.0.content.0: "),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages.0.content.0: "),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]}, "messages.0.content.0.image_url.url: "),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.image_url: "),
    ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}, "messages.0.content.0.file: "),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id: "),
    ({"messages": [HI, {"role": "assistant", "function_call": {"name": "f"}}]}, "messages.1.function_call: "),
    ({"messages": [HI, {"role": "assistant", "tool_calls": [{"id": 1, "function": {"name": "f"}}]}]}, "messages.1.tool_calls.0: "),
]  # fmt: skip


@pytest.mark.parametrize(("chat", "path"), REFUSED)
def test_what_cannot_be_said_is_refused_by_its_path(chat, path):
    with pytest.raises(BadInput) as raised:
        asked(**chat)
    assert raised.value.sentence.startswith(path)
    assert raised.value.sentence.endswith((".", "…}}."))


def test_hints_are_left_out_and_named():
    hints = dict.fromkeys(sorted(HINTS), "x")
    got = asked(**hints)
    assert set(got.unsaid) == HINTS
    assert got.messages.body.keys() == {"model", "messages"}


def test_what_is_left_out_of_a_conversation_is_named():
    picture = {**PNG, "image_url": {**PNG["image_url"], "detail": "low"}, "prompt_cache_breakpoint": {"mode": "x"}}
    got = asked(
        messages=[
            {"role": "user", "name": "ann", "content": [picture]},
            {"role": "assistant", "content": "x", "reasoning_content": "hm"},
        ]
    )
    assert set(got.unsaid) == {
        "messages.name",
        "image_url.detail",
        "prompt_cache_breakpoint",
        "messages.reasoning_content",
    }
    assert got.messages.body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    ]


def test_the_usage_of_a_stream_is_asked_for():
    assert asked(stream=True, stream_options={"include_usage": True}).usage
    assert not asked(stream=True, stream_options={}).usage


def test_there_and_back():
    """The provider's dialect of chat completions says the same again."""
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [said("what?"), PNG]},
        {"role": "assistant", "content": "so", "tool_calls": [call(written='{"a":1}')]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "user", "content": "and?"},
    ]
    chat = {"model": "m", "messages": messages, "tools": [FUNCTION], "tool_choice": "required", "stop": ["x"],
            "max_tokens": 9, "temperature": 0.5, "parallel_tool_calls": False, "reasoning_effort": "low", "stream": True}  # fmt: skip
    body = asked(**chat).messages.body
    assert as_chat(body, "m", PLAIN) == {**chat, "stream_options": {"include_usage": True}}


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
    ["type", "role", "content", "text", "image_url", "url", "file", "function", "name", "arguments", "id", "tool_calls",
     "tool_call_id", "user", "assistant", "tool", "thinking_blocks", "json_schema", "schema"]) | st.text(max_size=4), inner, max_size=4), max_leaves=20)  # fmt: skip
words = st.sampled_from(["user", "assistant", "tool", "system", "text", "image_url", "file", "function", "json_schema"])
fields = st.sampled_from(
    [
        "messages",
        "tools",
        "tool_choice",
        "response_format",
        "stop",
        "stream_options",
        "max_tokens",
        "n",
        "output_config",
    ]
)
messages = st.lists(
    st.fixed_dictionaries({"role": words | values, "content": values}, optional={"tool_calls": values, "name": values})
)


@given(st.dictionaries(fields, values | words, max_size=5), messages)
def test_any_json_is_translated_or_refused(chat, talk):
    raw = json.dumps({"model": "m", "messages": talk, **chat}).encode()
    with contextlib.suppress(BadInput):
        got = chat_request(raw)
        assert first_problem(got.messages.body) == ""
        assert json.loads(got.messages.raw) == got.messages.body
