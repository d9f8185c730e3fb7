"""Whole requests as chat completions, and what cannot be said there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sidecar.core.errors import NotSupported
from sidecar.providers.dialects.openai import DATABRICKS, PLAIN, Flavour, chat_request

Json = dict[str, Any]
READ = {
    "name": "Read",
    "description": "Reads.",
    "input_schema": {"type": "object"},
    "cache_control": {},
    "defer_loading": True,
}
READ_FUNCTION = {
    "type": "function",
    "function": {"name": "Read", "description": "Reads.", "parameters": {"type": "object"}},
}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
PLACEHOLDER = {"name": "DeferredToolPlaceholder", "description": "", "input_schema": {}, "defer_loading": True}
FORMAT = {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "high"}
RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
}


def asked(flavour: Flavour = DATABRICKS, model: str = "databricks-claude-sonnet-4-5", **body: Any) -> Json:
    chat = chat_request({"model": "m", "messages": [{"role": "user", "content": "hi"}], **body}, model, flavour)
    assert chat.pop("messages") == [{"role": "user", "content": "hi"}]
    return chat


@pytest.mark.parametrize(
    ("flavour", "body", "expected"),
    [
        (DATABRICKS, {}, {"stream": False}),
        (PLAIN, {}, {"model": "databricks-claude-sonnet-4-5", "stream": False}),
        (DATABRICKS, {"stream": True}, {"stream": True}),
        (
            replace(PLAIN, model_in_body=False),
            {"stream": True},
            {"stream": True, "stream_options": {"include_usage": True}},
        ),
        (
            DATABRICKS,
            {"max_tokens": 9, "temperature": 0, "top_p": 0.5, "top_k": 4, "stop_sequences": ["</block>"]},
            {"max_tokens": 9, "temperature": 0, "top_p": 0.5, "top_k": 4, "stop": ["</block>"], "stream": False},
        ),
        (replace(PLAIN, model_in_body=False), {"top_k": 4, "stop_sequences": []}, {"stream": False}),
        (DATABRICKS, {"metadata": {"user_id": "u"}, "context_management": {}, "service_tier": "x"}, {"stream": False}),
        (DATABRICKS, {"tools": [PLACEHOLDER]}, {"stream": False}),
        (DATABRICKS, {"tools": [READ, PLACEHOLDER, SEARCH]}, {"tools": [READ_FUNCTION], "stream": False}),
        (
            DATABRICKS,
            {"tools": [{"name": "x"}], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "x",
                            "description": "",
                            "parameters": {"type": "object", "properties": {}},
                        },
                    }
                ],
                "tool_choice": "required",
                "stream": False,
            },
        ),
        (
            replace(PLAIN, model_in_body=False),
            {"tools": [READ], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"tools": [READ_FUNCTION], "tool_choice": "auto", "parallel_tool_calls": False, "stream": False},
        ),
        (
            DATABRICKS,
            {"tools": [READ], "tool_choice": {"type": "tool", "name": "Read"}},
            {
                "tools": [READ_FUNCTION],
                "tool_choice": {"type": "function", "function": {"name": "Read"}},
                "stream": False,
            },
        ),
        (
            DATABRICKS,
            {"tools": [READ], "tool_choice": {"type": "none"}},
            {"tools": [READ_FUNCTION], "tool_choice": "none", "stream": False},
        ),
        (DATABRICKS, {"tool_choice": {"type": "auto"}}, {"stream": False}),
        (DATABRICKS, {"output_config": FORMAT}, {"response_format": RESPONSE_FORMAT, "stream": False}),
        (
            replace(PLAIN, model_in_body=False),
            {"output_config": FORMAT},
            {"response_format": RESPONSE_FORMAT, "reasoning_effort": "high", "stream": False},
        ),
        (DATABRICKS, {"output_config": "nonsense"}, {"stream": False}),
        (DATABRICKS, {"output_config": {"effort": ["x"], "format": 5}}, {"stream": False}),
    ],
)
def test_fields(flavour: Flavour, body: Json, expected: Json) -> None:
    assert asked(flavour, **body) == expected


BUDGET = {"type": "enabled", "budget_tokens": 31999}
ADAPTIVE = {"type": "adaptive"}
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
CALL = {"type": "tool_use", "id": "t", "name": "Read", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "text"}


@pytest.mark.parametrize(
    ("model", "body", "thinking"),
    [
        ("databricks-claude-sonnet-4-5", {"thinking": BUDGET, "max_tokens": 64000}, BUDGET),
        ("databricks-claude-sonnet-4-5", {"thinking": BUDGET, "max_tokens": 8000}, {**BUDGET, "budget_tokens": 7999}),
        ("databricks-claude-sonnet-4-5", {"thinking": BUDGET, "max_tokens": 1024}, None),
        ("databricks-claude-sonnet-4-5", {"thinking": {"type": "disabled"}}, None),
        ("databricks-claude-sonnet-4-5", {"thinking": {"type": "adaptive"}}, {**BUDGET, "budget_tokens": 31999}),
        ("databricks-claude-opus-4-6", {"thinking": ADAPTIVE, "max_tokens": 64000}, {**BUDGET, "budget_tokens": 31999}),
        ("databricks-claude-3-7-sonnet", {"thinking": ADAPTIVE, "max_tokens": 8000}, {**BUDGET, "budget_tokens": 4000}),
        ("databricks-claude-sonnet-4", {"thinking": ADAPTIVE, "max_tokens": 2000}, None),
        (
            "databricks-claude-sonnet-4-5",
            {"thinking": ADAPTIVE, "output_config": {"effort": "low"}},
            {**BUDGET, "budget_tokens": 4096},
        ),
        ("databricks-claude-opus-4-7", {"thinking": ADAPTIVE, "max_tokens": 64000}, None),
        ("databricks-claude-opus-5-5", {"thinking": ADAPTIVE, "max_tokens": 64000}, None),
        ("my-own-model", {"thinking": ADAPTIVE, "max_tokens": 64000}, None),
        ("databricks-claude-3-5-sonnet", {"thinking": ADAPTIVE, "max_tokens": 64000}, None),
        ("databricks-claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": "x"}}, None),
        ("databricks-claude-opus-5-5", {"thinking": BUDGET, "max_tokens": 64000}, None),
        (
            "databricks-claude-sonnet-4-5",
            {"thinking": BUDGET, "tools": [READ], "tool_choice": {"type": "any"}, "max_tokens": 64000},
            None,
        ),
    ],
)
def test_thinking_is_sent_where_the_model_takes_it(model: str, body: Json, thinking: Json | None) -> None:
    assert asked(model=model, temperature=1, **body).get("thinking") == thinking


@pytest.mark.parametrize(
    ("flavour", "model", "body", "again"),
    [
        (DATABRICKS, "databricks-claude-opus-5-5", {"thinking": {"type": "adaptive"}}, True),
        (DATABRICKS, "databricks-claude-sonnet-4-5", {"thinking": BUDGET}, True),
        (DATABRICKS, "databricks-claude-sonnet-4-5", {"thinking": {"type": "disabled"}}, False),
        (PLAIN, "databricks-claude-opus-5-5", {"thinking": {"type": "adaptive"}}, False),
    ],
)
def test_signed_thoughts_go_back_to_a_model_that_thinks(flavour: Flavour, model: str, body: Json, again: bool) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    said = [{"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}]
    content = chat_request({"messages": said, "max_tokens": 64000, **body}, model, flavour)["messages"][0]["content"]
    part = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm.", "signature": "c2ln"}]}
    assert content == ([part, {"type": "text", "text": "Yes."}] if again else "Yes.")


@pytest.mark.parametrize(
    ("turn", "thinks"),
    [
        ([[SIGNED, CALL], [RESULT]], True),
        ([[SIGNED, CALL], [RESULT], [CALL], [RESULT]], True),
        ([[CALL], [RESULT]], False),
        ([[{**SIGNED, "signature": ""}, CALL], [RESULT]], False),
        ([[{"type": "redacted_thinking", "data": "x"}, CALL], [RESULT]], False),
        ([[CALL], [RESULT], [{"type": "text", "text": "Read."}], "and now?"], True),
        ([[{"type": "text", "text": "Half"}]], True),
    ],
)
def test_no_budget_for_a_turn_that_called_tools_without_a_signed_thought(turn: list[Any], thinks: bool) -> None:
    roles = ("assistant", "user")
    messages = [{"role": "user", "content": "hi"}, *({"role": roles[n % 2], "content": c} for n, c in enumerate(turn))]
    sent = chat_request({"thinking": ADAPTIVE, "messages": messages}, "databricks-claude-sonnet-4-5", DATABRICKS)
    assert ("thinking" in sent) is thinks


def test_thinking_goes_without_temperature_and_only_where_it_is_known() -> None:
    body = {"thinking": BUDGET, "max_tokens": 64000, "temperature": 0.2, "top_p": 0.1, "top_k": 3}
    assert asked(**body) == {"max_tokens": 64000, "thinking": BUDGET, "stream": False}
    assert "thinking" not in asked(PLAIN, **body)
    assert asked(PLAIN, **body)["temperature"] == 0.2


def test_the_newest_models_get_no_response_format() -> None:
    assert "response_format" not in asked(model="databricks-claude-haiku-5-5", output_config=FORMAT)


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [SEARCH]},
        {"tools": [SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}},
        {"tools": [READ, SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}},
    ],
)
def test_a_tool_of_anthropics_servers_is_refused_where_it_is_the_point(body: Json) -> None:
    with pytest.raises(NotSupported, match="web_search_20250305"):
        asked(**body)
