"""Frames in, frames out: requests in any order, cancellation, nonsense."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidecar.core.errors import NotFound
from sidecar.endpoint.ide.rpc import Peer


class Side:
    """The other side of a `Peer`, and what answers it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.held = asyncio.Event()
        self.peer = Peer(self.send, self.answer, lambda method, params: self.heard.append((method, params)))

    async def send(self, frame: str) -> None:
        self.sent.append(json.loads(frame))

    async def answer(self, method: str, params: dict[str, Any]) -> Any:
        if method == "wait":
            await self.held.wait()
        if method == "fail":
            raise NotFound("It is not here.")
        return {"echo": {"echo": params, "wait": "waited"}}["echo"][method]

    async def say(self, *frames: Any) -> None:
        """Send frames and wait until all is answered or given up."""
        async with asyncio.TaskGroup() as group:
            for frame in frames:
                await self.peer.take(frame if isinstance(frame, str) else json.dumps(frame), group)
            await asyncio.sleep(0)


def request(number: Any, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@pytest.fixture
async def side() -> Side:
    return Side()


async def test_a_request_is_answered(side):
    await side.say(request(1, "echo", a=2))
    assert side.sent == [{"jsonrpc": "2.0", "id": 1, "result": {"a": 2}}]


async def test_a_question_to_the_user_holds_up_nothing(side):
    async with asyncio.TaskGroup() as group:
        await side.peer.take(json.dumps(request("slow", "wait")), group)
        await side.peer.take(json.dumps(request(2, "echo")), group)
        while not side.sent:
            await asyncio.sleep(0)
        assert [message["id"] for message in side.sent] == [2]
        side.held.set()
    assert [message["id"] for message in side.sent] == [2, "slow"]


async def test_a_cancelled_request_gets_no_answer(side):
    await side.say(
        request(1, "wait"), {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    )
    assert side.sent == []


async def test_what_is_under_way_can_be_given_up(side):
    async with asyncio.TaskGroup() as group:
        await side.peer.take(json.dumps(request(1, "wait")), group)
        await asyncio.sleep(0)
        side.peer.give_up()
    assert side.sent == []


async def test_notifications_are_heard(side):
    await side.say(
        {"jsonrpc": "2.0", "method": "ide_connected", "params": {"pid": 7}}, {"jsonrpc": "2.0", "method": "x"}
    )
    assert side.heard == [("ide_connected", {"pid": 7}), ("x", {})]
    assert side.sent == []


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", -32700),
        ("[]", -32600),
        ("7", -32600),
        ('{"jsonrpc":"2.0","id":1}', -32600),
        (request(1, "nothing"), -32601),
        (request(1, "fail"), -32603),
    ],
)
async def test_nonsense_gets_an_error(side, frame, code):
    await side.say(frame)
    assert [message["error"]["code"] for message in side.sent] == [code]


async def test_an_answer_to_nobody_is_passed_over(side):
    await side.say({"jsonrpc": "2.0", "id": 9, "result": {}})
    assert side.sent == []


async def test_an_id_in_use_and_a_flood_are_refused(side):
    side_frames = [request(n, "wait") for n in range(32)]
    async with asyncio.TaskGroup() as group:
        for frame in [*side_frames, request(99, "wait")]:
            await side.peer.take(json.dumps(frame), group)
        side.held.set()
    assert [message["id"] for message in side.sent if "error" in message] == [99]
    side.held.clear()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            await side.peer.take(json.dumps(request("same", "wait")), group)
        side.held.set()
    assert side.sent[-2]["error"]["code"] == -32600
