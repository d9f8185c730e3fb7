"""The routes beside the conversation."""

from __future__ import annotations

import pytest

from sidecar.core.ports import Model
from sidecar.endpoint.server import Access
from tests.endpoint.conftest import TOKEN
from tests.fakes.provider import FakeProvider

AUTHORIZED = [f"x-api-key: {TOKEN}"]


@pytest.mark.parametrize("path", ["/", "/api/hello", "/?x=1"])
@pytest.mark.parametrize("mode", ["auto", "token"])
async def test_who_is_here_is_told_without_a_token_and_no_more(serve, path, mode):
    served = await serve(access=Access(mode, TOKEN))
    answered = await served.raw(*served.head("GET", path))
    assert (answered.status, answered.json) == (200, {"name": "sidecar", "version": "1.2.3"})
    assert "aiohttp" not in answered.headers["server"]
    head = await served.raw(*served.head("HEAD", path))
    assert (head.status, head.body) == (200, b"")


async def test_with_the_token_the_workspace_is_told(serve):
    served = await serve()
    answered = await served.raw(*served.head("GET", "/"), *AUTHORIZED)
    assert answered.json["workspace"] == "/a/workspace"


async def test_health(serve):
    served = await serve()
    answered = await served.raw(*served.head("GET", "/health"))
    assert (answered.status, answered.json) == (200, {"live": True, "ready": True})


async def test_health_while_it_stops(serve):
    """Who asked just before sees that it lives, and that nothing more should be sent."""
    served = await serve()
    served.endpoint._ready = False
    answered = await served.raw(*served.head("GET", "/health"))
    assert (answered.status, answered.json) == (503, {"live": True, "ready": False})
    served.endpoint._ready = True


async def test_models_in_the_api_s_list_form(serve):
    models = [Model("claude-sonnet-4-5", "Sonnet"), Model("llama", "L"), Model("claude-haiku-4-5", "Haiku")]
    served = await serve(provider=FakeProvider(models=models))
    listed = (await served.raw(*served.head("GET", "/v1/models?limit=1000"), *AUTHORIZED)).json
    assert [m["id"] for m in listed["data"]] == ["claude-sonnet-4-5", "claude-haiku-4-5"]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
        False,
    )
    assert listed["data"][0] == {
        "type": "model", "id": "claude-sonnet-4-5", "display_name": "Sonnet", "created_at": "1970-01-01T00:00:00Z",
        "object": "model", "created": 0, "owned_by": "anthropic",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/claude-a", 200),
        ("GET", "/v1/models/claude%2Da?beta=true", 200),
        ("GET", "/v1/models/llama", 404),  # not listed either
        ("GET", "/v1/models/:id", 404),
        ("GET", "/v1/models/", 404),
        ("GET", "/v1/models/claude-a/more", 404),
        ("GET", "/v1/:id", 404),
        ("POST", "/v1/models/claude-a", 405),
    ],
)
async def test_one_model(serve, method, path, status):
    served = await serve(provider=FakeProvider(models=[Model("claude-a", "A"), Model("llama", "L")]))
    listed = (await served.raw(*served.head("GET", "/v1/models"), *AUTHORIZED)).json["data"]
    answered = await served.raw(*served.head(method, path), *AUTHORIZED)
    assert answered.status == status
    assert answered.json == listed[0] if status == 200 else answered.json["type"] == "error"
    assert (await served.raw(*served.head(method, path))).status == 401


async def test_no_models_to_tell(serve):
    served = await serve()
    listed = (await served.raw(*served.head("GET", "/v1/models"), *AUTHORIZED)).json
    assert listed == {"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("signal", ["metrics", "logs", "traces"])
@pytest.mark.parametrize(("media", "body"), [("application/json", b"{}"), ("application/x-protobuf", b"\x0a\x00\xff")])
async def test_telemetry_is_taken_and_dropped(serve, signal, media, body):
    served = await serve()
    lines = [*AUTHORIZED, f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    assert (await served.raw(*served.head("POST", f"/v1/{signal}"), *lines, body=body)).status == 200
    unknown = await served.raw(*served.head("POST", f"/v1/{signal}"), *lines[1:], body=body)
    assert unknown.status == 401
