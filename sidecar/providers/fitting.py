"""What a provider is known to refuse, taken out of a request, and nothing else. Pure.

A *refusal* is a short text, so that it can be told, kept and compared:

| form | is left out or changed |
| --- | --- |
| `context_management`, `system.*.cache_control.scope` | the field of that path, `*` for every item of a list |
| `beta:effort-2025-11-24`, `beta:*` | this value of `anthropic-beta`, or the header |
| `thinking:enabled`, `thinking:disabled`, `thinking:adaptive` | thinking of that type: a budget becomes adaptive, the others go |
| `role:system` | system messages among the others become words of the user |
| `block:tool_reference` | references to deferred tools become words, deferred tools ordinary ones |
| `max_tokens>max_completion_tokens` | a field's name |
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from sidecar.core.errors import BadInput
from sidecar.core.messages import Json, MessagesRequest
from sidecar.core.ports import Capabilities

KEPT: Final = frozenset({"messages", "model", "max_tokens", "system", "tools"})
"""Fields that are never left out: without them the answer would be another one."""

_BETA: Final = "anthropic-beta"
_PLACEHOLDER: Final = "DeferredToolPlaceholder"


def fit(
    request: MessagesRequest, capabilities: Capabilities, learned: frozenset[str] = frozenset()
) -> tuple[MessagesRequest, tuple[str, ...]]:
    """The request as this provider can take it, and the refusals that made a difference.

    `learned` are refusals beyond the known ones. The same value where none did. Raises BadInput for `safeguards` at a provider without them: its caller does that
    check itself when it is told so.
    """
    if request.outline.get("safeguards") is not None and not capabilities.safeguards:
        raise BadInput("safeguards: this provider does not have them; leave the field out.")
    refuses = capabilities.refuses | learned
    if not refuses:
        return request, ()
    concerned = [refusal for refusal in refuses if _concerns(request, refusal)]
    body, applied = strip(request.body, concerned) if concerned else ({}, ())
    headers, betas = without_betas(request.headers, refuses)
    if applied:
        return request.remade(body, headers), (*applied, *betas)
    return (replace(request, headers=headers), betas) if betas else (request, ())


def _concerns(request: MessagesRequest, refusal: str) -> bool:
    """Whether a refusal may be about this request, by its outline alone: most are not, and need no decoded body."""
    kind, mark, what = refusal.partition(":")
    if kind == "beta" and mark:
        return False
    if kind == "thinking" and mark:
        thinking = request.outline.get("thinking")
        return isinstance(thinking, dict) and thinking.get("type") == what
    return bool(mark) or re.split(r"[.>]", refusal, maxsplit=1)[0] in request.outline


def strip(body: Mapping[str, Any], refuses: Collection[str]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """A request's JSON without what is refused, and the refusals that applied. The given value is left as it is."""
    applied: list[str] = []
    for refusal in sorted(refuses):
        changed = _changed(body, refusal)
        if changed is not body:
            body = changed
            applied.append(refusal)
    return body, tuple(applied)


def _changed(body: Mapping[str, Any], refusal: str) -> Mapping[str, Any]:
    """The body as one refusal wants it; the same value where it does not apply."""
    kind, mark, what = refusal.partition(":")
    if ">" in refusal:
        return _renamed(body, *refusal.split(">", 1))
    if not mark:
        return _without(body, refusal)
    if kind == "thinking":
        return _other_thinking(body, what)
    if refusal == "role:system":
        return _system_as_user(body)
    if refusal == "block:tool_reference":
        return _undeferred(body)
    return body


def without_betas(headers: Mapping[str, str], refuses: Collection[str]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Headers without the refused values of `anthropic-beta`, and the refusals that applied."""
    given = [beta.strip() for beta in headers.get(_BETA, "").split(",") if beta.strip()]
    dropped = [beta for beta in given if f"beta:{beta}" in refuses or "beta:*" in refuses]
    if not dropped:
        return headers, ()
    kept = {name: value for name, value in headers.items() if name != _BETA}
    left = [beta for beta in given if beta not in dropped]
    if left:
        kept[_BETA] = ",".join(left)
    return kept, tuple(f"beta:{beta}" for beta in dropped)


def holds(value: Any, path: Iterable[str]) -> bool:
    """Whether there is a field at this path (`*` for every item of a list)."""
    steps = list(path)
    if not steps:
        return True
    if steps[0] == "*":
        return isinstance(value, list) and any(holds(item, steps[1:]) for item in value)
    return isinstance(value, dict) and steps[0] in value and holds(value[steps[0]], steps[1:])


def _without(body: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    steps = path.split(".")
    if path in KEPT or steps[-1] == "*" or not holds(dict(body), steps):
        return body
    cut: Json = _cut(dict(body), steps)
    if len(steps) > 1 and cut[steps[0]] == {}:
        del cut[steps[0]]
    return cut


def _cut(value: Any, steps: list[str]) -> Any:
    """The value without the field at the path; what is not on the way is shared, not copied."""
    if steps[0] == "*":
        return [_cut(item, steps[1:]) for item in value] if isinstance(value, list) else value
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    if len(steps) == 1:
        return {key: item for key, item in value.items() if key != steps[0]}
    return {**value, steps[0]: _cut(value[steps[0]], steps[1:])}


def _renamed(body: Mapping[str, Any], name: str, other: str) -> Mapping[str, Any]:
    if name not in body:
        return body
    return {(other if key == name else key): value for key, value in body.items()}


def _other_thinking(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    thinking = body.get("thinking")
    if not isinstance(thinking, dict) or thinking.get("type") != kind:
        return body
    if kind == "enabled":
        return {**body, "thinking": {"type": "adaptive"}}
    rest = {key: value for key, value in body.items() if key != "thinking"}
    if kind == "adaptive":
        rest = _without_clearing(rest)
    return rest


def _without_clearing(body: Json) -> Json:
    """Without the order to clear old thinking, which is refused where there is no thinking."""
    managed = body.get("context_management")
    if not isinstance(managed, dict) or not isinstance(managed.get("edits"), list):
        return body
    edits = [e for e in managed["edits"] if not str(_object(e).get("type")).startswith("clear_thinking")]
    if edits:
        return {**body, "context_management": {**managed, "edits": edits}}
    return {key: value for key, value in body.items() if key != "context_management"}


def _system_as_user(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """System messages as words of the user, behind the results of tools that are due first."""
    said: list[Json] = []
    held: list[Json] = []
    for message in body.get("messages") or []:
        if message.get("role") == "system":
            held += _blocks(message.get("content"))
        elif message.get("role") == "user" and held:
            said.append({**message, "content": _results_first(_blocks(message.get("content")), held)})
            held = []
        else:
            said += [{"role": "user", "content": held}] if held else []
            said.append(message)
            held = []
    if held:
        said.append({"role": "user", "content": held})
    if not any(message.get("role") == "system" for message in body.get("messages") or []):
        return body
    return {**body, "messages": said}


def _results_first(blocks: list[Json], held: list[Json]) -> list[Json]:
    results = [block for block in blocks if block.get("type") == "tool_result"]
    return [*results, *held, *(block for block in blocks if block.get("type") != "tool_result")]


def _undeferred(body: Mapping[str, Any]) -> Mapping[str, Any]:
    tools = [tool for tool in body.get("tools") or [] if tool.get("name") != _PLACEHOLDER]
    plain = [{k: v for k, v in tool.items() if k != "defer_loading"} for tool in tools]
    messages = [_without_references(message) for message in body.get("messages") or []]
    if plain == (body.get("tools") or []) and messages == body.get("messages"):
        return body
    changed = {**body, "messages": messages}
    if "tools" in body:
        changed["tools"] = plain
    if not plain:
        changed.pop("tools", None)
        changed.pop("tool_choice", None)
    return changed


def _without_references(message: Json) -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_referring(block) for block in content]}


def _referring(block: Json) -> Json:
    inner = block.get("content")
    if block.get("type") != "tool_result" or not isinstance(inner, list):
        return block
    told = [
        {"type": "text", "text": f"The tool {part.get('tool_name')} is available now."}
        if _object(part).get("type") == "tool_reference"
        else part
        for part in inner
    ]
    return block if told == inner else {**block, "content": told}


def _blocks(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for block in content or [] if isinstance(block, dict)]


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
