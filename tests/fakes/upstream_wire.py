"""What the scripted upstream puts on the wire: a turn's blocks as Messages events or as chat-completions chunks.

Written out by hand, not with the product's own encoder, so that a fault there cannot hide behind itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_USAGE = {"input_tokens": 12, "output_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 0}


@dataclass(frozen=True)
class Frame:
    """One frame's bytes."""

    raw: bytes


def native_whole(turn: Any, asked: Json) -> Json:
    """A whole Messages answer."""
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": asked.get("model", ""),
        "content": list(turn.blocks),
        "stop_reason": _stop(turn),
        "stop_sequence": None,
        "usage": _USAGE | turn.usage,
    }


def native_frames(turn: Any, asked: Json) -> list[Frame]:
    """A Messages stream: texts word by word, arguments in pieces."""
    head = native_whole(turn, asked) | {"content": [], "stop_reason": None}
    frames = [
        _event({"type": "message_start", "message": head | {"usage": _USAGE | turn.usage | {"output_tokens": 1}}})
    ]
    frames.append(_event({"type": "ping"}))
    for index, block in enumerate(turn.blocks):
        start, deltas = _pieces(block)
        frames.append(_event({"type": "content_block_start", "index": index, "content_block": start}))
        frames += [_event({"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas]
        frames.append(_event({"type": "content_block_stop", "index": index}))
    end = {"stop_reason": _stop(turn), "stop_sequence": None}
    output = {"output_tokens": (_USAGE | turn.usage)["output_tokens"]}
    frames.append(_event({"type": "message_delta", "delta": end, "usage": output}))
    frames.append(_event({"type": "message_stop"}))
    return frames


def chat_whole(turn: Any, asked: Json) -> Json:
    """A whole chat-completions answer, thinking as Databricks shows it."""
    thoughts = [_reasoning(b["thinking"], b.get("signature", "")) for b in turn.blocks if b["type"] == "thinking"]
    words = "".join(b["text"] for b in turn.blocks if b["type"] == "text")
    message: Json = {
        "role": "assistant",
        "content": [*thoughts, {"type": "text", "text": words}] if thoughts else words,
    }
    calls = [_call(block) for block in turn.blocks if block["type"] == "tool_use"]
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": _finish(turn)}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": _counts(turn)}


def chat_frames(turn: Any, asked: Json) -> list[Frame]:
    """A chat-completions stream, closed by its usage and `[DONE]`."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    number = -1
    for block in turn.blocks:
        match block["type"]:
            case "text":
                deltas += [{"content": piece} for piece in _words(block["text"])]
            case "thinking":
                deltas += [{"content": [_reasoning(piece, "")]} for piece in _words(block["thinking"])]
                deltas.append({"content": [_reasoning("", block.get("signature", ""))]})
            case "tool_use":
                number += 1
                call = _call(block)
                written = call["function"].pop("arguments")
                call["function"]["arguments"] = ""
                deltas.append({"tool_calls": [{"index": number, **call}]})
                deltas += [
                    {"tool_calls": [{"index": number, "function": {"arguments": piece}}]} for piece in _thirds(written)
                ]
    frames = [_chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) for delta in deltas]
    frames.append(_chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(turn)}]}))
    frames.append(_chunk({"choices": [], "usage": _counts(turn)}))
    frames.append(Frame(b"data: [DONE]\n\n"))
    return frames


def _pieces(block: Json) -> tuple[Json, list[Json]]:
    match block["type"]:
        case "text":
            return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in _words(block["text"])]
        case "thinking":
            deltas: list[Json] = [{"type": "thinking_delta", "thinking": p} for p in _words(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return block | {"thinking": "", "signature": ""}, deltas
        case "tool_use" | "server_tool_use":
            pieces = _thirds(json.dumps(block["input"]))
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        case _:
            return block, []


def _words(text: str) -> list[str]:
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def _thirds(text: str) -> list[str]:
    size = max(1, len(text) // 3)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _stop(turn: Any) -> str:
    called = any(block["type"] == "tool_use" for block in turn.blocks)
    return turn.stop_reason or ("tool_use" if called else "end_turn")


def _finish(turn: Any) -> str:
    return {"tool_use": "tool_calls", "end_turn": "stop", "max_tokens": "length"}.get(_stop(turn), "stop")


def _counts(turn: Any) -> Json:
    used = _USAGE | turn.usage
    read = used["cache_read_input_tokens"]
    detail = {"cached_tokens": read}
    asked = used["input_tokens"] + read
    return {"prompt_tokens": asked, "completion_tokens": used["output_tokens"], "prompt_tokens_details": detail}


def _reasoning(text: str, signature: str) -> Json:
    summary: Json = {"type": "summary_text", "text": text}
    if signature:
        summary["signature"] = signature
    return {"type": "reasoning", "summary": [summary]}


def _call(block: Json) -> Json:
    function = {"name": block["name"], "arguments": json.dumps(block["input"])}
    return {"id": block["id"], "type": "function", "function": function}


def _event(data: Json) -> Frame:
    return Frame(f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode())


def _chunk(data: Json) -> Frame:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", **data}
    return Frame(f"data: {json.dumps(chunk)}\n\n".encode())
