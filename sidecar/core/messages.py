"""Requests and whole answers of the Messages API: the bytes as they came, and the few fields that decide.

Source: Anthropic's Messages API as Claude Code speaks it. Unknown fields and blocks are kept, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from sidecar.core.errors import BadInput
from sidecar.core.glance import Large, look, outline, outlined
from sidecar.core.json_in_steps import decode_in_steps
from sidecar.core.shape import first_problem

Json = dict[str, Any]
Blocks = list[dict[str, Any]]

AT_ONCE: Final = 2 * 1024 * 1024
"""Bytes of JSON that are decoded in one go, in a few milliseconds; what is larger leaves room for other threads."""

DROP: Final = object()
"""Given to `MessagesRequest.replaced` in place of a value: leave this field out."""

_HEAD = re.compile(rb'\s*\{\s*"model"\s*:\s*("[^"\\]*")')


@dataclass(frozen=True)
class MessagesRequest:
    """One request: `raw` is what came (or was encoded again after a change), `body` its JSON object, decoded when asked for.

    `outline` has the fields on top without what is large in them (see `glance`): mostly it is all that is needed.
    `headers` holds only those of the API (`anthropic-version`, `anthropic-beta`), lower-case.
    The value is frozen: a change makes a new one with `replaced`.
    """

    raw: bytes
    outline: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes, headers: Mapping[str, str] | None = None) -> MessagesRequest:
        """Check `raw`. Raises BadInput with the path of the first wrong field.

        Not for an event loop where `raw` is larger than `AT_ONCE`: in a thread it then lets others run meanwhile.
        """
        seen = look(raw) if len(raw) <= AT_ONCE else None
        if seen is not None and not first_problem(seen):
            return cls(raw, outline(seen), dict(headers or {}))
        del seen
        body = decode_object(raw)
        problem = first_problem(body)
        if problem:
            raise BadInput(problem)
        return _knowing(body, cls(raw, outline(body), dict(headers or {})))

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The whole JSON object."""
        return decode_object(self.raw)

    @property
    def model(self) -> str:
        """The model's name as the client asked for it."""
        return str(self.outline["model"])

    @property
    def stream(self) -> bool:
        """Whether the client wants server-sent events."""
        return bool(self.outline.get("stream"))

    @property
    def messages(self) -> list[Json]:
        """The conversation, oldest first."""
        return list(self.body["messages"])

    @property
    def tools(self) -> list[Json]:
        """The client's tool definitions; empty when it sent none."""
        return list(self.body.get("tools") or [])

    def forget(self) -> None:
        """Let go of what was decoded, as far as it can soon be had again: many requests wait long for their answer."""
        if len(self.raw) <= AT_ONCE:
            self.__dict__.pop("body", None)

    def replaced(self, **changes: Any) -> MessagesRequest:
        """A request with these top-level fields set (or left out, where the value is `DROP`)."""
        if not any(name in self.outline for name in changes):
            more = {name: value for name, value in changes.items() if value is not DROP}
            longer = MessagesRequest(self._longer(more), {**self.outline, **outline(more)}, self.headers)
            return _knowing({**self.body, **more}, longer) if "body" in self.__dict__ else longer
        body = {k: v for k, v in self.body.items() if changes.get(k) is not DROP}
        body.update({k: v for k, v in changes.items() if v is not DROP})
        return self.remade(body, self.headers)

    def remade(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> MessagesRequest:
        """A request with this body, encoded again unless it is the very same one."""
        if body is self.body:
            return _knowing(body, MessagesRequest(self.raw, self.outline, headers))
        kept = {k: v for k, v in self.outline.items() if k in body and body[k] is self.body[k]}
        told = {k: kept[k] if k in kept else outlined(k, v) for k, v in body.items()}
        return _knowing(body, MessagesRequest(encode(body), told, headers))

    def renamed(self, model: str) -> MessagesRequest:
        """The same request for another model.

        Where the body begins with its model, as clients of the API write it, only that name is exchanged and every
        other byte stays (numbers beyond a double's precision among them); else the body is encoded again.
        """
        if model == self.model:
            return self
        head = _HEAD.match(self.raw)
        if head is None or head.group(1) != encode(self.model):
            return self.replaced(model=model)
        raw = self.raw[: head.start(1)] + encode(model) + self.raw[head.end(1) :]
        other = MessagesRequest(raw, {**self.outline, "model": model}, self.headers)
        return _knowing({**self.body, "model": model}, other) if "body" in self.__dict__ else other

    def _longer(self, fields: Mapping[str, Any]) -> bytes:
        """The bytes with fields behind the last one that are not among them yet."""
        more = encode(fields)
        if more == b"{}":
            return self.raw
        return self.raw[: self.raw.rindex(b"}")] + b"," + more[1:]

    def changes_from(self, sent: MessagesRequest) -> tuple[str, ...]:
        """Names of the top-level fields and headers in which this request differs from the one it was made from."""
        if self is sent:
            return ()
        mine, theirs = self.outline, sent.outline
        fields = [name for name in dict.fromkeys((*theirs, *mine)) if self._differs(name, sent)]
        headers = [
            k for k in dict.fromkeys((*sent.headers, *self.headers)) if self.headers.get(k) != sent.headers.get(k)
        ]
        return (*fields, *headers)

    def _differs(self, name: str, sent: MessagesRequest) -> bool:
        now, was = self.outline.get(name, DROP), sent.outline.get(name, DROP)
        if now is was:
            return False
        if isinstance(now, Large) and isinstance(was, Large):
            return bool(self.body[name] != sent.body[name])
        return bool(now != was)

    def last_user_text(self) -> str:
        """The text of the newest user message, its text blocks joined by newlines; "" if there is none."""
        for message in reversed(self.body["messages"]):
            if message["role"] == "user":
                return "\n".join(texts(message["content"]))
        return ""


def _knowing(body: Mapping[str, Any], request: MessagesRequest) -> MessagesRequest:
    """The request with its body decoded already."""
    request.__dict__["body"] = body
    return request


@dataclass(frozen=True)
class Message:
    """One whole answer as the provider sent it."""

    raw: bytes

    @cached_property
    def body(self) -> Json:
        """The answer's JSON object."""
        return decode_object(self.raw)

    @classmethod
    def of(cls, body: Json) -> Message:
        """An answer made here."""
        return cls(raw=encode(body))


def texts(content: str | list[Json] | None) -> Iterator[str]:
    """The text parts of a message's content, in order."""
    if isinstance(content, str):
        yield content
        return
    for block in content or []:
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            yield block["text"]


def encode(value: Any) -> bytes:
    """JSON bytes of a value. Raises BadInput where it is nested too deeply (past some 250 levels) to be written."""
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise BadInput(f"This value cannot be written as JSON: {error}. Send a flatter one.") from None


def object_in(raw: bytes | str) -> Json:
    """The JSON object that a text of somebody else's is; an empty one for anything else."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def decode_object(raw: bytes) -> Json:
    """A JSON object, or BadInput that says what is wrong with the bytes."""
    if not raw.strip():
        raise BadInput("The request body is empty; send a JSON object.")
    try:
        value = orjson.loads(raw) if len(raw) <= AT_ONCE else decode_in_steps(raw)
    except ValueError as error:
        raise BadInput(f"The request body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput(f"The request body must be a JSON object, not {type(value).__name__}.")
    return value
