"""Conversations as chat completions have them: each rule with the dialogue that shows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.providers.dialects.openai_messages import chat_messages
from tests.explore import share

Json = dict[str, Any]
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


def user(*content: Any) -> Json:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def model(*content: Any) -> Json:
    return {"role": "assistant", "content": content[0] if isinstance(content[0], str) else list(content)}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def use(ident: str, name: str = "Read", kind: str = "tool_use") -> Json:
    return {"type": kind, "id": ident, "name": name, "input": {"x": 1}}


def result(ident: str, content: Any = "done", **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": ident, "content": content, **more}


def call(ident: str, name: str = "Read") -> Json:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": '{"x":1}'}}


def tool(ident: str, content: str = "done") -> Json:
    return {"role": "tool", "tool_call_id": ident, "content": content}


def calls(*idents: str, content: Any = None) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": [call(ident) for ident in idents]}


DIALOGUES: dict[str, tuple[Json, list[Json]]] = {
    "system string": ({"system": "Be brief."}, [{"role": "system", "content": "Be brief."}]),
    "system blocks without the billing line": (
        {"system": [text("x-anthropic-billing-header: cc=1"), text("A"), {**text("B"), "cache_control": {}}]},
        [{"role": "system", "content": "A\n\nB"}],
    ),
    "plain": ({"messages": [user("hi"), model("ho")]}, [user("hi"), model("ho")]),
    "neighbouring users are one": (
        {"messages": [user("a"), user(text("b"), PNG), user("c")]},
        [user(text("a"), text("b"), PNG_PART, text("c"))],
    ),
    "system words in the middle become a user's": (
        {"messages": [user("a"), {"role": "system", "content": "rules"}, model("b")]},
        [user("a\n\nrules"), model("b")],
    ),
    "results stand directly behind their call, text after them": (
        {
            "messages": [
                user("go"),
                model(text("ok"), use("t1"), use("t2")),
                user(text("and"), result("t2"), result("t1")),
            ]
        },
        [user("go"), calls("t1", "t2", content="ok"), tool("t1"), tool("t2"), user("and")],
    ),
    "system words between call and result wait": (
        {
            "messages": [
                model(use("t1")),
                {"role": "system", "content": [text("news")]},
                user(result("t1"), text("go on")),
            ]
        },
        [calls("t1"), tool("t1"), user("news\n\ngo on")],
    ),
    "results that come in two messages": (
        {"messages": [model(use("t1"), use("t2")), user(result("t1")), user(result("t2"), text("x"))]},
        [calls("t1", "t2"), tool("t1"), tool("t2"), user("x")],
    ),
    "a result that never came": (
        {"messages": [model(use("t1"), use("t2")), user(result("t1"), text("stop")), model("sorry")]},
        [
            calls("t1", "t2"),
            tool("t1"),
            tool("t2", "(no result: the call was interrupted)"),
            user("stop"),
            model("sorry"),
        ],
    ),
    "a conversation that ends in a call": (
        {"messages": [model(use("t1"))]},
        [calls("t1"), tool("t1", "(no result: the call was interrupted)")],
    ),
    "a result without its call": (
        {"messages": [user(result("gone", "42"), text("x"))]},
        [user("Result of an earlier tool call: 42\n\nx")],
    ),
    "pictures of a result move behind all results": (
        {"messages": [model(use("t1"), use("t2")), user(result("t1", [text("see"), PNG]), result("t2"))]},
        [calls("t1", "t2"), tool("t1", "see"), tool("t2"), user(PNG_PART)],
    ),
    "an error and an empty result": (
        {"messages": [model(use("t1"), use("t2")), user(result("t1", "no", is_error=True), result("t2", []))]},
        [calls("t1", "t2"), tool("t1", "Error: no"), tool("t2", "(no output)")],
    ),
    "a reference to a deferred tool": (
        {"messages": [model(use("t1")), user(result("t1", [{"type": "tool_reference", "tool_name": "WebFetch"}]))]},
        [calls("t1"), tool("t1", "The tool WebFetch is available now.")],
    ),
    "a tool that ran at the server": (
        {
            "messages": [
                model(
                    text("look: "),
                    use("s1", kind="server_tool_use"),
                    {"type": "x_tool_result", "tool_use_id": "s1", "content": [text("found")]},
                    text("and "),
                    use("t1"),
                ),
                user(result("t1")),
            ]
        },
        [calls("s1", content="look: "), tool("s1", "found"), calls("t1", content="and "), tool("t1")],
    ),
    "thinking is dropped, and a turn of nothing else with it": (
        {"messages": [user("a"), model({"type": "thinking", "thinking": "hm", "signature": "s"}), user("b")]},
        [user("a\n\nb")],
    ),
    "documents": (
        {
            "messages": [
                user(
                    {"type": "document", "source": {"type": "text", "data": "words"}, "title": "T"},
                    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "x"}},
                    {"type": "document", "source": {"type": "content", "content": [text("in"), PNG]}},
                    {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                    {"type": "image", "source": {"type": "file", "file_id": "f"}},
                    {"type": "search_result", "title": "T", "source": "s", "content": [text("hit")]},
                    {"type": "from_the_future", "a": 1},
                )
            ]
        },
        [
            user(
                text("T:\nwords"),
                text("(document: a application/pdf that this provider cannot be sent)"),
                text("document:\nin"),
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                text("(an image that this provider cannot be sent)"),
                text("T (s)"),
                text("hit"),
                text('{"type":"from_the_future","a":1}'),
            )
        ],
    ),
}


@pytest.mark.parametrize("case", DIALOGUES)
def test_dialogue(case: str) -> None:
    body, expected = DIALOGUES[case]
    assert chat_messages(body, reasoning=False) == expected


def test_signed_thinking_goes_back_as_it_came() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    body = {"messages": [model(thought, text("so")), model(unsigned, text("b")), model(thought, use("t1"))]}
    part = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm", "signature": "sig"}]}
    assert chat_messages(body, reasoning=True) == [
        {"role": "assistant", "content": [part, text("so")]},
        {"role": "assistant", "content": "b"},
        calls("t1", content=[part]),
        tool("t1", "(no result: the call was interrupted)"),
    ]


ANY = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.integers(-9, 9),
    st.lists(st.text(max_size=2), max_size=2),
    st.just({"type": "text"}),
)
BLOCK = st.one_of(
    st.builds(lambda i: use(i), st.sampled_from("abc")),
    st.builds(
        lambda i, c: result(i, c), st.sampled_from("abcd"), ANY | st.lists(st.builds(text, st.text()), max_size=2)
    ),
    st.builds(text, st.text(max_size=4)),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["text", "image", "document", "tool_use", "tool_result", "thinking", "x_tool_result"]
            )
        },
        optional=dict.fromkeys(("text", "source", "id", "name", "input", "tool_use_id", "content", "signature"), ANY),
    ),
)
MESSAGE = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant", "system"]),
    st.text(max_size=4) | st.lists(BLOCK, max_size=4),
)


@share(200)
@given(st.lists(MESSAGE, max_size=6), st.booleans())
def test_every_call_is_answered_at_once_whatever_comes(messages: list[Json], reasoning: bool) -> None:
    said = chat_messages({"messages": messages}, reasoning=reasoning)
    open_calls: list[str] = []
    for message in said:
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
            assert message["content"]
            continue
        assert not open_calls, "something stands between a call and its results"
        open_calls = [one["id"] for one in message.get("tool_calls") or []]
    assert not open_calls
