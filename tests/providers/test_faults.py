"""The error table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event, error_event
from sidecar.providers.faults import detail, fault, garbage, general, mask, retry_after, visible


def native(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


LONG = "prompt is too long: 210000 tokens > 200000 maximum"


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (400, native("invalid_request_error", LONG), "invalid_request_error", LONG),
        (400, {"error_code": "BAD_REQUEST", "message": f"Bedrock: {LONG}"}, "invalid_request_error", LONG),
        (
            400,
            {"error_code": "BAD_REQUEST", "message": "output_config: Extra inputs are not permitted"},
            "invalid_request_error",
            "output_config: Extra inputs are not permitted",
        ),
        (
            400,
            {"error": {"code": "context_length_exceeded", "message": "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens"}},
            "invalid_request_error",
            "prompt is too long: 9000 tokens > 8192 maximum",
        ),
        (400, {"message": "Input is too long for requested model"}, "invalid_request_error", "prompt is too long: Input is too long for requested model"),
        (400, {"error": "plain words"}, "invalid_request_error", "plain words"),
        (403, {"error_code": "PERMISSION_DENIED", "message": "user a@b.example on 1234567890123456"}, "permission_error", None),
        (404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "x"}, "not_found_error", None),
        (418, {"message": "x"}, "invalid_request_error", None),
        (429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "x"}, "rate_limit_error", None),
        (429, native("billing_error", "x"), "billing_error", None),
        (500, native("from_the_future", "x"), "api_error", None),
        (503, native("overloaded_error", "x"), "overloaded_error", None),
        (504, {"message": "x"}, "timeout_error", None),
        (529, {}, "overloaded_error", None),
        (500, {"error": {"message": 5}}, "api_error", None),
    ],
)  # fmt: skip
def test_table(status: int, body: Any, kind: str, says: str | None) -> None:
    error = fault(status, {}, json.dumps(body).encode())
    assert (error.status, error.kind) == (status, kind)
    if says is not None:
        assert error.sentence == says
    else:
        assert error.sentence != "x"
        assert "1234567890123456" not in error.sentence
        assert "a@b" not in error.sentence


@pytest.mark.parametrize("status", [400, 413])
def test_anthropics_own_words_for_the_requests_faults_are_relayed(status: int) -> None:
    body = json.dumps(native("invalid_request_error", LONG), indent=1).encode()
    assert fault(status, {}, body).relay == body
    assert fault(500, {}, body).relay is None
    assert fault(status, {}, b" " * 70_000 + body).relay is None


@pytest.mark.parametrize("body", [b"", b"<html>Bad Request</html>", b"[]"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (405, "invalid_request_error"),
        (422, "invalid_request_error"),
        (402, "billing_error"),
    ],
)
def test_a_refusal_that_says_nothing_keeps_its_status(status: int, kind: str, body: bytes) -> None:
    error = fault(status, {}, body)
    assert (error.status, error.kind) == (status, kind)
    assert f"(status {status}); check the configured address" in error.sentence


@given(st.integers(100, 599), st.binary(max_size=80))
def test_any_answer_is_an_error_that_can_be_passed_on(status: int, body: bytes) -> None:
    error = fault(status, {}, body)
    assert isinstance(error, UpstreamError)
    assert 400 <= error.status < 600
    assert error.sentence


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.sampled_from(["error", "message", "type", "error_code"]), s), max_leaves=6)  # fmt: skip


@given(st.sampled_from([400, 401, 413, 429, 500]), JSON)
def test_any_json_is_an_error_that_can_be_passed_on(status: int, body: Any) -> None:
    error = fault(status, {}, json.dumps(body).encode())
    assert error.sentence
    assert error.kind


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("Mon, 23 Nov 2026 10:00:10 GMT", 10.0),
        ("Mon, 23 Nov 2020 10:00:00 GMT", 0.0),
        ("99999999999999999999", 1e20),
    ],
)
def test_retry_after(value: str, expected: float | None) -> None:
    assert retry_after({"retry-after": value}, 1795428000.0) == expected
    assert retry_after({}, 0.0) is None


def test_only_harmless_headers_are_shown() -> None:
    shown = {"request-id": "r", "retry-after": "1", "x-should-retry": "true", "anthropic-ratelimit-x": "1"}
    hidden = {"set-cookie": "a", "server": "b", "x-databricks-org-id": "c", "anthropic-organization-id": "d"}
    assert visible(shown | hidden) == shown


@pytest.mark.parametrize(
    "identifier",
    [
        "0123abcd-0123-4567-89ab-0123456789ab",
        "1234567890123456",
        "adb-1234567890123456.7",
        "arn:aws:iam::123456789012:role/x",
        "https://adb-1.azuredatabricks.net/?o=1",
        "someone@example.com",
        "org-AbCdEfGhIjKl",
        "sk-ant-REDACTED",
        "dapi0123456789abcdef0123456789abcdef",
    ],
)
def test_identifiers_are_masked(identifier: str) -> None:
    assert mask(f"for {identifier} no") == "for … no"


def test_ordinary_words_and_numbers_are_not_masked() -> None:
    words = "max_tokens: 64000 > 32000, see tools.0.custom.input_schema at 2025-11-23"
    assert mask(words) == words


def test_the_logs_words_are_short_and_printable() -> None:
    told = detail(b"a\x1b[31m\nkey=1 " + b"x" * 5000)
    assert told.startswith("a [31m key=1 xxx")
    assert len(told) == 600


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        (error_event("overloaded_error", "node 1234567890123456"), "overloaded_error", "overloaded"),
        (error_event("new_error", "?"), "api_error", "failed"),
        (
            error_event("invalid_request_error", "bad field for org-AbCdEfGhIjKl"),
            "invalid_request_error",
            "bad field for …",
        ),
        (Event("error", b"event: error\ndata: nothing\n\n"), "api_error", "failed"),
        (Event("error", b'event: error\ndata: {"error": "x"}\n\n'), "api_error", "failed"),
    ],
)
def test_an_error_in_a_stream_keeps_its_type_not_its_words(event: Event, kind: str, message: str) -> None:
    error = general(event).data["error"]
    assert error["type"] == kind
    assert message in error["message"]
    assert "1234567890123456" not in error["message"]


def test_garbage_is_a_502_that_says_what_to_look_at() -> None:
    assert (garbage("text/html").status, garbage("text/html").kind) == (502, "api_error")
    assert "check the configured address" in garbage("text/html").sentence
