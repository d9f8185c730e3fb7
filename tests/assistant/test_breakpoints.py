"""Marks for the provider's own cache: only where the client set none, only where they can stand, and never unsaid."""

from __future__ import annotations

import copy

import orjson
import pytest

from sidecar.assistant.breakpoints import SMALLEST, add_breakpoints, with_breakpoints
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import UpstreamError
from sidecar.core.messages import MessagesRequest
from sidecar.core.turn import Turn
from tests.fakes.provider import FakeProvider, fails, says

MARK = {"cache_control": {"type": "ephemeral"}}
LONG = "x" * SMALLEST
TOOLS = [{"name": "a", "input_schema": {}}, {"name": "b", "input_schema": {}}]
ASKED = [{"role": "user", "content": "Hello"}]
TALK = [*ASKED, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": [{"type": "text", "text": "So"}]}]
TURN = Turn(id="req_1")


def request(**fields) -> MessagesRequest:
    return MessagesRequest.parse(orjson.dumps({"model": "m", "max_tokens": 9, "messages": ASKED, **fields}))


def text(content: str, **more) -> dict:
    return {"type": "text", "text": content, **more}


CASES = {
    "a system as a string": ({"system": LONG}, {"system": [text(LONG, **MARK)]}),
    "a system of blocks": (
        {"system": [text(LONG), text("b")]},
        {"system": [text(LONG), text("b", **MARK)]},
    ),
    "the system stands behind the tools": (
        {"system": LONG, "tools": TOOLS},
        {"system": [text(LONG, **MARK)], "messages": [{"role": "user", "content": [text("Hello", **MARK)]}]},
    ),
    "tools without a system": (
        {"tools": [*TOOLS, {"name": "c", "input_schema": {}, "defer_loading": True}], "stop_sequences": [LONG]},
        {
            "tools": [TOOLS[0], TOOLS[1] | MARK, {"name": "c", "input_schema": {}, "defer_loading": True}],
            "messages": [{"role": "user", "content": [text("Hello", **MARK)]}],
        },
    ),
    "a conversation": (
        {"messages": [*TALK[:1], {"role": "assistant", "content": LONG}, TALK[2]]},
        {
            "messages": [
                TALK[0],
                {"role": "assistant", "content": LONG},
                {"role": "user", "content": [text("So", **MARK)]},
            ]
        },
    ),
    "the last user's message, not what the system said after it": (
        {"system": LONG, "messages": [*TALK, {"role": "system", "content": "s"}]},
        {
            "system": [text(LONG, **MARK)],
            "messages": [*TALK[:2], {"role": "user", "content": [text("So", **MARK)]}, {"role": "system", "content": "s"}],
        },
    ),
    "a tool's result": (
        {"system": LONG, "messages": [*TALK[:2], {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]},
        {
            "system": [text(LONG, **MARK)],
            "messages": [*TALK[:2], {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", **MARK}]}],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "changed"), CASES.values(), ids=CASES)
def test_marks_stand_where_something_ends_that_comes_again(fields, changed):
    asked = request(**fields)
    before = copy.deepcopy(dict(asked.body))
    marked = with_breakpoints(asked)
    assert dict(marked.body) == before | changed
    assert orjson.loads(marked.raw) == before | changed
    assert dict(asked.body) == before
    assert marked.raw.count(b'"cache_control"') <= 4


UNTOUCHED = {
    "a small request": {"system": "short", "tools": TOOLS},
    "a mark on the system": {"system": [text(LONG, **MARK)], "tools": TOOLS},
    "a mark on a tool": {"system": LONG, "tools": [TOOLS[0] | MARK]},
    "a mark in a message": {"system": LONG, "messages": [{"role": "user", "content": [text("a", **MARK)]}]},
    "a mark on the whole request": {"system": LONG, **MARK},
    "a question that comes once": {"messages": [{"role": "user", "content": LONG}]},
    "blank text, which cannot carry one": {"system": [text(" \n")], "messages": [{"role": "user", "content": LONG}]},
    "thinking at the end": {
        "messages": [
            TALK[0],
            {"role": "assistant", "content": LONG},
            {"role": "user", "content": [{"type": "thinking"}]},
        ]
    },
    "only deferred tools": {
        "tools": [TOOLS[0] | {"defer_loading": True}],
        "messages": [{"role": "user", "content": [{"type": "x", "y": LONG}]}],
    },
    "no content": {"system": [], "messages": [{"role": "user", "content": LONG}, {"role": "user", "content": []}]},
}


@pytest.mark.parametrize("fields", UNTOUCHED.values(), ids=UNTOUCHED)
def test_where_nothing_is_to_be_marked_it_is_the_very_same_request(fields):
    asked = request(**fields)
    assert with_breakpoints(asked) is asked


async def test_what_was_added_is_told():
    provider = FakeProvider(says("hi"))
    async with await AnswerTurn(provider, [add_breakpoints]).answer(request(system=LONG), TURN) as reply:
        assert reply.handling.changes == ("cache_control",)
    assert provider.exchanges[0].request.body["system"] == [text(LONG, **MARK)]


async def test_what_was_added_is_told_of_a_refusal_too():
    with pytest.raises(UpstreamError) as caught:
        await AnswerTurn(FakeProvider(fails(UpstreamError("no"))), [add_breakpoints]).answer(request(system=LONG), TURN)
    assert caught.value.handling.changes == ("cache_control",)


async def test_where_nothing_was_added_nothing_is_told():
    provider = FakeProvider(says("hi"))
    asked = request()
    async with await AnswerTurn(provider, [add_breakpoints]).answer(asked, TURN) as reply:
        assert reply.handling.changes == ()
    assert provider.exchanges[0].request is asked
