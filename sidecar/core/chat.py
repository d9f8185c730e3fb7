"""What chat completions and the Messages API call the same thing: one table a fact, for both directions. Pure.

Sources: OpenAI's chat-completions reference; Anthropic's Messages reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from sidecar.core.messages import Json

STOPS: Final[Mapping[str, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
}
"""Why an answer ended: `finish_reason` → `stop_reason`."""

FINISHES: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""The other way."""

CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "any": "required", "none": "none"}
"""Kinds of the Messages API's `tool_choice` → chat completions' word."""

NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
"""The schema of a tool that takes nothing."""

UNREADABLE: Final = "unreadable_arguments"
"""The one field of a call's input whose arguments are no JSON object; it holds their text."""


def arguments(written: str) -> Json:
    """A call's arguments as an object. Broken ones are kept as text, so that the tool's check fails and the model learns."""
    if not written.strip():
        return {}
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError:
        return {UNREADABLE: written}
    return value if isinstance(value, dict) else {UNREADABLE: written}
