"""A chat-completions conversation as Messages: who said what, with which pictures, calls and results. Pure.

Words of the system that stand before all others become the system prompt; later ones stay where they are, as messages
of the role `system`. The results of one answer's calls go into one message, as the Messages API wants them.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sidecar.core.chat import arguments
from sidecar.core.errors import BadInput
from sidecar.core.messages import Json

_DATA: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,", re.ASCII)
_SPEAKERS: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_BREAKPOINT: Final = "prompt_cache_breakpoint"


class Talk:
    """The conversation while it is written. `unsaid` names what was left out of it; `system` is the system prompt."""

    def __init__(self) -> None:
        self.messages: list[Json] = []
        self.system: list[Json] = []
        self.unsaid: dict[str, None] = {}
        self._results: list[Json] | None = None

    def hear(self, message: Json, path: str) -> None:
        """Take the next message. Raises BadInput with the path of what is wrong."""
        role = str(message.get("role"))
        if role not in _SPEAKERS:
            raise BadInput(f"{path}.role: it must be one of {', '.join(sorted(_SPEAKERS))}.")
        if message.get("name") is not None:
            self.unsaid["messages.name"] = None
        if role == "assistant":
            self._assistant(message, path)
        elif role == "tool":
            self._tool(message, path)
        else:
            self._say(role, message, path)

    def _say(self, role: str, message: Json, path: str) -> None:
        content = message.get("content")
        plain = isinstance(content, str)
        blocks = [{"type": "text", "text": content}] if plain else self._parts(content, f"{path}.content")
        if role != "user" and not self.messages:
            self.system += blocks
        elif role != "user":
            self._results = None
            self.messages.append({"role": "system", "content": content if plain else blocks})
        elif self._results is not None:
            self._results += blocks  # behind the results: between them and their call nothing may stand
        else:
            self.messages.append({"role": "user", "content": content if plain else blocks})

    def _assistant(self, message: Json, path: str) -> None:
        self._results = None
        for name in ("function_call", "audio"):
            if message.get(name) is not None:
                raise BadInput(f"{path}.{name}: the Messages API has no such thing; use `tool_calls` and text.")
        thoughts = message.get("thinking_blocks")
        blocks = listed(thoughts, f"{path}.thinking_blocks") if thoughts is not None else []
        if message.get("reasoning_content") is not None and thoughts is None:
            self.unsaid["messages.reasoning_content"] = None  # words alone: a thought counts with its signature only
        content = message.get("content")
        if isinstance(content, str):
            blocks = [*blocks, {"type": "text", "text": content}] if content else blocks
        elif content is not None:
            blocks = [*blocks, *self._parts(content, f"{path}.content")]
        if isinstance(message.get("refusal"), str):
            blocks = [*blocks, {"type": "text", "text": message["refusal"]}]
        for place, call in enumerate(listed(message.get("tool_calls") or [], f"{path}.tool_calls")):
            blocks = [*blocks, _call(call, f"{path}.tool_calls.{place}")]
        if blocks:
            self.messages.append({"role": "assistant", "content": blocks})

    def _tool(self, message: Json, path: str) -> None:
        ident = message.get("tool_call_id")
        if not isinstance(ident, str):
            raise BadInput(f"{path}.tool_call_id: name the call that this is the result of.")
        content = message.get("content")
        result: Json = {"type": "tool_result", "tool_use_id": ident}
        result["content"] = content if isinstance(content, str) else self._parts(content, f"{path}.content")
        if self._results is None:
            self._results = []
            self.messages.append({"role": "user", "content": self._results})
        # A result that comes after words of the user still goes before them.
        place = sum(block.get("type") == "tool_result" for block in self._results)
        self._results.insert(place, result)

    def _parts(self, content: Any, path: str) -> list[Json]:
        return [self._part(part, f"{path}.{place}") for place, part in enumerate(listed(content, path))]

    def _part(self, part: Json, path: str) -> Json:
        if _BREAKPOINT in part:
            self.unsaid[_BREAKPOINT] = None
            part = {name: value for name, value in part.items() if name != _BREAKPOINT}
        match part.get("type"):
            case "image_url":
                return self._image(part, path)
            case "file":
                return _file(told(part.get("file"), f"{path}.file"), f"{path}.file")
            case "refusal":
                return {"type": "text", "text": part.get("refusal")}
            case "input_audio":
                raise BadInput(f"{path}: no model of the Messages API hears; send the words instead.")
            case _:
                return part  # text is the same in both, and what is a block of the Messages API goes on as it is

    def _image(self, part: Json, path: str) -> Json:
        given = part.get("image_url")
        image = {"url": given} if isinstance(given, str) else told(given, f"{path}.image_url")
        if image.get("detail", "auto") != "auto":
            self.unsaid["image_url.detail"] = None
        block: Json = {"type": "image", "source": _source(image.get("url"), f"{path}.image_url.url")}
        return block | {name: value for name, value in part.items() if name not in {"type", "image_url"}}


def listed(value: Any, path: str) -> list[Json]:
    """A list of objects; BadInput where it is none."""
    if not isinstance(value, list):
        raise BadInput(f"{path}: it must be a list of objects.")
    for place, item in enumerate(value):
        told(item, f"{path}.{place}")
    return value


def told(value: Any, path: str) -> Json:
    """An object; BadInput where it is none."""
    if not isinstance(value, dict):
        raise BadInput(f"{path}: it must be an object.")
    return value


def _call(call: Json, path: str) -> Json:
    function = told(call.get("function"), f"{path}.function")
    ident, name, written = call.get("id"), function.get("name"), function.get("arguments")
    if not (isinstance(ident, str) and isinstance(name, str)):
        raise BadInput(f"{path}: give its id and its function's name, both strings.")
    return {"type": "tool_use", "id": ident, "name": name, "input": arguments(str(written or ""))}


def _source(url: Any, path: str) -> Json:
    if not isinstance(url, str):
        raise BadInput(f"{path}: it must be a string.")
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head = _DATA.match(url)
    if head is None:
        raise BadInput(f"{path}: write the data as data:<media type>;base64,<data>.")
    return {"type": "base64", "media_type": head.group(1), "data": url[head.end() :]}


def _file(file: Json, path: str) -> Json:
    if file.get("file_id") is not None or not isinstance(file.get("file_data"), str):
        raise BadInput(f"{path}: a file that was uploaded to OpenAI is not here; send its file_data.")
    block: Json = {"type": "document", "source": _source(file["file_data"], f"{path}.file_data")}
    return block | ({"title": file["filename"]} if isinstance(file.get("filename"), str) else {})
