"""All MCP servers of a workspace: what was found, what is approved, what runs, and their tools under our names."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from sidecar.core.errors import NotFound, Refused, SidecarError, UpstreamUnreachable
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.mcp.approvals import Approval, Approvals, RemoteTool
from sidecar.mcp.manifest import Entry, Found, differences, discover, places
from sidecar.mcp.patience import Patience
from sidecar.mcp.sandbox import Confinement, Launch, plan
from sidecar.mcp.tools import McpTool, tool_name
from sidecar.trace import get_logger

if TYPE_CHECKING:
    from sidecar.mcp.session import Session  # over a second to load, so only when a server is first started

log = get_logger("mcp")

State = Literal["new", "changed", "unlisted", "tools changed", "approved"]
_LOOK: Final = 2.0


Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """Where manifests lie, how servers are confined, how long they may take (seconds)."""

    workspace: Path
    manifest: Path | None = None
    folders: tuple[Path, ...] = ()
    confinement: Confinement = field(default_factory=Confinement)
    start: float = 60.0
    silence: float = 60.0
    hang: float = 8.0
    """How long a call waits for a start, or for a server that does not even answer a ping; 0.0: as long as it takes."""


@dataclass(frozen=True, slots=True)
class View:
    """A server as people see it. `changes` says what differs from what was approved."""

    name: str
    source: str
    state: State
    facts: Mapping[str, Any]
    changes: tuple[str, ...] = ()
    tools: tuple[RemoteTool, ...] = ()
    running: bool = False
    problem: str = ""


class _Server:
    """One server: its entry, its approval, its connection while it has one."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.approval: Approval | None = None
        self.state: State = "new"
        self.talk: Session | None = None
        self.patience = Patience()
        self.problem = ""
        self.suspect = False
        self.seen: tuple[RemoteTool, ...] | None = None
        self.starting = asyncio.Lock()
        self.opening: asyncio.Task[Session] | None = None


class McpServers:
    """The servers of one workspace. Nothing is started before it was approved, and then only when it is called."""

    def __init__(
        self, options: Options, state: Path | None, variables: Mapping[str, str], version: str, show: Show | None = None
    ) -> None:
        self._options = options
        self._approvals = Approvals(state)
        self._variables = variables
        self._version = version
        self._connect: type[Session] | None = None
        self._state = state
        self._show = show
        self._servers: dict[str, _Server] = {}
        self._found = Found()
        self._tools: tuple[Tool, ...] = ()
        self._stamp: object = None
        self._listeners: list[Callable[[], None]] = []
        self._looking = asyncio.Lock()

    # ── what there is ───────────────────────────────────────────────────────────────────────────────
    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the manifests, a sentence each."""
        return self._found.problems

    def tools(self) -> Sequence[Tool]:
        """The tools of approved servers, in a steady order."""
        return self._tools

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear on the event loop that `tools` has changed; the result ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def views(self) -> list[View]:
        """Every server, in the manifests' order."""
        return [self._view(server) for server in self._servers.values()]

    def view(self, name: str) -> View:
        """One server. Raises NotFound."""
        return self._view(self._server(name))

    async def refresh(self) -> None:
        """Look at manifests and approvals again; whoever was changed or revoked is stopped."""
        async with self._looking:
            self._found = await asyncio.to_thread(self._discover)
            known = self._servers
            self._servers = {}
            for entry in self._found.entries:
                server = known.get(entry.name)
                if server is None or server.entry != entry:
                    server = _Server(entry)
                self._servers[entry.name] = server
            for server in (*known.values(), *self._servers.values()):
                if self._servers.get(server.entry.name) is server:
                    await self._judge(server)
                else:
                    await self._stop(server)
            self._name_tools()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """While inside, changes of manifests and approvals are taken up within some seconds; then all servers end."""
        await self.refresh()
        watcher = asyncio.get_running_loop().create_task(self._watch(), name="mcp manifests")
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.wait({watcher})
            await self.aclose()

    async def aclose(self) -> None:
        """End every server."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers.values():
                group.create_task(self._stop(server))

    # ── what people decide ──────────────────────────────────────────────────────────────────────────
    async def test(self, name: str) -> tuple[RemoteTool, ...]:
        """Start an approved server afresh and ask for its tools. Raises Refused where it is not approved, UpstreamError."""
        server = self._server(name)
        if server.state in {"new", "changed"}:
            raise Refused(f"The MCP server {name} is not approved; see `sidecar mcp approve {name}`.")
        return await self._listed_afresh(server)

    async def approve_start(self, name: str) -> None:
        """Approve how a server is started, as `view` shows it. Its tools come next. Raises NotFound, StoreError."""
        server = self._server(name)
        facts = self._facts(server.entry)
        kept = server.approval.tools if server.approval is not None else None
        await asyncio.to_thread(self._approvals.give, name, server.entry.source, facts, kept)
        await self._judge(server)

    async def approve_tools(self, name: str, tools: Sequence[RemoteTool]) -> None:
        """Approve these tools of a server whose start is approved. Raises NotFound, Refused, StoreError."""
        server = self._server(name)
        if server.state in {"new", "changed"}:
            raise Refused(f"How the MCP server {name} is started is not approved yet.")
        await asyncio.to_thread(self._approvals.give, name, server.entry.source, self._facts(server.entry), tools)
        await self._judge(server)
        self._name_tools()

    async def revoke(self, name: str) -> bool:
        """Take the approval back and end the server; whether it had one. Raises NotFound, StoreError."""
        server = self._server(name)
        known = await asyncio.to_thread(self._approvals.take, name, server.entry.source)
        await self._judge(server)
        self._name_tools()
        return known

    # ── calls ───────────────────────────────────────────────────────────────────────────────────────
    async def call(self, name: str, tool: RemoteTool, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """Call an approved tool, starting its server when it does not run. Raises SidecarError."""
        server = self._server(name)
        talk = await self._ready(server, tool)
        try:
            options = self._options
            result = await talk.call(tool.name, arguments, caller.progress, options.silence, options.hang)
        except UpstreamUnreachable as error:
            await self._fail(server, error)
            raise
        server.patience.forget()
        from sidecar.mcp.results import converted  # noqa: PLC0415 - the library is loaded by now, not before

        return converted(result)

    async def _ready(self, server: _Server, tool: RemoteTool) -> Session:
        """The server's connection, with the tool still as it was approved. A start that takes long goes on without us."""
        opening = server.opening
        if opening is None or opening.done():
            opening = asyncio.get_running_loop().create_task(self._opening(server), name=f"start {server.entry.name}")
            opening.add_done_callback(lambda task: task.cancelled() or task.exception())
            server.opening = opening
        hang = self._options.hang
        await asyncio.wait({opening}, timeout=hang or None)
        name = server.entry.name
        if not opening.done():
            raise UpstreamUnreachable(
                f"The MCP server {name} is still starting after {hang:g} s; call it again in a while."
            )
        if opening.cancelled():
            raise UpstreamUnreachable(f"The MCP server {name} was stopped while it started; call it again.")
        talk = opening.result()
        if tool.digest not in {one.digest for one in server.seen or ()}:
            raise NotFound(f"The MCP server {name} has no tool {tool.name} any more.")
        return talk

    async def _opening(self, server: _Server) -> Session:
        """The server's connection, its tools compared with those that were approved."""
        async with server.starting:
            self._check(server)
            talk = server.talk
            if talk is None or not talk.alive:
                talk = await self._start(server)
            if server.suspect:
                await self._look_at_tools(server, talk)
            self._check(server)
            return talk

    def _check(self, server: _Server) -> None:
        if server.state != "approved":
            raise Refused(self._unapproved(server))

    async def _start(self, server: _Server) -> Session:
        await self._stop(server)
        wait = server.patience.left()
        if wait > 0:
            what = "failed too often and is left alone" if server.patience.broken else "failed and is started again"
            raise UpstreamUnreachable(f"The MCP server {server.entry.name} {what} in {wait:.0f} s. {server.problem}")
        try:
            talk = await self._opened(server)
        except SidecarError as error:
            await self._fail(server, error)
            raise
        talk.changed = lambda: self._suspect(server)
        server.talk, server.problem, server.suspect = talk, "", True
        return talk

    async def _opened(self, server: _Server) -> Session:
        if self._connect is None:
            self._connect = await asyncio.to_thread(_session_class)
        entry = server.entry.filled(self._variables, self._options.workspace)
        launch: Launch | None = None
        if entry.command:
            instance = uuid4().hex[:12]
            confinement, workspace = self._options.confinement, self._options.workspace
            launch = await asyncio.to_thread(plan, entry, confinement, workspace, self._variables, instance)
        talk = self._connect(entry, launch, self._version, self._state, self._show)
        await talk.open(self._options.start)
        return talk

    async def _look_at_tools(self, server: _Server, talk: Session) -> None:
        """Compare what the server offers now with what was approved."""
        try:
            tools = await talk.tools(min(self._options.start, self._options.silence))
        except UpstreamUnreachable as error:
            await self._fail(server, error)
            raise
        server.seen, server.suspect = tools, False
        approval = server.approval
        if approval is not None and approval.tools is not None and approval.changes(tools):
            server.state = "tools changed"
            log.warning("server_tools_changed", server=server.entry.name)
            self._name_tools()

    async def _listed_afresh(self, server: _Server) -> tuple[RemoteTool, ...]:
        async with server.starting:
            server.patience.forget()
            await self._look_at_tools(server, await self._start(server))
            return server.seen or ()

    def _suspect(self, server: _Server) -> None:
        """The server says that its tools changed: they are compared before the next call."""
        server.suspect = True

    async def _fail(self, server: _Server, error: SidecarError) -> None:
        server.patience.failed()
        server.problem = error.sentence
        log.warning("server_failed", server=server.entry.name, reason=error.sentence)
        await self._stop(server)

    async def _stop(self, server: _Server) -> None:
        opening = server.opening
        if opening is not None and not opening.done() and opening is not asyncio.current_task():
            opening.cancel()
            await asyncio.wait({opening})
        talk, server.talk = server.talk, None
        if talk is not None:
            await talk.close()

    # ── judging ─────────────────────────────────────────────────────────────────────────────────────
    async def _judge(self, server: _Server) -> None:
        """What state a server is in by its approval; one that lost it is stopped."""
        approval = await asyncio.to_thread(self._approvals.of, server.entry.name, server.entry.source)
        same = approval is not None and approval.same_start(self._facts(server.entry))
        if approval is None:
            server.state = "new"
        elif not same:
            server.state = "changed"
        elif approval.tools is None:
            server.state = "unlisted"
        elif server.seen is not None and approval.changes(server.seen):
            server.state = "tools changed"
        else:
            server.state = "approved"
        server.approval = approval
        if server.state in {"new", "changed"}:
            await self._stop(server)

    def _facts(self, entry: Entry) -> dict[str, Any]:
        return entry.facts(self._options.confinement.said(entry))

    def _view(self, server: _Server) -> View:
        approval, facts = server.approval, self._facts(server.entry)
        changes: list[str] = []
        if server.state == "changed" and approval is not None:
            changes = list(differences(approval.facts, facts))
        if server.state == "tools changed" and approval is not None:
            changes = approval.changes(server.seen or ())
        tools = server.seen or (approval.tools if approval is not None else None) or ()
        running = server.talk is not None and server.talk.alive
        return View(
            server.entry.name, server.entry.source, server.state, facts, tuple(changes), tools, running, server.problem
        )

    def _unapproved(self, server: _Server) -> str:
        name = server.entry.name
        what = {
            "tools changed": "has other tools than those approved",
            "changed": "is started in another way than approved",
        }
        said = what.get(server.state, "is not approved")
        return f"The MCP server {name} {said}; the user can look at it and allow it with `sidecar mcp approve {name}`."

    def _server(self, name: str) -> _Server:
        if name not in self._servers:
            known = ", ".join(self._servers) or "none"
            raise NotFound(f"There is no MCP server {name!r} in the manifests; known: {known}.")
        return self._servers[name]

    # ── names ───────────────────────────────────────────────────────────────────────────────────────
    def _name_tools(self) -> None:
        taken: set[str] = set()
        tools: list[Tool] = []
        for server in self._servers.values():
            if server.state != "approved" or server.approval is None:
                continue
            for tool in server.approval.tools or ():
                name = tool_name(server.entry.name, tool.name, taken)
                taken.add(name)
                tools.append(McpTool(self.call, server.entry, tool, name))
        before, self._tools = [tool.spec for tool in self._tools], tuple(tools)
        if before != [tool.spec for tool in tools]:
            for listener in tuple(self._listeners):
                listener()

    # ── watching ────────────────────────────────────────────────────────────────────────────────────
    def _discover(self) -> Found:
        self._stamp = self._stamps()
        options = self._options
        return discover(options.manifest, options.folders, options.workspace)

    def _stamps(self) -> object:
        options = self._options
        stamps: list[object] = [self._approvals.stamp()]
        for path in places(options.manifest, options.folders, options.workspace):
            with contextlib.suppress(OSError):
                facts = path.stat()
                stamps.append((str(path), facts.st_mtime_ns, facts.st_size))
        return stamps

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            try:
                if await asyncio.to_thread(self._stamps) != self._stamp:
                    await self.refresh()
            except OSError as error:  # a folder that cannot be read now may be later
                log.warning("manifests_not_read", reason=error.strerror or str(error))


def _session_class() -> type[Session]:
    from sidecar.mcp.session import Session  # noqa: PLC0415 - over a second; who has no server never pays

    return Session
