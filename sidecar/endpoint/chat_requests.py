"""A chat-completions request as a Messages request: how clients of OpenAI's SDK reach every provider. Pure.

Nothing is lost in silence. What the Messages API cannot say and an answer would be wrong without is refused with a
sentence; what is only a hint is left out and named; a field that is none of OpenAI's goes on as it came, so that
`extra_body={"thinking": …}` reaches the provider.

Sources: OpenAI's chat-completions reference; Anthropic's Messages reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sidecar.core.chat import CHOICES, NO_PARAMETERS
from sidecar.core.errors import BadInput
from sidecar.core.messages import Json, MessagesRequest, decode_object, encode
from sidecar.endpoint.chat_talk import Talk, listed, told

HINTS: Final = frozenset({
    "frequency_penalty", "metadata", "moderation", "prediction", "presence_penalty", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "seed", "service_tier", "store", "user",
    "verbosity",
})  # fmt: skip
"""Fields without which the answer still is one to what was asked: left out and named."""

_REFUSED: Final[Mapping[str, str]] = {
    "n": "ask again for another answer, one comes at a time",
    "logprobs": "leave it out, no provider of the Messages API tells probabilities",
    "top_logprobs": "leave it out, no provider of the Messages API tells probabilities",
    "logit_bias": "leave it out, the Messages API has no such field",
    "audio": "leave it out, only text comes back",
    "modalities": "leave it out, only text comes back",
    "web_search_options": 'give the tool {"type": "web_search_20250305", "name": "web_search"} instead',
    "functions": "use `tools` in its place",
    "function_call": "use `tool_choice` in its place",
}
_NOTHING: Final[Mapping[str, Any]] = {"n": 1, "logprobs": False, "logit_bias": {}, "modalities": ["text"]}
_TRANSLATED: Final = frozenset({
    "model", "messages", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "parallel_tool_calls",
    "response_format", "reasoning_effort", "stream_options",
})  # fmt: skip
_OURS: Final = ("system", "stop_sequences")
_KINDS: Final[Mapping[str, str]] = {word: kind for kind, word in CHOICES.items()}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request as the house speaks it, and what its client wants of the answer's form.

    `unsaid` are the names of what was left out; `usage` whether a stream shall end with its token counts.
    """

    messages: MessagesRequest
    unsaid: tuple[str, ...] = ()
    usage: bool = False


def chat_request(raw: bytes, headers: Mapping[str, str] | None = None) -> ChatRequest:
    """Decode, check and translate. Raises BadInput with the path of the first field that is wrong or cannot be said.

    Not for an event loop where `raw` is larger than `AT_ONCE`.
    """
    chat = {name: value for name, value in decode_object(raw).items() if value is not None}
    _refuse(chat)
    talk = Talk()
    for place, message in enumerate(listed(chat.get("messages"), "messages")):
        talk.hear(message, f"messages.{place}")
    body: Json = {"model": chat.get("model"), **_limit(chat)}
    known = HINTS | _TRANSLATED | _REFUSED.keys()
    body |= {name: value for name, value in chat.items() if name not in known}
    if system := talk.system:
        body["system"] = system
    body |= {"messages": talk.messages, **_stop(chat), **_tools(chat), **_output(chat)}
    request = MessagesRequest.parse(encode(body), headers)
    options = told(chat.get("stream_options", {}), "stream_options")
    hints = [name for name in chat if name in HINTS and not (name == "store" and chat[name] is False)]
    return ChatRequest(request, tuple(dict.fromkeys((*hints, *talk.unsaid))), bool(options.get("include_usage")))


def _refuse(chat: Json) -> None:
    for name, mend in _REFUSED.items():
        if name in chat and chat[name] != _NOTHING.get(name):
            raise BadInput(f"{name}: this cannot be asked of the Messages API; {mend}.")
    for name in _OURS:
        if name in chat:
            raise BadInput(f"{name}: a field of the Messages API; in chat completions say it as OpenAI does.")


def _limit(chat: Json) -> Json:
    limit = chat.get("max_completion_tokens", chat.get("max_tokens"))
    return {} if limit is None else {"max_tokens": limit}


def _stop(chat: Json) -> Json:
    stop = chat.get("stop", [])
    return {"stop_sequences": [stop] if isinstance(stop, str) else stop} if stop else {}


def _tools(chat: Json) -> Json:
    offered = listed(chat.get("tools", []), "tools")
    choice = _choice(chat.get("tool_choice"))
    if not offered:
        return {}
    if chat.get("parallel_tool_calls") is False and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    tools = [_tool(tool, f"tools.{place}") for place, tool in enumerate(offered)]
    return {"tools": tools, **({"tool_choice": choice} if choice else {})}


def _tool(tool: Json, path: str) -> Json:
    if tool.get("type") == "custom" and "custom" in tool:
        raise BadInput(f"{path}: a tool of type custom takes free text; give a function with a JSON schema.")
    if tool.get("type") != "function":
        return tool  # one of the Messages API's own, such as a tool that runs at the provider
    function = told(tool.get("function"), f"{path}.function")
    made: Json = {"name": function.get("name")}
    if function.get("description") is not None:
        made["description"] = function["description"]
    made["input_schema"] = function.get("parameters") or dict(NO_PARAMETERS)
    if function.get("strict"):
        made["strict"] = True
    return made | {name: value for name, value in tool.items() if name not in {"type", "function"}}


def _choice(choice: Any) -> Json:
    if choice is None:
        return {}
    if isinstance(choice, str) and choice in _KINDS:
        return {"type": _KINDS[choice]}
    if isinstance(choice, dict) and choice.get("type") == "function":
        return {"type": "tool", "name": told(choice.get("function"), "tool_choice.function").get("name")}
    raise BadInput('tool_choice: say "auto", "required", "none", or {"type": "function", "function": {"name": …}}.')


def _output(chat: Json) -> Json:
    """Effort and form of the answer; what the client says of them in the Messages API's own field stays beside."""
    output = dict(told(chat.get("output_config", {}), "output_config"))
    made: Json = {}
    match chat.get("reasoning_effort"):
        case None:
            pass
        case "none":
            made["thinking"] = {"type": "disabled"}
        case "minimal":
            output["effort"] = "low"
        case effort:
            output["effort"] = effort
    form = told(chat.get("response_format", {}), "response_format")
    match form.get("type", "text"):
        case "text":
            pass
        case "json_schema":
            schema = told(form.get("json_schema"), "response_format.json_schema").get("schema")
            wanted = told(schema, "response_format.json_schema.schema")
            output["format"] = {"type": "json_schema", "schema": wanted}
        case kind:
            raise BadInput(
                f"response_format: {str(kind)[:40]!r} cannot be asked of the Messages API; "
                "give a json_schema, or ask for JSON in words."
            )
    return made | ({"output_config": output} if output else {})
