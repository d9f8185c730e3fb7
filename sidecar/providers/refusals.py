"""What a provider's 400 names that could be left out: read from its words, checked against what was sent. Pure.

Words seen in public reports of Anthropic's API and of the gateways before it (Databricks, Bedrock, Vertex, LiteLLM,
OpenRouter, OpenAI, Azure OpenAI, vLLM):

    context_management: Extra inputs are not permitted
    system.2.cache_control.ephemeral.scope: Extra inputs are not permitted
    tools.21.custom.defer_loading: Extra inputs are not permitted
    Unexpected value(s) `a-2026-01-05`, `b-2025-12-15` for the `anthropic-beta` header.
    … support Anthropic's context management features (context-management-2025-06-27)
    invalid beta flag
    adaptive thinking is not supported on this model
    "thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" …
    thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'
    messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter …
    This model does not support the effort parameter.
    json: unknown field "stream_options"
    Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.
    Unrecognized request argument supplied: reasoning_effort
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sidecar.providers.fitting import KEPT, holds

_LONGEST: Final = 4_096

# A path as the API's checks write it: names and numbers with dots between.
_PATH: Final = r"(?P<path>[A-Za-z_][\w-]{0,63}(?:\.[\w-]{1,63}){0,11})"
_ODD: Final = "(?:unknown|unsupported|unrecognized|unexpected)"
# Patterns are kept as text: Python compiles them with the first refusal, not with every start.
_NAMED: Final = tuple(
    f"(?i){pattern}"
    for pattern in (
        rf"\b{_PATH}: Extra inputs are not permitted",
        rf"unknown field [\"'`\\]*{_PATH}",
        rf"unsupported value: [\"'`\\]*{_PATH}[\"'`\\]* does not support",
        rf"{_ODD}(?: request)? (?:parameter|argument|field|key|property)s?(?: supplied| name)?:? ?[\"'`\\]*{_PATH}",
        rf"[\"'`]{_PATH}[\"'`\\]* (?:is|was) (?:not|un)[- ]?(?:supported|permitted|allowed|recognized|unexpected|expected)",
        rf"(?:parameter|argument|field) [\"'`\\]*{_PATH}[\"'`\\]* is (?:not |un)(?:supported|permitted|allowed|recognized|known)",
        rf"\b{_PATH}: {_ODD} (?:parameter|argument|field|property|key)",
        rf"does(?: not|n't) support (?:the )?[\"'`\\]*{_PATH}[\"'`\\]* (?:parameter|field|argument|option)",
        rf"`{_PATH}` (?:is deprecated|and `\w+` cannot both be specified) for this model",
    )
)
_INSTEAD: Final = r"(?i)use [\"'`\\]*(?P<other>[a-z_]+)[\"'`\\]* instead"
_FLAG: Final = r"(?i)invalid beta flag"
_THINKING: Final = (
    r"(?i)\b(?P<kind>adaptive|disabled|enabled) thinking is not supported",
    r"(?i)thinking\.type[.:=]? ?[\"'`\\]*(?P<kind>adaptive|disabled|enabled)[\"'`\\]* is not (?:supported|allowed)",
    r"thinking(?:\.type)?: Input tag [\"'`\\]*(?P<kind>\w+)[\"'`\\]* found using",
    r"(?i)thinking(?:\.type)?: Input should be .*?(?:got|input_value=)[\"'` \\]*(?P<kind>\w+)",
)  # fmt: skip
_SYSTEM_ROLE: Final = (
    r"(?i)unexpected role [\"'`\\]*system|role [\"'`\\]*system[\"'`\\]* is not (?:supported|allowed)"
    r"|\brole: Input should be 'user' or 'assistant'"
)
_REFERENCE: Final = r"Input tag [\"'`\\]*tool_reference|tool_reference[\"'`\\]*(?: blocks?)? (?:is|are) not"
_RENAMING: Final = r"(?P<path>[A-Za-z_][\w-]{0,63})>[a-z_]{1,64}"
_KIND: Final = r"thinking:(?:adaptive|disabled|enabled)|beta:(?:\*|[\w.-]{1,200})"
_FIELD: Final = r"[A-Za-z_][\w-]{0,63}(?:\.(?:\*|[\w-]{1,64})){0,11}"
_ABOUT_PARAMETERS: Final = frozenset({"unsupported_parameter", "unknown_parameter", "unsupported_value"})
_EFFORT: Final = "output_config.effort"

_BY_BETA: Final[Mapping[str, str]] = {
    "context-management": "context_management",
    "effort": _EFFORT,
    "prompt-caching-scope": "system.*.cache_control.scope",
    "mid-conversation-system": "role:system",
    "advanced-tool-use": "block:tool_reference",
    "thinking-display": "thinking.display",
    "request-tags": "tags",
}
"""What a beta's name begins with → what only this beta allows, and goes with it."""

_HARMLESS: Final = frozenset({"cache_control", "scope", "ttl", "output_config", "caller", "citations"})
"""What may go from within messages and system: marks beside the content, never content."""

_ASKED_FOR: Final = KEPT | {"safeguards"}
"""Fields that are never left out here: whoever sends `safeguards` relies on them, and must be told."""

_OF_TOOLS: Final = _HARMLESS | {
    "defer_loading", "input_examples", "strict", "eager_input_streaming", "allowed_callers", "display_name",
}  # fmt: skip


def refused(words: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[str, ...]:
    """The refusals (see `fitting`) in a 400's words, as far as they are about something that was sent; () for none."""
    text = words[:_LONGEST]
    found = [*_betas(text, headers), *_thinking(text, body), *_roles(text, body), *_fields(text, body)]
    for refusal in tuple(found):
        found += _together(refusal)
    return tuple(dict.fromkeys(found))


def _betas(text: str, headers: Mapping[str, str]) -> Iterator[str]:
    sent = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip()]
    if sent and re.search(_FLAG, text) and not any(beta in text for beta in sent):
        yield "beta:*"
    # A value of this form stands nowhere else: its name and its day.
    yield from (f"beta:{beta}" for beta in sent if re.search(rf"(?<![\w-]){re.escape(beta)}(?![\w-])", text))


def _thinking(text: str, body: Mapping[str, Any]) -> Iterator[str]:
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    for pattern in _THINKING:
        yield from (f"thinking:{kind}" for hit in re.finditer(pattern, text) if hit["kind"].lower() == kind)


def _roles(text: str, body: Mapping[str, Any]) -> Iterator[str]:
    roles = {message.get("role") for message in body.get("messages") or [] if isinstance(message, dict)}
    if "system" in roles and re.search(_SYSTEM_ROLE, text):
        yield "role:system"
    if re.search(_REFERENCE, text) and "tool_reference" in str(body.get("messages")):
        yield "block:tool_reference"


def _fields(text: str, body: Mapping[str, Any]) -> Iterator[str]:
    instead = re.search(_INSTEAD, text)
    for pattern in _NAMED:
        for hit in re.finditer(pattern, text):
            path = _path(hit["path"], body)
            if path is not None and instead and "." not in path and instead["other"] not in body:
                yield f"{path}>{instead['other'].lower()}"
            elif path is not None and _may_go(path):
                yield path
    if "effort" in text and "not support" in text and holds(dict(body), _EFFORT.split(".")):
        yield _EFFORT


def _together(refusal: str) -> Iterator[str]:
    """What is refused along with this: a field and the beta that allows it go together."""
    for prefix, field in _BY_BETA.items():
        if refusal == "beta:*" or refusal.startswith(f"beta:{prefix}"):
            yield field
    if refusal.endswith(".defer_loading"):
        yield "block:tool_reference"
    if refusal.endswith(".cache_control.scope"):
        yield from (f"{place}.cache_control.scope" for place in ("system.*", "tools.*", "messages.*.content.*"))


def _path(written: str, body: Mapping[str, Any]) -> str | None:
    """The path in what was sent that these words mean, numbers as `*`; None where there is none.

    The API's checks put the name of a variant between (`tools.0.custom.…`), which is no field.
    """
    value: Any = dict(body)
    steps: list[str] = []
    for part in written.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
            steps.append("*")
        elif isinstance(value, dict) and part in value:
            value = value[part]
            steps.append(part)
        elif not (steps and isinstance(value, dict)) or part.isdigit():
            return None
    last = written.rpartition(".")[2]
    return ".".join(steps) if steps and (steps[-1] == last or last.isdigit()) else None


def _may_go(path: str) -> bool:
    steps = path.split(".")
    if len(steps) == 1:
        return path not in _ASKED_FOR
    if steps[0] == "tools":
        return steps[-1] in _OF_TOOLS
    if steps[0] in KEPT:
        return steps[-1] in _HARMLESS
    return steps[-1] != "*"


def may_be_refused(refusal: str) -> bool:
    """Whether a refusal is of a form that `refused` gives: so much is asked of one that comes out of a file."""
    if refusal in {"role:system", "block:tool_reference"}:
        return True
    if found := re.fullmatch(_RENAMING, refusal):
        return found["path"] not in _ASKED_FOR - {"max_tokens"}
    return bool(re.fullmatch(_KIND, refusal) or (re.fullmatch(_FIELD, refusal) and _may_go(refusal)))


def said(error: Any) -> str:
    """The words of an error's JSON, from whichever shape, with what is nested in them."""
    if isinstance(error, str):
        return error
    if isinstance(error, list):
        return "\n".join(_listed(item) for item in error if isinstance(item, dict))
    if not isinstance(error, dict):
        return ""
    parts = [said(error.get(name)) for name in ("message", "error", "detail", "external_model_message")]
    if str(error.get("code")) in _ABOUT_PARAMETERS and isinstance(error.get("param"), str):
        parts.append(f"unsupported parameter: {error['param']}")
    return "\n".join(part for part in parts if part)


def _listed(item: dict[str, Any]) -> str:
    """An entry of FastAPI's list of problems: `{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}`."""
    loc = item.get("loc")
    where = [str(part) for part in loc if part != "body"] if isinstance(loc, list) else []
    return f"{'.'.join(where)}: {item.get('msg')}"
