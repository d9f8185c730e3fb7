"""A Messages conversation as chat-completions messages. Pure.

The one hard rule: the results of a call's tools stand directly behind it, all of them, and nothing between. So text,
pictures and system words that come with results are said after them, and a result that never came is told as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sidecar.core.messages import Json, encode

_BILLING: Final = "x-anthropic-billing-header:"
_NO_RESULT: Final = "(no result: the call was interrupted)"


def chat_messages(body: Mapping[str, Any], *, reasoning: bool) -> list[Json]:
    """The system text and conversation of a Messages body; thinking is kept only with `reasoning`."""
    talk = _Talk(reasoning=reasoning)
    system = "\n\n".join(_system(body.get("system")))
    if system:
        talk.said.append({"role": "system", "content": system})
    for message in body.get("messages") or []:
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])
        match message.get("role"):
            case "assistant":
                talk.assistant(blocks)
            case "system":
                talk.user([{"type": "text", "text": text} for text in _system(content)])
            case _:
                talk.user(blocks)
    talk.settle()
    return talk.said


class _Talk:
    """The conversation while it is written: what was said, which calls wait for results, and what is held back."""

    def __init__(self, *, reasoning: bool) -> None:
        self.said: list[Json] = []
        self._reasoning = reasoning
        self._open: list[str] = []
        self._results: dict[str, str] = {}
        self._held: list[Json] = []

    def user(self, blocks: list[Json]) -> None:
        """A user's (or the system's) turn: results first, the rest after them."""
        for block in blocks:
            if block.get("type") == "tool_result":
                self._result(block)
            else:
                self._held += _parts(block)
        if all(call in self._results for call in self._open):
            self.settle()

    def assistant(self, blocks: list[Json]) -> None:
        """The model's turn. Tools that ran at the server stand in it with their results, and end a message there."""
        self.settle()
        spoken: list[Json] = []
        for block in blocks:
            kind = str(block.get("type"))
            if kind.endswith("_tool_result") and block.get("tool_use_id"):
                self._say(spoken)
                spoken = []
                self._result(block)
                self.settle()
            else:
                spoken.append(block)
        self._say(spoken)

    def settle(self) -> None:
        """Write the results of the open calls, then what was held back for them."""
        for call in self._open:
            result = self._results.pop(call, _NO_RESULT)
            self.said.append({"role": "tool", "tool_call_id": call, "content": result})
        # A result without its call (the conversation was shortened) is still worth reading.
        parts = [_text(f"Result of an earlier tool call: {text}") for text in self._results.values()] + self._held
        self._open, self._results, self._held = [], {}, []
        if parts:
            self._say_as_user(parts)

    def _result(self, block: Json) -> None:
        parts = [part for inner in _listed(block.get("content")) for part in _parts(inner)]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        if block.get("is_error"):
            text = f"Error: {text}"
        self._results[str(block.get("tool_use_id"))] = text or "(no output)"
        self._held += [part for part in parts if part["type"] != "text"]

    def _say(self, blocks: list[Json]) -> None:
        text = "".join(str(b.get("text") or "") for b in blocks if b.get("type") == "text")
        calls = [_call(b) for b in blocks if b.get("type") in {"tool_use", "server_tool_use", "mcp_tool_use"}]
        thoughts = [t for b in blocks if (t := _thought(b))] if self._reasoning else []
        if not text and not calls:
            return
        message: Json = {"role": "assistant", "content": text or None}
        if thoughts:
            message["content"] = [*thoughts, *([_text(text)] if text else [])]
        if calls:
            message["tool_calls"] = calls
            self._open = [call["id"] for call in calls]
        self.said.append(message)

    def _say_as_user(self, parts: list[Json]) -> None:
        plain = all(part["type"] == "text" for part in parts)
        content: Any = "\n\n".join(part["text"] for part in parts) if plain else parts
        last = self.said[-1] if self.said else {}
        if last.get("role") == "user":
            last["content"] = _joined(last["content"], content)
        else:
            self.said.append({"role": "user", "content": content})


def _system(content: Any) -> Iterator[str]:
    """The texts of a system prompt, without the line that is meant for Anthropic's billing."""
    for block in _listed(content):
        text = block.get("text")
        if isinstance(text, str) and text and not text.startswith(_BILLING):
            yield text


def _listed(content: Any) -> list[Json]:
    """Content as blocks; what is neither text nor a list of objects is written as JSON."""
    if content is None:
        return []
    if isinstance(content, str):
        return [_text(content)]
    if isinstance(content, list):
        return [block for block in content if isinstance(block, dict)]
    return [content] if isinstance(content, dict) else []


def _parts(block: Json) -> list[Json]:
    """A user's block as chat-completions parts."""
    match block.get("type"):
        case "text":
            text = block.get("text")
            return [_text(text)] if isinstance(text, str) and text else []
        case "image":
            return [_image(_object(block.get("source")))]
        case "document":
            return [_text(_document(block))]
        case "tool_reference":
            return [_text(f"The tool {block.get('tool_name')} is available now.")]
        case "search_result":
            inner = [part for sub in _listed(block.get("content")) for part in _parts(sub)]
            return [_text(f"{block.get('title') or ''} ({block.get('source') or ''})"), *inner]
        case _:
            return [_text(encode(block).decode())]


def _image(source: Json) -> Json:
    if source.get("type") == "base64":
        url = f"data:{source.get('media_type')};base64,{source.get('data')}"
    elif source.get("type") == "url":
        url = str(source.get("url"))
    else:
        return _text("(an image that this provider cannot be sent)")
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: Json) -> str:
    source = _object(block.get("source"))
    title = str(block.get("title") or "document")
    if source.get("type") == "text":
        return f"{title}:\n{source.get('data')}"
    if source.get("type") == "content":
        inner = [part for sub in _listed(source.get("content")) for part in _parts(sub)]
        return "\n".join([f"{title}:", *(part["text"] for part in inner if part["type"] == "text")])
    return f"({title}: a {source.get('media_type') or 'file'} that this provider cannot be sent)"


def _call(block: Json) -> Json:
    arguments = encode(block.get("input") or {}).decode()
    return {
        "id": str(block.get("id")),
        "type": "function",
        "function": {"name": str(block.get("name")), "arguments": arguments},
    }


def _thought(block: Json) -> Json | None:
    """A thinking block that the provider signed, as the reasoning part that it came as."""
    if block.get("type") != "thinking" or not block.get("signature"):
        return None
    summary = {"type": "summary_text", "text": block.get("thinking") or "", "signature": block["signature"]}
    return {"type": "reasoning", "summary": [summary]}


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _joined(before: Any, after: Any) -> Any:
    """Two contents of one speaker as one."""
    if isinstance(before, str) and isinstance(after, str):
        return f"{before}\n\n{after}"
    first = [_text(before)] if isinstance(before, str) else before
    return [*first, *([_text(after)] if isinstance(after, str) else after)]
