"""The routes of the dashboard: a page that holds nothing, and figures for who brings the token or a key of the page's own.

The page is open to everybody whom the guards let come so far: it is the same file for all. What it shows it asks for at
`/api/…`, in the browser, with the key that it changed a one-time code for (`dashboard.passes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from aiohttp import web

from sidecar.core.messages import encode
from sidecar.core.ports import Dashboard
from sidecar.dashboard.passes import KEY_LIFE, Passes
from sidecar.endpoint.call import Call, Route
from sidecar.endpoint.errors import PLAIN

CODE_HEADER: Final = "x-sidecar-code"

_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS: Final[Mapping[str, str]] = {
    **PLAIN,
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_PAGE: Final[Mapping[str, str]] = {
    **_HEADERS,
    "content-security-policy": f"{_POLICY}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
}


class DashboardDoor:
    """The handlers around whoever has the figures; `token` is the endpoint's."""

    def __init__(self, board: Dashboard, token: str | None) -> None:
        self._board = board
        self._passes = Passes(token)

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        for path in ("/dashboard", "/dashboard/style.css", "/dashboard/app.js", "/dashboard/icon.svg"):
            yield Route("GET", path, self.page, open=True)
        yield Route("GET", "/api/session", self.session, open=True)
        for path in ("/api/status", "/api/usage", "/api/turns", "/api/tests", "/api/coverage", "/api/review"):
            yield Route("GET", path, self.figures, proof=self._has_key)

    async def page(self, call: Call) -> web.StreamResponse:
        """A file of the page."""
        return await self._answer(call, call.request.raw_path.partition("?")[0], _PAGE)

    async def figures(self, call: Call) -> web.StreamResponse:
        """Figures as JSON."""
        return await self._answer(call, call.request.raw_path, _HEADERS)

    async def session(self, call: Call) -> web.StreamResponse:
        """A key for a one-time code. Raises Unauthenticated."""
        key = self._passes.redeem(call.request.headers.get(CODE_HEADER, ""))
        headers = {**_HEADERS, "content-type": "application/json", "request-id": call.turn.id}
        return web.Response(body=encode({"key": key, "seconds": int(KEY_LIFE)}), headers=headers)

    def _has_key(self, request: web.BaseRequest) -> bool:
        return self._passes.holds(request.headers.get("x-api-key", ""))

    async def _answer(self, call: Call, target: str, headers: Mapping[str, str]) -> web.StreamResponse:
        found = await self._board.get(target)
        more = {"content-type": found.media, "request-id": call.turn.id}
        return web.Response(body=found.body, headers={**headers, **more})
