"""A live connection to one server: opened, asked, watched, closed; every fault of the library's becomes a sentence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from sidecar.core.errors import Refused, SidecarError, UpstreamError, UpstreamUnreachable
from sidecar.mcp.approvals import RemoteTool
from sidecar.mcp.manifest import Entry
from sidecar.mcp.offer import NAME
from sidecar.mcp.process import Process
from sidecar.mcp.sandbox import Launch
from sidecar.mcp.signin import Show, SignIn
from sidecar.trace import get_logger

log = get_logger("mcp")

MOST_TOOLS: Final = 300
_MOST_PAGES: Final = 50
_MOST_TEXT: Final = 4_000
_MOST_SCHEMA: Final = 64 * 1024
_CLOSE: Final = 6.0


class _Hangs(Exception):
    """A server answered neither a call nor a ping."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """What one task of a group raised, as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


Progress = Callable[[float, float | None, str], None]


class Session:
    """One connection. It lives in a task of its own, since the library's contexts must be left where they were entered.

    `show` shows a person an address to sign in at; None where nobody is there. `state` keeps the tokens.
    """

    def __init__(
        self, entry: Entry, launch: Launch | None, version: str, state: Path | None = None, show: Show | None = None
    ) -> None:
        self._entry = entry
        self._state = state
        self._show = show
        self._process = Process(entry.name, launch) if launch is not None else None
        self._version = version
        self._client: Client | None = None
        self._runner: asyncio.Task[None] | None = None
        self._over = self._process.ended if self._process is not None else asyncio.Event()
        self.changed: Callable[[], None] = lambda: None

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._client is not None and not self._over.is_set()

    async def open(self, seconds: float) -> None:
        """Start or reach the server and shake hands. Raises UpstreamUnreachable, Refused (it is ourselves)."""
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._runner = asyncio.get_running_loop().create_task(self._run(ready), name=f"mcp {self._entry.name}")
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait([self._runner, ready], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await self.close()
            raise UpstreamUnreachable(self._lost(f"did not answer within {seconds:g} s")) from None
        except BaseException:
            await self.close()
            raise
        if not ready.done():
            failure = self._runner.exception() if not self._runner.cancelled() else None
            raise UpstreamUnreachable(self._lost(f"could not be reached ({_reason(failure)})")) from None
        self._client = ready.result()
        info = self._client.server_info
        if info is not None and info.name == NAME:
            await self.close()
            raise Refused(f"The MCP server {self._entry.name} is this sidecar itself; its tools are here already.")

    async def tools(self, seconds: float) -> tuple[RemoteTool, ...]:
        """All that it offers. Raises UpstreamError."""
        async with self._asking(seconds) as client:
            found: list[RemoteTool] = []
            cursor: str | None = None
            for _ in range(_MOST_PAGES):
                page = await client.list_tools(cursor=cursor, cache_mode="bypass")
                found += [_remote(tool) for tool in page.tools if tool.name]
                cursor = page.next_cursor
                if cursor is None or len(found) > MOST_TOOLS:
                    break
        return tuple(found[:MOST_TOOLS])

    async def call(
        self, name: str, arguments: Mapping[str, Any], tell: Progress, seconds: float, hang: float = 0.0
    ) -> types.CallToolResult:
        """Call a tool; `seconds` count from its last progress. Cancelling the caller cancels the call there.

        A server that is silent for half of `hang` is asked whether it lives; one that answers not even that in the
        other half is given up (0.0: it is not asked). Raises UpstreamError.
        """
        async with self._asking(seconds) as client:
            clock = asyncio.timeout(seconds)
            news = asyncio.Event()

            async def hear(progress: float, total: float | None, message: str | None) -> None:
                clock.reschedule(asyncio.get_running_loop().time() + seconds)
                news.set()
                tell(progress, total, message or "")

            async with clock, asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch(client, news, hang)) if hang else None
                result = await client.call_tool(name, dict(arguments), progress_callback=hear)
                if watch is not None:
                    watch.cancel()
            return result

    async def _watch(self, client: Client, news: asyncio.Event, hang: float) -> None:
        """Returns never while the server lives. Raises _Hangs."""
        while True:
            news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(hang / 2):
                    await news.wait()
            if news.is_set():
                continue
            try:
                async with asyncio.timeout(hang / 2):
                    # The newer protocol has no ping; what tools there are every server can say.
                    modern = client.protocol_version in MODERN_PROTOCOL_VERSIONS
                    await (client.list_tools(cache_mode="bypass") if modern else client.session.send_ping())
            except TimeoutError:
                if not news.is_set():
                    raise _Hangs(hang) from None
            except MCPError:
                if not self.alive:
                    return  # the call itself tells how it ended

    async def close(self) -> None:
        """End it, and the process with all that it started."""
        shaken = self._client is not None
        self._over.set()
        self._client = None
        if self._runner is None:
            return
        if shaken:
            await asyncio.wait({self._runner}, timeout=_CLOSE)
        self._runner.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._runner

    @contextlib.asynccontextmanager
    async def _asking(self, seconds: float) -> AsyncIterator[Client]:
        if self._client is None:
            raise UpstreamUnreachable(self._lost("is not running"))
        try:
            with _alone():
                yield self._client
        except _Hangs as hangs:
            told = f"hangs: for {hangs.seconds:g} s it answered neither the call nor anything else"
            raise UpstreamUnreachable(
                f"{self._lost(told)} Where its tools are silent for long, raise MCP_HANG_MS."
            ) from None
        except TimeoutError:
            raise UpstreamUnreachable(self._lost(f"gave no sign of life for {seconds:g} s")) from None
        except MCPError as error:
            if not self.alive or error.code == types.CONNECTION_CLOSED:
                raise UpstreamUnreachable(self._lost("ended")) from None
            raise UpstreamError(f"The MCP server {self._entry.name} says: {error.message[:500]}") from None
        except (ValidationError, RuntimeError, ValueError) as error:
            raise UpstreamError(
                f"The MCP server {self._entry.name} gave an answer that is not valid: {str(error)[:200]}"
            ) from None
        except (httpx2.HTTPError, OSError) as error:
            raise UpstreamUnreachable(self._lost(f"cannot be reached ({_reason(error)})")) from None

    async def _run(self, ready: asyncio.Future[Any]) -> None:
        async with AsyncExitStack() as stack:
            transport = await stack.enter_async_context(self._transport())
            client = Client(
                transport,
                message_handler=self._hear,
                client_info=types.Implementation(name="claude-sidecar", version=self._version),
                cache=None,
            )
            await stack.enter_async_context(client)
            ready.set_result(client)
            async with asyncio.TaskGroup() as group:
                listener = group.create_task(self._listen(client))
                await self._over.wait()
                listener.cancel()

    @contextlib.asynccontextmanager
    async def _transport(self) -> AsyncIterator[AbstractAsyncContextManager[Any]]:
        if self._process is not None:
            yield self._process.speaking()
            return
        timeout = httpx2.Timeout(30.0, read=300.0)
        async with AsyncExitStack() as stack:
            auth = None
            if not any(name.lower() == "authorization" for name in self._entry.headers):
                signing = SignIn(self._entry.name, self._entry.url, self._state, self._show)
                stack.push_async_callback(signing.aclose)
                auth = await signing.provider()
            http = httpx2.AsyncClient(headers=dict(self._entry.headers), timeout=timeout, auth=auth)
            await stack.enter_async_context(http)
            yield streamable_http_client(self._entry.url, http_client=http)

    async def _listen(self, client: Client) -> None:
        """Servers of the newer protocol tell of changes only to who listens."""
        tools = client.server_capabilities.tools
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS or tools is None or not tools.list_changed:
            return
        try:
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self.changed()
        except (ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError, httpx2.HTTPError) as error:
            log.info("server_not_heard", server=self._entry.name, error=type(error).__name__)

    async def _hear(self, message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.changed()

    def _lost(self, what: str) -> str:
        process = self._process
        why = f" ({process.why})" if process is not None and process.why else ""
        words = f" It last said: {process.last_words}" if process is not None and process.last_words else ""
        return f"The MCP server {self._entry.name} {what}{why}.{words}"


def _remote(tool: types.Tool) -> RemoteTool:
    """A tool within bounds: what is too long is cut, a schema that is none or huge takes anything."""
    schema = tool.input_schema if tool.input_schema.get("type") == "object" else {"type": "object"}
    if len(str(schema)) > _MOST_SCHEMA:
        schema = {"type": "object"}
    title = tool.title or (tool.annotations.title if tool.annotations is not None else None) or ""
    return RemoteTool(tool.name[:200], (tool.description or "")[:_MOST_TEXT], schema, title[:200])


def _reason(error: BaseException | None) -> str:
    """The innermost cause, in a few words."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, SidecarError):
        return error.sentence
    if isinstance(error, httpx2.HTTPStatusError) and error.response.status_code in {401, 403}:
        return "it wants another credential: see the headers in its manifest"
    if isinstance(error, MCPError):
        return error.message[:200]
    return f"{type(error).__name__}: {error}"[:200] if error is not None else "it ended"
