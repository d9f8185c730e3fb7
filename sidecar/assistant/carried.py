"""Calls of our own tools that a client carries: as `server_tool_use` blocks and their results, which it sends back untouched.

Before a provider sees the conversation they become `tool_use` and `tool_result` again, each answer in the user's turn
that follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sidecar.core.messages import Json
from sidecar.core.tool import ToolResult

_THEIRS: Final = "srvtoolu_"
"""How ids of tools begin that ran at the provider; such blocks stay as they are."""
_SUFFIX: Final = "_tool_result"

Ours = Callable[[str], bool]
"""Whether a name is one of our tools."""


def call_block(block: Json) -> Json:
    """A call of ours as the client carries it."""
    return {**block, "type": "server_tool_use"}


def result_block(name: str, call_id: str, result: ToolResult) -> Json:
    """What a call of ours brought, as the client carries it."""
    told = _content(result)
    return {"type": f"{name}{_SUFFIX}", "tool_use_id": call_id, "content": told, "is_error": result.error}


def tool_result(call_id: str, result: ToolResult) -> Json:
    """What a call of ours brought, as a provider is told."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": _content(result), "is_error": result.error}


def restored(messages: Sequence[Json], ours: Ours) -> list[Json]:
    """The conversation with carried calls as calls again; the very same messages where there are none."""
    out: list[Json] = []
    waiting: list[Json] = []
    for message in messages:
        content = message.get("content")
        if message.get("role") == "user":
            out.append(_joined(waiting, message) if waiting else message)
            waiting = []
            continue
        if waiting:
            out.append({"role": "user", "content": waiting})
            waiting = []
        if message.get("role") != "assistant" or not isinstance(content, list) or not _carries(content, ours):
            out.append(message)
            continue
        waiting = _split(message, content, ours, out)
    if waiting:
        out.append({"role": "user", "content": waiting})
    return out


def carries_ours(messages: Sequence[Json], ours: Ours) -> bool:
    """Whether the conversation holds a carried call."""
    contents = (message.get("content") for message in messages if message.get("role") == "assistant")
    return any(isinstance(content, list) and _carries(content, ours) for content in contents)


def _carries(content: Sequence[Json], ours: Ours) -> bool:
    return any(_is_call(block, ours) for block in content)


def _is_call(block: Json, ours: Ours) -> bool:
    called = block.get("type") == "server_tool_use" and not str(block.get("id")).startswith(_THEIRS)
    return called and ours(str(block.get("name")))


def _split(message: Json, content: Sequence[Json], ours: Ours, out: list[Json]) -> list[Json]:
    """Add a message's parts to `out`, each with the results behind it; returns the last results, for the user's turn."""
    names = {str(block["id"]): str(block["name"]) for block in content if _is_call(block, ours)}
    answered = {str(block.get("tool_use_id")) for block in content}
    part: list[Json] = []
    results: list[Json] = []
    for block in content:
        name = names.get(str(block.get("tool_use_id")))
        if name is not None and block.get("type") == f"{name}{_SUFFIX}":
            kept = ("tool_use_id", "content", "is_error", "cache_control")
            results.append({"type": "tool_result"} | {key: value for key, value in block.items() if key in kept})
            continue
        # calls that follow a result at once belong to the same answer: the CLI moves each result behind its call
        if results and not (block.get("type") == "tool_use" or _is_call(block, ours)):
            out += [{**message, "content": part}, {"role": "user", "content": results}]
            part, results = [], []
        if not _is_call(block, ours):
            part.append(block)
        elif str(block["id"]) in answered:  # one that was broken off has no result, and no provider takes it without
            part.append({**block, "type": "tool_use"})
    if part:
        out.append({**message, "content": part})
    return results


def _joined(results: Sequence[Json], message: Json) -> Json:
    """A user's message with results in front of what it holds."""
    content = message.get("content")
    own: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])
    return {**message, "content": [*results, *own]}


def _content(result: ToolResult) -> list[Json]:
    told: list[Json] = [{"type": "text", "text": result.text or "Done."}]
    for media, data in result.images:
        told.append({"type": "image", "source": {"type": "base64", "media_type": media, "data": data}})
    return told
