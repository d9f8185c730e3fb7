"""Carried calls become calls again, so that the next request to the provider is valid."""

from typing import Any

from sidecar.assistant.carried import call_block, carries_ours, restored, result_block
from sidecar.core.tool import ToolResult

Json = dict[str, Any]


def ours(name: str) -> bool:
    return name in {"git_status", "web_search"}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def call(number: int, name: str = "git_status") -> Json:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {"n": number}}


def result(number: int, words: str) -> Json:
    return {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": [text(words)], "is_error": False}


def carried(number: int, words: str = "clean", name: str = "git_status") -> list[Json]:
    return [call_block(call(number, name)), result_block(name, f"toolu_{number}", ToolResult(text=words))]


def valid(messages: list[Json]) -> None:
    """What the Messages API demands: turns alternate, and each call's result stands in the very next turn."""
    for at, message in enumerate(messages):
        if at:
            assert message["role"] != messages[at - 1]["role"]
        blocks = message["content"] if isinstance(message["content"], list) else []
        calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
        after = messages[at + 1]["content"] if at + 1 < len(messages) else []
        found = [block["tool_use_id"] for block in after if isinstance(block, dict) and block["type"] == "tool_result"]
        assert calls == set(found) if calls else not found or message["role"] == "user"


def test_a_mixed_message_gets_both_results_in_the_next_turn() -> None:
    use, told = carried(1)
    said = [text("I look."), use, call(2, "Read"), told]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    messages.append({"role": "user", "content": [result(2, "file"), text("go on")]})
    found = restored(messages, ours)
    assert found[1]["content"] == [text("I look."), call(1), call(2, "Read")]
    assert found[2]["content"] == [result(1, "clean"), result(2, "file"), text("go on")]
    valid(found)


def test_several_rounds_in_one_message_are_turns_again() -> None:
    said = [text("a"), *carried(1), text("b"), *carried(2), call(3, "Read")]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    messages.append({"role": "user", "content": [result(3, "file")]})
    found = restored(messages, ours)
    assert [message["role"] for message in found] == ["user", "assistant", "user", "assistant", "user"]
    assert found[3]["content"] == [text("b"), call(2), call(3, "Read")]
    assert found[4]["content"] == [result(2, "clean"), result(3, "file")]
    valid(found)


def test_the_cli_moves_a_result_behind_its_call() -> None:
    said = [text("Both."), *carried(1), call(2, "Read")]
    messages = [{"role": "assistant", "content": said}, {"role": "user", "content": [result(2, "file")]}]
    found = restored(messages, ours)
    assert found[0]["content"] == [text("Both."), call(1), call(2, "Read")]
    assert found[1]["content"] == [result(1, "clean"), result(2, "file")]


def test_results_go_before_a_plain_prompt() -> None:
    messages = [{"role": "assistant", "content": carried(1)}, {"role": "user", "content": "and now?"}]
    assert restored(messages, ours)[1]["content"] == [result(1, "clean"), text("and now?")]
    valid(restored(messages, ours))
    assert restored(messages[:1], ours)[1] == {"role": "user", "content": [result(1, "clean")]}


def test_what_is_not_ours_stays_as_it_is() -> None:
    theirs = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "server_tool_use", "id": "toolu_9", "name": "unknown", "input": {}},
    ]
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": theirs},
        {"role": "assistant", "content": "x"},
    ]
    assert not carries_ours(messages, ours)
    assert restored(messages, ours) == messages
    assert carries_ours([{"role": "assistant", "content": carried(1)}], ours)


def test_a_call_that_was_broken_off_is_left_out() -> None:
    messages = [{"role": "assistant", "content": [text("a"), call_block(call(1))]}, {"role": "user", "content": "x"}]
    assert restored(messages, ours) == [{"role": "assistant", "content": [text("a")]}, messages[1]]


def test_pictures_travel() -> None:
    block = result_block("shot", "t", ToolResult(text="seen", images=(("image/png", "aGk="),)))
    assert block["content"][1]["source"] == {"type": "base64", "media_type": "image/png", "data": "aGk="}
