"""Playbooks of the loop: the provider says, a tool returns, the client hears."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from sidecar.assistant.loop import Limits, ToolLoop
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event, unfold
from sidecar.core.messages import MessagesRequest, encode
from sidecar.core.reply import Reply
from sidecar.core.tool import Caller, ToolResult
from sidecar.core.turn import Turn
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.define import Input, define
from tests.assistant.test_carried import call, result, text, valid
from tests.fakes.provider import Answer, FakeProvider, fails, message

Json = dict[str, Any]


class Given(Input):
    n: int = 0


class World:
    """A toolbox whose tools note their calls, around a provider that plays a script."""

    def __init__(
        self, *answers: Answer, limits: Limits | None = None, offer: str = "auto", only_reads: bool = False
    ) -> None:
        self.provider = FakeProvider(*answers)
        self.calls: list[int] = []
        self.hold: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.cancelled = False
        self.opened = 0
        box = WorkspaceToolBox(disallowed_tools=("switched_off",))
        box.put(
            "git",
            [define("git_status", "read", self.git_status), define("files_write", "write", self.git_status),
             define("switched_off", "read", self.git_status)],
        )  # fmt: skip

        async def open_box() -> WorkspaceToolBox:
            self.opened += 1
            return box

        loop = ToolLoop(open_box, limits or Limits(), offer, only_reads=only_reads)  # type: ignore[arg-type]
        self.answer = AnswerTurn(self.provider, [loop])

    async def git_status(self, given: Given, caller: Caller) -> ToolResult:
        """Tell the status."""
        self.calls.append(given.n)
        self.started.set()
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        return ToolResult(text=f"clean {given.n}")

    async def ask(self, *, turn: Turn | None = None, stream: bool = True, **fields: Any) -> Reply:
        body = {"model": "claude-x", "messages": [{"role": "user", "content": "hi"}], "stream": stream, **fields}
        return await self.answer.answer(MessagesRequest.parse(encode(body)), turn or Turn("req_1", client="curl/8"))

    async def hear(self, **fields: Any) -> Json:
        async with await self.ask(**fields) as reply:
            return (await reply.message()).body

    def asked(self, number: int) -> Mapping[str, Any]:
        return self.provider.exchanges[number].request.body


def says(*content: Json, stop: str | None = None, stream: bool = True) -> Answer:
    reason = stop or ("tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn")
    said = message("", content=list(content), stop_reason=reason)
    return Answer(acts=list(unfold(said))) if stream else Answer(message=said)


@pytest.mark.parametrize("stream", [True, False])
async def test_our_tool_runs_and_the_model_is_asked_again(stream: bool) -> None:
    world = World(says(text("I look."), call(1), stream=stream), says(text("All clean."), stream=stream))
    body = await world.hear(stream=stream)
    assert body["content"] == [text("I look."), text("All clean.")]
    assert body["stop_reason"] == "end_turn"
    assert body["usage"] == {"input_tokens": 10, "output_tokens": 4}
    assert world.calls == [1]
    assert [tool["name"] for tool in world.asked(0)["tools"]] == ["more_of_result", "git_status", "files_write"]
    assert world.asked(1)["messages"][1:] == [
        {"role": "assistant", "content": [text("I look."), call(1)]},
        {"role": "user", "content": [result(1, "clean 1")]},
    ]
    assert all(exchange.closed.is_set() for exchange in world.provider.exchanges)


async def test_the_change_is_named() -> None:
    world = World(says(text("x")))
    async with await world.ask() as reply:
        assert reply.handling.changes == ("tools",)


async def test_the_change_is_named_of_a_refusal_too() -> None:
    world = World(fails(UpstreamError("Later.", status=529, kind="overloaded_error")))
    with pytest.raises(UpstreamError) as refused:
        await world.ask()
    assert refused.value.handling.changes == ("tools",)


async def test_thoughts_go_back_with_their_signature() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    world = World(says(thought, call(1)), says(text("x")))
    await world.hear()
    assert world.asked(1)["messages"][1]["content"] == [thought, call(1)]


@pytest.mark.parametrize(
    ("offer", "tools", "turn", "offered"),
    [
        ("auto", [], Turn("r", client="curl/8"), True),
        ("auto", [{"name": "Read"}], Turn("r", client="curl/8"), False),
        ("auto", [], Turn("r", session="s"), False),
        ("auto", [], Turn("r", client="claude-cli/2.1.0 (external, cli)"), False),
        ("never", [], Turn("r"), False),
        ("always", [{"name": "Read"}], Turn("r", session="s"), True),
        ("always", [], Turn("r", session="s"), False),
        ("always", [], Turn("r"), True),
    ],
)
async def test_who_is_offered_our_tools(offer: str, tools: list[Json], turn: Turn, offered: bool) -> None:
    world = World(says(text("x")), offer=offer)
    fields = {"tools": tools} if tools else {}
    async with await world.ask(turn=turn, **fields) as reply:
        await reply.message()
        assert ("tools" in reply.handling.changes) is offered
    names = [tool["name"] for tool in world.asked(0).get("tools", [])]
    assert ("git_status" in names) is offered
    assert world.opened == int(offered)
    assert [tool for tool in world.asked(0).get("tools", []) if tool in tools] == tools


async def test_a_client_that_wants_no_tool_gets_none() -> None:
    world = World(says(text("x")))
    await world.hear(tool_choice={"type": "none"})
    assert "tools" not in world.asked(0)


async def test_untouched_requests_reach_the_provider_as_the_very_same_value() -> None:
    world = World(says(text("x")), offer="never")
    request = MessagesRequest.parse(encode({"model": "m", "messages": [{"role": "user", "content": "x"}]}))
    await world.answer.answer(request, Turn("r"))
    assert world.provider.exchanges[0].request is request


async def test_calls_of_both_kinds() -> None:
    """Ours runs and is carried with its result; the client's ends the turn; the next request is valid."""
    read = {"name": "Read", "input_schema": {"type": "object"}}
    world = World(says(text("Both."), call(1), call(2, "Read")), says(text("Done.")), offer="always")
    body = await world.hear(tools=[read])
    assert [block["type"] for block in body["content"]] == [
        "text",
        "server_tool_use",
        "tool_use",
        "git_status_tool_result",
    ]
    assert body["stop_reason"] == "tool_use"
    assert world.calls == [1]
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": body["content"]},
        {"role": "user", "content": [result(2, "file")]},
    ]
    await world.hear(tools=[read], messages=history)
    sent = list(world.asked(1)["messages"])
    assert sent[1]["content"] == [text("Both."), call(1), call(2, "Read")]
    assert sent[2]["content"] == [result(1, "clean 1"), result(2, "file")]
    valid(sent)


async def test_rounds_before_the_clients_call_are_carried_too() -> None:
    read = {"name": "Read", "input_schema": {"type": "object"}}
    world = World(says(call(1)), says(text("b"), call(2, "Read")), says(text("Done.")), offer="always")
    body = await world.hear(tools=[read])
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": body["content"]},
        {"role": "user", "content": [result(2, "file")]},
    ]
    await world.hear(tools=[read], messages=history)
    sent = list(world.asked(2)["messages"])
    assert [one["role"] for one in sent] == ["user", "assistant", "user", "assistant", "user"]
    valid(sent)


async def test_carried_calls_are_restored_when_tools_are_off_by_now() -> None:
    read = {"name": "Read", "input_schema": {"type": "object"}}
    world = World(says(call(1), call(2, "Read")), offer="always")
    body = await world.hear(tools=[read])
    later = World(says(text("x")), offer="never")
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": body["content"]},
        {"role": "user", "content": [result(2, "file")]},
    ]
    async with await later.ask(tools=[read], messages=history) as reply:
        assert reply.handling.changes == ("messages",), "calls that were carried are told of, tools were not touched"
        await reply.message()
    valid(list(later.asked(0)["messages"]))
    assert [tool["name"] for tool in later.asked(0)["tools"]] == ["Read"]


async def test_a_tool_of_the_same_name_is_the_clients() -> None:
    world = World(says(call(1)), offer="always")
    body = await world.hear(tools=[{"name": "git_status", "input_schema": {"type": "object"}}])
    assert body["content"] == [call(1)]
    assert world.calls == []


async def test_a_client_with_tools_may_have_more_than_it_lists() -> None:
    """The CLI keeps tools back until they are searched for; they are callable by name all the same."""
    world = World(says(call(1, "mcp__docs__find")), offer="always")
    body = await world.hear(tools=[{"name": "Read", "input_schema": {"type": "object"}}])
    assert body["content"] == [call(1, "mcp__docs__find")]
    assert body["stop_reason"] == "tool_use"
    world = World(says(text("x")))
    await world.hear(mcp_servers=[{"type": "url", "name": "docs", "url": "https://example.org"}])
    assert "tools" not in world.asked(0)


@pytest.mark.parametrize(
    ("limits", "variable", "ran"),
    [
        (Limits(steps=2), "POLICY_MAX_STEPS", 1),
        (Limits(steps=1), "POLICY_MAX_STEPS", 0),
        (Limits(calls=2), "POLICY_MAX_TOOL_CALLS", 2),
        (Limits(calls=0), "POLICY_MAX_TOOL_CALLS", 0),
    ],
)
async def test_a_limit_ends_with_a_sentence(limits: Limits, variable: str, ran: int) -> None:
    world = World(says(text("On."), call(1)), limits=limits)
    body = await world.hear()
    assert variable in body["content"][-1]["text"]
    assert "Ask me to go on" in body["content"][-1]["text"]
    assert body["stop_reason"] == "end_turn"
    assert len(world.calls) == ran


async def test_time_runs_out_while_a_tool_runs() -> None:
    world = World(says(call(1)), limits=Limits(seconds=0.05))
    world.hold = asyncio.Event()
    body = await world.hear()
    assert "POLICY_MAX_SECONDS" in body["content"][-1]["text"]
    assert world.cancelled


async def test_a_limit_leaves_the_clients_call_valid() -> None:
    world = World(says(call(1), call(2, "Read")), limits=Limits(calls=0), offer="always")
    body = await world.hear(tools=[{"name": "Read", "input_schema": {"type": "object"}}])
    assert [block["type"] for block in body["content"]] == ["server_tool_use", "tool_use", "git_status_tool_result"]
    assert "Not run" in body["content"][2]["content"][0]["text"]
    assert body["stop_reason"] == "tool_use"
    assert world.calls == []


async def test_calls_that_only_look_run_together_others_in_order() -> None:
    world = World(says(call(1), call(2)), says(text("x")))
    await world.hear()
    assert sorted(world.calls) == [1, 2]
    told = world.asked(1)["messages"][2]["content"]
    assert told == [result(1, "clean 1"), result(2, "clean 2")]
    world = World(says(call(1, "files_write"), call(2)), says(text("x")))
    await world.hear()
    assert world.calls == [1, 2]


async def test_an_untrusted_workspace_is_only_looked_at() -> None:
    world = World(says(call(1, "files_write"), call(2)), says(text("x")), only_reads=True)
    await world.hear()
    assert [tool["name"] for tool in world.asked(0)["tools"]] == ["more_of_result", "git_status"]
    told = world.asked(1)["messages"][2]["content"]
    assert "not trusted" in told[0]["content"][0]["text"]
    assert world.calls == [2]


async def test_unknown_and_switched_off_tools_are_answered_here() -> None:
    world = World(says(call(1, "nonsense"), call(2, "switched_off")), says(text("x")))
    await world.hear()
    told = [block["content"][0]["text"] for block in world.asked(1)["messages"][2]["content"]]
    assert "There is no tool" in told[0]
    assert "POLICY_DISALLOWED_TOOLS" in told[1]
    assert world.calls == []


async def test_a_forced_call_is_forced_once() -> None:
    world = World(says(call(1)), says(text("x")))
    await world.hear(tool_choice={"type": "any"})
    assert world.asked(0)["tool_choice"] == {"type": "any"}
    assert world.asked(1)["tool_choice"] == {"type": "auto"}


async def test_the_clients_leaving_ends_the_tool() -> None:
    world = World(says(call(1)))
    world.hold = asyncio.Event()

    async def hear() -> None:
        async with await world.ask() as reply:
            async for _ in reply.events():
                pass

    task = asyncio.ensure_future(hear())
    await world.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.cancelled
    assert world.provider.exchanges[0].closed.is_set()


async def test_events_come_as_they_are_said() -> None:
    """The text before a call is with the client while the tool still runs."""
    world = World(says(text("I look."), call(1)), says(text("x")))
    world.hold = asyncio.Event()
    heard: list[Event] = []
    async with await world.ask() as reply:
        async for event in reply.events():
            heard.append(event)
            if world.started.is_set() or len(heard) == 4:
                world.hold.set()
    assert [event.type for event in heard[:4]] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ]


async def test_a_model_that_takes_no_tools_answers_without_them() -> None:
    """As with servers of small models: they refuse every request that offers some."""
    refusal = UpstreamError("registry/small-model does not support tools", status=400)
    world = World(fails(refusal), says(text("Hello.")), says(text("Again.")))
    async with await world.ask() as reply:
        assert (await reply.message()).body["content"] == [text("Hello.")]
        assert reply.handling.changes == ()
    assert world.provider.exchanges[1].request.tools == []
    assert (await world.hear())["content"] == [text("Again.")]
    assert len(world.provider.exchanges) == 3
    for other in (UpstreamError("messages: too long", status=400), UpstreamError("tools are overloaded", status=529)):
        with pytest.raises(UpstreamError):
            await World(fails(other)).ask()
    with pytest.raises(UpstreamError):
        await World(fails(refusal), offer="always").ask(tools=[{"name": "Read", "input_schema": {"type": "object"}}])


async def test_faults_of_the_provider() -> None:
    world = World(fails(UpstreamError("no", status=429)))
    with pytest.raises(UpstreamError):
        await world.ask()
    world = World(says(text("a"), call(1)), fails(UpstreamError("gone", status=503)))
    with pytest.raises(UpstreamError, match="gone"):
        await world.hear()
    cut = Answer(acts=list(unfold(message("", content=[call(1)], stop_reason="tool_use")))[:-1])
    world = World(cut)
    with pytest.raises(UpstreamError):
        await world.hear()
    assert world.calls == []
