"""What is taken out of a request for a provider that refuses it, and that nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import BadInput
from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Capabilities
from sidecar.providers.fitting import fit, holds, strip, without_betas

Json = dict[str, Any]


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def result(*content: Json) -> Json:
    return {"type": "tool_result", "tool_use_id": "t", "content": list(content)}


def reference(name: str) -> Json:
    return {"type": "tool_reference", "tool_name": name}


USE = {"type": "tool_use", "id": "t", "name": "x", "input": {}}
MARKED = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "scope": "global"}}
CLEAR = {"type": "clear_thinking_20251015", "keep": "all"}
OTHER = {"type": "clear_tool_uses_20250919"}


@pytest.mark.parametrize(
    ("refusal", "body", "expected"),
    [
        ("context_management", {"context_management": {}, "a": 1}, {"a": 1}),
        ("output_config.effort", {"output_config": {"effort": "high", "format": 1}}, {"output_config": {"format": 1}}),
        ("output_config.effort", {"output_config": {"effort": "high"}}, {}),
        (
            "system.*.cache_control.scope",
            {"system": [text("x"), MARKED]},
            {"system": [text("x"), {**MARKED, "cache_control": {"type": "ephemeral"}}]},
        ),
        ("tools.*.strict", {"tools": [{"name": "a", "strict": True}, {"name": "b"}]}, {"tools": [{"name": "a"}, {"name": "b"}]}),
        ("max_tokens>max_completion_tokens", {"max_tokens": 9, "n": 1}, {"max_completion_tokens": 9, "n": 1}),
        ("thinking:enabled", {"thinking": {"type": "enabled", "budget_tokens": 9}}, {"thinking": {"type": "adaptive"}}),
        ("thinking:disabled", {"thinking": {"type": "disabled"}, "context_management": {"edits": [CLEAR]}}, {"context_management": {"edits": [CLEAR]}}),
        ("thinking:adaptive", {"thinking": {"type": "adaptive"}, "context_management": {"edits": [CLEAR]}}, {}),
        (
            "thinking:adaptive",
            {"thinking": {"type": "adaptive"}, "context_management": {"edits": [CLEAR, OTHER]}},
            {"context_management": {"edits": [OTHER]}},
        ),
        (
            "role:system",
            {"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "s"}, {"role": "assistant", "content": "b"}]},
            {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": [text("s")]}, {"role": "assistant", "content": "b"}]},
        ),
        (
            "role:system",
            {"messages": [{"role": "assistant", "content": [USE]}, {"role": "system", "content": [text("s")]}, {"role": "user", "content": [text("go"), result()]}]},
            {"messages": [{"role": "assistant", "content": [USE]}, {"role": "user", "content": [result(), text("s"), text("go")]}]},
        ),
        ("role:system", {"messages": [{"role": "system", "content": "s"}]}, {"messages": [{"role": "user", "content": [text("s")]}]}),
        (
            "block:tool_reference",
            {
                "tools": [{"name": "DeferredToolPlaceholder", "defer_loading": True}, {"name": "a", "defer_loading": True}],
                "messages": [{"role": "user", "content": [result(reference("a"), text("b"))]}],
            },
            {
                "tools": [{"name": "a"}],
                "messages": [{"role": "user", "content": [result(text("The tool a is available now."), text("b"))]}],
            },
        ),
        (
            "block:tool_reference",
            {"tools": [{"name": "DeferredToolPlaceholder", "defer_loading": True}], "tool_choice": {"type": "auto"}, "messages": []},
            {"messages": []},
        ),
    ],
)  # fmt: skip
def test_what_is_refused_goes_and_nothing_else(refusal: str, body: Json, expected: Json) -> None:
    before = json.dumps(body)
    assert strip(body, {refusal}) == (expected, (refusal,))
    assert json.dumps(body) == before, "the given value stays as it is"


@pytest.mark.parametrize(
    "refusal",
    ["messages", "model", "max_tokens", "system", "tools", "context_management", "tools.*.strict", "thinking:enabled",
     "thinking:nonsense", "role:system", "block:tool_reference", "from:the future", "a>b", "messages.*.content.*.scope",
     "", ".", "*"],
)  # fmt: skip
def test_what_does_not_apply_changes_nothing(refusal: str) -> None:
    body = {
        "model": "m", "max_tokens": 1, "system": "s", "messages": [{"role": "user", "content": "a"}],
        "tools": [{"name": "x"}], "thinking": {"type": "disabled"},
    }  # fmt: skip
    kept, applied = strip(body, {refusal})
    assert kept is body
    assert applied == ()


def test_values_of_the_beta_header() -> None:
    given = {"anthropic-beta": "a-1, b-2,c-3", "anthropic-version": "v"}
    assert without_betas(given, {"beta:b-2"}) == (
        {"anthropic-beta": "a-1,c-3", "anthropic-version": "v"},
        ("beta:b-2",),
    )
    assert without_betas(given, {"beta:*"})[0] == {"anthropic-version": "v"}
    assert without_betas(given, {"beta:b", "c-3"}) == (given, ())
    assert without_betas({}, {"beta:*"}) == ({}, ())


RAW = b'{ "model":"m", "messages":[{"role":"user","content":"hi"}], "n":123456789012345678901, "tags":["a"]}'


def test_a_request_that_fits_is_the_same_value() -> None:
    request = MessagesRequest.parse(RAW, {"anthropic-beta": "a-1"})
    for capabilities in (Capabilities(), Capabilities(refuses=frozenset({"context_management", "beta:b-2"}))):
        assert fit(request, capabilities) == (request, ())
        assert fit(request, capabilities)[0] is request


def test_a_request_whose_header_alone_differs_keeps_its_bytes() -> None:
    request = MessagesRequest.parse(RAW, {"anthropic-beta": "a-1,b-2"})
    fitted, applied = fit(request, Capabilities(refuses=frozenset({"beta:b-2"})))
    assert (fitted.raw, fitted.headers, applied) == (RAW, {"anthropic-beta": "a-1"}, ("beta:b-2",))


def test_safeguards_are_refused_by_name_where_there_are_none() -> None:
    request = MessagesRequest.parse(RAW.replace(b'"tags"', b'"safeguards"'))
    assert fit(request, Capabilities())[0] is request
    with pytest.raises(BadInput, match=r"^safeguards:") as caught:
        fit(request, Capabilities(safeguards=False))
    assert caught.value.kind == "invalid_request_error"


JSON = st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "type", "content"]), s, max_size=3), max_leaves=8)  # fmt: skip
PATH = st.lists(st.sampled_from(["a", "b", "*", "content"]), min_size=1, max_size=4)


@given(st.dictionaries(st.sampled_from(["a", "b"]), JSON, min_size=1), PATH)
def test_a_path_is_gone_afterwards_whatever_the_value(body: Json, path: list[str]) -> None:
    there = holds(body, path) and path != ["*"]
    kept, applied = strip(body, {".".join(path)})
    if path[-1] != "*":
        assert not holds(dict(kept), path)
        assert bool(applied) == there
