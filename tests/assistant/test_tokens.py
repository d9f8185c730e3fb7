"""The estimate against counts that are known."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.assistant import tokens
from sidecar.assistant.tokens import Estimate, measure, of_text, of_value
from tests.bench.tokens import __main__ as recorded

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


OLD = "claude-sonnet-4-0"


def estimate(body: dict) -> int:
    """All tokens of a request for a model of the time of the documentation's examples."""
    return tokens.estimate({"model": OLD, **body}).scaled(1.0)


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


@pytest.mark.parametrize(
    ("model", "more"), [("claude-sonnet-4-0", 8), ("claude-sonnet-4-5", 103), ("claude-opus-5-5", 157)]
)
def test_a_forced_tool_has_a_preamble_of_its_own(model, more):
    auto = estimate({"model": model, "tools": [WEATHER], **user("hi")})
    choice = {"type": "tool", "name": "get_weather"}
    assert estimate({"model": model, "tools": [WEATHER], "tool_choice": choice, **user("hi")}) - auto == more


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("claude-2.1", "claude-sonnet-4-0"),
        ("databricks-claude-opus-4-1", "claude-sonnet-4-0"),
        ("claude-opus-4-6", "claude-sonnet-4-5"),
        ("claude-opus-5-5", "claude-opus-4-7"),
        ("of-nobody-we-know", "claude-opus-4-7"),
    ],
)
def test_a_name_counts_as_its_generation(model, like):
    body = {"tools": [WEATHER], "thinking": {"type": "enabled"}, **user(ASKED)}
    assert estimate({**body, "model": model}) == estimate({**body, "model": like})
    assert len({estimate({**body, "model": one}) for one in (OLD, "claude-sonnet-4-5", "claude-opus-4-7")}) == 3


THOUGHT = {"type": "thinking", "thinking": "Let me think about this for quite a while, step by step.", "signature": "s"}
TALK = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Hello."}]},
    {"role": "user", "content": "and?"},
]
LOOP = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [THOUGHT, {"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]},
]


@pytest.mark.parametrize(
    ("model", "messages", "more", "counts"),
    [
        ("claude-sonnet-4-5", TALK, {}, False),
        ("claude-sonnet-4-5", LOOP, {}, True),
        ("claude-opus-4-5", TALK, {}, True),
        ("claude-sonnet-4-6", TALK, {}, True),
        ("claude-sonnet-4-5", TALK, {"context_management": {"edits": []}}, True),
    ],
)
def test_thoughts_of_earlier_turns_count_where_the_model_is_shown_them(model, messages, more, counts):
    bare = [{**m, "content": [b for b in m["content"] if b is not THOUGHT] if isinstance(m["content"], list) else m["content"]} for m in messages]  # fmt: skip
    with_, without = (measure({"model": model, "messages": one, **more}).said for one in (messages, bare))
    assert (with_ > without) == counts


def test_the_form_of_an_answer_is_part_of_the_prompt():
    form = {"type": "json_schema", "schema": WEATHER["input_schema"]}
    plain = estimate(user("hi"))
    assert estimate({"output_config": {"format": form}, **user("hi")}) > plain + 100
    assert estimate({"output_config": {"effort": "low"}, **user("hi")}) == plain


def test_a_budget_for_the_whole_task_is_told_to_the_model():
    asked = user("What is 2+2?") | {"model": "claude-opus-4-7"}
    told = asked | {"output_config": {"effort": "high", "task_budget": {"type": "tokens", "total": 20_000}}}
    assert 35 <= estimate(told) - estimate(asked) <= 43  # recorded: 53 and 54, and 13 of models that were told nothing


def test_only_text_scales():
    told = Estimate(100.0, 20.0)
    assert (told.scaled(1.0), told.scaled(1.5)) == (120, 170)


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


# Requests that others recorded with the usage that the API told: tests/bench/tokens. (generation, median, within 10 %)
@pytest.mark.parametrize(
    ("name", "off", "within"), [("to 4.1", 0.03, 0.9), ("4.5, 4.6", 0.03, 0.9), ("from 4.7", 0.03, 0.9)]
)
def test_recorded_requests_of_some_size_are_off_by_less_than_a_tenth(name, off, within):
    errors = recorded.by_generation(recorded.load(), 200)[name]
    assert len(errors.values) >= 10
    assert errors.median < off
    assert errors.p90 < 0.1
    assert errors.within >= within


def test_short_recorded_requests_to_new_models_are_off_by_a_few_tokens():
    short = [
        pair for pair in recorded.load() if recorded.generation(pair["model"]) == "from 4.7" and pair["tokens"] < 200
    ]
    assert len(short) >= 20
    assert max(recorded.error(pair) * pair["tokens"] for pair in short) <= 11
    assert recorded.Errors([recorded.error(pair) for pair in short]).median < 0.07


@pytest.mark.parametrize(("name", "off"), [("to 4.1", 0.03), ("4.5, 4.6", 0.03), ("from 4.7", 0.07)])
def test_all_recorded_requests(name, off):
    assert recorded.by_generation(recorded.load())[name].median < off


def test_a_model_that_nobody_fitted_is_learned_from_recorded_requests():
    long = recorded.long_ones(recorded.load(), "to 4.1")
    without, with_ = recorded.learned(long, "claude-opus-4-7")
    assert without.median > 0.2
    assert with_.median < 0.02
    assert with_.within > 0.7


@pytest.mark.parametrize("row", recorded.load()[::40], ids=lambda row: row["request"])
def test_a_recorded_pair_says_where_it_is_from_and_holds_no_text(row):
    assert row["source"].count("/") == 1
    assert all(
        isinstance(value, int | float) for key, value in row.items() if key not in {"source", "request", "model"}
    )
