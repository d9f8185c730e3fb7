"""What a scripted upstream says, once told as blocks: the same message as Messages events or as chat-completion chunks."""

from __future__ import annotations

import json
from typing import Any

from sidecar.core.events import unfold
from sidecar.core.messages import Message

Json = dict[str, Any]

USAGE = {"input_tokens": 1200, "output_tokens": 34}


def text(words: str) -> Json:
    """A block of text."""
    return {"type": "text", "text": words}


def call(name: str, number: int, **arguments: Any) -> Json:
    """A call of one of the client's tools."""
    return {"type": "tool_use", "id": f"toolu_{number:04d}", "name": name, "input": arguments}


def thinking(words: str, signature: str) -> Json:
    """A block of thought with the provider's signature under it."""
    return {"type": "thinking", "thinking": words, "signature": signature}


def message(*blocks: Json, **more: Any) -> Json:
    """A whole answer; it stops for its tool calls if it has any. `more` are fields to set otherwise."""
    stop = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    return {
        "id": "msg_journey",
        "type": "message",
        "role": "assistant",
        "model": "databricks-claude-sonnet-4-5",
        "content": list(blocks),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


def events(answer: Json) -> list[bytes]:
    """The answer as the Messages API streams it, one frame an item."""
    return [event.raw for event in unfold(Message.of(answer))]


def chunks(answer: Json) -> list[bytes]:
    """The answer as a chat-completions server streams it, one frame an item."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    calls = 0
    for block in answer["content"]:
        if block["type"] == "text":
            deltas += [{"content": part} for part in block["text"].splitlines(keepends=True)]
            continue
        if block["type"] == "thinking":
            deltas += [
                {"content": [_reasoning(block["thinking"], "")]},
                {"content": [_reasoning("", block["signature"])]},
            ]
            continue
        function = {"name": block["name"], "arguments": ""}
        arguments = json.dumps(block["input"])
        halves = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
        deltas.append({"tool_calls": [{"index": calls, "id": block["id"], "type": "function", "function": function}]})
        deltas += [{"tool_calls": [{"index": calls, "function": {"arguments": half}}]} for half in halves]
        calls += 1
    reason = _FINISH[answer["stop_reason"]]
    choices: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    bodies = [_chunk([choice]) for choice in choices]
    return [*bodies, _chunk([], usage=_spent(answer)), b"data: [DONE]\n\n"]


def completion(answer: Json) -> Json:
    """The answer as a chat-completions server gives it without a stream."""
    words = "".join(block["text"] for block in answer["content"] if block["type"] == "text")
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
        }
        for block in answer["content"]
        if block["type"] == "tool_use"
    ]
    said: Json = {"role": "assistant", "content": words or None} | ({"tool_calls": calls} if calls else {})
    choice: Json = {"index": 0, "message": said, "finish_reason": _FINISH[answer["stop_reason"]]}
    return {"id": "chatcmpl-journey", "object": "chat.completion", "choices": [choice], "usage": _spent(answer)}


_FINISH = {
    "tool_use": "tool_calls",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "refusal": "content_filter",
}


def _spent(answer: Json) -> Json:
    """The answer's usage as Databricks counts it: what was read from the cache and written to it under names of its own."""
    usage = answer["usage"]
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    return {names.get(name, name): count for name, count in usage.items()} | {
        "total_tokens": usage["input_tokens"] + usage["output_tokens"]
    }


def _reasoning(words: str, signature: str) -> Json:
    """A part of a thought as Databricks writes it."""
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": words, "signature": signature}]}


def _chunk(choices: list[Json], **more: Any) -> bytes:
    body = {
        "id": "chatcmpl-journey",
        "object": "chat.completion.chunk",
        "created": 1_774_000_000,
        "model": "databricks-claude-sonnet-4-5",
        "choices": choices,
        **more,
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"
