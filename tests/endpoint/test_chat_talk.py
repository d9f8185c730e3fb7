"""The two checks that the translation of conversations rests on; the conversations themselves: test_chat_requests."""

from __future__ import annotations

import pytest

from sidecar.core.errors import BadInput
from sidecar.endpoint.chat_talk import Talk, listed, told


def test_lists_and_objects_are_told_by_their_path():
    assert listed([{"a": 1}], "x") == [{"a": 1}]
    assert told({}, "x") == {}
    for value, check, path in [("a", listed, "x: "), ([1], listed, "x.0: "), ([{}, None], listed, "x.1: "), (1, told, "x: ")]:  # fmt: skip
        with pytest.raises(BadInput) as raised:
            check(value, "x")
        assert raised.value.sentence.startswith(path)


def test_results_keep_their_order_before_the_user_s_words():
    talk = Talk()
    talk.hear({"role": "tool", "tool_call_id": "a", "content": "1"}, "p")
    talk.hear({"role": "user", "content": "and"}, "p")
    talk.hear({"role": "tool", "tool_call_id": "b", "content": "2"}, "p")
    (message,) = talk.messages
    assert [block.get("tool_use_id", block.get("text")) for block in message["content"]] == ["a", "b", "and"]


def test_a_new_answer_begins_a_new_group_of_results():
    talk = Talk()
    for ident in ("a", "b"):
        call = {"id": ident, "function": {"name": "f", "arguments": ""}}
        talk.hear({"role": "assistant", "tool_calls": [call]}, "p")
        talk.hear({"role": "tool", "tool_call_id": ident, "content": ""}, "p")
    assert [message["role"] for message in talk.messages] == ["assistant", "user", "assistant", "user"]
