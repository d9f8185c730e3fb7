"""One request at the HTTP door: what came, what we know about it, and what its line in the log will say."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from sidecar.core.turn import Turn
from sidecar.endpoint.errors import MESSAGES, Form

_LONGEST_ID = 200
_SDK = ("x-stainless-", "X-Stainless-")  # as it is written; to look past any case would cost more than it brings


@dataclass(slots=True)
class Call:
    """A request on its way to its handler.

    `status` is what the log will say: the answer's status once there is one. `note` gathers more fields for it
    (never the user's content).
    """

    request: web.BaseRequest
    turn: Turn
    status: int | str = "left"
    note: dict[str, object] = field(default_factory=dict)


class ClientLeft(ConnectionError):
    """The client closed the connection before its answer was complete."""


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


def _nothing(_request: web.BaseRequest) -> bool:
    """No other proof than the token's."""
    return False


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, where `/:id` at the end stands for any last word. `open` needs no token; `media` are the content types that a POST may have.

    `proof` may let in who has something else than the token, for this path alone. `form` is that of the path's errors, also where the method is wrong or a guard says no.
    `lasting` is one where a client may stay for hours and only listen: whoever waits for quiet does not wait for it.
    """

    method: str
    path: str
    handler: Handler
    open: bool = False
    media: frozenset[str] = frozenset({"application/json"})
    form: Form = MESSAGES
    proof: Callable[[web.BaseRequest], bool] = _nothing
    lasting: bool = False


def new_id() -> str:
    """A request id that nobody can guess."""
    return "req_" + secrets.token_hex(12)


def begin(request: web.BaseRequest, workspace: str) -> Call:
    """The call of a request that has just come."""
    headers = request.headers
    turn = Turn(
        id=new_id(),
        session=headers.get("x-claude-code-session-id", "")[:_LONGEST_ID],
        agent=headers.get("x-claude-code-agent-id", "")[:_LONGEST_ID],
        workspace=workspace,
        cache=headers.get("x-sidecar-cache", "")[:_LONGEST_ID],
        client=headers.get("user-agent", "")[:_LONGEST_ID],
        library=tuple((name.lower(), value[:_LONGEST_ID]) for name, value in headers.items() if name.startswith(_SDK)),
    )
    return Call(request, turn)
