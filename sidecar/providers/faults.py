"""The error table: what a provider's failed answer becomes. Pure; the words that go to the log are given beside it.

Sources: the Messages API's error types; Databricks' `{"error_code", "message"}`; chat completions' `{"error": {…}}`.
A provider's own words may name accounts, so the client gets a sentence of ours. The exceptions are faults of the
request itself (400, 413): in Anthropic's own shape they are relayed word for word, since a client's recovery keys on
them; in another shape their text is kept, without what looks like an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event, error_event
from sidecar.providers import refusals


class Declined(UpstreamError):
    """A request that the provider calls wrong (400, 422); `words` are all that it said, not fit for a client's eyes."""

    words: str = ""


_KINDS: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    501: "not_supported",
    504: "timeout_error",
    529: "overloaded_error",
}
_SENTENCES: Final[Mapping[str, str]] = {
    "invalid_request_error": "The provider refused the request as invalid.",
    "authentication_error": "The provider rejected the credential that Sidecar is configured with; check the key.",
    "billing_error": "The provider refused the request for a reason of billing; check the account there.",
    "permission_error": "The provider's account may not use this model or endpoint; check its permissions.",
    "not_found_error": "The provider does not know this model or endpoint; check the model's name and the address.",
    "request_too_large": "The request is larger than the provider takes.",
    "rate_limit_error": "The provider's rate limit is reached; please try again later.",
    "not_supported": "The provider does not support this request.",
    "timeout_error": "The provider did not finish in time; please try again.",
    "overloaded_error": "The provider is overloaded; please try again shortly.",
    "api_error": "The provider failed to answer; please try again.",
}
_PLAIN: Final = frozenset({401, 403, 404, 408, 413, 429, 503, 504, 529})
_OWN_WORDS: Final = frozenset({400, 413, 422})
_DECLINED: Final = frozenset({400, 422})
_RELAYED: Final = frozenset({400, 413})
_VISIBLE: Final = ("request-id", "retry-after", "x-should-retry")
_VISIBLE_PREFIX: Final = "anthropic-ratelimit-"
_LONGEST_DETAIL: Final = 600
_LONGEST_RELAY: Final = 65_536

_IDENTIFIER = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # UUIDs
    r"|\b(?:adb-)?\d{12,}(?:\.\d+)?\b"  # workspace, account and tenant numbers
    r"|\barn:\S+"
    r"|\bhttps?://\S+"
    r"|\b[\w.+-]+@[\w-]+\.[\w.-]+\b"
    r"|\b(?:org|acct|proj|sk|dapi)[-_][\w-]{8,}|\bdapi[0-9a-f]{16,}\b",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"prompt is too long|context_length_exceeded|input is too long|maximum context length|too many (?:input )?tokens",
    re.IGNORECASE,
)


def fault(status: int, headers: Mapping[str, str], body: bytes, now: float = 0.0) -> UpstreamError:
    """The error that an answer with this status (any but 200) stands for.

    Header names are in lower case; `now` (UTC seconds) is what a `retry-after` given as a date is counted from.
    """
    failure = _classify(status, headers, body)
    failure.retry_after = retry_after(headers, now)
    return failure


def garbage(what: str, headers: Mapping[str, str] | None = None) -> UpstreamError:
    """The error for an answer that is none of the API's: a page, a redirect, something unreadable."""
    return _error(
        f"The provider did not answer in the Messages API's form ({what}); check the configured address.",
        502,
        "api_error",
        headers or {},
    )


def general(event: Event) -> Event:
    """A stream's `error` event with the same type and a sentence of ours in place of the provider's."""
    error = event.data.get("error")
    kind = str(error.get("type") or "api_error") if isinstance(error, dict) else "api_error"
    if kind not in _SENTENCES:
        kind = "api_error"
    message = str(error.get("message") or "") if isinstance(error, dict) else ""
    own = kind in {"invalid_request_error", "request_too_large"} and message
    return error_event(kind, mask(message) if own else _SENTENCES[kind])


def visible(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of a provider's headers (lower case) that the client may see."""
    return {k: v for k, v in headers.items() if k in _VISIBLE or k.startswith(_VISIBLE_PREFIX)}


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the provider asks to wait (`retry-after`: seconds or a date); None when it names none."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None  # noqa: PLR0124 - NaN is no number of seconds


def detail(body: bytes) -> str:
    """A failed answer's words for the log: short and printable."""
    text = body[: _LONGEST_DETAIL * 4].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST_DETAIL]


def mask(text: str) -> str:
    """The text without what looks like an account, a workspace, an address or a key; at most 600 characters."""
    return _IDENTIFIER.sub("…", text)[:_LONGEST_DETAIL]


def _classify(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    if status < 400:
        return garbage(f"status {status}", headers)
    shape = _decode(body)
    if shape is None:
        return _unreadable(status, headers)
    kind, message = _named(status, shape)
    sentence = _SENTENCES.get(kind, _SENTENCES["api_error"])
    relay = None
    if status in _RELAYED and _is_native(shape) and len(body) <= _LONGEST_RELAY:
        sentence, relay = message or sentence, body
    elif status in _OWN_WORDS and message:
        sentence = _too_long(message) or mask(message)
    failure = _error(sentence, status, kind, headers, relay)
    if isinstance(failure, Declined):
        failure.words = refusals.said(shape)
    return failure


def _error(
    sentence: str, status: int, kind: str, headers: Mapping[str, str], relay: bytes | None = None
) -> UpstreamError:
    seen = visible(headers)
    make = Declined if status in _DECLINED else UpstreamError
    return make(sentence, status=status, kind=kind, relay=relay, request_id=seen.get("request-id"), headers=seen)


def _unreadable(status: int, headers: Mapping[str, str]) -> UpstreamError:
    """A failure without a body of the API. What a gateway says by its status alone keeps its meaning.

    So does a refusal: the client would repeat for minutes what it is told of as a failure of ours.
    """
    kind = _kind(status)
    if status in _PLAIN:
        return _error(_SENTENCES[kind], status, kind, headers)
    unformed = garbage(f"status {status}", headers)
    return _error(unformed.sentence, status, kind, headers) if status < 500 else unformed


def _kind(status: int) -> str:
    return _KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")


def _decode(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _is_native(shape: Mapping[str, Any]) -> bool:
    error = shape.get("error")
    return shape.get("type") == "error" and isinstance(error, dict) and isinstance(error.get("message"), str)


def _named(status: int, shape: Mapping[str, Any]) -> tuple[str, str]:
    """The kind and the provider's own words, whichever of the known shapes they come in."""
    by_status = _kind(status)
    error = shape.get("error")
    inner = error if isinstance(error, dict) else shape
    message = inner.get("message") if isinstance(inner.get("message"), str) else error
    kind = inner.get("type") if _is_native(shape) else None
    if not isinstance(kind, str) or kind not in _SENTENCES:
        kind = by_status
    return kind, message if isinstance(message, str) else ""


def _too_long(message: str) -> str:
    """The words by which the client knows that it must shorten the conversation; "" where this is something else."""
    if not _TOO_LONG.search(message):
        return ""
    if "prompt is too long" in message:
        return mask(message[message.index("prompt is too long") :])
    numbers = [int(n) for n in re.findall(r"(\d{3,9}) tokens", message)]
    if len(numbers) >= 2:
        return f"prompt is too long: {max(numbers)} tokens > {min(numbers)} maximum"
    return f"prompt is too long: {mask(message)}"
