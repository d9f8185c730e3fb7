"""The estimate against counts that are known."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.assistant.tokens import estimate, of_text, of_value

WEATHER = {
    "name": "get_weather",
    "description": "Get the current weather in a given location",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}},
        "required": ["location"],
    },
}
ASKED = "What's the weather like in San Francisco?"


def user(*content: object) -> dict:
    return {"messages": [{"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}]}


def png(width: int, height: int) -> dict:
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()},
    }


# Counts that Anthropic's documentation gives for these requests.
DOCUMENTED = [
    ({"system": "You are a scientist", **user("Hello, Claude")}, 14, 0.2),
    ({"tools": [WEATHER], **user(ASKED)}, 403, 0.05),
    (user(png(1092, 1092)), 1590, 0.05),
    (user(png(200, 200)), 54, 0.35),
]


@pytest.mark.parametrize(("body", "tokens", "tolerance"), DOCUMENTED)
def test_documented_counts(body, tokens, tolerance):
    assert estimate(body) == pytest.approx(tokens, rel=tolerance)


# Counts of the tokenizer that Anthropic published.
PUBLISHED = [
    ("请总结最近的更改,并说明哪些文件有风险。我们需要在合并之前检查数据库迁移是否正确,并确保所有测试都通过。", 43),
    ("최근 변경 사항을 요약하고 어떤 파일에 위험이 있는지 설명해 주세요.", 40),
    ("Für größere Änderungen prüfen wir zunächst, ob Übersetzungen veröffentlicht wurden.", 28),
    ("hello world!", 3),
]


@pytest.mark.parametrize(("text", "tokens"), PUBLISHED)
def test_texts_of_several_scripts(text, tokens):
    assert of_text(text) == pytest.approx(tokens, rel=0.3)


def test_what_a_request_consists_of_is_all_counted():
    plain = estimate(user("hi"))
    more = [
        {"system": "Be brief and kind.", **user("hi")},
        {
            "system": [{"type": "text", "text": "Be brief and kind.", "cache_control": {"type": "ephemeral"}}],
            **user("hi"),
        },
        {"tools": [WEATHER], **user("hi")},
        user({"type": "text", "text": "hi"}, png(100, 100)),
        user({"type": "text", "text": "hi"}, {"type": "tool_result", "tool_use_id": "t", "content": "ok then"}),
        user({"type": "text", "text": "hi"}, {"type": "tool_result", "tool_use_id": "t", "content": [png(100, 100)]}),
        user(
            {"type": "text", "text": "hi"}, {"type": "tool_use", "id": "t", "name": "Read", "input": {"file_path": "a"}}
        ),
        user({"type": "text", "text": "hi"}, {"type": "thinking", "thinking": "Let me see", "signature": "x" * 500}),
        user({"type": "text", "text": "hi"}, {"type": "document", "source": {"type": "base64", "data": "x" * 80_000}}),
        user({"type": "text", "text": "hi"}, {"type": "document", "source": {"type": "text", "data": "some words"}}),
        user({"type": "text", "text": "hi"}, {"type": "of_the_future", "words": "some words"}),
    ]
    assert all(estimate(body) > plain for body in more)
    assert estimate(more[0]) == estimate(more[1])
    assert estimate(more[7]) < plain + 20  # a signature is no text


def test_a_forced_tool_has_the_shorter_preamble():
    auto = estimate({"tools": [WEATHER], **user("hi")})
    forced = estimate({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}, **user("hi")})
    assert auto - forced == 346 - 313


def test_a_deferred_tool_is_not_in_the_prompt():
    assert estimate({"tools": [{**WEATHER, "defer_loading": True}], **user("hi")}) == estimate(user("hi"))


def test_nesting_deeper_than_python_s_stack():
    value: object = "x"
    for _ in range(5_000):
        value = [value]
    assert of_value(value) > 5_000
    block: dict = {"type": "text", "text": "x"}
    for _ in range(5_000):
        block = {"type": "tool_result", "content": [block]}
    assert estimate(user(block)) > 0


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one, two):
    assert of_text(one) >= 0
    assert of_text(one + " \n " + two) >= max(of_text(one), of_text(two)) - 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_content_has_an_estimate(value):
    assert estimate({"system": value, "messages": [{"role": "user", "content": value}]}) >= 0


def test_a_long_text_is_counted_in_pieces_to_the_same_end():
    text = "def answer(self, request):\n    return 42\n" * 5_000
    assert of_text(text) == pytest.approx(5_000 * of_text("def answer(self, request):\n    return 42\n"), rel=0.01)
