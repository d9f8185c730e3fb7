"""The shapes of tools' results as schemas: sound, small, and open for a piece of a long result."""

from __future__ import annotations

import json

import jsonschema
import pytest

from sidecar.core.results import RESULTS, output_schema


@pytest.mark.parametrize("name", RESULTS)
def test_a_schema_is_sound_and_takes_a_piece(name: str) -> None:
    schema = output_schema(name)
    assert schema is not None
    check = jsonschema.Draft202012Validator
    check.check_schema(schema)
    assert schema["type"] == "object"
    assert len(json.dumps(schema)) < 3_000
    check(schema).validate({"result": "a piece of it", "next": "abc"})
    for other in ({}, {"result": "no way on"}, [], "text"):
        assert not check(schema).is_valid(other)


def test_a_field_that_is_called_title_stays() -> None:
    schema = output_schema("tasks_get")
    assert schema is not None
    assert "title" in schema["anyOf"][0]["properties"]


def test_whoever_answers_with_text_alone_has_none() -> None:
    assert output_schema("git_diff") is None
