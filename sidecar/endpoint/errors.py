"""Errors on their way out: status, headers and body in the Messages API's own form.

Source of the table: Anthropic's documented error types, and what Claude Code makes of each status.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from sidecar.core.errors import SidecarError, UpstreamError
from sidecar.core.events import PING, Event
from sidecar.core.messages import Json, encode
from sidecar.core.turn import Handling

STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "not_supported": 501,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status of each of the API's error types."""

_LAST_WORD: Final = frozenset({401, 403, 501})
"""Trying again cannot help: without `x-should-retry: false` the client would go on for minutes."""

_HANG_UP: Final = frozenset({408, 413, 415})
"""The rest of the body is not wanted."""


_UNTOUCHED: Final = Handling()
_TOKEN: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)
_SHOWN: Final = frozenset({"retry-after", "x-should-retry"})


class Rejected(SidecarError):
    """A request that HTTP itself lets us refuse: wrong method, wrong content type, too slow, malformed.

    `status` is the answer's; `headers` go out with it (`allow`).
    """

    kind = "invalid_request_error"

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers: Mapping[str, str] = headers or {}


PLAIN: Final[Mapping[str, str]] = {"server": "sidecar"}
"""What every answer carries: no word of what runs underneath."""

UNEXPECTED: Final = "Something went wrong inside the sidecar. Its log names the cause under this request's id."


def status_of(error: SidecarError) -> int:
    """The status an error is answered with; a provider's own is kept when it is one of an error."""
    status = STATUS.get(error.kind, 500)
    if isinstance(error, Rejected):
        return error.status
    if isinstance(error, UpstreamError):
        # 502 says "none that can be passed on": then a kind that has a status of its own is more precise.
        if error.status == 502:
            return 502 if status == 500 else status
        return error.status if 400 <= error.status <= 599 else 502
    return status


def error_body(kind: str, sentence: str, request_id: str) -> Json:
    """An error as the Messages API writes it. Characters that UTF-8 cannot hold are written as escapes."""
    safe = sentence.encode("utf-8", "backslashreplace").decode()
    return {"type": "error", "error": {"type": kind, "message": safe}, "request_id": request_id}


@dataclass(frozen=True, slots=True)
class Form:
    """How one API tells what is no part of its answers.

    `body` makes the JSON of an error of a type with a sentence for a request's id, `event` the frame of one that ends a
    stream; `ping` is the frame that breaks a silence. `ids` are the headers that bear the request's id. With `relays` a
    provider's own body of a 400 is handed on word for word.
    """

    body: Callable[[str, str, str], Json]
    event: Callable[[str, str, str], bytes]
    ping: bytes
    ids: tuple[str, ...] = ("request-id",)
    relays: bool = False

    def identified(self, request_id: str) -> dict[str, str]:
        """The headers that bear the request's id."""
        return dict.fromkeys(self.ids, request_id)


MESSAGES: Final = Form(
    error_body,
    lambda kind, sentence, request_id: Event.make(error_body(kind, sentence, request_id)).raw,
    PING.raw,
    relays=True,
)
"""The Messages API's form, and that of every route which says nothing else."""


def error_response(error: SidecarError, request_id: str, form: Form = MESSAGES) -> web.Response:
    """The answer to a request that failed before its first byte; a provider's body goes out word for word."""
    status = status_of(error)
    headers = form.identified(request_id)
    body = encode(form.body(error.kind, error.sentence, request_id))
    if status in _LAST_WORD:
        headers["x-should-retry"] = "false"
    if isinstance(error, Rejected):
        headers.update(error.headers)
    if isinstance(error, UpstreamError):
        headers = shown(error.headers, error.handling) | headers
        if error.retry_after is not None:
            headers["retry-after"] = str(max(0, math.ceil(error.retry_after)))
        if error.request_id:
            headers["upstream-request-id"] = error.request_id
        body = error.relay if form.relays and error.relay is not None else body
    return json_response(body, headers, status=status, hang_up=status in _HANG_UP)


def shown(headers: Mapping[str, str], handling: Handling = _UNTOUCHED) -> dict[str, str]:
    """Those of a provider's headers that the client may see, and what was done to the request.

    The provider's request id has a name of its own; `x-sidecar-model` is the model that was asked,
    `x-sidecar-changed` the fields that it did not get as they were sent, `x-sidecar-cache` the prompt cache's part.
    """
    kept = {k: v for k, v in headers.items() if k.lower() in _SHOWN or k.lower().startswith("anthropic-")}
    if upstream := headers.get("request-id"):
        kept["upstream-request-id"] = upstream
    if handling.model.isascii() and handling.model.isprintable() and handling.model:
        kept["x-sidecar-model"] = handling.model
    if handling.cache:
        kept["x-sidecar-cache"] = handling.cache.replace(": ", ";reason=")
    if handling.changes:
        kept["x-sidecar-changed"] = ",".join(name for name in handling.changes if _TOKEN.fullmatch(name))
    return kept


def noted(headers: Mapping[str, str], handling: Handling) -> dict[str, object]:
    """What the log says of the same: nothing of it is the user's content."""
    told = {"upstream": headers.get("request-id"), "served": handling.model, "changed": ",".join(handling.changes)}
    told["cache"] = handling.cache
    return {name: value for name, value in told.items() if value}


def unexpected_response(request_id: str, form: Form = MESSAGES) -> web.Response:
    """The answer when the fault is ours."""
    body = encode(form.body("api_error", UNEXPECTED, request_id))
    return json_response(body, form.identified(request_id), status=500)


def json_response(body: bytes, headers: Mapping[str, str], *, status: int = 200, hang_up: bool = False) -> web.Response:
    """An answer of JSON bytes; `hang_up` ends the connection with it."""
    response = web.Response(body=body, status=status, headers={**PLAIN, "content-type": "application/json", **headers})
    if hang_up:
        response.force_close()
    return response
