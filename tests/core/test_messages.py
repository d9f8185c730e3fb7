"""The JSON border: any bytes are a request or a BadInput, and what is not touched stays as it came."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.core.errors import BadInput
from sidecar.core.messages import AT_ONCE, DROP, Message, MessagesRequest, encode, object_in, texts

# A busy machine is no fault of the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LEAST = {"model": "claude-x", "messages": [{"role": "user", "content": "hi"}]}


def body(**changes: object) -> bytes:
    return json.dumps({**LEAST, **changes}).encode()


def parsed(raw: bytes) -> MessagesRequest | BadInput:
    try:
        return MessagesRequest.parse(raw)
    except BadInput as error:
        return error


@patient
@given(st.binary())
def test_any_bytes_are_a_request_or_bad_input(raw: bytes) -> None:
    assert isinstance(parsed(raw), MessagesRequest | BadInput)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("user"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*LEAST, "max_tokens", "stream", "system", "tools", "tool_choice", "thinking", "metadata", "stop_sequences"]


@patient
@given(st.dictionaries(st.sampled_from([*FIELDS, "temperature", "top_p", "top_k", "other"]), VALUES))
def test_any_shape_is_a_request_or_bad_input(changes: dict[str, object]) -> None:
    outcome = parsed(json.dumps({**LEAST, **changes}).encode())
    if isinstance(outcome, MessagesRequest):
        assert isinstance(outcome.model, str)
        assert isinstance(outcome.stream, bool)
        assert isinstance(outcome.last_user_text(), str)
        assert isinstance(outcome.tools, list)


DEEP = b'{"model":"m","messages":[{"role":"user","content":"x"}],"other":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{}",
        DEEP,
        body(model=""),
        body(model=7),
        body(model="x" * 257),
        body(messages=[]),
        body(messages={}),
        body(messages=["hi"]),
        body(messages=[{"role": "nobody", "content": "hi"}]),
        body(messages=[{"role": "user"}]),
        body(messages=[{"role": "user", "content": 5}]),
        body(messages=[{"role": "user", "content": ["x"]}]),
        body(max_tokens=0),
        body(max_tokens=-1),
        body(max_tokens=1.5),
        body(max_tokens="9"),
        body(max_tokens=True),
        body(stream="yes"),
        body(stream=1),
        body(temperature=-0.1),
        body(temperature=float("nan")),
        body(temperature=float("inf")),
        body(tools={}),
        body(tools=["Read"]),
        body(stop_sequences="x"),
        body(stop_sequences=[1]),
        body(max_tokens=int("1" * 500)),
        body().replace(b'"hi"', b'"\\ud800"'),
        body().replace(b'"hi"', b'"\xed\xa0\x80"'),
    ],
    ids=lambda raw: raw[:60].decode("ascii", "replace"),
)
def test_what_is_no_request_says_why(raw: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        MessagesRequest.parse(raw)
    assert caught.value.kind == "invalid_request_error"
    assert caught.value.sentence
    assert "Traceback" not in caught.value.sentence


def test_a_5000_digit_number_is_refused() -> None:
    with pytest.raises(BadInput, match="JSON"):
        MessagesRequest.parse(body(max_tokens=1).replace(b"1}", b"1" * 5000 + b"}"))


def test_the_first_wrong_field_is_named_with_its_path() -> None:
    with pytest.raises(BadInput, match=r"messages\.1\.role"):
        MessagesRequest.parse(body(messages=[*LEAST["messages"], {"role": "x", "content": ""}]))


def test_of_duplicate_keys_the_last_one_counts() -> None:
    raw = b'{"model":"a","model":"b","messages":[{"role":"user","content":"hi"}]}'
    assert MessagesRequest.parse(raw).model == "b"
    assert orjson.loads(MessagesRequest.parse(raw).renamed("c").raw)["model"] == "c"


def test_unknown_fields_blocks_and_roles_of_the_middle_pass() -> None:
    raw = body(
        safeguards={"x": [1]},
        messages=[
            {"role": "system", "content": "s", "output_config": {}},
            {"role": "user", "content": [{"type": "from_the_future", "y": None}]},
        ],
    )
    request = MessagesRequest.parse(raw)
    assert request.raw is raw
    assert request.body["safeguards"] == {"x": [1]}


def test_replaced_changes_only_what_is_named() -> None:
    request = MessagesRequest.parse(body(max_tokens=5, stream=True), {"anthropic-beta": "b"})
    changed = request.replaced(max_tokens=9, stream=DROP, temperature=None)
    assert orjson.loads(changed.raw) == {**LEAST, "max_tokens": 9, "temperature": None}
    assert dict(changed.body) == orjson.loads(changed.raw)
    assert changed.headers == {"anthropic-beta": "b"}
    assert request.body["max_tokens"] == 5


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            b'{"model":"claude-x","messages":[{"role":"user","content":"\\u00e4"}],"n":12345678901234567890123}',
            b'{"model":"new","messages":[{"role":"user","content":"\\u00e4"}],"n":12345678901234567890123}',
        ),
        (
            b' {\n "model" : "claude-x" , "messages":[{"role":"user","content":"claude-x"}]}',
            b' {\n "model" : "new" , "messages":[{"role":"user","content":"claude-x"}]}',
        ),
        (
            b'{"messages":[{"role":"user","content":[{"model":"claude-x"}]}],"model":"claude-x"}',
            b'{"messages":[{"role":"user","content":[{"model":"claude-x"}]}],"model":"new"}',
        ),
    ],
)
def test_renamed_leaves_all_other_bytes(raw: bytes, expected: bytes) -> None:
    renamed = MessagesRequest.parse(raw).renamed("new")
    assert renamed.raw == expected
    assert renamed.model == "new"


def test_renamed_to_its_own_name_is_the_same_object() -> None:
    request = MessagesRequest.parse(body())
    assert request.renamed("claude-x") is request


@patient
@given(name=st.text(min_size=1, max_size=50).filter(lambda s: s.isprintable() or "\n" in s))
def test_no_name_breaks_out_of_its_string(name: str) -> None:
    request = MessagesRequest.parse(b'{"model":"a","messages":[{"role":"user","content":"hi"}]}').renamed(name)
    assert orjson.loads(request.raw) == {**LEAST, "model": name}


def test_a_body_too_deep_to_be_written_again_is_bad_input() -> None:
    raw = body(other=0).replace(b'"other": 0', b'"other":' + b"[" * 500 + b"]" * 500)
    request = MessagesRequest.parse(raw)
    with pytest.raises(BadInput, match="flatter"):
        request.replaced(model="n")


@pytest.mark.parametrize("end", ["", " \n"])
def test_a_field_that_is_new_is_put_behind_the_last_one_and_all_other_bytes_stay(end: str) -> None:
    raw = b'{ "model":"m","messages":[{"role":"user","content":"\\u00e4}"}],"n":1.10 }' + end.encode()
    longer = MessagesRequest.parse(raw).replaced(max_tokens=9, stream=DROP, metadata={"user_id": "x"})
    assert longer.raw.startswith(raw.rstrip()[:-1])
    assert orjson.loads(longer.raw) == dict(longer.body)
    assert longer.body["max_tokens"] == 9
    assert MessagesRequest.parse(raw).replaced(stream=DROP).raw is raw


def test_a_large_body_is_the_same_request() -> None:
    blocks = [{"type": "text", "text": "\u00e4" * 1000, "n": n} for n in range(2500)]
    raw = body(messages=[{"role": "user", "content": blocks}], max_tokens=7)
    assert len(raw) > AT_ONCE
    request = MessagesRequest.parse(raw)
    assert request.raw is raw
    assert request.body == orjson.loads(raw)
    for wrong in (raw[:-1], raw.replace(b'"n": 2000', b'"n": NaN'), raw.replace(b'"n": 2000', b'"n": "\\ud800"')):
        with pytest.raises(BadInput, match="not valid JSON"):
            MessagesRequest.parse(wrong)


def test_last_user_text_joins_the_newest_users_texts() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}, {"type": "text"}]
    messages = [{"role": "user", "content": blocks}, {"role": "assistant", "content": "no"}]
    assert MessagesRequest.parse(body(messages=messages)).last_user_text() == "a\nb"
    assert list(texts(None)) == []


def test_a_message_decodes_its_bytes() -> None:
    assert Message.of({"content": []}).body == {"content": []}
    assert Message(b'{"a":1}').raw == b'{"a":1}'
    with pytest.raises(BadInput):
        _ = Message(b"<html>").body


def test_encode_refuses_what_json_cannot_hold() -> None:
    with pytest.raises(BadInput):
        encode({"x": object()})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ()),
        ({"model": "b"}, ("model",)),
        ({"max_tokens": 1}, ("max_tokens",)),
        ({"thinking": DROP, "tags": [1]}, ("thinking", "tags")),
        ({"thinking": {"type": "disabled"}}, ()),
    ],
)
def test_a_request_tells_in_what_it_differs_from_another(changed: dict, expected: tuple) -> None:
    raw = b'{"model":"a","messages":[{"role":"user","content":"x"}],"thinking":{"type":"disabled"}}'
    sent = MessagesRequest.parse(raw, {"anthropic-beta": "b"})
    assert sent.changes_from(sent) == ()
    assert sent.replaced(**changed).changes_from(sent) == expected
    assert MessagesRequest.parse(raw).changes_from(sent) == ("anthropic-beta",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"a": 1}', {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        (b"", {}),
        ("", {}),
        (b"[1]", {}),
        (b"null", {}),
        (b"{", {}),
        (b"\xff", {}),
    ],
)
def test_an_object_in_a_text_of_somebody_elses(text, found):
    assert object_in(text) == found
