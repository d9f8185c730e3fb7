"""A tool from a function: its schema, its docstring, its sentences."""

import jsonschema
import pytest

from sidecar.core.errors import BadInput
from sidecar.core.tool import Caller, ToolResult
from sidecar.tools.define import Input, also, define


class Given(Input):
    path: str = also("path", "file", about="Where.")
    count: int = also("count", default=1, about="How often.", ge=1)


async def act(given: Given, caller: Caller) -> ToolResult:
    """Do it.

    More about it.
    """
    return ToolResult(text=f"{given.path} {given.count}")


async def test_the_model_is_told_types_and_sentences() -> None:
    spec = define("act", "read", act).spec
    assert spec.description == "Do it.\n\nMore about it."
    assert spec.input_schema["properties"]["path"] == {"description": "Where.", "type": "string"}
    assert spec.input_schema["required"] == ["path"]
    assert spec.input_schema["additionalProperties"] is False
    jsonschema.Draft202012Validator.check_schema(spec.input_schema)
    assert spec.title == "Act"


async def test_other_names_are_taken_and_wrong_ones_told() -> None:
    tool = define("act", "read", act)
    assert (await tool.call({"file": "x", "count": 2}, Caller())).text == "x 2"
    for wrong in ({}, {"path": 1}, {"path": "x", "count": 0}, {"path": "x", "other": 1}, {"path": "x", "count": [[]]}):
        with pytest.raises(BadInput) as caught:
            await tool.call(wrong, Caller())
        assert caught.value.sentence.startswith("act was called wrongly: `")
        assert caught.value.sentence.endswith("It takes: `path`, `count`.")
