"""Our tools, documents and prompts as an MCP server, whichever the transport. Importing this takes a second: do it late."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final

import mcp_types as types
import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError

from sidecar.core.errors import BadInput, SidecarError
from sidecar.core.shelf import Shelf
from sidecar.core.tool import Caller, ToolBox, ToolResult, ToolSpec
from sidecar.trace import get_logger

log = get_logger("mcp")

NAME: Final = "sidecar"
MOST_SESSIONS: Final = 256
_NOT_FOUND: Final = -32002
_LANGUAGE: Final = (
    "Tools of this workspace's sidecar: risk of a change, review threads, git, tests, symbols, tasks. They run under "
    "the user's policies; a refusal says what the user can do."
)

Context = ServerRequestContext[Any, Any]


class Offer:
    """The low-level server over a toolbox and a shelf. `session` names the one client of a transport that has no sessions."""

    def __init__(self, box: ToolBox, shelf: Shelf, version: str, session: str = "") -> None:
        self._session = session
        self._box = box
        self._shelf = shelf
        self._bus = InMemorySubscriptionBus()
        self._listening = ListenHandler(self._bus, max_subscriptions=MOST_SESSIONS)
        self._sessions: OrderedDict[str, ServerSession] = OrderedDict()
        self._telling: set[asyncio.Task[None]] = set()
        self._unsubscribe = box.subscribe(self._changed)
        self.server: Server[Any] = _Server(
            NAME,
            version=version,
            title="Sidecar",
            instructions=_LANGUAGE,
            get_tool_input_schema=self._schema,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
            on_subscriptions_listen=self._listening,
        )

    def hush(self) -> None:
        """Let the streams end that only wait for changes."""
        self._listening.close()

    def close(self) -> None:
        """Tell nobody anything any more."""
        self.hush()
        self._unsubscribe()
        self._sessions.clear()
        for task in self._telling:
            task.cancel()

    # ── tools ───────────────────────────────────────────────────────────────────────────────────────
    def _schema(self, name: str) -> dict[str, Any] | None:
        spec = self._box.find(name)
        return dict(spec.input_schema) if spec is not None else None

    async def _list_tools(self, ctx: Context, _: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        self._remember(ctx)
        return types.ListToolsResult(tools=[_tool(spec) for spec in self._box.specs()])

    async def _call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if self._box.find(params.name) is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name[:100]!r}; list the tools to see them.")
        progress = _Progress(ctx.session)
        caller = Caller(session=self._session or _session_of(ctx), road="mcp", progress=progress.note)
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(progress.run())
            result = await self._box.call(params.name, params.arguments or {}, caller)
            progress.end()
            await pump
        return _answer(result)

    def _remember(self, ctx: Context) -> None:
        """Keep a way back to this session, to tell it of changes; the longest silent ones are forgotten first."""
        key = _session_of(ctx)
        self._sessions[key] = ctx.session
        self._sessions.move_to_end(key)
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)

    def _changed(self) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(), name="mcp list_changed")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        await self._bus.publish(ToolsListChanged())
        for key, session in list(self._sessions.items()):
            try:
                async with asyncio.timeout(5):
                    await session.send_tool_list_changed()
            except (TimeoutError, MCPError):
                self._sessions.pop(key, None)

    # ── documents ───────────────────────────────────────────────────────────────────────────────────
    async def _list_resources(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        return types.ListResourcesResult(
            resources=[
                types.Resource(uri=d.uri, name=d.name, title=d.title, description=d.description, mime_type=d.media)
                for d in self._shelf.documents()
            ]
        )

    async def _read_resource(self, _: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        document = next((d for d in self._shelf.documents() if d.uri == uri), None)
        if document is None:
            raise MCPError(_NOT_FOUND, f"There is no resource {uri[:200]!r}; list the resources to see them.")
        try:
            text = await document.read()
        except SidecarError as error:
            raise MCPError(types.INTERNAL_ERROR, error.sentence) from None
        contents: list[types.TextResourceContents | types.BlobResourceContents] = [
            types.TextResourceContents(uri=uri, mime_type=document.media, text=text)
        ]
        return types.ReadResourceResult(contents=contents)

    # ── prompts ─────────────────────────────────────────────────────────────────────────────────────
    async def _list_prompts(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(
            prompts=[
                types.Prompt(
                    name=prompt.name,
                    title=prompt.title,
                    description=prompt.description,
                    arguments=[
                        types.PromptArgument(name=p.name, description=p.description, required=p.required)
                        for p in prompt.parameters
                    ],
                )
                for prompt in self._shelf.prompts()
            ]
        )

    async def _get_prompt(self, _: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        prompt = next((p for p in self._shelf.prompts() if p.name == params.name), None)
        if prompt is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no prompt {params.name[:100]!r}; list the prompts.")
        try:
            text = await prompt.render(params.arguments or {})
        except BadInput as error:
            raise MCPError(types.INVALID_PARAMS, error.sentence) from None
        except SidecarError as error:
            raise MCPError(types.INTERNAL_ERROR, error.sentence) from None
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(description=prompt.description, messages=[message])


class _Server(Server[Any]):
    """The SDK's server, saying that its list of tools may change (its HTTP side asks for no options)."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """With `tools.listChanged`."""
        options = notification_options or NotificationOptions(tools_changed=True)
        return super().create_initialization_options(options, experimental_capabilities, extensions)


class _Progress:
    """Sends the newest progress of one call; what came between is passed over, so a busy tool cannot flood."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self._latest: tuple[float, float | None, str] | None = None
        self._news = asyncio.Event()
        self._over = False

    def note(self, done: float, total: float | None, said: str) -> None:
        """Take a step's progress; returns at once."""
        self._latest = done, total, said
        self._news.set()

    def end(self) -> None:
        """No more will come."""
        self._over = True
        self._news.set()

    async def run(self) -> None:
        """Send until the end, and what is newest at the end, too."""
        while not self._over or self._latest is not None:
            await self._news.wait()
            self._news.clear()
            latest, self._latest = self._latest, None
            if latest is not None:
                await self._session.report_progress(*latest)


def _session_of(ctx: Context) -> str:
    """The transport's session id; standard input and output, and the newer stateless protocol, have none."""
    headers = getattr(ctx.request, "headers", None)
    return str(headers.get("mcp-session-id", "")) if headers is not None else ""


def _tool(spec: ToolSpec) -> types.Tool:
    return types.Tool(
        name=spec.name,
        title=spec.title or None,
        description=spec.description,
        input_schema=dict(spec.input_schema),
        output_schema=dict(spec.output_schema) if spec.output_schema is not None else None,
        annotations=types.ToolAnnotations(
            read_only_hint=spec.effect == "read",
            destructive_hint=spec.effect in {"write", "run"},
            open_world_hint=spec.effect == "send",
        ),
    )


def _answer(result: ToolResult) -> types.CallToolResult:
    """A result as MCP writes it: text for whoever reads, the value as structured content where it is an object."""
    value = result.value
    structured = value if isinstance(value, dict) else None if value is None else {"result": value}
    if result.next:
        structured = {**(structured or {"result": result.text}), "next": result.next}
    text = result.text or ("" if structured is None else orjson.dumps(structured, default=str).decode())
    if result.next and result.text and result.next not in result.text:
        text += f"\n\n(There is more: ask again with next={result.next})"
    content: list[Any] = [types.TextContent(text=text)] if text or not result.images else []
    content += [types.ImageContent(data=data, mime_type=media) for media, data in result.images]
    return types.CallToolResult(
        content=content, structured_content=None if result.error else structured, is_error=result.error
    )
