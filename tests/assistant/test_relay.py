"""Several answers as one: places, hidden calls, usage, the reason to stop."""

from sidecar.assistant.relay import Relay
from sidecar.core.events import Accumulator, Event, unfold
from sidecar.core.tool import ToolResult
from tests.assistant.test_carried import call, text
from tests.fakes.provider import message


def ours(name: str) -> bool:
    return name == "git_status"


def taken(relay: Relay, *content: dict, **fields: object) -> list[Event]:
    said = message("", content=list(content), **fields)
    return [shown for event in unfold(said) for shown in relay.take(event)]


def folded(events: list[Event]) -> dict:
    accumulator = Accumulator()
    for event in events:
        accumulator.feed(event)
    assert accumulator.complete
    return accumulator.message().body


def test_what_is_not_touched_keeps_its_bytes() -> None:
    relay = Relay(ours, carry=False)
    said = message("hello")
    events = [shown for event in unfold(said) for shown in relay.take(event)]
    assert [event.raw for event in events] == [event.raw for event in unfold(said)][:-2]
    assert folded([*events, *relay.end()])["stop_reason"] == "end_turn"


def test_hidden_calls_leave_no_gap() -> None:
    relay = Relay(ours, carry=False)
    events = taken(relay, text("a"), call(1), text("b"), stop_reason="tool_use")
    assert [one.input for one in relay.calls] == [{"n": 1}]
    assert not relay.theirs
    relay.again()
    events += taken(relay, text("c"))
    body = folded([*events, *relay.end()])
    assert body["content"] == [text("a"), text("b"), text("c")]
    assert body["usage"] == {"input_tokens": 10, "output_tokens": 4}
    assert [event.type for event in events].count("message_start") == 1


def test_carried_calls_are_shown_with_their_input_as_deltas() -> None:
    relay = Relay(ours, carry=True)
    events = taken(relay, call(1), call(2, "Read"), stop_reason="tool_use")
    events += relay.results([(relay.calls[0], ToolResult(text="clean"))])
    assert relay.theirs
    content = folded([*events, *relay.end()])["content"]
    assert [block["type"] for block in content] == ["server_tool_use", "tool_use", "git_status_tool_result"]
    assert content[0]["input"] == {"n": 1}
    start = next(event for event in events if event.type == "content_block_start")
    assert start.data["content_block"]["input"] == {}


def test_a_call_that_was_cut_off_does_not_run() -> None:
    relay = Relay(ours, carry=False)
    events = taken(relay, call(1), stop_reason="max_tokens")
    assert not relay.calls
    assert folded([*events, *relay.end()])["stop_reason"] == "max_tokens"


def test_errors_and_cuts_are_failures() -> None:
    relay = Relay(ours, carry=False)
    error = Event.make({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
    assert list(relay.take(error)) == [error]
    assert relay.failed
    relay.again()
    for event in list(unfold(message("x")))[:-1]:
        list(relay.take(event))
    assert relay.failed


def test_a_sentence_of_our_own() -> None:
    relay = Relay(ours, carry=False)
    events = [*taken(relay, text("a")), *relay.say("I stopped here.")]
    assert folded([*events, *relay.end("end_turn")])["content"] == [text("a"), text("I stopped here.")]
