"""What must hold of a request for any provider, checked on its JSON, decoded or only looked at; everything else passes.

Written by hand, since a library that builds validators costs more at the start than all requests of a day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sidecar.core.glance import LISTS, OBJECTS, fields_of

_ROLES: Final = frozenset({"user", "assistant", "system"})
_LONGEST_NAME: Final = 256


def first_problem(body: Mapping[str, Any]) -> str:
    """The first thing that is wrong, as a sentence that begins with the field's path; "" where nothing is."""
    for name, check in _REQUIRED.items():
        if name not in body:
            return f"{name}: this field is required."
        if problem := check(name, body[name]):
            return problem
    for name in _OPTIONAL.keys() & body.keys():
        value = body[name]
        if value is not None and (problem := _OPTIONAL[name](name, value)):
            return problem
    return ""


def _model(path: str, value: Any) -> str:
    if isinstance(value, str) and 1 <= len(value) <= _LONGEST_NAME:
        return ""
    return f"{path}: give the model's name, a string of 1 to {_LONGEST_NAME} characters."


def _messages(path: str, value: Any) -> str:
    if not isinstance(value, LISTS) or not len(value):
        return f"{path}: give a list of at least one message."
    if all(map(_is_plain, value)):
        return ""
    for index, message in enumerate(value):
        if problem := _message(f"{path}.{index}", message):
            return problem
    return ""


def _is_plain(message: Any) -> bool:
    """Whether this is a message of the usual kind with nothing wrong: told five times sooner than what is wrong."""
    if not isinstance(message, OBJECTS) or len(message) != 2:
        return False
    try:
        role, content = message["role"], message["content"]
    except KeyError:
        return False
    if not isinstance(role, str) or role not in _ROLES:
        return False
    if isinstance(content, LISTS):
        for block in content:  # noqa: SIM110 - a generator would cost more than the look
            if not isinstance(block, OBJECTS):
                return False
        return True
    return isinstance(content, str)


def _message(path: str, value: Any) -> str:
    if not isinstance(value, OBJECTS):
        return f"{path}: a message must be an object."
    fields = fields_of(value)
    if fields is None:
        return f"{path}: a field stands in it twice."
    role = fields.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        return f"{path}.role: it must be 'user', 'assistant' or 'system'."
    if "content" not in fields:
        return f"{path}.content: this field is required."
    return _text_or_blocks(f"{path}.content", fields["content"])


def _text_or_blocks(path: str, value: Any) -> str:
    if isinstance(value, str):
        return ""
    return _blocks(path, value) if isinstance(value, LISTS) else f"{path}: it must be a string or a list of blocks."


def _blocks(path: str, value: Any) -> str:
    if not isinstance(value, LISTS):
        return f"{path}: it must be a list of objects."
    for index, block in enumerate(value):
        if not isinstance(block, OBJECTS):
            return f"{path}.{index}: it must be an object."
    return ""


def _object(path: str, value: Any) -> str:
    return "" if isinstance(value, OBJECTS) else f"{path}: it must be an object."


def _flag(path: str, value: Any) -> str:
    return "" if isinstance(value, bool) else f"{path}: it must be true or false."


def _texts(path: str, value: Any) -> str:
    good = isinstance(value, LISTS) and all(isinstance(item, str) for item in value)
    return "" if good else f"{path}: it must be a list of strings."


def _whole(least: int) -> Callable[[str, Any], str]:
    def check(path: str, value: Any) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return "" if good else f"{path}: it must be a whole number, {least} or more."

    return check


def _number(path: str, value: Any) -> str:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    return "" if good else f"{path}: it must be a number, 0 or more."


_Checks = Mapping[str, Callable[[str, Any], str]]

_REQUIRED: Final[_Checks] = MappingProxyType({"model": _model, "messages": _messages})
_OPTIONAL: Final[_Checks] = MappingProxyType(
    {
        "max_tokens": _whole(1),
        "stream": _flag,
        "system": _text_or_blocks,
        "tools": _blocks,
        "tool_choice": _object,
        "thinking": _object,
        "metadata": _object,
        "stop_sequences": _texts,
        "temperature": _number,
        "top_p": _number,
        "top_k": _whole(0),
    }
)
