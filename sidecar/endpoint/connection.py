"""One client's connection: aiohttp's own protocol, with broken requests answered in the API's form."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import InvalidURLError

from sidecar.endpoint.call import new_id
from sidecar.endpoint.errors import Rejected, error_response, unexpected_response
from sidecar.trace import get_logger

log = get_logger("endpoint")


class Connection(web.RequestHandler):
    """`own` remembers whether the other end belongs to our user; None while nobody asked."""

    __slots__ = ("own",)

    def __init__(self, manager: web.Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        self.own: bool | None = None

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what could not be read as a request (400), or a fault that no handler caught (500)."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        request_id = new_id()
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("handler_failed", request=request_id, error=exc)
            response = unexpected_response(request_id)
        else:
            log.info("malformed_request", request=request_id, status=status, error=type(exc).__name__)
            # The parser repeats an address, which may hold a token.
            why = "its address" if isinstance(exc, InvalidURLError) else (message or "malformed").splitlines()[0]
            response = error_response(Rejected(status, f"This is not a valid HTTP request: {why}"), request_id)
        response.force_close()
        return response


class Reception(web.Server):
    """Makes a Connection for each client that comes."""

    def __init__(self, handler: Any, *, options: dict[str, Any]) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._options = options

    def __call__(self) -> Connection:
        """The protocol for a connection that was just accepted."""
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)
