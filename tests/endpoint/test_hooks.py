"""The route that Claude Code's hooks ask."""

from __future__ import annotations

import io
import threading

import aiohttp
import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.endpoint import hooks
from sidecar.endpoint.hooks import Hooks
from sidecar.endpoint.server import Access, Endpoint, Identity
from tests.endpoint.conftest import TOKEN
from tests.fakes.provider import FakeProvider


class Judge:
    """Denies what is named `deny`."""

    async def judge(self, payload):
        return {"hookSpecificOutput": {"permissionDecision": "deny"}} if payload.get("tool_name") == "deny" else {}


async def test_a_payload_is_judged() -> None:
    endpoint = Endpoint(
        AnswerTurn(FakeProvider()), identity=Identity("sidecar", "1"), access=Access("token", TOKEN), port=0
    )
    endpoint.add(Hooks(Judge()).routes())
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with endpoint, aiohttp.ClientSession() as http:
        url = f"{endpoint.base_url}/hooks/claude"
        async with http.post(url, json={"tool_name": "deny"}, headers=headers) as response:
            assert (await response.json())["hookSpecificOutput"]["permissionDecision"] == "deny"
        async with http.post(url, json={"tool_name": "x"}, headers=headers) as response:
            assert (response.status, await response.json()) == (200, {})
        async with http.post(url, json={}) as response:
            assert response.status == 401
        async with http.post(url, data=b"[1]", headers={**headers, "content-type": "application/json"}) as response:
            assert (await response.json())["error"]["type"] == "invalid_request_error"
        async with http.get(url, headers=headers) as response:
            assert response.status == 405


async def test_a_large_payload_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of many small values takes seconds to read; others are answered meanwhile."""
    real, threads = hooks.decode_object, []

    def decode(raw: bytes):
        threads.append(threading.current_thread())
        return real(raw)

    monkeypatch.setattr(hooks, "decode_object", decode)
    endpoint = Endpoint(
        AnswerTurn(FakeProvider()), identity=Identity("sidecar", "1"), access=Access("token", TOKEN), port=0
    )
    endpoint.add(Hooks(Judge()).routes())
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with endpoint, aiohttp.ClientSession() as http:
        for count in (1, 1_100_000):
            body = io.BytesIO(b'{"x":[' + b"0," * count + b"0]}")
            async with http.post(
                f"{endpoint.base_url}/hooks/claude", data=body, headers={**headers, "content-type": "application/json"}
            ) as response:
                assert (response.status, await response.json()) == (200, {})
    assert [one is threading.main_thread() for one in threads] == [True, False]
