"""A first look takes what a whole decoding takes, and sees the same."""

from __future__ import annotations

import json
import threading
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.core import glance
from sidecar.core.errors import BadInput
from sidecar.core.glance import Large, fields_of, look, outline
from sidecar.core.messages import MessagesRequest

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
looking = pytest.mark.skipif(glance.simdjson is None, reason="no simdjson for this machine or this Python")

LEAST = {"model": "claude-x", "messages": [{"role": "user", "content": "hi"}]}
RAW = json.dumps(LEAST).encode()


def told(raw: bytes) -> tuple[Any, ...]:
    """What is made of these bytes: a refusal's sentence, or what a request says of itself."""
    try:
        request = MessagesRequest.parse(raw)
    except BadInput as error:
        return (error.sentence,)
    seen = {name: (bool(v), Large) if isinstance(v, Large) else v for name, v in request.outline.items()}
    return seen, request.model, request.stream, request.body


def without_simdjson(raw: bytes) -> tuple[Any, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "simdjson", None)
        return told(raw)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["user", "adaptive"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [*LEAST, "max_tokens", "stream", "system", "tools", "tool_choice", "thinking", "metadata", "stop_sequences"]


@patient
@given(st.dictionaries(st.sampled_from([*NAMES, "temperature", "top_k"]) | st.text(max_size=3), VALUES), st.booleans())
def test_any_value_is_told_as_by_a_whole_decoding(changes: dict[str, Any], escaped: bool) -> None:
    raw = json.dumps({**LEAST, **changes}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert told(raw) == without_simdjson(raw)


@patient
@given(st.data())
def test_any_damage_is_told_as_by_a_whole_decoding(data: st.DataObject) -> None:
    raw = json.dumps({**LEAST, "n": [1.5, -0.0, 1e300, True], "s": 'a"\\\u00e4\ud83d\ude00\n'}).encode()
    at = data.draw(st.integers(0, len(raw)))
    upto = data.draw(st.integers(at, min(len(raw), at + 4)))
    damaged = (
        raw[:at]
        + data.draw(st.binary(max_size=3) | st.sampled_from([b"\\", b'"', b"{", b"]", b"\\ud800"]))
        + raw[upto:]
    )
    assert told(damaged) == without_simdjson(damaged)


DUBIOUS = [
    b'"\\ud800"', b'"\\udc00"', b'"\\ud83d\\u0041"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xc0\x80"', b'"\x01"', b'"\\q"', b'"\\u12g4"',
    b"1e400", b"-1e400", b"9" * 30, b"18446744073709551616", b"-9223372036854775809", b"NaN", b"01", b"-0", b"1.", b".5", b"+1",
    b"[1,]", b"{1:2}", b"tru", b"'a'", b"/**/1", b'{"a":1,"a":2}', b"[" * 1030 + b"]" * 1030, b'{"a":' * 1024 + b"1" + b"}" * 1024,
    b"1e-400", b"\x0b1", b"\x001", b"1}{",
]  # fmt: skip


@pytest.mark.parametrize("value", DUBIOUS, ids=lambda value: repr(value[:24]))
def test_dubious_json_is_told_as_by_a_whole_decoding(value: bytes) -> None:
    for name in (b"other", b"thinking", b"system", b"messages"):
        raw = RAW[:-1] + b',"%s":%s}' % (name, value)
        assert told(raw) == without_simdjson(raw)


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbf" + RAW, RAW + b"x", b" \r\n\t" + RAW + b"\n", b"[]", b"7", b"", RAW + RAW]
)
def test_what_stands_around_it_too(raw: bytes) -> None:
    assert told(raw) == without_simdjson(raw)


@pytest.mark.parametrize(
    "raw",
    [
        RAW.replace(b'"model"', b'"model": "first", "model"'),
        RAW.replace(b'"role": "user"', b'"role": "user", "role": "nobody"'),
        RAW.replace(b'"role": "user"', b'"role": "nobody", "role": "user"'),
        RAW[:-1] + b',"thinking":{"type":"enabled","type":"disabled"}}',
        RAW[:-1] + b',"stream":true,"str\\u0065am":false}',
        RAW[:-1] + b',"stream":true,"stream\\u0000":false,"\\u0000":1,"":2}',
        RAW.replace(b'"role": "user"', b'"role": "user", "role\\u0000x": "nobody", "content\\u0000": 5'),
    ],
)
def test_of_what_stands_there_twice_or_holds_a_nul_orjson_tells(raw: bytes) -> None:
    assert told(raw) == without_simdjson(raw)


@looking
def test_nothing_is_decoded_that_nobody_asks_for() -> None:
    request = MessagesRequest.parse(json.dumps({**LEAST, "tools": [{"name": "x"}], "stream": True}).encode())
    assert (request.model, request.stream, bool(request.outline["tools"])) == ("claude-x", True, True)
    assert "body" not in vars(request)
    assert request.body["tools"] == [{"name": "x"}]
    assert request.body is request.body
    request.forget()
    assert "body" not in vars(request)


def test_an_outline_holds_nothing_large() -> None:
    given = {"a": "x" * 257, "b": "x" * 256, "c": [1], "d": [], "e": {"f": 1}, "thinking": {"type": "x"}, "g": None}
    seen = outline(given)
    assert {name: type(value) for name, value in seen.items() if isinstance(value, Large)} == dict.fromkeys(
        "acde", Large
    )
    assert (bool(seen["c"]), bool(seen["d"]), bool(seen["a"])) == (True, False, True)
    assert (seen["b"], seen["thinking"], seen["g"]) == ("x" * 256, {"type": "x"}, None)


@looking
def test_fields_are_looked_at_without_decoding_them() -> None:
    seen = look(b'{"a":{"b":[1,{"c":2}]},"n":1}')
    assert seen is not None
    assert seen["n"] == 1
    inner = fields_of(seen["a"])
    assert inner is not None
    assert isinstance(inner["b"], glance.LISTS)
    assert not isinstance(inner["b"], list)
    del seen, inner
    assert look(b'{"a":1,"a":2}') is None
    assert fields_of({"a": 1}) == {"a": 1}


def test_threads_do_not_see_each_others() -> None:
    wrong: list[str] = []

    def work(name: str) -> None:
        raw = json.dumps({**LEAST, "model": name}).encode()
        wrong.extend(name for _ in range(300) if MessagesRequest.parse(raw).model != name)

    threads = [threading.Thread(target=work, args=(f"claude-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@looking
def test_a_look_that_is_still_held_does_no_harm() -> None:
    held = look(RAW)
    assert orjson.dumps(MessagesRequest.parse(RAW).body) == orjson.dumps(LEAST)
    assert held is not None
    assert held["model"] == "claude-x"
