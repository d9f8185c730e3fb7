"""A trace of one request, asked for by its client: `x-sidecar-trace: full`, with the token."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, get_args

from aiohttp import web

from sidecar.core.turn import TraceLevel, Turn
from sidecar.endpoint.guards import Access, carries_token

HEADER: Final = "x-sidecar-trace"
_LEVELS: Final[tuple[TraceLevel, ...]] = get_args(TraceLevel)


def traced(turn: Turn, request: web.BaseRequest, access: Access) -> Turn:
    """The turn with the trace that its client asks for; the very same where it asks for none.

    The header counts only beside the token: who was let in because of its process alone must not be able to have
    the user's conversations written down. An unknown level asks for nothing.
    """
    wanted = request.headers.get(HEADER)
    if wanted is None:
        return turn
    level = next((one for one in _LEVELS if one == wanted.strip().lower()), None)
    return turn if level is None or not carries_token(request, access.token) else replace(turn, trace=level)
