"""A workspace's serving endpoints: read, kept for a while, and done without where they cannot be had."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.core.errors import UpstreamError
from sidecar.providers.endpoints import EndpointList, ServingEndpoint, endpoints_of
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, fault, html
from tests.providers.asking import QUICK, secret


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ({"endpoints": [{"name": "a", "task": "llm/v1/chat", "state": {"ready": "READY"}}]}, [("a", "llm/v1/chat", True)]),
        ({"endpoints": [{"name": "a", "state": {"ready": "NOT_READY"}}, {"name": 5}, "x", {}]}, [("a", "", False)]),
        ({"endpoints": [{"name": "a", "state": "odd", "task": None}]}, [("a", "", True)]),
        ({"endpoints": None}, []),
        ({}, []),
        ([], []),
        (None, []),
    ],
)  # fmt: skip
def test_what_the_workspace_tells(listed: Any, expected: list[Any]) -> None:
    assert list(endpoints_of(listed)) == [ServingEndpoint(*one) for one in expected]


def test_which_of_them_converse() -> None:
    tasks = ["llm/v1/chat", "", "llm/v1/embeddings"]
    assert [ServingEndpoint("a", task).chats for task in tasks] == [True, True, False]


def told(*names: str) -> Scripted:
    return Scripted(body=json.dumps({"endpoints": [{"name": name} for name in names]}).encode())


async def test_it_is_asked_every_five_minutes_and_keeps_what_it_knew() -> None:
    now = [0.0]
    transport = Transport(limits=QUICK)
    async with Upstream([told("a"), fault(500), fault(500), fault(500), told("b")]) as upstream:
        listed = EndpointList(f"{upstream.url}/list", secret, transport, clock=lambda: now[0])
        seen = []
        for at in (0, 299, 301, 599, 602):
            now[0] = at
            seen.append([one.name for one in await listed.known()])
    await transport.aclose()
    assert seen == [["a"], ["a"], ["a"], ["a"], ["b"]]


@pytest.mark.parametrize("turn", [fault(403), fault(404), html(), Scripted(body=b"[")])
async def test_asking_now_tells_what_is_wrong(turn: Scripted) -> None:
    transport = Transport(limits=QUICK)
    async with Upstream([turn, turn]) as upstream:
        listed = EndpointList(f"{upstream.url}/list", secret, transport)
        with pytest.raises(UpstreamError):
            await listed.ask()
        assert await listed.known() == ()
    await transport.aclose()
