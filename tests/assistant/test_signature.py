"""What makes an answer another one makes another signature, and nothing else does."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.assistant.signature import signature
from sidecar.core.messages import MessagesRequest

BODY = {
    "model": "claude-test",
    "max_tokens": 100,
    "stream": True,
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [{"role": "user", "content": "Hello there"}],
    "temperature": 0.5,
    "metadata": {"user_id": '{"device_id":"d","session_id":"s"}'},
}
HEADERS = {"anthropic-version": "2023-06-01", "anthropic-beta": "a-1, b-2"}
BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.abc; cch=1"}


def request(body=None, headers=None) -> MessagesRequest:
    return MessagesRequest.parse(orjson.dumps(BODY if body is None else body), HEADERS if headers is None else headers)


def sign(body=None, headers=None, origin="anthropic", workspace="/w") -> str | None:
    return signature(request(body, headers), origin, workspace)


ANOTHER = {
    "model": {"model": "claude-other"},
    "system text": {"system": [{"type": "text", "text": "Be long."}]},
    "system as a string": {"system": "Be brief."},
    "messages": {"messages": [{"role": "user", "content": "Hello where"}]},
    "one more message": {"messages": [*BODY["messages"], {"role": "assistant", "content": "x"}]},
    "a role": {"messages": [{"role": "assistant", "content": "Hello there"}]},
    "max_tokens": {"max_tokens": 101},
    "temperature": {"temperature": 0.6},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "stop_sequences": {"stop_sequences": ["x"]},
    "thinking": {"thinking": {"type": "adaptive"}},
    "tools": {"tools": [{"name": "t", "input_schema": {"type": "object"}}]},
    "tool_choice": {"tool_choice": {"type": "none"}},
    "output_config": {"output_config": {"effort": "high"}},
    "context_management": {"context_management": {"edits": []}},
    "safeguards": {"safeguards": {"a": 1}},
    "a field that nobody knows": {"a_new_field": 1},
    "a second billing block": {"system": [BILLING, BILLING, *BODY["system"]]},
    "a billing block that is not the first": {"system": [*BODY["system"], BILLING]},
}


@pytest.mark.parametrize("change", ANOTHER.values(), ids=ANOTHER)
def test_another_question_has_another_signature(change):
    assert sign(BODY | change) != sign()


@pytest.mark.parametrize("field", [f for f in BODY if f not in {"model", "messages", "stream", "metadata"}])
def test_leaving_a_field_out_is_another_question(field):
    assert sign({k: v for k, v in BODY.items() if k != field}) != sign()


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({**HEADERS, "anthropic-beta": "b-2,a-1"}, True),
        ({**HEADERS, "anthropic-beta": "a-1"}, False),
        ({**HEADERS, "anthropic-beta": "a-1,b-2,c-3"}, False),
        ({**HEADERS, "anthropic-version": "2024-01-01"}, False),
        ({}, False),
    ],
)
def test_betas_and_version_count_but_not_their_order(headers, same):
    assert (sign(headers=headers) == sign()) == same


def test_who_answers_and_where_counts():
    made = {sign(), sign(origin="azure"), sign(workspace="/v"), sign(origin="", workspace="anthropic/w")}
    assert len(made) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"stream": False},
        {"metadata": {"user_id": "another device and session"}},
        {"system": [BILLING, *BODY["system"]]},
        {"system": [BILLING | {"text": BILLING["text"] + "9"}, *BODY["system"]]},
    ],
)
def test_how_it_travels_and_who_asks_does_not_count(change):
    assert sign(BODY | change) == sign()


def test_fields_that_are_not_sent_are_like_none_of_the_volatile_ones():
    assert sign({k: v for k, v in BODY.items() if k not in {"stream", "metadata"}}) == sign()


def shuffled(value, random):
    if isinstance(value, dict):
        items = [(k, shuffled(v, random)) for k, v in value.items()]
        random.shuffle(items)
        return dict(items)
    return [shuffled(v, random) for v in value] if isinstance(value, list) else value


@given(st.randoms(use_true_random=False))
def test_keys_may_stand_in_any_order(random):
    assert sign(shuffled(BODY, random)) == sign()


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json, json)
def test_two_values_of_an_unknown_field_are_told_apart(one, other):
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    assert (sign(BODY | {"extra": one}) == sign(BODY | {"extra": other})) == same


def test_a_request_too_deep_to_be_written_has_none():
    raw = orjson.dumps(BODY)[:-1] + b',"deep":' + b"[" * 400 + b"]" * 400 + b"}"
    assert signature(MessagesRequest.parse(raw), "o", "/w") is None


@pytest.mark.parametrize("system", [[], None, "", [{"type": "text"}], [{"type": "text", "text": None}]])
def test_odd_systems_do_no_harm(system):
    assert sign(BODY | {"system": system})
