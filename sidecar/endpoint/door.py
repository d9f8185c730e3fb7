"""What happens to every request: guards, the table of routes, errors in the API's form, one line in the log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from aiohttp import web

from sidecar.core.errors import NotFound, SidecarError
from sidecar.endpoint.call import Call, ClientLeft, Route, begin
from sidecar.endpoint.errors import MESSAGES, Form, Rejected, error_response, unexpected_response
from sidecar.endpoint.guards import Access, HostRule, admit, check_content, check_head
from sidecar.endpoint.tracing import traced
from sidecar.trace import bind, get_logger

log = get_logger("endpoint")

_QUIET = frozenset({"/health", "/metrics", "/v1/metrics", "/v1/logs", "/v1/traces"})
_WHERE = (
    "The Messages API is at /v1/messages: the base URL that a client is given must end before /v1; "
    "for a client of chat completions it ends with /v1."
)


class Crowd:
    """Requests that are under way; `gone` is set while there are none."""

    def __init__(self) -> None:
        self.number = 0
        self.gone = asyncio.Event()
        self.gone.set()

    def __enter__(self) -> None:
        self.number += 1
        self.gone.clear()

    def __exit__(self, *exc: object) -> None:
        self.number -= 1
        if not self.number:
            self.gone.set()


class Door:
    """Takes requests in. `answers` are those that are being answered, `lasting` those of routes where one may stay for hours."""

    def __init__(self, routes: Iterable[Route], access: Access, rule: HostRule, workspace: str) -> None:
        self._access = access
        self._rule = rule
        self._workspace = workspace
        self._table: dict[str, dict[str, Route]] = defaultdict(dict)
        for route in routes:
            self._table[route.path][route.method] = route
        self._table = dict(self._table)
        self.answers, self.lasting = Crowd(), Crowd()
        self.begun = 0
        """How many requests came so far."""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens."""
        call = begin(request, self._workspace)
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.begun += 1
        route = self._methods(request).get(request.method)
        with bind(request=call.turn.id), self.lasting if route is not None and route.lasting else self.answers:
            try:
                response = await self._answer(call)
                call.status = response.status
            finally:
                # Soon, not now: the answer goes out first.
                loop.call_soon(_log, call, loop.time() - began)
        return response

    async def _answer(self, call: Call) -> web.StreamResponse:
        try:
            return await self._serve(call)
        except SidecarError as error:
            call.note["error"] = error.kind
            return error_response(error, call.turn.id, self._form(call))
        except ClientLeft:
            raise
        except Exception:
            log.exception("handler_failed", method=call.request.method, path=_path(call.request))
            return unexpected_response(call.turn.id, self._form(call))

    def _form(self, call: Call) -> Form:
        return next((route.form for route in self._methods(call.request).values()), MESSAGES)

    def _methods(self, request: web.BaseRequest) -> dict[str, Route]:
        """The routes of a request's path; `:id` at the end of one stands for any last word."""
        path = _path(request)
        return self._table.get(path) or self._table.get(f"{path.rpartition('/')[0]}/:id", {})

    async def _serve(self, call: Call) -> web.StreamResponse:
        request = call.request
        check_head(request, self._rule)
        path = _path(request)
        methods = self._methods(request)
        route = methods.get(request.method)
        if route is None or not (route.open or route.proof(request)):
            await admit(request, self._access)
            call.turn = traced(call.turn, request, self._access)
        if not methods:
            raise NotFound(f"There is nothing at {path[:100]}. {_WHERE}")
        if route is None:
            allowed = ", ".join(sorted(methods))
            raise Rejected(405, f"{path} takes {allowed}, not {request.method[:20]}.", {"allow": allowed})
        if request.method == "POST":
            check_content(request, route.media)
        return await route.handler(call)


def _path(request: web.BaseRequest) -> str:
    """The target as it came, without the query (which may hold what must not be repeated)."""
    return request.raw_path.partition("?")[0]


def _log(call: Call, seconds: float) -> None:
    path = _path(call.request)
    say = log.debug if path in _QUIET else log.info
    say(
        "request",
        method=call.request.method,
        path=path[:200],
        status=call.status,
        ms=round(seconds * 1000, 1),
        **call.note,
    )
