"""Messages answers as chat-completions answers: whole, and as a stream of chunks while they come; errors as well. Pure.

Thoughts stand where other servers put them: their words under `reasoning_content`, and with their signatures under
`thinking_blocks`; a client that sends the assistant's message back as it came keeps them. What has no place in a chat
answer (citations, results of tools that ran at the provider) is left out.

Sources: OpenAI's chat-completions reference; DeepSeek's and vLLM's documentation (`reasoning_content`); LiteLLM's
documentation (`thinking_blocks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sidecar.core.chat import FINISHES
from sidecar.core.events import Event
from sidecar.core.messages import Json, encode

PING: Final = b": ping\n\n"
"""A comment of the event stream: no client shows it."""

_DONE: Final = b"data: [DONE]\n\n"
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_CODES: Final[Mapping[str, str]] = {
    "authentication_error": "invalid_api_key",
    "rate_limit_error": "rate_limit_exceeded",
    "not_found_error": "model_not_found",
    "billing_error": "insufficient_quota",
}
_SERVER: Final = frozenset({"api_error", "overloaded_error", "timeout_error"})
_TOO_LONG: Final = "prompt is too long"


def completion(message: Mapping[str, Any], created: int) -> Json:
    """The whole answer; `created` is UTC seconds."""
    blocks = [block for block in message.get("content") or [] if isinstance(block, dict)]
    said = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    thoughts = [block for block in blocks if block.get("type") in _THOUGHTS]
    spoken: Json = {"role": "assistant", "content": said or (None if calls else ""), "refusal": None}
    if calls:
        spoken["tool_calls"] = calls
    if thoughts:
        spoken["reasoning_content"] = "".join(str(block.get("thinking") or "") for block in thoughts)
    if signed := [block for block in thoughts if _signed(block)]:
        spoken["thinking_blocks"] = signed
    choice = {"index": 0, "message": spoken, "logprobs": None, "finish_reason": _finish(message.get("stop_reason"))}
    head = {"id": str(message.get("id") or ""), "object": "chat.completion", "created": created}
    return {**head, "model": message.get("model"), "choices": [choice], "usage": usage(message.get("usage"))}


def usage(told: Any) -> Json:
    """Token counts under chat completions' names: `prompt_tokens` counts all input, the cached part too."""
    given = told if isinstance(told, dict) else {}
    read = _count(given.get("cache_read_input_tokens"))
    written = _count(given.get("cache_creation_input_tokens"))
    asked, said = _count(given.get("input_tokens")) + read + written, _count(given.get("output_tokens"))
    detail = {"cached_tokens": read, "cache_write_tokens": written}
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": detail,
    }


def error(kind: str, sentence: str) -> Json:
    """An error as OpenAI's API writes it, for one of the Messages API's types."""
    code = "context_length_exceeded" if _TOO_LONG in sentence else _CODES.get(kind)
    safe = sentence.encode("utf-8", "backslashreplace").decode()
    named = "server_error" if kind in _SERVER else kind
    return {"error": {"message": safe, "type": named, "param": None, "code": code}}


class Chunks:
    """Turns the events of one answer into the bytes of its chunks. `counted`: the client wants the usage at the end."""

    def __init__(self, created: int, *, counted: bool = False) -> None:
        self._head: Json = {"id": "", "object": "chat.completion.chunk", "created": created, "model": ""}
        self._counted = counted
        self._usage: Json = {}
        self._stop: Any = None
        self._block: Json = {}
        self._written: list[str] = []
        self._calls = 0

    def feed(self, event: Event) -> bytes:
        """The chunks that this event brings; empty where it has none."""
        said = b""
        match event.type:
            case "content_block_delta":
                said = self._delta(_object(event.data.get("delta")))
            case "ping":
                said = PING
            case "message_stop":
                said = b"".join(self._end())
            case "error":
                told = _object(event.data.get("error"))
                said = failed(str(told.get("type") or "api_error"), str(told.get("message") or ""))
            case "message_start":
                said = self._start(_object(event.data.get("message")))
            case "content_block_start":
                said = self._open(_object(event.data.get("content_block")))
            case "content_block_stop":
                said = self._close()
            case "message_delta":
                self._stop = _object(event.data.get("delta")).get("stop_reason") or self._stop
                self._count(event.data.get("usage"))
        return said

    def _start(self, message: Json) -> bytes:
        self._head["id"], self._head["model"] = str(message.get("id") or ""), message.get("model")
        self._count(message.get("usage"))
        return self._chunk({"role": "assistant", "content": ""})

    def _open(self, block: Json) -> bytes:
        self._block, self._written = block, []
        if block.get("type") == "tool_use":
            call = {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": ""}}
            self._calls += 1
            return self._chunk({"tool_calls": [{"index": self._calls - 1, **call}]})
        # Some servers put a block's first words into its start.
        text = block.get("text") if block.get("type") == "text" else None
        return self._chunk({"content": text}) if text else b""

    def _delta(self, delta: Json) -> bytes:
        match delta.get("type"):
            case "text_delta":
                return self._chunk({"content": delta.get("text")})
            case "input_json_delta" if self._block.get("type") == "tool_use" and delta.get("partial_json"):
                self._written.append(str(delta["partial_json"]))
                return self._arguments(delta["partial_json"])
            case "thinking_delta":
                self._written.append(str(delta.get("thinking") or ""))
                return self._chunk({"reasoning_content": delta.get("thinking")})
            case "signature_delta":
                self._block = {**self._block, "signature": delta.get("signature")}
        return b""

    def _close(self) -> bytes:
        """What is known of a block only at its end: a call without arguments, a thought with its signature."""
        block, self._block = self._block, {}
        if block.get("type") == "tool_use" and not self._written:
            return self._arguments(encode(block.get("input") or {}).decode())
        if block.get("type") == "thinking":
            block = {**block, "thinking": str(block.get("thinking") or "") + "".join(self._written)}
        return self._chunk({"thinking_blocks": [block]}) if _signed(block) else b""

    def _arguments(self, written: Any) -> bytes:
        return self._chunk({"tool_calls": [{"index": self._calls - 1, "function": {"arguments": written}}]})

    def _end(self) -> Iterator[bytes]:
        yield self._chunk({}, _finish(self._stop))
        if self._counted:
            yield _frame({**self._head, "choices": [], "usage": usage(self._usage)})
        yield _DONE

    def _chunk(self, delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        told = {**self._head, "choices": [choice]}
        return _frame({**told, "usage": None} if self._counted else told)

    def _count(self, told: Any) -> None:
        self._usage |= {name: value for name, value in _object(told).items() if value is not None}


def failed(kind: str, sentence: str) -> bytes:
    """The chunk that ends a stream which cannot be finished; no `[DONE]` follows."""
    return _frame(error(kind, sentence))


def _signed(block: Json) -> bool:
    """Whether a block is a thought that the provider knows again when it is sent back."""
    return block.get("type") == "redacted_thinking" or (
        block.get("type") == "thinking" and bool(block.get("signature"))
    )


def _call(block: Json) -> Json:
    function = {"name": block.get("name"), "arguments": encode(block.get("input") or {}).decode()}
    return {"id": block.get("id"), "type": "function", "function": function}


def _finish(reason: Any) -> str:
    return FINISHES.get(str(reason), "stop")


def _frame(value: Json) -> bytes:
    return b"data: " + encode(value) + b"\n\n"


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
