"""What is known of a request when it has come."""

from __future__ import annotations

from sidecar.endpoint.call import new_id
from tests.endpoint.conftest import BODY


def test_ids_are_long_and_never_the_same():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(name.startswith("req_") and len(name) == 28 for name in ids)


async def test_session_and_agent_are_the_client_s_and_bounded(serve):
    served = await serve()
    headers = {"x-claude-code-session-id": "s" * 1000, "x-claude-code-agent-id": "agent"}
    async with served.post(BODY, headers=headers):
        pass
    turn = served.provider.exchanges[0].turn
    assert (turn.session, turn.agent) == ("s" * 200, "agent")


async def test_what_the_client_and_its_sdk_call_themselves_is_known(serve):
    served = await serve()
    headers = {
        "user-agent": "claude-cli/2.1.330",
        "X-Stainless-Lang": "js",
        "x-stainless-os": "o" * 1000,
        "x-other": "1",
    }
    async with served.post(BODY, headers=headers):
        pass
    turn = served.provider.exchanges[0].turn
    assert (turn.client, dict(turn.library)) == (
        "claude-cli/2.1.330",
        {"x-stainless-lang": "js", "x-stainless-os": "o" * 200},
    )
