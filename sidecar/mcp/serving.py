"""The transports of our own MCP server: HTTP requests handed in as ASGI, and standard input and output."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Receive, Scope, Send

from sidecar.core.shelf import Shelf
from sidecar.core.tool import ToolBox
from sidecar.mcp.offer import MOST_SESSIONS, Offer

IDLE_SECONDS: Final = 30 * 60.0


class OverHttp:
    """The ASGI application of `/mcp`."""

    def __init__(self, manager: StreamableHTTPSessionManager, offer: Offer) -> None:
        self._manager = manager
        self.hush = offer.hush

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._manager.handle_request(scope, receive, send)


@contextlib.asynccontextmanager
async def over_http(
    box: ToolBox, shelf: Shelf, *, version: str, hosts: Sequence[str], most_bytes: int
) -> AsyncIterator[OverHttp]:
    """The ASGI application while the context is open; enter and leave it in the same task.

    `hosts` are the only Host headers taken (`127.0.0.1:8080`); empty where the caller alone decides. No Origin is.
    """
    offer = Offer(box, shelf, version)
    manager = StreamableHTTPSessionManager(
        offer.server,
        security_settings=TransportSecuritySettings(
            enable_dns_rebinding_protection=bool(hosts), allowed_hosts=list(hosts), allowed_origins=[]
        ),
        session_idle_timeout=IDLE_SECONDS,
        max_request_body_size=most_bytes,
        max_sessions=MOST_SESSIONS,
    )
    async with manager.run():
        try:
            yield OverHttp(manager, offer)
        finally:
            offer.close()


async def over_stdio(box: ToolBox, shelf: Shelf, *, version: str) -> None:
    """Serve one client on this process's standard input and output until its end."""
    offer = Offer(box, shelf, version, session="stdio")
    try:
        async with stdio_server() as (incoming, outgoing):
            await offer.server.run(incoming, outgoing, offer.server.create_initialization_options())
    finally:
        offer.close()
