"""The WebSocket that the CLI connects to as its IDE: loopback only, by a token that stands in the lock file alone."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import WSMsgType, web

from sidecar.core.ports import Desk, Selection, Window
from sidecar.endpoint.ide.lock import announced
from sidecar.endpoint.ide.rpc import Peer
from sidecar.endpoint.ide.tools import TOOLS, Tools
from sidecar.endpoint.sockets import listen
from sidecar.trace import get_logger

Json = dict[str, Any]

AUTHORIZATION: Final = "X-Claude-Code-Ide-Authorization"
_PROTOCOL: Final = "2025-11-25"
_MOST_FRAME: Final = 32 * 1024 * 1024
_HEARTBEAT: Final = 30.0
_LOOPBACK: Final = "127.0.0.1"
_GREETINGS: Final = (0.0, 0.1, 0.4, 1.5)
"""Seconds between the tellings of what is selected to a CLI that came: its prompt begins to hear some time after it has
the tools, says nothing when it does, and loses what comes before; what it hears twice is the same to it."""

log = get_logger("ide")


class IdeServer:
    """Serves connected CLIs while its context is open. Implements `core.ports.Companion`.

    `port` is the one that is wanted; the next free one is taken when it is in use, any free one for 0. Entering raises
    Conflict when none can be had, StoreError when the lock file cannot be written.
    """

    def __init__(
        self, *, version: str, config: Path, folders: Sequence[Path], desk: Desk | None, port: int = 0
    ) -> None:
        self._version = version
        self._config = config
        self._folders = folders
        self._desk = desk
        self._wanted = port
        self._window: Window | None = None
        self._token = secrets.token_urlsafe(32)
        self._connected: set[_Client] = set()
        self._selection: Json | None = None
        self._open = contextlib.AsyncExitStack()
        self.port = 0

    def lend(self, window: Window) -> Callable[[], None]:
        """Let the CLI use the editor's window; the result ends it."""
        self._window = window

        def end() -> None:
            if self._window is window:
                self._window = None

        return end

    # ── core.ports.Companion ────────────────────────────────────────────────────────────────────────
    def selected(self, selection: Selection) -> bool:
        """Tell each connected CLI what is selected; whether one listens."""
        position = {
            name: {"line": line, "character": column}
            for name, (line, column) in (("start", selection.start), ("end", selection.end))
        }
        told = {
            "text": selection.text,
            "filePath": selection.path,
            "fileUrl": Path(selection.path).as_uri(),
            "selection": {**position, "isEmpty": selection.start == selection.end},
        }
        self._selection = told
        return self._tell("selection_changed", told)

    def mention(self, path: str, first: int, last: int) -> bool:
        """Put lines (from 0) into the prompt of each connected CLI; whether one listens."""
        return self._tell("at_mentioned", {"filePath": path, "lineStart": first, "lineEnd": last})

    def _tell(self, method: str, params: Json) -> bool:
        told = [client.tell(method, params) for client in tuple(self._connected)]
        return any(told)

    # ── life ────────────────────────────────────────────────────────────────────────────────────────
    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            (bound,) = listen(_LOOPBACK, self._wanted, "next-free")
            stack.callback(bound.close)
            self.port = bound.getsockname()[1]
            server = web.Server(self._welcome, access_log=None)
            runner = web.ServerRunner(server, shutdown_timeout=0.2)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, bound).start()
            stack.push_async_callback(self._send_away)
            stack.enter_context(
                announced(self._config, port=self.port, token=self._token, folders=self._folders, name="Sidecar")
            )
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._open.aclose()
        self.port = 0

    async def _greet(self, client: _Client) -> None:
        """A CLI begins to listen: it hears what is selected now."""
        for pause in _GREETINGS:
            await asyncio.sleep(pause)
            if self._selection is not None:
                client.tell("selection_changed", self._selection)

    async def _send_away(self) -> None:
        for client in tuple(self._connected):
            await client.close()

    async def _welcome(self, request: web.BaseRequest) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        refusal = self._refusal(request)
        if refusal is not None:
            return web.Response(status=refusal[0], text=refusal[1])
        websocket = web.WebSocketResponse(protocols=("mcp",), heartbeat=_HEARTBEAT, max_msg_size=_MOST_FRAME)
        await websocket.prepare(request)
        client = _Client(websocket, Tools(self._desk, lambda: self._window), self._version, self._greet)
        self._connected.add(client)
        log.info("ide_client_connected", clients=len(self._connected))
        try:
            await client.serve()
        finally:
            self._connected.discard(client)
            log.info("ide_client_gone", clients=len(self._connected))
        return websocket

    def _refusal(self, request: web.BaseRequest) -> tuple[int, str] | None:
        """Why this handshake is refused, as status and sentence. A web page can reach this port, but cannot know the token."""
        hosts = request.headers.getall("Host", [])
        if hosts not in ([f"{name}:{self.port}"] for name in (_LOOPBACK, "localhost")):
            return 403, "Only 127.0.0.1 may be asked here."
        if "Origin" in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none":
            return 403, "No web page may connect here."
        given = request.headers.get(AUTHORIZATION, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token.encode()):
            return 401, "The token of the lock file is wanted."
        if request.path != "/" or request.headers.get("Upgrade", "").lower() != "websocket":
            return 400, "Only a WebSocket is served here."
        return None


class _Client:
    """One connected CLI."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        tools: Tools,
        version: str,
        on_listening: Callable[[_Client], Awaitable[None]],
    ) -> None:
        self._websocket = websocket
        self._on_listening = on_listening
        self._tools = tools
        self._version = version
        self._listening = asyncio.Event()
        self._latest: asyncio.Queue[tuple[str, Json]] = asyncio.Queue(maxsize=16)
        self._peer = Peer(websocket.send_str, self._answer, self._hear, self._answered)

    async def serve(self) -> None:
        """Take frames until the connection ends; whatever it still asked for is given up then."""
        async with asyncio.TaskGroup() as group:
            tellers = [
                group.create_task(self._tell_on(), name="ide notifications"),
                group.create_task(self._begin(), name="ide greetings"),
            ]
            async for message in self._websocket:
                if message.type is WSMsgType.TEXT:
                    await self._peer.take(message.data, group)
                elif message.type is WSMsgType.BINARY:
                    await self._websocket.close(code=1003, message=b"text frames only")
            for teller in tellers:
                teller.cancel()
            self._peer.give_up()

    def tell(self, method: str, params: Json) -> bool:
        """Tell the CLI something soon. Before it has asked for the tools it does not listen, so nothing is told."""
        if not self._listening.is_set() or self._latest.full():
            return False
        self._latest.put_nowait((method, params))
        return True

    async def close(self) -> None:
        """End the connection."""
        await self._websocket.close(code=1001, message=b"Sidecar is stopping")

    async def _begin(self) -> None:
        await self._listening.wait()
        await self._on_listening(self)

    async def _tell_on(self) -> None:
        while True:
            method, params = await self._latest.get()
            with contextlib.suppress(ConnectionError):
                await self._peer.notify(method, params)

    async def _answer(self, method: str, params: Json) -> Any:
        if method == "initialize":
            version = params.get("protocolVersion")
            return {
                "protocolVersion": version if isinstance(version, str) else _PROTOCOL,
                "capabilities": {"tools": {}, "prompts": {}, "resources": {}},
                "serverInfo": {"name": "sidecar", "version": self._version},
            }
        if method == "tools/call":
            arguments = params.get("arguments")
            return await self._tools.call(str(params.get("name")), arguments if isinstance(arguments, dict) else {})
        return {
            "ping": {},
            "tools/list": {"tools": TOOLS},
            "prompts/list": {"prompts": []},
            "resources/list": {"resources": []},
            "resources/templates/list": {"resourceTemplates": []},
        }[method]

    def _answered(self, method: str) -> None:
        """The CLI has the tools: it listens from now on. What reached it before their list would be lost."""
        if method == "tools/list":
            self._listening.set()

    def _hear(self, method: str, params: Json) -> None:
        log.debug("ide_client_says", method=method)
