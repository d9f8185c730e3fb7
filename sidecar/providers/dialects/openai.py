"""A Messages request as a chat-completions request. Pure.

What chat completions cannot hold is left out where it is only a hint (cache marks, context management), told to the
model in words where it is content (a PDF), and refused where the answer would be wrong without it (a web search).

Sources: OpenAI's chat-completions reference; Databricks' reference of its Foundation Model APIs (reasoning content,
`thinking`); Anthropic's Messages reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sidecar.core.chat import CHOICES, NO_PARAMETERS
from sidecar.core.errors import NotSupported
from sidecar.core.messages import Json
from sidecar.providers.dialects.openai_messages import chat_messages
from sidecar.providers.models import adaptive_only, takes_budget

_PLACEHOLDER: Final = "DeferredToolPlaceholder"
_SMALLEST_BUDGET: Final = 1024
_BUDGETS: Final[Mapping[str, int]] = {"low": 4096, "medium": 16_384}
_LARGEST_BUDGET: Final = 31_999  # what Claude Code asks for itself; Databricks promises nothing above 32,000


@dataclass(frozen=True, slots=True)
class Flavour:
    """What this server of chat completions takes beyond the common ground.

    `reasoning`: Anthropic's `thinking` field, and reasoning parts with signatures in assistant messages
    (Databricks). `model_in_body`: false where the path names the model. `usage_option`: `stream_options` asks
    for the usage of a stream. `top_k`, `parallel_option`, `effort`: these fields.
    """

    reasoning: bool = False
    model_in_body: bool = True
    usage_option: bool = True
    top_k: bool = False
    parallel_option: bool = True
    effort: bool = True


DATABRICKS: Final = Flavour(
    reasoning=True, model_in_body=False, usage_option=False, top_k=True, parallel_option=False, effort=False
)
PLAIN: Final = Flavour()

_TOOL: Final = frozenset({"name", "description", "input_schema", "type"})
_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "system": ("messages",),
    "messages": ("messages",),
    "max_tokens": ("max_tokens",),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "stop_sequences": ("stop",),
    "tools": ("tools",),
    "tool_choice": ("tool_choice",),
    "thinking": ("thinking",),
    "output_config": ("response_format", "reasoning_effort"),
}


def chat_request(body: Mapping[str, Any], model: str, flavour: Flavour) -> Json:
    """The chat-completions body for a Messages body. `model` is the provider's name for the model.

    Raises NotSupported for a tool that runs at Anthropic (`web_search_…`) when it is all that is offered or is forced.
    """
    chat: Json = {}
    if flavour.model_in_body:
        chat["model"] = model
    thinking = _thinking(body, model) if flavour.reasoning else None
    # A model that always thinks gets the thoughts that it signed again, though there is no field to ask for them.
    thought = thinking is not None or (flavour.reasoning and adaptive_only(model))
    chat["messages"] = chat_messages(body, reasoning=thought)
    chat.update(_tools(body, flavour))
    if body.get("max_tokens") is not None:
        chat["max_tokens"] = body["max_tokens"]
    chat.update(_sampling(body, flavour, thinks=thinking is not None))
    if thinking is not None:
        chat["thinking"] = thinking
    chat.update(_output(body, model, flavour))
    chat["stream"] = bool(body.get("stream"))
    if chat["stream"] and flavour.usage_option:
        chat["stream_options"] = {"include_usage": True}
    return chat


def unsaid(body: Mapping[str, Any], chat: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the fields of a Messages body that its chat-completions body says nothing of, or says otherwise."""
    said = {name for name, places in _SAID.items() if any(place in chat for place in places)}
    silent = {name for name, value in body.items() if value is None or value == []} | {"model", "stream"}
    changed = {"thinking"} if body.get("thinking") != chat.get("thinking") else set()
    tools = body.get("tools") or []
    if len(tools) != len(chat.get("tools") or []) or any(tool.keys() - _TOOL for tool in tools):
        changed.add("tools")
    return tuple(name for name in body if name in changed or not (name in said or name in silent))


def _sampling(body: Mapping[str, Any], flavour: Flavour, *, thinks: bool) -> Iterator[tuple[str, Any]]:
    # With thinking, Anthropic's models refuse any temperature but the default.
    for name in () if thinks else ("temperature", "top_p"):
        if body.get(name) is not None:
            yield name, body[name]
    if flavour.top_k and body.get("top_k") is not None and not thinks:
        yield "top_k", body["top_k"]
    if body.get("stop_sequences"):
        yield "stop", list(body["stop_sequences"])


def _thinking(body: Mapping[str, Any], model: str) -> Json | None:
    """The manual budget, made to fit below `max_tokens`; None where there is none or the model takes none.

    Adaptive thinking, for which there is no word here, becomes a budget for models that are known to take one.
    """
    asked = body.get("thinking") or {}
    limit = body.get("max_tokens")
    budget = asked.get("budget_tokens") if asked.get("type") == "enabled" else _instead_of_adaptive(body, model)
    if not isinstance(budget, int) or adaptive_only(model):
        return None
    if str((body.get("tool_choice") or {}).get("type")) in {"any", "tool"}:
        return None  # a forced tool and thinking exclude each other
    if isinstance(limit, int):
        budget = min(budget, limit - 1)
    return {"type": "enabled", "budget_tokens": budget} if budget >= _SMALLEST_BUDGET else None


def _instead_of_adaptive(body: Mapping[str, Any], model: str) -> int | None:
    """A budget by the effort that was asked for, leaving half of `max_tokens` to the answer; None for no thinking.

    A model that thinks by a budget wants a signed thought at the beginning of a turn in which it called tools; one
    that was given adaptive thinking may have called them without: then nothing is asked for until the next turn.
    """
    if (body.get("thinking") or {}).get("type") != "adaptive" or not takes_budget(model) or _called_unthought(body):
        return None
    limit, wanted = body.get("max_tokens"), body.get("output_config")
    effort = str(wanted.get("effort")) if isinstance(wanted, dict) else ""
    budget = _BUDGETS.get(effort, _LARGEST_BUDGET)
    return min(budget, limit // 2) if isinstance(limit, int) else budget


def _called_unthought(body: Mapping[str, Any]) -> bool:
    """Whether results go back to a turn of tool calls that did not begin with a signed thought."""
    begun: list[Json] = []
    for message in reversed(body.get("messages") or []):
        blocks = message.get("content") if isinstance(message.get("content"), list) else []
        if message.get("role") == "assistant":
            begun = blocks
        elif message.get("role") == "user" and not any(block.get("type") == "tool_result" for block in blocks):
            break
    first = begun[0] if begun else {}
    called = any(block.get("type") == "tool_use" for block in begun)
    return called and not (first.get("type") == "thinking" and first.get("signature"))


def _output(body: Mapping[str, Any], model: str, flavour: Flavour) -> Iterator[tuple[str, Any]]:
    wanted = body.get("output_config")
    if not isinstance(wanted, dict):
        return
    form = wanted.get("format")
    schema = form.get("schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    if isinstance(schema, dict) and not (flavour.reasoning and adaptive_only(model)):
        inner = {"name": "answer", "schema": schema, "strict": True}
        yield "response_format", {"type": "json_schema", "json_schema": inner}
    if flavour.effort and str(wanted.get("effort")) in {"low", "medium", "high"}:
        yield "reasoning_effort", wanted["effort"]


def _tools(body: Mapping[str, Any], flavour: Flavour) -> Iterator[tuple[str, Any]]:
    offered = [tool for tool in body.get("tools") or [] if tool.get("name") != _PLACEHOLDER]
    plain = [tool for tool in offered if _runs_at_client(tool)]
    foreign = [str(tool.get("type")) for tool in offered if not _runs_at_client(tool)]
    choice = body.get("tool_choice") or {}
    forced = str(choice.get("name")) if choice.get("type") == "tool" else None
    known = {str(tool.get("name")) for tool in plain}
    if foreign and (not plain or (forced is not None and forced not in known)):
        raise NotSupported(
            f"The tool {foreign[0]} runs at Anthropic only; this provider's chat-completions path does not have it."
        )
    if not plain:
        return
    yield "tools", [_function(tool) for tool in plain]
    yield from _choice(choice, flavour)


def _choice(choice: Mapping[str, Any], flavour: Flavour) -> Iterator[tuple[str, Any]]:
    kind = str(choice.get("type"))
    if kind in CHOICES:
        yield "tool_choice", CHOICES[kind]
    elif kind == "tool":
        yield "tool_choice", {"type": "function", "function": {"name": choice.get("name")}}
    if flavour.parallel_option and choice.get("disable_parallel_tool_use"):
        yield "parallel_tool_calls", False


def _runs_at_client(tool: Mapping[str, Any]) -> bool:
    return isinstance(tool.get("input_schema"), dict) or (tool.get("type") or "custom") == "custom"


def _function(tool: Mapping[str, Any]) -> Json:
    function: Json = {"name": tool.get("name"), "description": tool.get("description") or ""}
    function["parameters"] = tool.get("input_schema") or dict(NO_PARAMETERS)
    return {"type": "function", "function": function}
