"""What goes wrong at the provider: the user of the CLI is told the same with Sidecar between as without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.conftest import NATIVE, Serve, Start
from tests.journeys.plays import Json, call, message, text
from tests.journeys.upstream import Asked, Line, Refuse, Say, Upstream
from tests.journeys.wire import JSON, side_by_side

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}
WORDS = "Words of the provider."
REPEATED = ["429", "500", "503", "529"]
"""Lasting faults that we try ourselves up to twice more, the first time that the CLI asks."""

WHOLE = message(text("All of it.\nTo the end."))


def refusal(status: int, words: str = WORDS) -> Json:
    return {"type": "error", "error": {"type": KINDS[status], "message": words}}


def lasting(status: int, words: str = WORDS) -> Callable[[], list[Line]]:
    return lambda: [Refuse(status, refusal(status, words)) for _ in range(30)]


def once(status: int) -> Callable[[], list[Line]]:
    return lambda: [Refuse(status, refusal(status)), Say(WHOLE)]


def cut(before: int, *blocks: Json) -> Callable[[], list[Line]]:
    return lambda: [Say(message(*blocks or [text("Half of i\nt")]), cut_before=before, pause=0.2), Say(WHOLE)]


CASES: dict[str, Callable[[], list[Line]]] = {
    "400": lasting(400, "messages.0: something is wrong here"),
    "400-too-long": lasting(400, "prompt is too long: 250000 tokens > 200000 maximum"),
    "403": lasting(403),
    "404": lasting(404),
    "413": lasting(413),
    "429": lasting(429),
    "429-once": once(429),
    "500": lasting(500),
    "500-once": once(500),
    "503": lasting(503),
    "529": lasting(529),
    "529-once": once(529),
    "cut-before-an-event": cut(0),
    "cut-inside-the-first-block": cut(3),
    "cut-after-a-finished-block": cut(4, text("One."), text("Two.")),
}


OURS = {
    "403": "The provider's account may not use this model or endpoint; check its permissions.",
    "429": "The provider's rate limit is reached; please try again later.",
    "500": "The provider failed to answer; please try again.",
    "503": "The provider failed to answer; please try again.",
    "529": "The provider is overloaded; please try again shortly.",
}
"""Where the provider's words may name accounts ours stand in their place: all that differs."""

CUT = "Connection closed mid-response. The response above may be incomplete."
TOLD_CUT = "The connection to the provider broke in the middle of its answer; please try again."
"""What the old CLI makes of a cut connection, and what we say in the event that ends a cut stream."""


@pytest.mark.parametrize("case", CASES)
async def test_same_outcome_as_without_us(serve: Serve, start: Start, claude: str, case: str) -> None:
    direct, through = await side_by_side(serve, start, claude, CASES[case], CLAUDE_CODE_MAX_RETRIES="1")
    *facts, words = direct.told
    expected = words.replace(WORDS, OURS.get(case, WORDS)).replace(CUT, TOLD_CUT)
    assert through.told == (*facts, expected)
    assert len(through.asked) == len(direct.asked) + (2 if case in REPEATED else 0)


@pytest.mark.parametrize("case", ["429", "529"])
async def test_our_tries_do_not_multiply_with_the_clis(serve: Serve, start: Start, claude: str, case: str) -> None:
    """Whatever the CLI makes of a fault that lasts: the provider is asked twice more in all, not three times as often."""
    direct, through = await side_by_side(serve, start, claude, CASES[case], CLAUDE_CODE_MAX_RETRIES="3")
    assert (len(direct.asked), len(through.asked)) == (4, 6)
    assert through.outcome.json.get("api_error_status") == int(case)


async def test_a_wrong_key_fails_at_once(upstream: Upstream, serve: Serve, ask: Start, claude: str) -> None:
    """Straight at the provider the CLI tries for minutes and then says "Not logged in"; here it is one request."""
    upstream.script = lasting(401)()
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (await ask(sidecar, "Are you there?", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["is_error"], len(upstream.asked)) == (1, True, 1), done.out
    ours = "The provider rejected the credential that Sidecar is configured with; check the key."
    assert done.json["result"] == f"Failed to authenticate. API Error: 401 {ours}"


@pytest.mark.parametrize("betas", [False, True], ids=["field", "beta"])
async def test_what_a_provider_newly_refuses(
    upstream: Upstream, serve: Serve, ask: Start, claude: str, tally: Path, betas: bool
) -> None:
    """A 400 that names a field or a beta: the CLI never hears of it, and the next request goes without it at once."""

    def refuse(asked: Asked) -> Refuse:
        sent = [beta for beta in asked.headers["anthropic-beta"].split(",") if beta.startswith("context-management")]
        flagged = f"Unexpected value(s) `{sent[0]}` for the `anthropic-beta` header."
        return Refuse(400, refusal(400, flagged if betas else "context_management: Extra inputs are not permitted"))

    read = call("Read", 1, file_path=str(tally / "tally" / "fees.py"))
    upstream.script = [refuse, Say(message(read)), Say(message(text("Done.")))]
    sidecar = await serve(**NATIVE.set_for(upstream))
    done = await (await ask(sidecar, "Look at the fees", *JSON, cli=claude)).outcome()
    assert (done.code, done.json["result"]) == (0, "Done."), done.out
    assert ["context_management" in asked.body for asked in upstream.asked] == [True, False, False]
    if betas:
        sent = ["context-management-2025-06-27" in asked.headers["anthropic-beta"] for asked in upstream.asked]
        assert sent == [True, False, False]
    assert all(asked.body["output_config"] for asked in upstream.asked)


async def test_the_new_clis_own_repair_is_not_needed_twice(serve: Serve, start: Start, rig: Rig) -> None:
    """Where the provider refuses mid-conversation system messages, straight the CLI repairs; through us it need not."""

    def script() -> list[Line]:
        words = 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.'
        return [Refuse(400, refusal(400, words)), Say(WHOLE), Say(WHOLE)]

    direct, through = await side_by_side(serve, start, rig.claude, script)
    assert through.told == direct.told
    roles = [[said["role"] for said in asked.body["messages"]] for asked in through.asked]
    assert ["system" in one for one in roles] == [True, False]
