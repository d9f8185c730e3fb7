"""What providers' 400s name, in the words that they were seen to use."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.providers.fitting import KEPT
from sidecar.providers.refusals import refused, said

Json = dict[str, Any]
BETAS = "claude-code-20250219,effort-2025-11-24,context-management-2025-06-27,prompt-caching-scope-2026-01-05"
MARK = {"type": "ephemeral", "scope": "global"}
BODY: Json = {
    "model": "claude-opus-4-8",
    "max_tokens": 64000,
    "stream": True,
    "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": MARK}],
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "news", "output_config": {}},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "x", "input": {}, "caller": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference", "tool_name": "y"}]}]},
    ],
    "tools": [{"name": "x", "input_schema": {"type": "object"}, "defer_loading": True, "eager_input_streaming": True}],
    "thinking": {"type": "adaptive", "display": "updates"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high", "format": {"type": "json_schema"}},
    "temperature": 0.5,
    "metadata": {"user_id": "u"},
    "safeguards": {"x": 1},
    "tags": ["a"],
}  # fmt: skip
CHAT: Json = {
    "model": "gpt-5",
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 9,
    "stream_options": {"include_usage": True},
    "reasoning_effort": "high",
    "temperature": 0.2,
    "parallel_tool_calls": False,
}


def native(message: str) -> Json:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def wrapped(message: str) -> Json:
    """As LiteLLM hands an error on."""
    inner = json.dumps({"message": message})
    return {"error": {"message": f"{inner}. Received Model Group=x\nFallbacks=None", "type": "None", "code": "400"}}


UNEXPECTED = "Unexpected value(s) {} for the `anthropic-beta` header. Please consult our documentation or try again."
EXTRA = "{}: Extra inputs are not permitted"
SCOPES = ["system.*.cache_control.scope", "tools.*.cache_control.scope", "messages.*.content.*.cache_control.scope"]


@pytest.mark.parametrize("shape", [native, wrapped, lambda message: {"error_code": "BAD_REQUEST", "message": message}])
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (EXTRA.format("context_management"), ["context_management"]),
        ("The model returned the following errors: " + EXTRA.format("output_config"), ["output_config"]),
        (EXTRA.format("output_config.format"), ["output_config.format"]),
        (EXTRA.format("context_management.edits.0.clear_thinking_20251015.keep"), ["context_management.edits.*.keep"]),
        (EXTRA.format("thinking.adaptive.display"), ["thinking.display"]),
        (EXTRA.format("system.1.cache_control.ephemeral.scope"), SCOPES),
        (EXTRA.format("tools.0.custom.defer_loading"), ["tools.*.defer_loading", "block:tool_reference"]),
        (EXTRA.format("tools.0.custom.eager_input_streaming"), ["tools.*.eager_input_streaming"]),
        (EXTRA.format("messages.1.output_config"), ["messages.*.output_config"]),
        (EXTRA.format("messages.2.content.0.tool_use.caller"), ["messages.*.content.*.caller"]),
        (UNEXPECTED.format("`effort-2025-11-24`"), ["beta:effort-2025-11-24", "output_config.effort"]),
        (
            UNEXPECTED.format("`claude-code-20250219`, `context-management-2025-06-27`"),
            ["beta:claude-code-20250219", "beta:context-management-2025-06-27", "context_management"],
        ),
        (
            "No endpoints available that support context management features (context-management-2025-06-27).",
            ["beta:context-management-2025-06-27", "context_management"],
        ),
        ("adaptive thinking is not supported on this model", ["thinking:adaptive"]),
        (
            "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'",
            ["thinking:adaptive"],
        ),
        (
            '"thinking.type.adaptive" is not supported for this model. Use "thinking.type.enabled".',
            ["thinking:adaptive"],
        ),
        (
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.',
            ["role:system"],
        ),
        ("messages.1.role: Input should be 'user' or 'assistant'", ["role:system"]),
        (
            "messages.3.content.0.tool_result.content.0: Input tag 'tool_reference' found using 'type' does not match",
            ["block:tool_reference"],
        ),
        ("This model does not support the effort parameter.", ["output_config.effort"]),
        ("`temperature` is deprecated for this model.", ["temperature"]),
        ("Unsupported parameter: metadata", ["metadata"]),
        # what names nothing that may go
        ("prompt is too long: 210000 tokens > 200000 maximum", []),
        ("max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens", []),
        (EXTRA.format("messages"), []),
        (EXTRA.format("tools"), []),
        (EXTRA.format("model"), []),
        (EXTRA.format("system"), []),
        (EXTRA.format("messages.0.content"), []),
        (EXTRA.format("messages.1.content"), []),
        (EXTRA.format("tools.0.custom.input_schema"), []),
        (EXTRA.format("tools.9.custom.defer_loading"), []),
        (EXTRA.format("safeguards"), []),
        (EXTRA.format("not_sent"), []),
        (UNEXPECTED.format("`never-sent-2026-01-01`"), []),
        ("disabled thinking is not supported on this model", []),
        ("temperature: Input should be less than or equal to 1", []),
        ("messages.0: tool_use ids were found without tool_result blocks immediately after: t", []),
        ("Bad request", []),
    ],
)
def test_words_of_the_messages_api(shape: Any, message: str, expected: list[str]) -> None:
    found = refused(said(shape(message)), BODY, {"anthropic-beta": BETAS})
    assert sorted(found) == sorted(expected)


def test_a_flag_that_is_not_named_drops_the_header_and_what_it_allowed() -> None:
    found = refused("invalid beta flag", BODY, {"anthropic-beta": BETAS})
    assert {"beta:*", "context_management", "output_config.effort", "role:system"} <= set(found)
    assert refused("invalid beta flag", BODY, {}) == ()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "param": "max_tokens", "code": "unsupported_parameter"}},
            ["max_tokens>max_completion_tokens"],
        ),
        ({"error": {"message": "Unrecognized request argument supplied: reasoning_effort"}}, ["reasoning_effort"]),
        ({"error": {"message": "no", "param": "parallel_tool_calls", "code": "unknown_parameter"}}, ["parallel_tool_calls"]),
        ({"error": {"message": "Unsupported value: 'temperature' does not support 0.2 with this model."}}, ["temperature"]),
        ({"error_code": "BAD_REQUEST", "message": 'json: unknown field "stream_options"'}, ["stream_options"]),
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}, ["stream_options"]),
        ({"error": "Received error", "external_model_message": {"message": "Unknown field: reasoning_effort"}}, ["reasoning_effort"]),
        ({"error": {"message": "too long", "param": "temperature", "code": "invalid_value"}}, []),
        ({"error": {"message": "Invalid parameter: temperature must be at most 1"}}, []),
        ({"error": {"message": "unsupported parameter: model"}}, []),
    ],
)  # fmt: skip
def test_words_of_chat_completions(error: Json, expected: list[str]) -> None:
    assert list(refused(said(error), CHAT, {})) == expected


@given(st.text(max_size=200), st.sampled_from(sorted(KEPT)))
def test_no_words_take_away_what_a_request_is_made_of(words: str, field: str) -> None:
    for text in (words, f"{words} {field}: Extra inputs are not permitted", f"unknown field {field!r} {words}"):
        assert not KEPT & set(refused(text, BODY, {"anthropic-beta": BETAS}))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from(["error", "message", "detail", "loc", "msg", "param", "code"]), s, max_size=3), max_leaves=8)  # fmt: skip


@given(JSON, JSON)
def test_any_error_of_any_form_is_read(error: Any, sent: Any) -> None:
    assert isinstance(said(error), str)
    refused(
        said(error) + "thinking.type.adaptive: Extra inputs are not permitted", {"thinking": sent, "messages": []}, {}
    )


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "'a", "unknown field ", "use a ", "thinking: Input should be "])
def test_words_without_end_are_read_in_no_time(piece: str) -> None:
    begun = time.perf_counter()
    refused(piece * 100_000, BODY, {"anthropic-beta": BETAS})
    assert time.perf_counter() - begun < 0.5
