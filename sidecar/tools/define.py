"""How a tool is made: a pydantic model of its input and an async function whose docstring the model reads."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, get_type_hints

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from sidecar.core.errors import BadInput
from sidecar.core.messages import Json
from sidecar.core.results import output_schema
from sidecar.core.tool import Caller, Effect, ToolResult, ToolSpec

M = TypeVar("M", bound="Input")


class Input(BaseModel):
    """A tool's arguments. Unknown ones are refused with the names that there are."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Nothing(Input):
    """No arguments."""


def also(*names: str, default: Any = ..., about: str = "", **limits: Any) -> Any:
    """A field that can be given under further names; the first one is what the model is told."""
    return Field(default, description=about, validation_alias=AliasChoices(*names), **limits)


class DefinedTool:
    """Implements `core.tool.Tool` with a function of one input model."""

    def __init__(self, spec: ToolSpec, model: type[Input], run: Callable[[Any, Caller], Awaitable[ToolResult]]) -> None:
        self._spec = spec
        self._model = model
        self._run = run

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        return self._spec

    async def call(self, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """Check the arguments and run. Raises BadInput in a sentence for wrong ones."""
        try:
            given = self._model.model_validate(dict(arguments))
        except ValidationError as error:
            raise BadInput(_sentence(self._spec, error)) from None
        except RecursionError:
            raise BadInput(f"{self._spec.name}: the arguments are nested too deeply; send flatter ones.") from None
        return await self._run(given, caller)


def define(
    name: str, effect: Effect, run: Callable[[M, Caller], Awaitable[ToolResult]], title: str = ""
) -> DefinedTool:
    """A tool from an async function (or bound method); its first parameter's type is the input model."""
    hints = get_type_hints(run)
    model = hints[next(iter(inspect.signature(run).parameters))]
    told = inspect.getdoc(run) or ""
    called = title or name.replace("_", " ").capitalize()
    return DefinedTool(ToolSpec(name, told, _schema(model), effect, called, output_schema(name)), model, run)


def _schema(model: type[Input]) -> Json:
    """The input's JSON schema without the noise that costs tokens."""
    schema = model.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    schema.setdefault("properties", {})
    return schema


_MOST_PROBLEMS: Final = 3


def _sentence(spec: ToolSpec, error: ValidationError) -> str:
    """What is wrong with the arguments and which there are."""
    told = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_PROBLEMS]:
        place = ".".join(str(part) for part in problem["loc"]) or "the arguments"
        said = "is unknown" if problem["type"] == "extra_forbidden" else problem["msg"].removeprefix("Value error, ")
        told.append(f"`{place[:80]}`: {said[:1].lower()}{said[1:200]}")
    names = ", ".join(f"`{name}`" for name in spec.input_schema.get("properties", {})) or "none"
    return f"{spec.name} was called wrongly: {'; '.join(told)}. It takes: {names}."
