"""The event-stream decoder: any split gives the same events, and no input breaks it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sidecar.core import sse
from sidecar.core.errors import UpstreamError
from sidecar.core.events import PING, Event
from sidecar.core.sse import Decoder

# A busy machine is no fault of the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n'
    b": keep-alive\n\n"
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"\xc3\xa4\\n"}}\n\n'
    b'data: {"type":"ping"}\n\n'
    b"data: [DONE]\n\n"
    b"event: message_stop\ndata:{\n"
    b'data:"type":"message_stop"}\n\n'
)
NAMES = ["message_start", "content_block_delta", "ping", "message", "message_stop"]


def decode(pieces: list[bytes]) -> tuple[list[Event], bytes]:
    decoder = Decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.end(), decoder.pending


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@patient
@given(places=st.lists(st.integers(min_value=0)))
def test_any_split_gives_the_same_events(end: bytes, bom: bytes, places: list[int]) -> None:
    stream = bom + STREAM.replace(b"\n", end)
    events, pending = decode(cut(stream, places))
    assert [event.type for event in events] == NAMES
    assert [event.data for event in events] == [event.data for event in decode([stream])[0]]
    assert events[-1].data == {"type": "message_stop"}
    assert pending == b""


LINES = st.lists(st.sampled_from([b"data: {}", b"event: x", b": c", b"\n", b"\r", b"\r\n", b"\n\n", b"d", b"\xff"]))


@patient
@given(parts=LINES, places=st.lists(st.integers(min_value=0)))
@example(parts=[b"data: {}", b"\r", b"\r\n", b"data: {}", b"\n", b"\n"], places=[9])
@example(parts=[b"data: {}", b"\n", b"\r", b"\n", b"\r"], places=[9, 10, 11])
def test_mixed_line_ends_mean_the_same_however_they_are_cut(parts: list[bytes], places: list[int]) -> None:
    data = b"".join(parts)
    assert decode(cut(data, places)) == decode([data])


@patient
@given(data=st.binary(), places=st.lists(st.integers(min_value=0), max_size=5))
def test_no_bytes_break_it(data: bytes, places: list[int]) -> None:
    assert [event.data for event in decode(cut(data, places))[0]] == [event.data for event in decode([data])[0]]


@patient
@given(chunk=st.binary(min_size=1, max_size=200))
def test_nothing_is_lost_or_made_up(chunk: bytes) -> None:
    data = b"data: x" + chunk.replace(b"\r", b"").replace(b"\n", b"") + b"\n\n"
    (event,), pending = decode([data, b"data: cut"])
    assert (event.raw, pending) == (data, b"data: cut")


@pytest.mark.parametrize(
    ("frame", "name", "data"),
    [
        (b'data: {"error":{"type":"overloaded_error"},"type":"error"}\n\n', "error", None),
        (b'event:\ndata: {"type":"ping"}\n\n', "ping", None),
        (b"event: \xff\ndata: {}\n\n", "�", {}),
        (b"event: x\n\n", "x", {}),
        (b"event: x\ndata: [1]\n\n", "x", {}),
        (b'data: {"a":\ndata: 1}\n\n', "message", {"a": 1}),
        (b'id: 7\nevent: y\nretry: 5\ndata: {"a": 1}\n\n', "y", {"a": 1}),
        (b"event: z\ndata: " + b"[" * 5000 + b"\n\n", "z", {}),
    ],
)
def test_odd_frames(frame: bytes, name: str, data: dict[str, object] | None) -> None:
    (event,), _ = decode([frame])
    assert event.type == name
    assert event.raw == frame
    if data is not None:
        assert event.data == data


@pytest.mark.parametrize("frame", [b": data: x\n\n", b"\n\n", b"id: 1\n\n", b"metadata: x\n\n"])
def test_what_carries_no_data_is_no_event(frame: bytes) -> None:
    assert decode([frame]) == ([], b"")


def test_a_trailing_cr_waits_for_what_follows_it() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: {}\r\r") == []
    assert decoder.pending == b"data: {}\r\r"
    (event,) = decoder.feed(b"data: 1")
    assert event.raw == b"data: {}\r\r"
    assert decoder.end() == []


def test_a_stream_that_ends_in_the_middle_shows_what_is_pending() -> None:
    events, pending = decode([PING.raw, PING.raw[:-1]])
    assert events == [PING]
    assert pending == PING.raw[:-1]


def test_an_endless_event_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME", 1000)
    decoder = Decoder()
    decoder.feed(b"data: " + b"x" * 900)
    with pytest.raises(UpstreamError, match="1000 bytes"):
        decoder.feed(b"x" * 100)
    assert decoder.pending == b"", "or whoever keeps the error keeps all of it"


def test_a_large_event_in_small_pieces_is_read_in_linear_time() -> None:
    decoder = Decoder()
    for _ in range(40_000):
        assert decoder.feed(b"x" * 100) == []
    assert decoder.feed(b"\n\ndata: {}\n\n")[0].data == {}


def test_events_of_one_read_know_that_more_follow() -> None:
    decoder = Decoder()
    events = decoder.feed(b"event: a\ndata: {}\n\nevent: b\ndata: {}\n\nevent: c\n")
    assert [(event.type, event.more) for event in events] == [("a", True), ("b", False)]
    assert [(event.type, event.more) for event in decoder.feed(b"data: {}\n\n")] == [("c", False)]


@pytest.mark.parametrize("ending", ["\n\n", "\n\n\n", "\n\n: x\n\n", "\r\n\r\n"])
def test_whole_frames_are_read_at_once_as_in_pieces(ending: str) -> None:
    text = (
        'event: a\ndata: {}\n\n\nevent:b\ndata: 1\n\ndata: {"type":"c"}\n\nevent: \ndata: {}\n\nevent: d\rdata: 2\n\n'
    )
    raw = (text + "event: e\ndata: {}" + ending).encode()
    whole, pieces = Decoder(), Decoder()
    for decoder in (whole, pieces):
        decoder.feed(b"event: first\ndata: {}\n\n")
    at_once = whole.feed(raw)
    slowly = [event for n in range(len(raw)) for event in pieces.feed(raw[n : n + 1])]
    assert [(e.type, e.raw) for e in at_once] == [(e.type, e.raw) for e in slowly]
    assert [e.more for e in at_once] == [True] * (len(at_once) - 1) + [False]
    assert whole.pending == pieces.pending
