"""What a request must look like: the first wrong field is told with its path."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.core.shape import first_problem

USER = {"role": "user", "content": "hi"}


def test_nothing_is_wrong_with_what_is_unknown_or_null() -> None:
    given: dict[str, Any] = {"model": "m", "messages": [USER], "safeguards": 5, "tools": None, "stream": None}
    assert first_problem(given) == ""
    assert first_problem({**given, "max_tokens": 1, "top_k": 0, "temperature": 0, "top_p": 0.5}) == ""
    assert first_problem({**given, "system": [{}], "tool_choice": {}, "stop_sequences": []}) == ""


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"model": None}, "model"),
        ({"messages": [USER, 7]}, "messages.1"),
        ({"messages": [{**USER, "role": []}]}, "messages.0.role"),
        ({"messages": [USER, {"role": "user"}]}, "messages.1.content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{}, "x"]}]}, "messages.0.content.1"),
        ({"system": 7}, "system"),
        ({"system": ["x"]}, "system.0"),
        ({"tools": [{}, 1]}, "tools.1"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"thinking": []}, "thinking"),
        ({"metadata": "x"}, "metadata"),
        ({"stop_sequences": ["x", 1]}, "stop_sequences"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 1e3}, "max_tokens"),
        ({"top_k": -1}, "top_k"),
        ({"top_p": True}, "top_p"),
        ({"temperature": -1}, "temperature"),
        ({"stream": 0}, "stream"),
    ],
)
def test_the_first_wrong_field_is_told_with_its_path(changes: dict[str, Any], path: str) -> None:
    problem = first_problem({"model": "m", "messages": [USER], **changes})
    assert problem.startswith(f"{path}: ")
    assert problem.endswith(".")


@pytest.mark.parametrize("name", ["model", "messages"])
def test_what_must_be_there_is_missed(name: str) -> None:
    given: dict[str, Any] = {"model": "m", "messages": [USER]}
    del given[name]
    assert first_problem(given).startswith(f"{name}: ")
