"""The error table."""

from __future__ import annotations

import orjson
import pytest

from sidecar.core import errors
from sidecar.endpoint.errors import Rejected, error_response, shown, status_of, unexpected_response

TABLE = [
    (errors.BadInput("x"), 400, "invalid_request_error"),
    (errors.TooLarge("x"), 413, "request_too_large"),
    (errors.NotSupported("x"), 501, "not_supported"),
    (errors.Unauthenticated("x"), 401, "authentication_error"),
    (errors.Refused("x"), 403, "permission_error"),
    (errors.NotFound("x"), 404, "not_found_error"),
    (errors.Conflict("x"), 400, "invalid_request_error"),
    (errors.GitError("x"), 500, "api_error"),
    (errors.StoreError("x"), 500, "api_error"),
    (Rejected(405, "x"), 405, "invalid_request_error"),
    (errors.UpstreamError("x"), 502, "api_error"),
    (errors.UpstreamError("x", status=503), 503, "api_error"),
    (errors.UpstreamError("x", status=529, kind="overloaded_error"), 529, "overloaded_error"),
    (errors.UpstreamError("x", kind="rate_limit_error"), 429, "rate_limit_error"),
    (errors.UpstreamError("x", status=302), 502, "api_error"),
    (errors.UpstreamUnreachable("x"), 502, "api_error"),
    (errors.UpstreamCut("x"), 502, "api_error"),
]


@pytest.mark.parametrize(("error", "status", "kind"), TABLE)
def test_status_and_type(error, status, kind):
    response = error_response(error, "req_1")
    body = orjson.loads(response.body)
    assert (response.status, status_of(error)) == (status, status)
    assert body == {"type": "error", "error": {"type": kind, "message": "x"}, "request_id": "req_1"}
    assert response.headers["request-id"] == "req_1"
    assert response.content_type == "application/json"


@pytest.mark.parametrize(
    ("status", "last_word"), [(400, False), (401, True), (403, True), (429, False), (501, True), (529, False)]
)
def test_trying_again_is_told_off_where_it_cannot_help(status, last_word):
    response = error_response(errors.UpstreamError("x", status=status), "req_1")
    assert (response.headers.get("x-should-retry") == "false") is last_word


@pytest.mark.parametrize(("status", "told"), [(401, "false"), (403, "false"), (429, "true"), (529, "true")])
def test_a_provider_that_wants_to_be_asked_again_does_not_override_that(status, told):
    error = errors.UpstreamError("x", status=status, headers={"x-should-retry": "true", "request-id": "theirs"})
    response = error_response(error, "req_1")
    assert response.headers.getall("x-should-retry") == [told]
    assert response.headers["request-id"] == "req_1"
    assert response.headers["upstream-request-id"] == "theirs"


@pytest.mark.parametrize(("seconds", "header"), [(0, "0"), (0.2, "1"), (7, "7"), (7.01, "8"), (-1, "0")])
def test_retry_after_is_whole_seconds_and_never_too_few(seconds, header):
    response = error_response(errors.UpstreamError("x", status=429, retry_after=seconds), "req_1")
    assert response.headers["retry-after"] == header


def test_a_provider_s_body_and_headers_go_through():
    error = errors.UpstreamError(
        "x",
        status=400,
        relay=b'{ "as": "it came" }',
        request_id="req_theirs",
        headers={"anthropic-organization-id": "o"},
    )
    response = error_response(error, "req_1")
    assert response.body == b'{ "as": "it came" }'
    assert response.headers["upstream-request-id"] == "req_theirs"
    assert response.headers["anthropic-organization-id"] == "o"


def test_a_sentence_that_utf_8_cannot_hold():
    response = error_response(errors.NotFound("nothing at /\udcff"), "req_1")
    assert orjson.loads(response.body)["error"]["message"] == "nothing at /\\udcff"


def test_what_is_our_fault_says_where_to_look():
    assert "log" in orjson.loads(unexpected_response("req_1").body)["error"]["message"]


def test_headers_that_are_shown():
    given = {
        "Anthropic-X": "1",
        "retry-after": "2",
        "x-should-retry": "false",
        "server": "s",
        "set-cookie": "c",
        "request-id": "r",
    }
    assert shown(given) == {
        "Anthropic-X": "1",
        "retry-after": "2",
        "x-should-retry": "false",
        "upstream-request-id": "r",
    }
    assert shown({}) == {}
