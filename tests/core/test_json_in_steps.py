"""Large JSON: the same value or the same refusal as from orjson, and other threads run meanwhile."""

from __future__ import annotations

import json
import threading

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.core.json_in_steps import decode_in_steps

# A busy machine is no fault of the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
PIECES = st.sampled_from(
    [
        *rb'{ } [ ] , : " "a" 1 - 0 .5 e9 e999 true null NaN Infinity \ \ud83d \ude00'.split(),
        *(b" ", b"\n", b"\x00", b"\xff", b"\xc3\xa4", b"\xef\xbb\xbf"),
    ]
)


def outcome(decode: object, raw: bytes) -> object:
    try:
        return [decode(raw)]  # type: ignore[operator]
    except ValueError:
        return "refused"


@patient
@given(VALUES, st.booleans())
def test_values_come_out_as_from_orjson(value: object, ascii_only: bool) -> None:
    raw = json.dumps({"v": value}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert outcome(decode_in_steps, raw) == outcome(orjson.loads, raw)


@patient
@given(st.lists(PIECES, max_size=12).map(b"".join) | st.binary(max_size=40))
def test_any_bytes_come_out_as_from_orjson(raw: bytes) -> None:
    assert outcome(decode_in_steps, raw) == outcome(orjson.loads, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"a":' + b"1" * 400 + b"}",
        b'{"a":' + b"1" * 5000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":["\\ud800"]}',
        b'{"a":[["x",["\\udc00"]]]}',
        b'{"\\ud800":1}',
        b'["\\ud800"]',
        b'"\\ud800"',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_refuses_what_orjson_refuses(raw: bytes) -> None:
    assert outcome(orjson.loads, raw) == "refused"
    assert outcome(decode_in_steps, raw) == "refused"


@pytest.mark.parametrize("number", ["9223372036854775807", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "12345678901234567890123", "-0", "0.1", "1E5"])  # fmt: skip
def test_numbers_have_orjsons_precision(number: str) -> None:
    raw = f'{{"n":{number}}}'.encode()
    mine, theirs = decode_in_steps(raw)["n"], orjson.loads(raw)["n"]
    assert (mine, type(mine)) == (theirs, type(theirs))


def test_of_duplicate_keys_the_last_one_counts() -> None:
    assert decode_in_steps(b'{"a":1,"a":2}') == {"a": 2}


def test_characters_are_whole_wherever_a_step_ends() -> None:
    for offset in range(4):
        value = {"t": "x" * offset + "\U0001f600\u00e4" * 400_000}
        assert decode_in_steps(orjson.dumps(value)) == value


def test_other_threads_run_meanwhile() -> None:
    raw = orjson.dumps([{"a": "b", "n": n} for n in range(200_000)])
    decoded: list[object] = []
    worker = threading.Thread(target=lambda: decoded.append(decode_in_steps(raw)))
    turns = 0
    worker.start()
    while worker.is_alive():
        worker.join(0.001)
        turns += 1
    assert turns > 5
    assert len(decoded) == 1
