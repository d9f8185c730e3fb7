"""Odd shapes of answers and slow providers: what the user of the CLI sees is the same with us between as without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sidecar.core.events import PING, Event
from tests.journeys.conftest import Serve, Start
from tests.journeys.plays import Json, call, message, text
from tests.journeys.upstream import Asked, Line, Refuse, Say, Stall
from tests.journeys.wire import blocks, side_by_side

WHOLE = message(text("All of it.\nTo the end."))
COMMENT = b": keep-alive\n\nid: 7\nretry: 10\n\n"
BUSY = Event.make({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).raw

Frames = list[bytes]


def crlf(frames: Frames) -> Frames:
    return [frame.replace(b"\n", b"\r\n") for frame in frames]


def one_write(frames: Frames) -> Frames:
    return [b"".join(frames)]


def torn(frames: Frames) -> Frames:
    whole = b"".join(frames)
    return [whole[at : at + 7] for at in range(0, len(whole), 7)]


def pinged(frames: Frames) -> Frames:
    return [PING.raw, PING.raw, *(part for frame in frames for part in (frame, PING.raw))]


def commented(frames: Frames) -> Frames:
    return [part for frame in frames for part in (COMMENT, frame)]


def unknown(frames: Frames) -> Frames:
    """An event of tomorrow in the middle."""
    return [frames[0], Event.make({"type": "event_of_tomorrow", "n": 1}).raw, *frames[1:]]


def fails_at(place: int) -> Callable[[Frames], Frames]:
    return lambda frames: [*frames[:place], BUSY]


def written(how: Callable[[Frames], Frames]) -> Callable[[], list[Line]]:
    return lambda: [Say(WHOLE, written=how)]


def then_whole(*first: Say | Refuse) -> Callable[[], list[Line]]:
    return lambda: [*first, Say(WHOLE), Say(WHOLE)]


CASES: dict[str, Callable[[], list[Line]]] = {
    "crlf": written(crlf),
    "in-one-write": written(one_write),
    "torn": written(torn),
    "pings-everywhere": written(pinged),
    "comments-and-ids": written(commented),
    "unknown-event": written(unknown),
    "error-first": then_whole(Say(WHOLE, written=fails_at(0))),
    "error-in-the-middle": then_whole(Say(WHOLE, written=fails_at(3), pause=0.1)),
    "no-blocks": then_whole(Say(message())),
    "stopped-for-a-tool-without-one": then_whole(Say(message(text("Now I call it."), stop_reason="tool_use"))),
    "several-texts": lambda: [Say(message(text("First."), text("Second."), text("Last.")))],
    "a-call-that-ends-the-turn": lambda: [
        Say(message(call("Glob", 1, pattern="*.md"), stop_reason="end_turn")),
        Say(message(text("Done."))),
    ],
    "search-blocks": lambda: [
        Say(
            message(
                {"type": "server_tool_use", "id": "srvtoolu_9", "name": "web_search", "input": {"query": "fees"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_9", "content": []},
                text("Nothing found."),
            )
        )
    ],
}


@pytest.mark.parametrize("case", CASES)
async def test_odd_shapes_mean_the_same(serve: Serve, start: Start, claude: str, case: str) -> None:
    direct, through = await side_by_side(serve, start, claude, CASES[case])
    assert through.told == direct.told
    streams = [[bool(asked.body.get("stream")) for asked in seen.asked] for seen in (direct, through)]
    assert streams[0] == streams[1]
    answers = [[blocks(asked.body, "assistant") for asked in seen.asked] for seen in (direct, through)]
    assert answers[0] == answers[1]


def error(status: int, kind: str) -> Json:
    return {"type": "error", "error": {"type": kind, "message": "The words of the provider."}}


async def test_a_long_retry_after_is_the_clients_to_wait(serve: Serve, start: Start, claude: str) -> None:
    """Above ten seconds we pass the 429 on at once; the CLI waits as long as the provider asked, as it would directly."""
    busy = Refuse(429, error(429, "rate_limit_error"), {"retry-after": "11"})
    seen = await side_by_side(serve, start, claude, then_whole(busy))
    assert seen[1].told == seen[0].told
    for one in seen:
        first, second = one.asked
        assert 11 <= second.at - first.at < 30


async def test_a_provider_that_never_answers(serve: Serve, start: Start, claude: str) -> None:
    """The CLI's own time-out ends it, with us between as without, and we let go of the provider with it."""
    stalls: list[Stall] = []

    def script() -> list[Line]:
        stalls.extend(fresh := [Stall(), Stall()])
        return list(fresh)

    limits = {"API_TIMEOUT_MS": "2500", "CLAUDE_CODE_MAX_RETRIES": "1"}
    direct, through = await side_by_side(serve, start, claude, script, **limits)
    assert through.told == direct.told
    assert "timed out" in through.told[-1]
    assert len(through.asked) == len(direct.asked)
    assert all(stall.left.is_set() for stall in stalls)


@pytest.mark.parametrize(("status", "kind"), [(529, "overloaded_error"), (404, "not_found_error")])
async def test_fallback_model(serve: Serve, start: Start, claude: str, status: int, kind: str) -> None:
    """What the CLI falls back on, and when, is what it would be without us."""

    def refused(asked: Asked) -> Say | Refuse:
        return Say(WHOLE) if "sonnet" in asked.body["model"] else Refuse(status, error(status, kind))

    direct, through = await side_by_side(
        serve,
        start,
        claude,
        lambda: [refused] * 40,
        arguments=("--model", "claude-opus-4-8", "--fallback-model", "claude-sonnet-4-6"),
        CLAUDE_CODE_MAX_RETRIES="4",
    )
    assert through.told == direct.told
    models = [[asked.body["model"].removeprefix("databricks-") for asked in seen.asked] for seen in (direct, through)]
    assert models[0][-1] == models[1][-1] == "claude-sonnet-4-6"
    assert list(dict.fromkeys(models[0])) == list(dict.fromkeys(models[1]))
    assert through.told[-1] == "All of it.\nTo the end."
