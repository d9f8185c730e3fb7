"""The HTTP door's life: bind, serve, stop. `async with Endpoint(…)` is all that the composition root needs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Self

import aiohttp.http_parser
from aiohttp import web

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import SetupError
from sidecar.endpoint.call import Route
from sidecar.endpoint.completions import Completions
from sidecar.endpoint.connection import Reception
from sidecar.endpoint.door import Door
from sidecar.endpoint.guards import Access, HostRule, is_loopback
from sidecar.endpoint.limits import Limits
from sidecar.endpoint.mcp import McpDoor, Offering
from sidecar.endpoint.messages import Messages
from sidecar.endpoint.operations import Identity, Operations
from sidecar.endpoint.sockets import PortPolicy, listen

__all__ = ["Access", "Endpoint", "Identity", "Limits", "Offering", "PortPolicy"]

_READ_AHEAD = 256 * 1024  # what one read of asyncio's transport can bring
_BACKLOG = 512
_LINGER = 3.0


class Endpoint:
    """Serves the Messages API on one address while its context is open.

    Entering raises Conflict when the port is taken, SetupError when the address may not or cannot be listened on.
    Leaving stops accepting at once, gives running answers `limits.stop` seconds, then cancels them.
    """

    def __init__(
        self,
        answer: AnswerTurn,
        *,
        identity: Identity,
        access: Access,
        host: str = "127.0.0.1",
        port: int = 8080,
        port_policy: PortPolicy = "exact",
        limits: Limits | None = None,
    ) -> None:
        if not is_loopback(host) and access.mode != "token":
            raise SetupError(
                f"Listening on {host} lets other machines in, so it needs a token with every request: "
                "set SIDECAR_AUTH=token (or --auth token), or listen on 127.0.0.1.",
                "SIDECAR_AUTH",
            )
        self._answer = answer
        self._identity = identity
        self._access = access
        self._host = host
        self._wanted = port
        self._policy = port_policy
        self._limits = limits or Limits()
        self._offering: Offering | None = None
        self._mcp: McpDoor | None = None
        self._open = contextlib.AsyncExitStack()
        self._port = 0
        self._ready = False
        self._more: list[Route] = []
        self._door: Door | None = None

    def add(self, routes: Iterable[Route]) -> None:
        """Serve these routes, too; to be called before the context is entered."""
        self._more.extend(routes)

    def offer(self, offering: Offering) -> Self:
        """Serve these tools at `/mcp`, too; said before entering."""
        self._offering = offering
        return self

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before and after."""
        return self._port

    @property
    def base_url(self) -> str:
        """What clients are pointed at, without `/v1`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104 - read, not bound
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def running(self) -> int:
        """How many requests are being answered; those of `/mcp`, where clients listen for hours, do not count."""
        return self._door.answers.number if self._door is not None else 0

    async def quiet(self, span: float, most: float) -> None:
        """Wait until nothing was asked and nothing is being answered for `span` seconds; `most` seconds at most."""
        door = self._door
        if door is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most):
                before = -1
                while before != door.begun:
                    await door.answers.gone.wait()
                    before = door.begun
                    await asyncio.sleep(span)

    async def __aenter__(self) -> Self:
        if aiohttp.http_parser.HttpRequestParser is aiohttp.http_parser.HttpRequestParserPy:
            raise SetupError(
                "aiohttp runs without its compiled parser, which is not safe to serve with: "
                "unset AIOHTTP_NO_EXTENSIONS, or reinstall aiohttp from a wheel.",
                "AIOHTTP_NO_EXTENSIONS",
            )
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._ready = False
        await self._open.aclose()
        self._port = 0

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        sockets = listen(self._host, self._wanted, self._policy)
        for bound in sockets:
            stack.callback(bound.close)
        self._port = sockets[0].getsockname()[1]
        door = self._door = self._make_door()
        reception = Reception(door, options=self._options())
        runner = web.ServerRunner(reception, shutdown_timeout=0.2)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        sites = [web.SockSite(runner, bound, backlog=_BACKLOG) for bound in sockets]
        stack.push_async_callback(self._drain, reception, door, sites)
        for site in sites:
            await site.start()
        self._ready = True

    def _make_door(self) -> Door:
        rule = HostRule((self._host,), self._port, loopback=is_loopback(self._host))
        operations = Operations(self._answer, self._identity, self._access, self._limits, lambda: self._ready)
        messages, completions = Messages(self._answer, self._limits), Completions(self._answer, self._limits)
        routes = [*messages.routes(), *completions.routes(), *operations.routes(), *self._more]
        if self._offering is not None:
            self._mcp = McpDoor(self._offering, self._limits, rule.exact if rule.loopback else ())
            routes += self._mcp.routes()
        return Door(routes, self._access, rule, self._identity.workspace)

    def _options(self) -> dict[str, object]:
        return {
            # Also the guard against connections that send nothing, or a head that never ends.
            "keepalive_timeout": self._limits.head,
            "access_log": None,
            "auto_decompress": False,
            "read_bufsize": _READ_AHEAD,
            "lingering_time": _LINGER,
        }

    async def _drain(self, reception: Reception, door: Door, sites: list[web.SockSite]) -> None:
        """Accept no more, let idle connections go, and wait for the answers that are on their way."""
        for site in sites:
            await site.stop()
        await asyncio.sleep(0)  # what was accepted just now is seen first
        reception.pre_shutdown()
        if self._mcp is not None:
            self._mcp.hush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.stop):
                await door.answers.gone.wait()
                await door.lasting.gone.wait()
        if self._mcp is not None:
            await self._mcp.aclose()
