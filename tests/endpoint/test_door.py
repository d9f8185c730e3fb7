"""Every request: the table of routes, errors in the API's form, one line in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sidecar.endpoint.server import Access, Limits
from tests.endpoint.conftest import BODY, TOKEN
from tests.fakes.provider import Answer, closing, fails, opening, says, streams

AUTHORIZED = f"x-api-key: {TOKEN}"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/v1", "/v1/", "/v1/messages/", "/v1/v1/messages", "//v1/messages", "/V1/MESSAGES",
        "/v1/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/v1/messages%00",
        "/.git/config", "/v1/messages;x", "/%c3%bc", "/mcp", "/metrics", "/dashboard", "/debug/session",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
async def test_an_unknown_route_is_not_found(serve, path, method):
    served = await serve()
    answered = await served.raw(*served.head(method, path), AUTHORIZED)
    assert answered.status == 404
    assert method == "HEAD" or answered.error == "not_found_error"
    assert b"root:" not in answered.body


async def test_a_base_url_with_v1_is_told_to_leave_it_out(serve):
    served = await serve()
    answered = await served.raw(*served.head("POST", "/v1/v1/messages"), AUTHORIZED)
    assert "before /v1" in answered.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/messages", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/v1/models", "GET"),
        ("BREW", "/health", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(serve, method, path, allow):
    served = await serve()
    answered = await served.raw(*served.head(method, path), AUTHORIZED)
    if method == "BREW":  # the parser knows only methods that exist
        assert answered.status in {400, 405}
    else:
        assert (answered.status, answered.error, answered.headers["allow"]) == (405, "invalid_request_error", allow)


async def test_what_fails_inside_is_answered_without_details_and_logged_with_them(serve, caplog):
    served = await serve(fails(RuntimeError("the detail")))
    with caplog.at_level(logging.INFO):
        async with served.post() as response:
            told = await response.json()
    assert (response.status, told["error"]["type"]) == (500, "api_error")
    assert "the detail" not in told["error"]["message"]
    failed = [r for r in caplog.records if r.exc_info]
    assert len(failed) == 1
    assert "handler_failed" in failed[0].getMessage()
    assert told["request_id"] in failed[0].getMessage()


async def test_each_request_is_one_line_without_content_or_token(serve, caplog):
    served = await serve(says("an answer"))
    body = {**BODY, "messages": [{"role": "user", "content": "the prompt"}]}
    with caplog.at_level(logging.INFO):
        async with served.post(body, f"/v1/messages?key={TOKEN}") as response:
            await response.read()
    lines = [record.getMessage() for record in caplog.records if record.name == "sidecar.endpoint"]
    assert len(lines) == 1
    for part in ("request ", response.headers["request-id"], "method=POST", "path=/v1/messages", "status=200", "ms="):
        assert part in lines[0]
    for secret in (TOKEN, "the prompt", "an answer"):
        assert secret not in lines[0]


async def test_health_checks_do_not_fill_the_log(serve, caplog):
    served = await serve(access=Access("none"))
    with caplog.at_level(logging.INFO):
        await served.raw(*served.head("GET", "/health"))
    assert not caplog.records


async def test_a_refused_line_break_cannot_forge_a_log_line(serve, caplog):
    served = await serve()
    with caplog.at_level(logging.INFO):
        await served.raw(*served.head("GET", "/x%0a2026-01-01 request status=200"), AUTHORIZED)
        await served.raw(*served.head("GET", "/\x1b[31mred"), AUTHORIZED)
    assert all(len(record.getMessage().splitlines()) == 1 for record in caplog.records)
    assert not [record for record in caplog.records if "\x1b" in record.getMessage()]


async def test_a_client_that_left_is_no_fault_of_ours(serve, caplog):
    gate = asyncio.Event()
    served = await serve(streams("one", gate))
    with caplog.at_level(logging.INFO):
        async with served.post({**BODY, "stream": True}) as response:
            await response.content.readany()
            response.close()
        exchange = await served.provider.next_exchange()
        await asyncio.wait_for(exchange.closed.wait(), 5)
        await served.endpoint.__aexit__()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "sidecar.endpoint"]
    assert "status=left" in line


async def test_a_client_that_leaves_after_the_last_event_was_served(serve, caplog):
    served = await serve(Answer(acts=[*opening(), *closing(), asyncio.Event()]), limits=Limits(tail=60))
    with caplog.at_level(logging.INFO):
        async with served.post({**BODY, "stream": True}) as response:
            await response.read()
        exchange = await served.provider.next_exchange()
        await served.http.close()
        await asyncio.wait_for(exchange.closed.wait(), 5)
        await served.endpoint.__aexit__()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "sidecar.endpoint"]
    assert "status=200" in line
