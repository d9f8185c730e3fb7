"""The step that marks where the provider may keep a prompt, for clients that set no mark themselves.

A client that says `cache_control` anywhere knows what it does: its request goes on as it came. Claude Code does so.
Source: Anthropic's documentation of prompt caching (what can carry a mark, from which size on a prompt is kept).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sidecar.assistant.turn import Ask
from sidecar.core.errors import UpstreamError
from sidecar.core.messages import Json, MessagesRequest
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn

NAME: Final = "cache_control"
"""What the change is called in the answer's header and in the record."""

SMALLEST: Final = 4096
"""Bytes of a request, about 1,000 tokens, below which no provider keeps a prompt."""

_MARK: Final[Mapping[str, str]] = {"type": "ephemeral"}
_MARKABLE: Final = frozenset({"text", "image", "document", "tool_use", "tool_result"})


async def add_breakpoints(request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
    """Ask with marks where the client set none, and say so."""
    marked = with_breakpoints(request)
    if marked is request:
        return await ask(request, turn)
    try:
        reply = await ask(marked, turn)
    except UpstreamError as error:
        error.handling = error.handling.also((NAME,))
        raise
    reply.handling = reply.handling.also((NAME,))
    return reply


def with_breakpoints(request: MessagesRequest) -> MessagesRequest:
    """The request with a mark at the end of what stays the same (tools, system) and of the conversation so far.

    The last user message is only marked in a conversation that goes on (it has answers or tools in it): a mark on a
    question that comes once is paid for and never used. The very same request where there is nothing to mark.
    """
    # From behind, where the marks are; and of bytes that hold none `rfind` knows ten times sooner than `in`.
    if len(request.raw) < SMALLEST or request.raw.rfind(b'"cache_control"') >= 0:
        return request
    body = request.body
    system = _marked_content(body.get("system"))
    changes: Json = {"system": system} if system is not None else {}
    tools = _marked_tools(body.get("tools")) if system is None else None
    if tools is not None:
        changes["tools"] = tools
    messages = _marked_messages(body)
    if messages is not None:
        changes["messages"] = messages
    return request.replaced(**changes) if changes else request


def _marked_content(content: Any) -> list[Json] | None:
    """The blocks with a mark on the last one; None where that one cannot carry it."""
    if isinstance(content, str):
        return [{"type": "text", "text": content, NAME: _MARK}] if content.strip() else None
    if not isinstance(content, list) or not content:
        return None
    last = content[-1]
    if last.get("type") not in _MARKABLE or (last["type"] == "text" and not str(last.get("text") or "").strip()):
        return None
    return [*content[:-1], {**last, NAME: _MARK}]


def _marked_tools(tools: Any) -> list[Json] | None:
    """The tools with a mark on the last one that is not loaded later."""
    if not isinstance(tools, list):
        return None
    for place in range(len(tools) - 1, -1, -1):
        if not tools[place].get("defer_loading"):
            return [*tools[:place], {**tools[place], NAME: _MARK}, *tools[place + 1 :]]
    return None


def _marked_messages(body: Mapping[str, Any]) -> list[Json] | None:
    messages: list[Json] = list(body["messages"])
    if not body.get("tools") and not any(message["role"] == "assistant" for message in messages):
        return None
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message["role"] == "user":
            content = _marked_content(message["content"])
            if content is None:
                return None
            return [*messages[:place], {**message, "content": content}, *messages[place + 1 :]]
    return None
